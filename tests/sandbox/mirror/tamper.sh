#!/bin/sh
# Copy a signed repository and change one byte of a package in the copy, as an attacker can who controls
# the server but has no key. usage: tamper.sh REPOSITORY COPY NAME_VERSION
set -eu
cp -r "$1" "$2"
package=$(find "$2" -name "$3_*.deb")
middle=$(($(stat -c %s "$package") / 2))
byte=$(od -An -tu1 -j "$middle" -N 1 "$package")
printf '%b' "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$package" bs=1 seek="$middle" conv=notrunc status=none
