#!/bin/bash
# Checks that the path of a checkout does no harm: copies the work tree to a path that contains the program's own name
# and nearly everything else that a path can contain, and runs there what takes no time. Installers are played by a
# script.
#
# Nobody can build in a directory with a colon, which cargo refuses, a percent sign, at which rustc's linker fails, or a
# dollar sign or a double quote, at which cargo-zigbuild fails. The dollar sign is in the path all the same.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d /tmp/paths.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/"größe, (und) 'mehr' \$HOME [x] *? a\\b &;#=~!/hhvm-drain"
mkdir -p "$copy"
packaging/copy.sh "$copy"
cd "$copy"
# As if make had not been called from another checkout.
unset CARGO_TARGET_DIR SKIPPED MAKEFLAGS MAKELEVEL MFLAGS
failed=0

fail() {
    echo "check-paths: $*"
    failed=1
}

# run COMMAND...: sets $printed to what it prints.
run() {
    printed=$("$@" 2>"$scratch/said") || fail "$* says $(cat "$scratch/said")"
}

# Where a recipe does not quote the path, the parenthesis in it is a syntax error.
targets=$(sed -n 's/^\([a-z][a-z-]*\):.* ## .*/\1/p' Makefile)
for target in $targets; do
    make -n --no-print-directory "$target" DESTDIR="${copy//\$/\$\$}/to" 2>"$scratch/said" |
        bash -n 2>>"$scratch/said" || fail "make $target: $(cat "$scratch/said")"
done

# Plays the installers, and complains when one is given a piece of the path.
mkdir "$scratch/bin"
cat >"$scratch/bin/player" <<'END'
#!/bin/bash
for argument; do
    case $argument in
    *größe*hhvm-drain*) [ "${0##*/}" != mmdebstrap ] || echo "apt refuses the path $argument" ;;
    *größe* | *\(und\)* | *"'mehr'"* | *\[x]*) echo "${0##*/} is given a piece of the path: $argument" ;;
    esac
done >>"$SAID"
case "${0##*/} $*" in
"id -u") echo 0 ;;
"unshare --mount "*) shift && exec "$@" ;;
"cargo install "*) mkdir -p "${*: -1}/bin" && ln -s "$PLAYER" "${*: -1}/bin/$6" ;;
"python3 -m venv "*) mkdir -p "$3/bin" && ln -s "$PLAYER" "$3/bin/python" ;;
"python -m pip "*) ln -s "$PLAYER" "${0%/*}/cargo-zigbuild" ;;
"cargo-zigbuild zigbuild "*) tr '\37' '\n' <<<"$CARGO_ENCODED_RUSTFLAGS" | sed -n 's/^--remap-path-prefix=//p' ;;
esac
END
chmod 755 "$scratch/bin/player"
for name in apt-get cargo cc id mmdebstrap mount python3 unshare; do
    ln -s player "$scratch/bin/$name"
done
export PLAYER=$scratch/bin/player SAID=$scratch/pieces
# play COMMAND...: runs it with the played installers.
play() {
    PATH=$scratch/bin:$PATH CARGO_HOME=$copy/none run "$@"
}
for _ in first again; do
    play packaging/tool.sh cargo-deb
    [ -x "$printed/cargo-deb" ] || fail "packaging/tool.sh prints $printed"
    play tests/hosts/root.sh "$copy/target/hosts"
    [ -d "$printed" ] || fail "tests/hosts/root.sh prints $printed"
done
# rustc sees the real path, even if the checkout is reached through a symbolic link.
ln -s "$copy" "$scratch/link"
for checkout in "$copy" "$scratch/link"; do
    play "$checkout/packaging/zigbuild.sh"
    grep -q -F -x -e "$copy=/usr/src/hhvm-drain" <<<"$printed" || fail "packaging/zigbuild.sh maps $printed"
done
[ ! -s "$SAID" ] || fail "$(cat "$SAID")"

run packaging/url.sh '/größe, (und)/a\b%'
[ "$printed" = 'file:///gr%C3%B6%C3%9Fe%2C%20%28und%29/a%5Cb%25' ] || fail "packaging/url.sh prints $printed"

# The name of a directory above a root is no file that a package has left.
. tests/packages/left.sh
for file in usr/bin/hhvm-drain usr/bin/other etc/apt/hhvm-drain.list var/hhvm-drain etc/needrestart/any srv/hhvm-drain; do
    install -D -m 644 /dev/null "$copy/var/root/$file"
done
[ "$(left "$copy/var/root" | sort | xargs)" = "./etc/needrestart ./etc/needrestart/any ./usr/bin/hhvm-drain" ] ||
    fail "left tells: $(left "$copy/var/root")"
# The same in other scripts.
for script in packaging/*.sh tests/*.sh tests/*/*.sh; do
    sed ':line; /\\$/ { N; s/\\\n//; b line; }' "$script" | grep -E '\bfind +"?[$/].* -path ' &&
        fail "$script looks for a pattern in absolute paths"
done

# The script that drops the unwind tables reaches the linker.
echo 'fn main() {}' >"$scratch/main.rs"
run rustc -o "$scratch/build" build.rs
PROFILE=release CARGO_MANIFEST_DIR=$copy run "$scratch/build"
mapfile -t options < <(sed -n 's/^cargo::rustc-link-arg-bins=/-Clink-arg=/p' <<<"$printed")
run rustc -C panic=abort "${options[@]}" -o "$scratch/main" "$scratch/main.rs"
run readelf -SW "$scratch/main"
! grep eh_frame <<<"$printed" || fail "build.rs leaves the unwind tables in"

[ $failed = 1 ] || echo "a checkout works under a path with odd characters"
exit $failed
