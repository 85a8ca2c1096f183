#!/bin/sh
# Set this host up by old guides: an engine that runs a foreign container, repositories
# whose keys are trusted for everything, an older toolkit. usage: by_hand.sh SUITE
set -eu
suite=$1
export DEBIAN_FRONTEND=noninteractive
install_packages() { apt-get install -q -y --no-install-recommends "$@" >/dev/null; }
key() { /usr/lib/apt/apt-helper download-file "http://mirror/$1/gpgkey" "/tmp/$1.key" >/dev/null; echo "/tmp/$1.key"; }
apt-get update -q >/dev/null
install_packages busybox-static gnupg

# Somebody's settings, which no program has laid out
mkdir -p /etc/docker
printf '{"labels":   ["owner=site"],\r\n\t"max-concurrent-downloads":2   ,\r\n"features"  :{"buildkit":true}}' > /etc/docker/daemon.json

printf 'deb http://mirror/nvidia/$(ARCH) /\n' > /etc/apt/sources.list.d/nvidia-docker.list
case $suite in
bookworm)
  apt-key add "$(key nvidia)" 2>/dev/null
  apt-key add "$(key docker)" 2>/dev/null
  echo 'deb [arch=amd64] http://mirror/docker bookworm stable' > /etc/apt/sources.list.d/docker.list
  apt-get update -q >/dev/null
  older=$(apt-cache madison docker-ce | cut -d'|' -f2 | tail -n 1 | tr -d ' ')
  install_packages "docker-ce=$older" "docker-ce-cli=$older" containerd.io docker-compose-plugin ;;
*)
  gpg --dearmor -o /etc/apt/trusted.gpg.d/nvidia-docker.gpg < "$(key nvidia)"
  apt-get update -q >/dev/null
  install_packages docker.io docker-cli docker-compose ;;
esac
toolkit=''
for package in nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools libnvidia-container1; do
  toolkit="$toolkit $package=1.18.2-1"
done
# shellcheck disable=SC2086 # a list of packages
install_packages $toolkit

# The older repositories, which are gone from the network too
for old in libnvidia-container nvidia-container-runtime nvidia-docker; do
  echo "deb https://nvidia.github.io/$old/stable/debian11/\$(ARCH) /" >> /etc/apt/sources.list.d/nvidia-container-runtime.list
done

tar -C / -c bin/busybox | docker import - bystander >/dev/null
docker run --detach --name bystander --restart unless-stopped --publish 127.0.0.1:8099:80 bystander \
  /bin/busybox httpd -f -p 80 >/dev/null
docker inspect --format '{{.State.Pid}} {{.State.StartedAt}}' bystander > /root/by-hand
