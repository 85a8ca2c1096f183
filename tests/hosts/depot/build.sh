#!/bin/sh
# Inside the depot's root file system: make the repositories and configure the two servers.
set -eu
build=/opt/build root=/srv/depot
mkdir -p $root/nvidia $root/docker $root/nginx
"$build/nvidia.sh" $root/nvidia 1.18.2-1 1.19.1-1 1.20.0-1
"$build/docker-ce.sh" $root/docker
"$build/nginx.sh" $root/nginx
"$build/publish.sh" $root/nvidia
"$build/publish.sh" $root/docker bookworm
"$build/publish.sh" $root/nginx trixie nginx
"$build/tamper.sh" $root/nvidia $root/nvidia-tampered nvidia-container-toolkit-base_1.20.0-1
cat > /etc/nginx/sites-available/default <<CONFIG
server { listen 80 default_server; root $root; autoindex on; }
CONFIG
install -m 755 "$build/serve.sh" /usr/local/bin/depot
rm -rf "$build"
cat > /etc/docker/registry/config.yml <<CONFIG
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: ":5000"}
CONFIG
