#!/bin/bash
# Makes signed repositories for apt and dnf out of target/packages. What an earlier call left in them stays on offer.
#
#   REPO   the directory, target/repo by default
#   URL    where hosts will find it, this machine's own file: URL by default; goes into the .sources and the .repo file
#   KEY    the id of a secret key in your own keyring; without it, one is made, without a passphrase, under target/
set -euo pipefail
cd "$(dirname "$0")/.."

# Readable by a web server, and by apt, whatever the umask.
umask 022
repo=$(realpath -m "${REPO:-target/repo}")
url=${URL:-$(packaging/url.sh "$repo")}
url=${url%/}
mkdir -p "$repo/apt/pool" "$repo/yum"

# A socket of gpg's agent lies in its directory, and a long path is refused.
if [ -z "${KEY:-}" ]; then
    short=$(mktemp -d /tmp/gpg.XXXXXX)
    trap 'gpgconf --kill gpg-agent; rm -rf "$short"' EXIT
    install -d -m 700 target/gnupg
    ln -s "$PWD/target/gnupg" "$short/gnupg"
    export GNUPGHOME=$short/gnupg
    KEY=hhvm-drain
    if ! gpg --batch --list-secret-keys "$KEY" >/dev/null 2>&1; then
        echo "making a key for the repositories, in target/gnupg"
        # RSA: the rpm of EL 8 knows no other kind.
        gpg --batch --quiet --passphrase '' --quick-generate-key "$KEY repository" rsa4096 sign never 2>/dev/null
    fi
fi
key=$(gpg --batch --with-colons --list-secret-keys "$KEY" 2>/dev/null | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' |
    head -n 1) || true
[ -n "$key" ] || { echo "repo: no secret key $KEY" >&2 && exit 1; }
# Where a passphrase is asked for; rpm complains when it cannot tell.
GPG_TTY=$(tty || true)
export GPG_TTY
sign() { gpg --batch --yes --quiet --local-user "$key" --digest-algo SHA512 "$@"; }
gpg --batch --armor --export-options export-minimal --export "$key" >"$repo/hhvm-drain.asc"

# replace NAME: by NAME.new, so that whoever is served sees one index or the other, with its own signature.
replace() {
    [ ! -e "$1" ] || mv "$1" "$1.old"
    mv "$1.new" "$1"
    rm -rf "$1.old"
}

echo "signing the apt repository"
cp target/packages/*.deb "$repo/apt/pool/"
(
    cd "$repo/apt"
    index=dists.new/stable/main/binary-amd64
    rm -rf dists.new dists.old
    mkdir -p $index
    apt-ftparchive packages pool >$index/Packages
    xz --keep $index/Packages
    gzip -9n --keep $index/Packages
    apt-ftparchive \
        -o APT::FTPArchive::Release::Origin=hhvm-drain -o APT::FTPArchive::Release::Label=hhvm-drain \
        -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable \
        -o APT::FTPArchive::Release::Architectures=amd64 -o APT::FTPArchive::Release::Components=main \
        release dists.new/stable >Release
    mv Release dists.new/stable/
    sign --clearsign --output dists.new/stable/InRelease dists.new/stable/Release
    sign --armor --detach-sign --output dists.new/stable/Release.gpg dists.new/stable/Release
    replace dists
)

echo "signing the .rpm and the yum repository"
for package in target/packages/*.rpm; do
    signed=$repo/yum/.${package##*/}
    cp "$package" "$signed"
    # rpm's own idea of where gpg is differs between systems.
    rpmsign --define "_gpg_name $key" --define "__gpg $(command -v gpg)" --addsign "$signed" >/dev/null
    mv "$signed" "$repo/yum/${package##*/}"
done
(
    cd "$repo/yum"
    rm -rf repodata.new repodata.old ../yum.new
    mkdir ../yum.new
    # gz, without databases: what every dnf reads.
    createrepo_c --quiet --no-database --general-compress-type=gz --outputdir ../yum.new .
    mv ../yum.new/repodata repodata.new
    rmdir ../yum.new
    sign --armor --detach-sign --output repodata.new/repomd.xml.asc repodata.new/repomd.xml
    replace repodata
)

cat >"$repo/hhvm-drain.sources" <<END
Types: deb
URIs: $url/apt
Suites: stable
Components: main
Architectures: amd64
Signed-By: /usr/share/keyrings/hhvm-drain.asc
END
cat >"$repo/hhvm-drain.repo" <<END
[hhvm-drain]
name=hhvm-drain
baseurl=$url/yum
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=$url/hhvm-drain.asc
END
echo "repositories for apt and dnf are in $repo"
