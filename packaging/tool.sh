#!/bin/sh
# Installs a pinned tool under target/tools, unless it is there, and prints the directory of its programs.
#
# usage: tool.sh cargo-deb | cargo-generate-rpm | cargo-fuzz | zig
set -eu
cd "$(dirname "$0")/.."

tools=$PWD/target/tools
mkdir -p "$tools"
# Two calls at once must not build the same tool twice.
exec 9>"$tools/lock"
flock 9

say() { echo "$*" >&2; }

# crate NAME VERSION
crate() {
    home=$tools/$1-$2
    if [ ! -x "$home/bin/$1" ]; then
        tests/hosts/need.sh "$1" cc:gcc,libc6-dev >&2
        say "installing $1 $2 under target/tools (once, one to two minutes)"
        # It works for a second or two, so that to build it well would take longer than it saves.
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
            cargo install --quiet --locked --version "$2" "$1" --target-dir "$tools/build" --root "$home" >&2
        rm -rf "$tools/build"
    fi
    printf '%s\n' "$home/bin"
}

# The Python packages hold the programs themselves; a virtual environment is only the way to get them.
zig() {
    home=$tools/zig-$(sha256sum packaging/zig.txt | cut -c1-12)
    if [ ! -e "$home/complete" ]; then
        python3 -c 'import ensurepip' 2>/dev/null || tests/hosts/need.sh zig python3-venv >&2
        say "installing zig under target/tools (once, 100 MB)"
        rm -rf "$home"
        python3 -m venv "$home"
        "$home/bin/python" -m pip install --quiet --only-binary :all: --require-hashes -r packaging/zig.txt >&2
        touch "$home/complete"
    fi
    printf '%s\n' "$home/bin"
}

case "$1" in
cargo-deb) crate "$1" 3.8.0 ;;
cargo-generate-rpm) crate "$1" 0.21.1 ;;
cargo-fuzz) crate "$1" 0.13.2 ;;
zig) zig ;;
esac
