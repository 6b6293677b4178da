#!/bin/bash
# Installs hhvm-drain by name from the signed repositories, by apt and by dnf, removes it again, and shows that
# neither takes what was tampered with. The root is that of the host tests; dnf finds an rpm database in it that
# provides what the root has, as rpm itself tells.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/packages/roots.sh check-repo

# Where the hosts look for the repositories: a path with what anybody's may hold, for apt and dnf to take as a URL.
place='/srv/größe, (und) \mehr/100%'
repo=$work$place
mkdir -p "$repo"
REPO=$repo URL=$(packaging/url.sh "$place") quietly packaging/repo.sh
version=$(dpkg-deb -f target/packages/*.deb Version)

echo "apt: installing from the signed repository"
root apt
mkdir -p "$work/apt$place"
mount --bind "$repo" "$work/apt$place"
rm -f "$work"/apt/etc/apt/sources.list "$work"/apt/etc/apt/sources.list.d/*
cp "$repo/hhvm-drain.asc" "$work/apt/usr/share/keyrings/"
cp "$repo/hhvm-drain.sources" "$work/apt/etc/apt/sources.list.d/"
apt() { DEBIAN_FRONTEND=noninteractive chroot "$work/apt" apt-get -o APT::Update::Error-Mode=any -y "$@"; }
quietly apt update
quietly apt install hhvm-drain
chroot "$work/apt" hhvm-drain --version
chroot "$work/apt" dpkg-query -W hhvm-drain | grep -q "	$version$" || fail "not $version by apt"
quietly apt purge hhvm-drain
nothing_left apt "apt"
quietly apt clean

echo "dnf: installing from the signed repository"
root dnf
# The system's own package: nothing in it, but it provides what is there.
{
    printf '%s\n' 'Name: system' 'Version: 1' 'Release: 1' 'Summary: What the root has' 'License: none' \
        'AutoReqProv: no' 'Provides: /bin/sh'
    find "$work"/dnf/lib/x86_64-linux-gnu -name '*.so*' -type f | /usr/lib/rpm/find-provides |
        sort -u | sed 's/^/Provides: /'
    printf '%s\n' '%description' 'What the root has.' '%files'
} >"$work/system.spec"
quietly rpmbuild -bb --target x86_64 --define "_topdir $work/rpmbuild" "$work/system.spec"
quietly rpm --root "$work/dnf" --install "$work"/rpmbuild/RPMS/*/system-*.rpm
mkdir -p "$work/repos"
sed -e "s,file:///srv/,file://$work/srv/," "$repo/hhvm-drain.repo" >"$work/repos/hhvm-drain.repo"
dnf() {
    command dnf -y --installroot="$work/dnf" --releasever=9 --setopt=reposdir="$work/repos" --setopt=logdir="$work" \
        --setopt=cachedir="$work/cache" "$@"
}
in_rpm() { rpm --root "$work/dnf" "$@"; }
quietly dnf install hhvm-drain
chroot "$work/dnf" hhvm-drain --version
quietly in_rpm --verify hhvm-drain
in_rpm -q --queryformat '%{SIGPGP:pgpsig}%{RSAHEADER:pgpsig}\n' hhvm-drain | grep -q RSA/SHA512 || fail "not signed"
quietly dnf remove hhvm-drain
nothing_left dnf "dnf"

# The same length, so that only a hash can tell.
flip() { printf 'X' | dd of="$1" bs=1 seek=100000 conv=notrunc status=none; }
flip "$repo"/apt/pool/*.deb
quietly apt update
refused "a changed .deb" 'Hash Sum mismatch' apt install hhvm-drain
sed -i 's/^Origin: .*/Origin: somebody-else/' "$repo/apt/dists/stable/InRelease"
refused "a changed apt repository" 'BADSIG\|invalid' apt update

cp target/packages/*.rpm "$repo/yum/"
createrepo_c --quiet --no-database "$repo/yum"
refused "a yum repository of unknown origin" 'repomd.xml GPG signature verification error' \
    dnf --refresh install hhvm-drain
refused "an unsigned .rpm" 'not signed' \
    dnf --refresh --setopt=hhvm-drain.repo_gpgcheck=0 install hhvm-drain
