#!/bin/bash
# cargo build, but for the glibc of the oldest systems that HHVM is packaged for, and the same bytes in every
# directory and for every user.
#
# usage: zigbuild.sh ARGUMENT-OF-CARGO-BUILD...
set -euo pipefail
# Where it really is: rustc is not told of a symbolic link on the way, and names no path that leads through one.
cd -P "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
tool=$(packaging/tool.sh zig)
export CARGO_ZIGBUILD_PYTHON_PATH=$tool/python
export CARGO_ZIGBUILD_CACHE_DIR=$CARGO_TARGET_DIR/zig ZIG_GLOBAL_CACHE_DIR=$CARGO_TARGET_DIR/zig

# rustc writes the paths of sources into panic messages and debug information.
cargo fetch --quiet --locked --target x86_64-unknown-linux-gnu
flags=("--remap-path-prefix=$PWD=/usr/src/hhvm-drain")
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags+=("--remap-path-prefix=$registry=/usr/src")
done
# Room for the build-id. The linker's own would be a hash over zig's start-up code too, which knows this directory.
flags+=("-Clink-arg=-Wl,--build-id=0x$(printf '%040d' 0)")
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS

exec "$tool/cargo-zigbuild" zigbuild --quiet --locked --target x86_64-unknown-linux-gnu.2.27 "$@"
