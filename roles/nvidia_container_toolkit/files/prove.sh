#!/bin/sh
# Run a container that lists the GPUs which CDI gives it. Its image holds copies of the host's shell and
# C library, so that no registry is asked, and a root of its own, in which CDI's hooks may write.
set -eu
# Another script makes another image
image=tgi-ansible-gpu-proof:$(cksum < "$0" | cut -d" " -f1)

build() {
  tree=$(mktemp -d); trap 'rm -rf "$tree"' EXIT
  mkdir -p "$tree/usr/bin" "$tree/usr/sbin" "$tree/usr/lib" "$tree/usr/lib64" "$tree/etc" "$tree/tmp"
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$tree/$link"; done
  programs=$(for name in sh env sed sort tr awk mawk; do command -v "$name" || true; done)
  loader=$(ldd "$(command -v env)" | sed -n 's|^[^/]*\(/[^ ]*/libc\.so\.6\) .*|\1|p')
  # The C library's other parts are for NVIDIA's program, whatever release it was built for
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
