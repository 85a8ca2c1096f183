#!/bin/sh
# Repack Debian sid's nginx and njs in the layout of nginx.org's packages, for Debian 13 hosts.
# The programs are real, except for a search path: Debian 13's versions of three libraries are too
# old, so the package brings them in a directory of its own. usage: nginx.sh OUTPUT_DIRECTORY
set -eu
output=$1
work=$(mktemp -d); cd "$work"
libraries=usr/lib/nginx/libraries
sed -n 's| trixie | sid |p' /etc/apt/sources.list > /etc/apt/sources.list.d/sid.list
# A mirror of sid may be older than its index says
apt-get update -q -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none >/dev/null
for package in nginx nginx-common libnginx-mod-http-js libqjs0 libxml2-16 libpcre2-8-0; do
  apt-get download -q -o APT::Sandbox::User=root "$package/sid" >/dev/null
done
rm /etc/apt/sources.list.d/sid.list
version=$(dpkg-deb -f nginx_*.deb Version | sed 's/-.*//')
njs=$(dpkg-deb -f libnginx-mod-http-js_*.deb Version | sed 's/-.*//')
mkdir sid; for package in *.deb; do dpkg-deb -x "$package" sid; done

pack() { # name version control-line...
  name=$1 package_version=$2; shift 2
  { printf '%s\n' "Package: $name" "Version: $package_version" 'Architecture: amd64' \
      'Maintainer: tgi-ansible test hosts <root@example.org>' "$@"
    echo "Description: Debian's own build in the layout of nginx.org's package"; } > "$work/$name/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -b "$work/$name" "$output/${name}_${package_version}_amd64.deb" >/dev/null
}

tree=$work/nginx
mkdir -p "$tree/DEBIAN" "$tree/usr/sbin" "$tree/$libraries" "$tree/usr/lib/nginx/modules" "$tree/usr/share/nginx/html" \
  "$tree/usr/lib/systemd/system" "$tree/etc/nginx/conf.d" "$tree/etc/logrotate.d" "$tree/etc/init.d" \
  "$tree/var/cache/nginx" "$tree/var/log/nginx" "$tree/var/lib/nginx"
cp sid/usr/sbin/nginx "$tree/usr/sbin/"
cp -P sid/usr/lib/x86_64-linux-gnu/libpcre2-8.so* sid/usr/lib/x86_64-linux-gnu/libqjs.so* sid/usr/lib/x86_64-linux-gnu/libxml2.so* "$tree/$libraries/"
patchelf --set-rpath "/$libraries" "$tree/usr/sbin/nginx"
cp sid/etc/nginx/mime.types sid/etc/nginx/*_params "$tree/etc/nginx/"
cp sid/usr/share/nginx/html/index.html "$tree/usr/share/nginx/html/"
ln -s /usr/lib/nginx/modules "$tree/etc/nginx/modules"
# Debian's build searches modules below its own prefix
ln -s /usr/lib/nginx/modules "$tree/usr/share/nginx/modules"
cat > "$tree/etc/nginx/nginx.conf" <<CONFIG
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    include /etc/nginx/conf.d/*.conf;
}
CONFIG
cat > "$tree/etc/nginx/conf.d/default.conf" <<CONFIG
server {
    listen 80;
    server_name localhost;
    location / { root /usr/share/nginx/html; }
}
CONFIG
cat > "$tree/etc/logrotate.d/nginx" <<'CONFIG'
/var/log/nginx/*.log {
    daily
    rotate 52
    missingok
    notifempty
    create 640 nginx adm
    sharedscripts
    postrotate
        [ ! -f /run/nginx.pid ] || kill -USR1 "$(cat /run/nginx.pid)"
    endscript
}
CONFIG
cat > "$tree/usr/lib/systemd/system/nginx.service" <<'UNIT'
[Unit]
Description=nginx in the layout of nginx.org
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStart=/usr/sbin/nginx -c /etc/nginx/nginx.conf
ExecReload=/bin/sh -c "/bin/kill -s HUP $(/bin/cat /run/nginx.pid)"
ExecStop=/bin/sh -c "/bin/kill -s TERM $(/bin/cat /run/nginx.pid)"

[Install]
WantedBy=multi-user.target
UNIT
cat > "$tree/etc/init.d/nginx" <<'INIT'
#!/bin/sh
### BEGIN INIT INFO
# Provides:          nginx
# Required-Start:    $network $remote_fs
# Required-Stop:     $network $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
### END INIT INFO
[ "${1-}" = upgrade ] || exec systemctl "$1" nginx
nginx -t -q && kill -s USR2 "$(cat /run/nginx.pid)" && sleep 1 && kill -s QUIT "$(cat /run/nginx.pid.oldbin)"
INIT
# Like nginx.org's: makes a user, then upgrades the running binary or starts it
cat > "$tree/DEBIAN/preinst" <<'SCRIPT'
#!/bin/sh
set -e
getent group nginx >/dev/null || groupadd --system nginx
getent passwd nginx >/dev/null || useradd --system --gid nginx --no-create-home --home /nonexistent --shell /usr/sbin/nologin nginx
SCRIPT
cat > "$tree/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
deb-systemd-helper unmask nginx.service >/dev/null || true
deb-systemd-helper enable nginx.service >/dev/null || true
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload
[ -x /etc/init.d/nginx ] || exit 0
if [ -f /run/nginx.pid ] && kill -0 "$(cat /run/nginx.pid)"; then
  /etc/init.d/nginx upgrade || echo "Binary upgrade failed"
else
  deb-systemd-invoke start nginx.service || true
fi
SCRIPT
cat > "$tree/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
[ "$1" != remove ] || deb-systemd-invoke stop nginx.service || true
SCRIPT
chmod 755 "$tree"/DEBIAN/p* "$tree/etc/init.d/nginx"
(cd "$tree"; find etc -type f | sed 's,^,/,') > "$tree/DEBIAN/conffiles"
pack nginx "$version-1~trixie" 'Depends: libc6 (>= 2.38), libssl3t64 (>= 3.5.0), libcrypt1, zlib1g' \
  "Provides: httpd, nginx-r$version" 'Conflicts: nginx-common, nginx-core' 'Replaces: nginx-common, nginx-core'

tree=$work/nginx-module-njs
mkdir -p "$tree/DEBIAN" "$tree/usr/lib/nginx/modules"
cp sid/usr/lib/nginx/modules/ngx_http_js_module.so "$tree/usr/lib/nginx/modules/"
patchelf --set-rpath "/$libraries" "$tree/usr/lib/nginx/modules/ngx_http_js_module.so"
pack nginx-module-njs "$version+$njs-1~trixie" "Depends: nginx-r$version"
rm -rf "$work"
