#!/bin/bash
# Builds the program and lays out under target/stage what both packages contain and the repository does not:
# the program without its symbols, the manual pages compressed. The symbols are for whoever publishes the packages.
set -euo pipefail
cd "$(dirname "$0")/.."

stage=target/stage
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
symbols=target/packages/hhvm-drain-$version.x86_64.debug
echo "building the program (about a minute)"
mkdir -p $stage target/packages
rm -f target/packages/*.debug
CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none \
    packaging/zigbuild.sh --release --bin hhvm-drain

# The build-id is the hash of all that is loaded, so it is as reproducible as that.
built=target/x86_64-unknown-linux-gnu/release/hhvm-drain
strip -o $stage/hhvm-drain $built
id=$(sha1sum $stage/hhvm-drain | cut -d' ' -f1)
{
    printf '\4\0\0\0\24\0\0\0\3\0\0\0GNU\0'
    # shellcheck disable=SC2001,SC2059 # the escapes are the data; a backslash before each two characters
    printf "$(sed 's/../\\x&/g' <<<"$id")"
} >$stage/build-id
objcopy --update-section .note.gnu.build-id=$stage/build-id $built $stage/whole
objcopy --only-keep-debug --compress-debug-sections $stage/whole "$symbols"
strip -o $stage/hhvm-drain $stage/whole
rm $stage/whole $stage/build-id
chmod 755 $stage/hhvm-drain
chmod 644 "$symbols"

for page in man/*.[1-9]; do
    gzip -9nc "$page" >"$stage/${page##*/}.gz"
done
echo "the program has $(stat -c %s $stage/hhvm-drain) bytes"
