#!/bin/sh
# Install dnf on a Debian host and make a repository of stand-in packages under the names and versions
# that Docker's has for RHEL 9; 29.3.0 has no signature. Prints the fingerprint of its key.
set -eu
exec 3>&1 >&2
export DEBIAN_FRONTEND=noninteractive GNUPGHOME=/srv/rpm/gnupg
apt-get update -q
apt-get install -qy --no-install-recommends dnf dnf-plugins-core createrepo-c rpm gpg gpg-agent
# Debian's own; it makes a repository of what was ever installed, which asks for no signatures
sed -i 's/^enabled.*/enabled = false/' /etc/dnf/plugins/local.conf
mkdir -p -m 700 $GNUPGHOME /etc/yum.repos.d
gpg --batch --quiet --passphrase '' --quick-gen-key rpm@example.org rsa3072 sign never

build() { # name epoch version lines
  printf '%s\n' "Name: $1" "Epoch: $2" "Version: $3" 'Release: 1.el9' 'Summary: stand-in' 'License: none' 'BuildArch: noarch' \
    "$4" '%description' 'stand-in' '%install' "mkdir -p %{buildroot}/srv/standin" "echo $3 > %{buildroot}/srv/standin/$1" \
    '%files' "/srv/standin/$1" > "/srv/rpm/$1.spec"
  rpmbuild -bb --quiet --nodeps --define '_topdir /srv/rpm/build' --define '_rpmdir /srv/rpm' "/srv/rpm/$1.spec"
}
for version in 29.1.0 29.2.0; do
  build docker-ce 3 $version 'Requires: containerd.io, docker-ce-cli'
  build docker-ce-cli 3 $version 'Conflicts: podman-docker'
done
build containerd.io 0 2.1.5 "$(printf 'Provides: runc\nConflicts: runc')"
build docker-compose-plugin 0 2.40.3 ''
build python3-dnf-plugin-versionlock 0 4.14 ''
build runc 0 1.1.9 ''
build podman-docker 0 4.9 ''
rpmsign --define '_gpg_name rpm@example.org' --define '__gpg /usr/bin/gpg' --addsign /srv/rpm/noarch/*.rpm
build docker-ce 3 29.3.0 'Requires: containerd.io, docker-ce-cli'
build docker-ce-cli 3 29.3.0 ''
createrepo_c --quiet /srv/rpm
gpg --armor --export > /srv/rpm/gpg.asc
# Somebody's, which Docker's packages conflict with; what dnf remembers may be of an earlier run
dnf clean all
dnf --assumeyes --quiet --nogpgcheck --repofrompath=standin,file:///srv/rpm install runc podman-docker
gpg --with-colons --fingerprint | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -1 >&3
