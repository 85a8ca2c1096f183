#!/bin/sh
# Turn a directory of .deb files into a signed apt repository. usage: publish.sh DIRECTORY [SUITE [COMPONENT]]
# Without SUITE the repository is flat, like NVIDIA's; with it, it has a component (stable, like Docker's).
set -eu
cd "$1"
suite=${2-} component=${3-stable}
export GNUPGHOME; GNUPGHOME=$(mktemp -d)
name="tgi-ansible test mirror, $(basename "$1")"
gpg --batch --quiet --passphrase '' --quick-generate-key "$name" rsa3072 sign never 2>/dev/null
gpg --batch --armor --export > gpgkey
gpg --batch --with-colons --list-keys | sed -n 's/^fpr:*\([0-9A-F]*\):.*/\1/p' > fingerprint

if [ -n "$suite" ]; then
  index=dists/$suite/$component/binary-amd64; release=dists/$suite
  mkdir -p "$index" pool; mv ./*.deb pool/
  apt-ftparchive packages pool > "$index/Packages"
else
  mkdir amd64; mv ./*.deb amd64/; cd amd64; release=.
  apt-ftparchive packages . > Packages
fi
apt-ftparchive -o "APT::FTPArchive::Release::Suite=${suite:-/}" release "$release" > /tmp/Release
mv /tmp/Release "$release/Release"
gpg --batch --clearsign -o "$release/InRelease" "$release/Release"
rm -rf "$GNUPGHOME"
