#!/bin/sh
# Repack this Debian's engine under the package names of Docker's repository, for Debian 12 hosts.
# The programs are real; only package names and versions are simulated. They run with Debian 12's C
# library, except runc, which therefore comes from Debian 12.
# usage: docker-ce.sh OUTPUT_DIRECTORY
set -eu
output=$1
work=$(mktemp -d); cd "$work"
sed 's/trixie/bookworm/' /etc/apt/sources.list > /etc/apt/sources.list.d/bookworm.list
apt-get update -q >/dev/null
apt-get download -q -o APT::Sandbox::User=root docker.io docker-cli containerd docker-compose runc/bookworm >/dev/null
rm /etc/apt/sources.list.d/bookworm.list

repack() { # name version dependencies conflicts source...
  name=$1 version=$2 depends=$3 conflicts=$4; shift 4
  tree=$work/$name; rm -rf "$tree"; mkdir -p "$tree/DEBIAN"; scripts=''
  for source in "$@"; do
    dpkg-deb -x "$source"_*.deb "$tree"
    rm -rf "$work/control"; dpkg-deb -e "$source"_*.deb "$work/control"
    [ "$source" != docker.io ] || scripts='postinst prerm postrm'
    for script in $scripts; do cp "$work/control/$script" "$tree/DEBIAN/" 2>/dev/null || true; done
    scripts=''
  done
  rm -f "$tree/usr/libexec/docker/docker-init" # its libraries are missing here, and no test needs it
  cat > "$tree/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: amd64
Maintainer: tgi-ansible test hosts <root@example.org>
Depends: $depends
Conflicts: $conflicts
Replaces: $conflicts
Description: Debian's own build under the name of Docker's package
CONTROL
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$output/${name}_$(echo "$version" | tr -d :)_amd64.deb" >/dev/null
}

engine=$(dpkg-deb -f docker.io_*.deb Version | sed 's/+.*//')
suffix='-1~debian.12~bookworm'
repack containerd.io "1.7.24$suffix" "libc6, libseccomp2" "containerd, runc" containerd runc
# Two versions, so that a test can upgrade the engine
for number in "$engine" "${engine%.*}.$((${engine##*.} - 1))"; do
  repack docker-ce-cli "5:$number$suffix" libc6 docker-cli docker-cli
  repack docker-ce "5:$number$suffix" "containerd.io, docker-ce-cli, iptables, libsystemd0, libdevmapper1.02.1, adduser" docker.io docker.io
done
repack docker-compose-plugin "2.26.1$suffix" "docker-ce-cli" docker-compose docker-compose
rm -rf "$work"
