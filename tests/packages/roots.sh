# shellcheck shell=bash
# Shared by the tests that install packages in a root of their own: that of the host tests under an overlay, in a name
# space of its own, with which all mounts go. To be sourced, with the name of the test.

. tests/packages/left.sh

if [ "$(id -u)" != 0 ]; then
    echo "$1: skipped, needs root" | tee -a "${SKIPPED:-/dev/null}"
    exit
fi
[ -n "${IN_OWN_NAMESPACE:-}" ] || IN_OWN_NAMESPACE=yes exec unshare --mount "$0"

name=$1
base=$(tests/hosts/root.sh "$PWD/target/hosts")
# Not in the work tree, whose path may hold anything: rpm expands macros in a path, dnf wants a URL, and mount takes a
# list with commas, in which an overlay's layers are parted by colons.
work=$(mktemp -d /tmp/packages.XXXXXX)
trap 'umount --lazy "$work" && rmdir "$work"' EXIT
mount -t tmpfs -o mode=0755 tmpfs "$work"
mkdir "$work/base"
mount --bind "$base" "$work/base"

# Debian's rpm keeps its database in the home of its user; the systems that are played here do not.
export HOME=$work/home
mkdir -p "$HOME"
echo '%_dbpath /var/lib/rpm' >"$HOME/.rpmmacros"

fail() {
    echo "$name: $*" >&2
    exit 1
}

# quietly COMMAND...: shows what it said only if it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2 && fail "failed: $*"; }
}

# refused WHAT PATTERN COMMAND...
refused() {
    what=$1 pattern=$2
    shift 2
    ! "$@" >"$work/log" 2>&1 || fail "$what was taken"
    grep -q "$pattern" "$work/log" || { cat "$work/log" >&2 && fail "$what was refused, but not for that"; }
    echo "$what is refused"
}

# root NAME: a root with what a chroot needs.
root() {
    mkdir -p "$work/$1.upper" "$work/$1.work" "$work/$1"
    mount -t overlay overlay -o "lowerdir=$work/base,upperdir=$work/$1.upper,workdir=$work/$1.work" "$work/$1"
    mount -t proc proc "$work/$1/proc"
    mount --bind /dev "$work/$1/dev"
}

# nothing_left ROOT WHAT: what should have removed the package has.
nothing_left() {
    local found
    found=$(left "$work/$1")
    [ -z "$found" ] || fail "left by $2: $found"
}
