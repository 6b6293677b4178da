#!/bin/sh
# Makes the disk of a Debian 12 machine that lets its owner in over ssh, once, and prints the directory that holds
# disk.img, vmlinuz, initrd and the owner's key. Made of a root of the host tests.
#
# usage: image.sh DIRECTORY
set -eu
cd "$(dirname "$0")/../.."

directory=$1
root=$(tests/hosts/root.sh target/hosts bookworm linux-image-cloud-amd64,openssh-server)
image=$directory/$({ cat tests/vm/image.sh; basename "$root"; } | sha256sum | cut -c1-12)

mkdir -p "$directory"
exec 9>"$directory/lock"
flock 9
if [ ! -d "$image" ]; then
    echo "vm: making the disk of a machine (once, some seconds)" >&2
    half=$image.half
    rm -rf --one-file-system "$half"
    trap 'rm -rf --one-file-system "$half"' EXIT
    mkdir "$half"
    cp -a "$root" "$half/root"
    cp "$half"/root/boot/vmlinuz-* "$half/vmlinuz"
    cp "$half"/root/boot/initrd.img-* "$half/initrd"
    ssh-keygen -q -t ed25519 -N '' -C hhvm-drain-tests -f "$half/key"
    install -d -m 700 "$half/root/root/.ssh"
    cp "$half/key.pub" "$half/root/root/.ssh/authorized_keys"
    printf '[Match]\nType=ether\n\n[Network]\nDHCP=yes\n' >"$half/root/etc/systemd/network/ethernet.network"
    systemctl --quiet --root="$half/root" enable systemd-networkd.service
    # Nothing waits for the network.
    systemctl --quiet --root="$half/root" disable systemd-networkd-wait-online.service
    # So that the journal outlives a boot.
    mkdir -p "$half/root/var/log/journal"
    mke2fs -q -t ext4 -d "$half/root" "$half/disk.img" 2G >/dev/null
    rm -rf --one-file-system "$half/root"
    mv "$half" "$image"
fi
printf '%s\n' "$image"
