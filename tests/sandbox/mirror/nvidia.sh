#!/bin/sh
# Build simulated packages of NVIDIA's container toolkit, with the real names, versions and
# dependencies. usage: nvidia.sh OUTPUT_DIRECTORY VERSION...
set -eu
output=$1; shift
here=$(dirname "$0")

package() { # name version dependencies; the files to ship are in $tree
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$1"
  echo "SIMULATED by tgi-ansible's test hosts" > "$tree/usr/share/doc/$1/README.simulated"
  cat > "$tree/DEBIAN/control" <<CONTROL
Package: $1
Version: $2
Architecture: amd64
Maintainer: tgi-ansible test hosts <root@example.org>
Depends: $3
Description: SIMULATED stand-in for NVIDIA's $1
CONTROL
  dpkg-deb --root-owner-group -Zgzip -b "$tree" "$output/$1_$2_amd64.deb" >/dev/null
  rm -rf "$tree"
}

for version in "$@"; do
  tree=$(mktemp -d); chmod 755 "$tree"
  install -D -m 755 "$here/nvidia-ctk" "$tree/usr/bin/nvidia-ctk"
  sed -i "s/@VERSION@/${version%-*}/" "$tree/usr/bin/nvidia-ctk"
  install -D -m 644 "$here/nvidia-cdi-refresh.service" "$tree/usr/lib/systemd/system/nvidia-cdi-refresh.service"
  mkdir -p "$tree/DEBIAN"
  cat > "$tree/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
[ "$1" = configure ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl enable --quiet nvidia-cdi-refresh.service
systemctl restart nvidia-cdi-refresh.service || true
POSTINST
  chmod 755 "$tree/DEBIAN/postinst"
  package nvidia-container-toolkit-base "$version" libc6
  tree=$(mktemp -d); chmod 755 "$tree"; package libnvidia-container1 "$version" libc6
  tree=$(mktemp -d); chmod 755 "$tree"; package libnvidia-container-tools "$version" "libnvidia-container1 (= $version)"
  tree=$(mktemp -d); chmod 755 "$tree"
  package nvidia-container-toolkit "$version" "nvidia-container-toolkit-base (= $version), libnvidia-container-tools (= $version)"
done
