#!/bin/sh
# Prepare this machine for disposable hosts: a Python environment, a Docker engine, mmdebstrap.
# Debian or Ubuntu; run as root or with sudo. The script keeps what is there already.
# usage: bootstrap.sh REQUIREMENTS_FILE [engine]
# VENV    the environment's directory (.venv)
# PYTHON  the Python to make it with (python3)
set -eu
requirements=$1 engine=${2-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/${VENV:-.venv}
used='ansible/posix|community/(crypto|docker|general|library_inventory)'

install_packages() { # command:package ...     install the packages whose command is missing
  missing=''
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"; done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || { echo "Missing:$missing. Install them, or run this with sudo." >&2; exit 1; }
  echo "Installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get update -q
  # shellcheck disable=SC2086 # a list of packages
  apt-get install -q -y --no-install-recommends $missing || { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; }
}

start_engine() {
  docker info >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] || { echo "The Docker engine does not answer you: run this with sudo." >&2; exit 1; }
  echo "Starting the Docker engine"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    # A daemon that was killed leaves its pid file behind
    kill -0 "$(cat /var/run/docker.pid 2>/dev/null)" 2>/dev/null || rm -f /var/run/docker.pid
    setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  fi
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && return; sleep 0.5; done
  echo "The Docker engine does not start: read /var/log/dockerd.log or journalctl -u docker" >&2
  exit 1
}

install_packages python3:python3 ssh:openssh-client curl:curl
[ -n "${PYTHON-}" ] || python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages no-such-command:python3-venv
python=$("$here/find_python.sh" "${PYTHON:-python3}")
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "This is $("$python" --version); Python 3.11 or newer is needed: install it, or write PYTHON=NAME" >&2; exit 1; }
ready=$venv/.ready-$(cat "$root"/requirements/*.txt "$requirements" | sha256sum | cut -c1-16)
if [ ! -e "$ready" ]; then
  echo "Installing Python packages into ${venv#"$root"/} (about a minute)"
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r "$requirements"
  # pip compiles on one core, also the hundred collections of the package ansible that nothing here uses. What
  # stays uncompiled, or is for another Python, only takes longer to import
  "$venv/bin/python" -W ignore -m compileall -qq -j 0 -x "ansible_collections/(?!$used)" "$venv/lib" || true
  touch "$ready"
fi
if [ "$engine" = engine ]; then
  install_packages dockerd:docker.io docker:docker.io mmdebstrap:mmdebstrap
  # Unit tests run the gateway's code in njs and node, and compare with openssl and gpg
  install_packages njs:njs node:nodejs npm:npm openssl:openssl gpg:gnupg minisign:minisign skopeo:skopeo
  start_engine
fi
