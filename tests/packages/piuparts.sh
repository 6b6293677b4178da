#!/bin/bash
# Installs, removes and purges the .deb on a fresh Debian 12 and 11 and compares the file trees; Debian 11 has a glibc
# that a native build on a newer system would refuse. From this machine's own Debian mirror.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

if [ "$(id -u)" != 0 ]; then
    echo "check-piuparts: skipped, needs root" | tee -a "${SKIPPED:-/dev/null}"
    exit
fi
log=$PWD/target/piuparts.log
# shellcheck disable=SC2016 # the field is for apt, not for the shell
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Component: main' 2>/dev/null | grep -v security | head -n 1)
failed=0
for suite in bookworm bullseye; do
    echo "piuparts on $suite (half a minute)"
    if piuparts --distribution $suite ${mirror:+--mirror "$mirror main"} \
        --log-file "$log" target/packages/*.deb >/dev/null 2>&1; then
        echo "$suite: nothing is left behind"
    else
        tail -n 50 "$log"
        echo "check-piuparts: failed on $suite; $log has it all"
        failed=1
    fi
done
exit $failed
