#!/bin/bash
# Judges both packages as built: what the checkers of their systems say, which systems they run on, how large they
# are, and whether they bring the same.
set -uo pipefail
cd -P "$(dirname "$0")/../.." || exit

deb=$(echo target/packages/*.deb)
rpm=$(echo target/packages/*.rpm)
work=target/check-packages
rm -rf $work
mkdir -p $work/deb $work/rpm
dpkg-deb -x "$deb" $work/deb
rpm2cpio "$rpm" | (cd $work/rpm && cpio --quiet -idm)
binary=$work/deb/usr/bin/hhvm-drain
failed=0

fail() {
    echo "check-packages: $*"
    failed=1
}

# Its database, which is of no use here, is not made in the home of whoever runs this.
rpm() { command rpm --dbpath "$PWD/$work/rpmdb" "$@"; }

# at_most LIMIT BYTES WHAT
at_most() {
    echo "$3: $2 bytes, at most $1"
    [ "$2" -le "$1" ] || fail "$3 is too large"
}

lintian --allow-root --fail-on error,warning "$deb" || fail "lintian"

said=$(rpmlint --config rpm/rpmlint.toml "$rpm" 2>&1)
if ! grep -q 'checked; 0 errors, 0 warnings' <<<"$said"; then
    echo "$said"
    fail "rpmlint"
fi

# The oldest glibc on which HHVM's own systems are.
floor=2.27
newest=$(objdump -T $binary | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
echo "glibc: $newest is needed, at most $floor"
[ "$(printf '%s\n' "$newest" $floor | sort -V | tail -n 1)" = $floor ] || fail "the program needs glibc $newest"
wanted=$(rpm -qp --requires "$rpm" | sed -n 's/.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -Vu | tail -n 1)
[ "$wanted" = "$newest" ] || fail "the .rpm requires glibc ${wanted:-of no version}, the program $newest"
[ "$(dpkg-deb -f "$deb" Depends)" = "libc6 (>= $floor)" ] || fail "Depends: $(dpkg-deb -f "$deb" Depends)"
libraries=$(readelf -d $binary | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^lib\(c\|pthread\|dl\)\.so\.')
[ -z "$libraries" ] || fail "the program needs more than glibc: $libraries"

# As bytes, because a path need not be ASCII; down to a directory of its own, because "/src" alone is in /usr/src, too.
builders=("$PWD/src/" "$PWD/target/" "${CARGO_HOME:-$HOME/.cargo}/" "${RUSTUP_HOME:-$HOME/.rustup}/" /.cargo/)
for path in "${builders[@]}"; do
    # Where the program says that all were built.
    [[ $path = /usr/src/hhvm-drain/* ]] || ! LC_ALL=C grep -q -a -F -e "$path" $binary ||
        fail "the program contains a path of its builder: $path"
done
readelf -n $binary | grep -q 'Build ID' || fail "the program has no build-id"
cmp -s <(readelf -n $binary | grep 'Build ID') <(readelf -n target/packages/*.debug 2>&1 | grep 'Build ID') ||
    fail "the symbols are another program's"

settings='/etc/hhvm-drain.toml /etc/needrestart/conf.d/hhvm-drain.conf'
[ "$(dpkg-deb -I "$deb" conffiles | sort | xargs)" = "$settings" ] || fail "conffiles of the .deb"
for file in $settings; do
    rpm -qp --queryformat '[%{FILENAMES} %{FILEFLAGS:fflags}\n]' "$rpm" | grep -q "^$file cn\$" ||
        fail "$file is not %config(noreplace) in the .rpm"
done
[ "$(rpm -qp --queryformat '%{PAYLOADCOMPRESSOR}' "$rpm")" = xz ] || fail "the .rpm is not compressed by xz"

# Path, mode and content of every file; a changelog, a licence and zsh have places of their own in each system.
contents() {
    (cd "$1" && find . -type f -printf '%m ' -exec sha256sum {} \; | sed 's, \./, /,' | sort -k 3) |
        sed -e s,/zsh/vendor-completions/,/zsh/site-functions/, |
        grep -v -e /usr/share/lintian/ -e /usr/share/licenses/ \
            -e '/usr/share/doc/hhvm-drain/\(copyright\|changelog\|CHANGELOG\)'
}
diff <(contents $work/deb) <(contents $work/rpm) || fail "the packages differ"
for file in usr/share/doc/hhvm-drain/{copyright,changelog.gz,changelog.Debian.gz}; do
    [ -s "$work/deb/$file" ] || fail "the .deb lacks $file"
done
for file in usr/share/licenses/hhvm-drain/LICENSE-{MIT,APACHE} usr/share/doc/hhvm-drain/{CHANGELOG,SECURITY}.md; do
    [ -s "$work/rpm/$file" ] || fail "the .rpm lacks $file"
done

at_most 1400000 "$(stat -c %s "$deb")" "the .deb"
at_most 3100000 "$(stat -c %s $binary)" "the program"
rm -rf $work
exit $failed
