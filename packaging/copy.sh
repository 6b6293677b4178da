#!/bin/bash
# Copies the work tree as it is, without what is built, into a directory that exists.
#
# usage: copy.sh DIRECTORY
set -euo pipefail
to=$(realpath "$1")
cd "$(dirname "$0")/.."

if [ -e .git ]; then
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard
else
    find . -path ./target -prune -o -type f -print0
fi | tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
    # Not by --directory, in which tar reads a backslash as an escape.
    (cd "$to" && tar --extract)
