#!/bin/sh
# Makes the Debian root that host tests and the demo boot from, once, and prints its path.
# The name carries a hash of this file and of the packages, so that a changed recipe makes a new root.
#
# usage: root.sh DIRECTORY [SUITE [PACKAGE[,PACKAGE]...]]
set -eu

directory=$1
suite=${2:-bookworm}
# libfcgi-bin: cgi-fcgi, which requests pages as a web server does.
# No source for apt is left: a host has no network, and tests bring what they want apt to find.
# What nobody reads on a test host is taken out: it is a quarter of the root.
# nginx-light: a real web server in front of HHVM; a test that wants it enables it.
packages=systemd-sysv,dbus,procps,curl,libfcgi-bin,nginx-light${3:+,$3}

root=$directory/$suite-$({ cat "$0"; echo "$packages"; } | sha256sum | cut -c1-12)
if [ -d "$root" ]; then
    printf '%s\n' "$root"
    exit
fi

mkdir -p "$directory"
exec 9>"$directory/lock"
flock 9
if [ -d "$root" ]; then
    printf '%s\n' "$root"
    exit
fi

# This machine's own Debian sources, so that its mirror and its pins hold here too; for another release than its own,
# the same archive. Without any (another distribution, say) the list is empty, and mmdebstrap takes its default mirror.
sources() {
    # shellcheck disable=SC2016 # the fields are for apt, not for the shell
    targets=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian //p')
    own=$(echo "$targets" | sed -n "s/^${suite}[-a-z]* //p")
    if [ -n "$own" ]; then
        echo "$own"
    else
        echo "$targets" | sed -nE "s/^[a-z]+ (deb [^ ]+) [^ ]+ main\$/\1 $suite main/p" | head -n 1
    fi
}

list=$(sources)
if [ -z "$list" ]; then
    apt-get update >/dev/null 2>&1 || true
    list=$(sources)
fi

echo "hosts: making a root of Debian's $suite with systemd (once, about half a minute)" >&2
# Left by a run that was killed.
rm -rf --one-file-system "$root".*
half=$root.$$
# apt refuses some characters in a path, so it is shown another one.
shown=$(mktemp -d /tmp/root.XXXXXX)
trap 'rm -rf --one-file-system "$half"; rmdir "$shown"' EXIT
mkdir -m 755 "$half"
# shellcheck disable=SC2016 # the arguments are for the shell inside, and for the hooks
printf '%s\n' "$list" |
    unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh "$half" "$shown" \
        mmdebstrap --quiet --variant=minbase --include="$packages" \
            --customize-hook='chroot "$1" systemctl --quiet disable nginx' \
            --customize-hook='rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
            --customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
            "$suite" "$shown" ${list:+-} >&2
mv "$half" "$root"
printf '%s\n' "$root"
