#!/bin/bash
# Builds the packages once more, in a directory of another name, with other settings of the user, and compares.
set -euo pipefail
cd "$(dirname "$0")/../.."

again=$PWD/target/reproducible/of-another-name-and-length
rm -rf target/reproducible
mkdir -p "$again/target/tools" target/reproducible/home

# The work tree as it is. Its time is given, because the copy is no git repository.
SOURCE_DATE_EPOCH=$(packaging/epoch.sh)
export SOURCE_DATE_EPOCH
packaging/copy.sh "$again"
for tool in target/tools/*/; do
    ln -s "$PWD/$tool" "$again/${tool%/}"
done

# Sources under another path, too: what cargo has fetched already is only linked to.
for part in registry git; do
    [ ! -d "${CARGO_HOME:-$HOME/.cargo}/$part" ] ||
        ln -s "${CARGO_HOME:-$HOME/.cargo}/$part" target/reproducible/home/
done
# rustup finds its toolchains through this when CARGO_HOME is another.
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
echo "building the packages again, in another directory"
(
    umask 027
    unset CARGO_TARGET_DIR MAKEFLAGS MAKELEVEL MFLAGS
    CARGO_HOME=$PWD/target/reproducible/home LC_ALL=C TZ=Pacific/Auckland \
        make --silent --no-print-directory -C "$again" packages
)

# Not the symbols, which are in no package: zig's start-up code notes there where it was compiled.
failed=0
for file in stage/hhvm-drain $(cd target && echo packages/*.deb packages/*.rpm); do
    one=$(sha256sum <"target/$file")
    other=$(sha256sum <"$again/target/$file")
    if [ "$one" = "$other" ]; then
        echo "equal: ${one%% *} ${file#*/}"
    else
        echo "check-reproducible: ${file#*/} differs: ${one%% *} ${other%% *}"
        failed=1
    fi
done
[ $failed = 1 ] || rm -rf target/reproducible
exit $failed
