#!/bin/bash
# What the scripts of the packages do where things are not as usual: no systemd, a stop that goes on, a node that is
# out, a read-only /etc, an installation from outside. systemctl is played by a file that says what it answers.
# shellcheck disable=SC2317 # functions are called by their names
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/roots.sh check-scriptlets

parked=/var/www/status.php.disabled
lost="hhvm-drain: hhvm.service stays out of its pool; to put it back, rename its *.disabled file by hand"

# take_out ROOT drain|operator: the node is out, and this is the record of it.
take_out() {
    mkdir -p "$1/var/www" "$1/var/lib/hhvm-drain"
    rm -f "$1$parked" "$1${parked%.disabled}"
    echo 1-AM-ALIVE >"$1$parked"
    cat >"$1/var/lib/hhvm-drain/hhvm.service.json" <<END
{
  "version": 1,
  "unit": "hhvm.service",
  "by": "$2",
  "since": { "at": "2026-11-22T12:00:00Z", "boot_id": "", "boottime_ms": 0 },
  "parked": [
    {
      "health_file": "${parked%.disabled}",
      "disabled": "$parked",
      "file": $(stat -c '{ "device": %d, "inode": %i }' "$1$parked")
    }
  ]
}
END
}

is_pooled() { [ -e "$1${parked%.disabled}" ] && [ ! -e "$1$parked" ]; }
is_out() { [ ! -e "$1${parked%.disabled}" ] && [ -e "$1$parked" ]; }
said() { grep -q -F -e "$1" "$work/log" || { cat "$work/log" >&2 && fail "not said: $1"; }; }
silent() { ! grep hhvm-drain: "$work/log" || fail "said more than it should"; }

# systemd ROOT STATE...: it runs there from now on, and tells these states of HHVM one after another, the last for ever.
# With /run/hang the clock runs on by 100 s each time.
systemd() {
    mkdir -p "$1/run/systemd/system"
    cat >"$work/systemctl" <<'END'
#!/bin/sh
case "$*" in
*daemon-reload) [ ! -e /run/deaf ]; exit ;;
show*) ;;
*) exit ;;
esac
read -r up _ </proc/uptime
[ ! -e /run/hang ] || echo "$((${up%.*} + 100)).00 0.00" >/run/uptime
head -n 1 /run/states
[ "$(wc -l </run/states)" = 1 ] || sed -i 1d /run/states
END
    chmod 755 "$work/systemctl"
    cp --remove-destination "$work/systemctl" "$1/usr/bin/systemctl"
    if ! [ -e "$1/run/uptime" ]; then
        cp "$1/proc/uptime" "$1/run/uptime"
        mount --bind "$1/run/uptime" "$1/proc/uptime"
    fi
    root=$1
    shift
    printf '%s\n' "$@" >"$root/run/states"
}

# needs_notify_access ROOT: a unit whose start needs NotifyAccess=all keeps it for as long as the package is there.
needs_notify_access() {
    kept=$1/etc/systemd/system/hhvm.service.d/hhvm-drain-notify.conf
    unit=$1/etc/systemd/system/hhvm.service
    override=$1/etc/systemd/system/hhvm.service.d/override.conf
    printf '[Unit]\nType=notify\n[Service]\nNotifyAccess = all\n' >"$unit"
    quietly install
    silent
    [ ! -e "$kept" ] || fail "a start that waits for nobody gets NotifyAccess=all"
    printf '[Service]\n Type = notify \nNotifyAccess=all\n' >"$unit"
    quietly install
    said 'hhvm-drain: hhvm.service needs its NotifyAccess=all to start, so /etc/'
    grep -q '^NotifyAccess=all$' "$kept" || fail "NotifyAccess=all is not kept"
    quietly install
    silent
    printf '[Service]\nNotifyAccess=all\n' >"$override"
    quietly install
    [ ! -e "$kept" ] || fail "it is kept, though the administrator does that"
    rm "$override"
    printf '[Service]\nNotifyAccess=main\n# mine\n' >"$kept"
    quietly install
    silent
    quietly remove
    grep -q mine "$kept" || fail "the administrator's file is lost"
    rm "$kept"
    quietly install
    [ -e "$kept" ] || fail "NotifyAccess=all is not kept"
    quietly remove
    [ ! -e "${kept%/*}" ] || fail "something is left in /etc"
    rm "$unit"
    echo "$1: a unit that needs NotifyAccess=all keeps it" | sed "s,.*/,,"
}

# story ROOT: the same for both kinds of package; install and remove are theirs.
story() {
    quietly install
    silent
    take_out "$1" drain
    quietly remove
    is_pooled "$1" || fail "a removal leaves the node out"
    said "hhvm-drain: moving $parked back to ${parked%.disabled}"

    quietly install
    take_out "$1" operator
    quietly remove
    is_out "$1" || fail "a removal overrides the operator"
    said "$lost"
    quietly install
    rm "$1/usr/bin/hhvm-drain"
    quietly remove
    is_out "$1" || fail "a removal overrides the operator"
    said "$lost"
    echo "$1: without systemd, a drained node comes back, an operator's stays out" | sed "s,.*/,,"

    needs_notify_access "$1"

    quietly install
    take_out "$1" drain
    systemd "$1" deactivating
    touch "$1/run/hang"
    refused "a removal during a stop that does not end" 'hhvm-drain: not removed: hhvm.service is still stopping after' remove
    rm "$1/run/hang"
    is_out "$1" || fail "a refused removal has done something"
    [ -x "$1/usr/bin/hhvm-drain" ] || fail "a refused removal has removed something"
    systemd "$1" deactivating deactivating inactive
    quietly remove
    is_pooled "$1" || fail "a removal after the stop leaves the node out"
    said 'waiting until hhvm.service has stopped'

    touch "$1/run/deaf"
    quietly install
    said 'hhvm-drain: systemd could not be reloaded; run systemctl daemon-reload'
    rm "$1/run/deaf"
    echo '# edited' >>"$1/etc/hhvm-drain.toml"
    quietly install
    tail -n 1 "$1/etc/hhvm-drain.toml" | grep -q edited || fail "edited settings are lost"
    rm "$1/etc/hhvm-drain.toml"
}

root deb
cp target/packages/*.deb "$work/deb/package.deb"
install() { DEBIAN_FRONTEND=noninteractive chroot "$work/deb" dpkg --install --force-confmiss /package.deb; }
remove() { chroot "$work/deb" dpkg --remove hhvm-drain; }
story "$work/deb"

take_out "$work/deb" operator
quietly install
quietly chroot "$work/deb" dpkg --purge hhvm-drain
is_out "$work/deb" || fail "a purge touches the health file"
[ ! -e "$work/deb/var/lib/hhvm-drain" ] || fail "the state is left by a purge"
nothing_left deb "a purge"
mount --bind "$work/deb/etc" "$work/deb/etc"
mount -o remount,ro,bind "$work/deb/etc"
refused "an installation with a read-only /etc" '/etc/.*Read-only file system' install
[ ! -e "$work/deb/usr/bin/hhvm-drain" ] || fail "half an installation is left"

# As dpkg does it for a root of another machine: its scripts run outside of it.
root outside
outside() { dpkg --root="$work/outside" --force-script-chrootless "$@"; }
quietly outside --install target/packages/*.deb
take_out "$work/outside" drain
quietly outside --remove hhvm-drain
is_pooled "$work/outside" || fail "a removal from outside leaves the node out"
echo "an installation from outside works"

root rpm
install() { rpm --root "$work/rpm" --nodeps --replacepkgs --upgrade target/packages/*.rpm; }
remove() { rpm --root "$work/rpm" --erase hhvm-drain; }
story "$work/rpm"
quietly remove
[ ! -e "$work/rpm/var/lib/hhvm-drain" ] || fail "the state is left by rpm"
nothing_left rpm "rpm"
