#!/bin/bash
# Makes a package of what is under target/stage, in target/packages.
#
# usage: package.sh deb | rpm
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=$PWD/target
SOURCE_DATE_EPOCH=$(packaging/epoch.sh)
export SOURCE_DATE_EPOCH
mkdir -p target/packages
rm -f target/packages/*."$1"

case "$1" in
deb)
    tool=$(packaging/tool.sh cargo-deb)
    echo "building the .deb"
    "$tool/cargo-deb" --quiet --locked --no-build --no-strip --target $target --output target/packages/ >/dev/null
    ;;
rpm)
    tool=$(packaging/tool.sh cargo-generate-rpm)
    echo "building the .rpm"
    # "builtin": by ldd, so that machines with and without rpm's own scripts agree. xz: every rpm that is in use
    # reads it, and it is the smallest.
    "$tool/cargo-generate-rpm" --target $target --auto-req builtin --payload-compress xz --output target/packages/
    ;;
esac
stat -c '%n has %s bytes' target/packages/*."$1"
