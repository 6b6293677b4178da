#!/bin/sh
# Makes the Debian 12 root that every host test and the demo boot from, once, and prints its path.
# The name carries a hash of this file, so that a changed recipe makes a new root.
#
# usage: root.sh DIRECTORY
set -eu

directory=$1
suite=bookworm
# libfcgi-bin: cgi-fcgi, which requests pages as a web server does.
# nginx-light: a real web server in front of HHVM; a test that wants it enables it.
packages=systemd-sysv,dbus,procps,curl,libfcgi-bin,nginx-light

root=$directory/$suite-$(sha256sum "$0" | cut -c1-12)
if [ -d "$root" ]; then
    echo "$root"
    exit
fi

mkdir -p "$directory"
exec 9>"$directory/lock"
flock 9
if [ -d "$root" ]; then
    echo "$root"
    exit
fi

# This machine's own Debian sources, so that its mirror and its pins hold here too. Without any (another
# distribution, say) the list is empty, and mmdebstrap takes its default mirror.
sources() {
    # shellcheck disable=SC2016 # the fields are for apt, not for the shell
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null |
        sed -n "s/^Debian ${suite}[-a-z]* //p"
}

list=$(sources)
if [ -z "$list" ]; then
    apt-get update >/dev/null 2>&1 || true
    list=$(sources)
fi

echo "hosts: making a Debian 12 root with systemd (once, about half a minute)" >&2
# Left by a run that was killed.
rm -rf --one-file-system "$root".*
half=$root.$$
trap 'rm -rf --one-file-system "$half"' EXIT
printf '%s\n' "$list" |
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --customize-hook='chroot "$1" systemctl --quiet disable nginx' "$suite" "$half" ${list:+-} >&2
mv "$half" "$root"
echo "$root"
