#!/bin/sh
# Run a container that lists the GPUs that CDI gives it. Its image has copies of the host's shell and C library,
# so it needs no registry, and a writable root for CDI's hooks.
set -eu
# A changed script builds a new image
image=tgi-ansible-gpu-proof:$(cksum < "$0" | cut -d" " -f1)

build() {
  tree=$(mktemp -d); trap 'rm -rf "$tree"' EXIT
  mkdir -p "$tree/usr/bin" "$tree/usr/sbin" "$tree/usr/lib" "$tree/usr/lib64" "$tree/etc" "$tree/tmp"
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$tree/$link"; done
  programs=$(for name in sh env sed sort tr awk mawk; do command -v "$name" || true; done)
  loader=$(ldd "$(command -v env)" | sed -n 's|^[^/]*\(/[^ ]*/libc\.so\.6\) .*|\1|p')
  # nvidia-smi may need the other parts of the C library
  for file in $programs $(ldd $programs | sed -n 's|^[^/]*\(/[^ :]*\) (.*|\1|p' | sort -u) \
    "${loader%/*}"/lib[mc].so.6 "${loader%/*}"/libdl.so.2 "${loader%/*}"/libpthread.so.0 "${loader%/*}"/librt.so.1; do
    [ -e "$file" ] || continue
    mkdir -p "$tree${file%/*}"
    cp --dereference "$file" "$tree$file"
  done
  docker images --quiet tgi-ansible-gpu-proof | xargs -r docker rmi --force >/dev/null
  tar --create --directory="$tree" . | docker import - "$image" >/dev/null
}

docker image inspect "$image" >/dev/null 2>&1 || build
docker run --rm --network none --device nvidia.com/gpu=all --env PATH=/usr/bin "$image" nvidia-smi -L
