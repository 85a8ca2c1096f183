#!/bin/sh
# Build the images of disposable hosts in parallel, and print which ones are not ready yet.
# usage: images.sh SUITE...      (trixie, bookworm); the mirror and the emulator are always built
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
build() { # name command...
  name=$1; shift
  { "$@" > "$work/$name.log" 2>&1 && echo done > "$work/$name.end" || echo failed > "$work/$name.end"; } &
}
for kind in mirror "$@"; do build "$kind" "$here/image.sh" "$kind"; done
# PYTHON may name one that only make knows where to find
build emulator env PYTHON=python3 "$here/../emulator/image.sh"

seconds=0
while sleep 1; do
  seconds=$((seconds + 1)) pending=''
  for log in "$work"/*.log; do [ -e "${log%.log}.end" ] || pending="$pending $(basename "$log" .log)"; done
  [ -n "$pending" ] || break
  [ $((seconds % 10)) != 5 ] || echo "Building images from Debian packages, $seconds s:$pending"
done
for end in "$work"/*.end; do
  [ "$(cat "$end")" = done ] || { echo "The image $(basename "$end" .end) was not built:"; tail -n 20 "${end%.end}.log"; exit 1; } >&2
done
