#!/bin/sh
# Runs inside the mirror's root file system: makes the repositories and the Hub, and configures both servers.
set -eu
build=/opt/build root=/srv/mirror
mkdir -p $root/nvidia $root/docker $root/nginx $root/hub
"$build/nvidia.sh" $root/nvidia 1.18.2-1 1.19.1-1 1.20.0-1
"$build/docker-ce.sh" $root/docker
"$build/nginx.sh" $root/nginx
"$build/hub.sh" $root/hub
"$build/publish.sh" $root/nvidia
"$build/publish.sh" $root/docker bookworm
"$build/publish.sh" $root/nginx trixie nginx
"$build/tamper.sh" $root/nvidia $root/nvidia-tampered nvidia-container-toolkit-base_1.20.0-1
# The registry also speaks TLS, with a CA of its own, as private registries do
tls=/etc/nginx/registry
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=tgi-ansible test mirror CA' -keyout $tls-ca.key -out $root/registry-ca.crt 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=mirror -keyout $tls.key -out $tls.csr 2>/dev/null
echo 'subjectAltName=DNS:mirror' > $tls.ext
openssl x509 -req -in $tls.csr -CA $root/registry-ca.crt -CAkey $tls-ca.key -CAcreateserial -CAserial $tls.srl -days 3650 \
  -extfile $tls.ext -out $tls.crt 2>/dev/null
cat > /etc/nginx/sites-available/default <<CONFIG
server {
  listen 80 default_server;
  root $root;
  autoindex on;
  # A gated model: all see the list, those with the token get files
  location /hub/acme/ {
    add_header X-Error-Code GatedRepo always;
    if (\$http_authorization != "Bearer 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") { return 401; }
  }
}
server {
  listen 5443 ssl;
  ssl_certificate $tls.crt;
  ssl_certificate_key $tls.key;
  location / { proxy_pass http://127.0.0.1:5000; proxy_set_header Host \$http_host; proxy_set_header X-Forwarded-Proto https; }
}
CONFIG
install -m 755 "$build/serve.sh" /usr/local/bin/mirror
rm -rf "$build"
cat > /etc/docker/registry/config.yml <<CONFIG
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: ":5000"}
CONFIG
