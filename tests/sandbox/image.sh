#!/bin/sh
# Build one image of the disposable hosts from Debian packages, without a registry, if it is missing.
# usage: image.sh trixie | bookworm | mirror      prints the image's name
set -eu
kind=$1
here=$(cd "$(dirname "$0")" && pwd)
packages='systemd systemd-sysv dbus openssh-server sudo python3 iproute2 ca-certificates procps kmod python3-apt'
suite=$kind
if [ "$kind" = mirror ]; then
  suite=trixie
  packages='nginx-light docker-registry gnupg apt-utils ca-certificates patchelf'
fi
hash=$({ cat "$here/image.sh"; [ "$kind" != mirror ] || cat "$here"/mirror/* "$here/gpu/nvidia-ctk"; } | sha256sum | cut -c1-12)
image=tgi-test-host:$kind-$hash
[ "$kind" != mirror ] || image=tgi-test-mirror:$hash
image=$("$here/checkout.sh" image "$image")
if docker image inspect "$image" >/dev/null 2>&1; then echo "$image"; exit; fi

echo "Building $image from Debian $suite packages" >&2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
set -- --variant=minbase --include="$(echo "$packages" | tr ' ' ,)"
if [ "$kind" = mirror ]; then
  mkdir "$work/build"; cp "$here"/mirror/* "$here/gpu/nvidia-ctk" "$work/build/"
  set -- "$@" --customize-hook="copy-in $work/build /opt" --customize-hook="chroot \"\$1\" /opt/build/build.sh"
else
  set -- "$@" --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash deploy' \
    --customize-hook='echo "deploy ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/deploy"; chmod 440 "$1/etc/sudoers.d/deploy"' \
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*' \
    --customize-hook='chroot "$1" systemctl mask systemd-logind.service getty.target console-getty.service'
fi
mmdebstrap --quiet "$@" "$suite" "$work/rootfs.tar" >&2
docker import --change "LABEL tgi-ansible=test" "$work/rootfs.tar" "$image" >/dev/null
echo "$image"
