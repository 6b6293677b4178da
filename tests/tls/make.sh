#!/bin/sh
# Makes the certificates beside this script, for a hundred years: an authority, a server at 127.0.0.1 and lb, and two clients,
# one with a key for ECDSA and one with a key for RSA.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

made() { # NAME SUBJECT EXTENSIONS [ISSUER]: NAME.pem, with its key
	printf '%s\n' "$3" >"$work/extensions"
	# shellcheck disable=SC2086 # several words
	openssl genpkey ${key:--algorithm EC -pkeyopt ec_paramgen_curve:P-256} -out "$work/$1.key" 2>/dev/null
	openssl req -new -key "$work/$1.key" -subj "/CN=$2" -out "$work/$1.csr"
	signer="-signkey $work/$1.key"
	[ -z "${4-}" ] || signer="-CA $work/$4.pem -CAkey $work/$4.key -CAcreateserial"
	# shellcheck disable=SC2086 # several words
	openssl x509 -req -in "$work/$1.csr" $signer -days 36500 -extfile "$work/extensions" -out "$work/$1.pem" 2>/dev/null
	cat "$work/$1.pem" "$work/$1.key" >"$1.pem"
}

made ca "Test CA" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign"
made server lb "subjectAltName=IP:127.0.0.1,DNS:lb
extendedKeyUsage=serverAuth" ca
node="basicConstraints=CA:FALSE
extendedKeyUsage=clientAuth"
made client node "$node" ca
key="-algorithm RSA" made client-rsa node "$node" ca
# Nobody signs anything more with it.
openssl x509 -in ca.pem -out "$work/ca.crt" && mv "$work/ca.crt" ca.pem
