#!/bin/bash
# Prints the file: URL of an absolute path, as apt and dnf take it: every byte but those that mean nothing in a URL is
# encoded.
#
# usage: url.sh PATH
set -euo pipefail

LC_ALL=C
url=file://
for ((i = 0; i < ${#1}; i++)); do
    byte=${1:i:1}
    case $byte in
    [a-zA-Z0-9/._~-]) ;;
    *) printf -v byte '%%%02X' $(($(printf %d "'$byte") & 255)) ;;
    esac
    url+=$byte
done
echo "$url"
