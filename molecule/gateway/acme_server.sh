#!/bin/sh
# Make this host an ACME server (pebble) and the DNS server (bind) that it asks.
# usage: acme_server.sh PREFIX     the gateways' containers are PREFIX-gw12 and PREFIX-gw13
set -eu
prefix=$1 root=/srv/acme
mkdir -p $root; cd $root

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=ACME server CA' \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$prefix-acme" -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=DNS:%s-acme,DNS:localhost\nauthorityKeyIdentifier=keyid\n' "$prefix" > extensions
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out server.crt 2>/dev/null
# Certificates of 24 hours; the setting's name and place depend on pebble's version
cat > pebble.json <<CONFIG
{"pebble": {"listenAddress": "0.0.0.0:14000", "managementListenAddress": "0.0.0.0:15000",
  "certificate": "$root/server.crt", "privateKey": "$root/server.key", "httpPort": 80, "tlsPort": 443,
  "certificateValidityPeriod": 86400, "profiles": {"default": {"description": "A day", "validityPeriod": 86400}},
  "ocspResponderURL": "", "externalAccountBindingRequired": false}}
CONFIG
cat > /etc/systemd/system/pebble.service <<UNIT
[Service]
Environment=PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0
ExecStart=/usr/bin/pebble -config $root/pebble.json -dnsserver 127.0.0.1:53
UNIT

tsig-keygen -a hmac-sha256 update. > /etc/bind/update.key
chgrp bind /etc/bind/update.key; chmod 640 /etc/bind/update.key
sed -n 's/.*secret "\(.*\)";/\1/p' /etc/bind/update.key | tr -d '\n' > update.secret
mkdir -p /var/lib/bind
{ echo "\$TTL 1"; echo "@ SOA ns.gateway.test. root.gateway.test. 1 60 60 60 1"; echo "@ NS ns"; echo "ns A 127.0.0.1"
  for host in gw12 gw13; do echo "$host A $(getent hosts "$prefix-$host" | cut -d' ' -f1)"; done; } > /var/lib/bind/gateway.test
chown -R bind /var/lib/bind
cat > /etc/bind/named.conf <<CONFIG
include "/etc/bind/update.key";
options { directory "/var/cache/bind"; listen-on { any; }; recursion no; dnssec-validation no; };
zone "gateway.test" { type primary; file "/var/lib/bind/gateway.test"; allow-update { key update.; }; };
CONFIG
systemctl daemon-reload
systemctl restart named pebble
touch ready
