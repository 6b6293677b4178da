# shellcheck shell=bash
# To be sourced.

# left ROOT: what the package has left there. The patterns see the paths below the root alone: ROOT's own may hold any
# of these names.
left() {
    (cd "$1" && find . -xdev \( -path '*hhvm-drain*' -o -path '*hhvm.service.d*' -o -path './etc/needrestart*' \) \
        ! -path './srv/*' ! -path './var/*' ! -path './usr/share/keyrings/*' ! -path './etc/apt/*' -print)
}
