#!/bin/bash
# Makes a package of what is under target/stage, in target/packages.
#
# usage: package.sh deb | rpm
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
packages=$PWD/target/packages
export CARGO_TARGET_DIR=$PWD/target
SOURCE_DATE_EPOCH=$(packaging/epoch.sh)
export SOURCE_DATE_EPOCH
mkdir -p "$packages"
rm -f "$packages"/*."$1"

case "$1" in
deb)
    tool=$(packaging/tool.sh cargo-deb)
    echo "building the .deb"
    # By a link, because the tool takes the path of the work tree for a pattern.
    link=$(mktemp -d /tmp/deb.XXXXXX)
    trap 'rm -r "$link"' EXIT
    ln -s "$PWD" "$link/tree"
    "$tool/cargo-deb" --quiet --locked --no-build --no-strip --target $target --output "$packages/" \
        --manifest-path "$link/tree/Cargo.toml" >/dev/null
    ;;
rpm)
    tool=$(packaging/tool.sh cargo-generate-rpm)
    echo "building the .rpm"
    # In a copy of all that goes into it, each file with the same time: the tool only makes younger files older.
    tree=target/stage/rpm
    rm -rf $tree
    mkdir -p $tree/target/stage
    cp -r Cargo.toml README.md CHANGELOG.md SECURITY.md LICENSE-* debian systemd completions examples $tree
    cp target/stage/hhvm-drain target/stage/*.gz $tree/target/stage
    find $tree -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
    cd $tree
    # "builtin": by ldd, so that machines with and without rpm's own scripts agree. xz: every rpm that is in use
    # reads it, and it is the smallest.
    "$tool/cargo-generate-rpm" --target $target --auto-req builtin --payload-compress xz --output "$packages/"
    ;;
esac
cd "$packages"
stat -c '%n has %s bytes' ./*."$1" | cut -c3-
