#!/bin/sh
# Get this machine ready for disposable hosts: a Python environment, a Docker engine, mmdebstrap.
# Debian or Ubuntu; run as root or with sudo. What is there already is left as it is.
# usage: bootstrap.sh REQUIREMENTS_FILE [engine]
set -eu
requirements=$1 engine=${2-}
root=$(cd "$(dirname "$0")/../.." && pwd)

install_packages() { # the packages whose command is missing: command:package ...
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
  echo "The Docker engine does not start: see /var/log/dockerd.log or journalctl -u docker" >&2
  exit 1
}

install_packages python3:python3 ssh:openssh-client curl:curl
python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages no-such-command:python3-venv
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; this is $(python3 --version)" >&2; exit 1; }
ready=$root/.venv/.ready-$(cat "$root"/requirements/*.txt "$requirements" | sha256sum | cut -c1-16)
if [ ! -e "$ready" ]; then
  echo "Installing Python packages into .venv (about a minute)"
  [ -x "$root/.venv/bin/python" ] || python3 -m venv "$root/.venv"
  "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" -c "$root/requirements/constraints.txt"
  touch "$ready"
fi
if [ "$engine" = engine ]; then
  install_packages dockerd:docker.io docker:docker.io mmdebstrap:mmdebstrap
  start_engine
fi
