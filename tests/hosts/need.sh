#!/bin/sh
# Installs the Debian packages of the named programs that are missing. Where it cannot, says which are missing and
# fails, and notes it in the file $SKIPPED, if that is set, for the summary of "make test".
#
# usage: need.sh PURPOSE PROGRAM[:PACKAGE[,PACKAGE]]...
set -eu

purpose=$1
shift
programs=''
packages=''
for need; do
    program=${need%%:*}
    command -v "$program" >/dev/null && continue
    programs="$programs $program"
    packages="$packages $(echo "${need#*:}" | tr , ' ')"
done
[ -n "$programs" ] || exit 0

skip() {
    echo "$purpose: skipped, not installed:$programs" | tee -a "${SKIPPED:-/dev/null}"
    exit 1
}
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    skip
fi
echo "installing for $purpose, from this machine's Debian sources:$packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of names
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages >"$log" 2>&1
}
install || { apt-get update >/dev/null && install; } || {
    cat "$log" >&2
    skip
}
