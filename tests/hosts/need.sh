#!/bin/sh
# Installs the named Debian packages that are missing. Where it cannot, says which are missing and fails, and notes
# it in the file $SKIPPED, if that is set, for the summary of "make test".
#
# usage: need.sh PURPOSE PACKAGE...
set -eu

purpose=$1
shift
missing=
for package; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$purpose: skipped, not installed:$missing" | tee -a "${SKIPPED:-/dev/null}"
    exit 1
fi
echo "installing for $purpose, from this machine's Debian sources:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of names
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
install || { apt-get update >/dev/null && install; } || {
    cat "$log" >&2
    exit 1
}
