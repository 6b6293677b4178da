#!/bin/sh
# Prints the time that every file in the packages carries: of the last commit; without git, of the changelog.
set -eu
cd "$(dirname "$0")/.."

if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    echo "$SOURCE_DATE_EPOCH"
elif [ -e .git ]; then
    git -c safe.directory="$PWD" log -1 --format=%ct
else
    date -d "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%s
fi
