#!/bin/sh
# Start one host: a container that runs systemd, with SSH on loopback. It replaces a host that
# has another image or other options. It uses the docker command because no module can set
# unconfined system paths, which the Docker inside needs.
# usage: host.sh CONTAINER IMAGE NETWORK SSH_PORT STATE_DIRECTORY GPU_TABLE|none CHECKOUT [DOCKER_RUN_OPTION...]
set -eu
container=$1 image=$2 network=$3 port=$4 state=$5 gpus=$6 checkout=$7; shift 7
case $image in *:bookworm-*) ;; *)
  # systemd of Debian 13 refuses control groups of version 1 without these options
  [ "$(docker info --format '{{.CgroupVersion}}')" != 1 ] || set -- "$@" \
    -e SYSTEMD_PROC_CMDLINE='systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1' ;;
esac
# These work where --privileged is allowed and where it is not
set -- --hostname "${container##*-}" --network "$network" -p "127.0.0.1:$port:22" \
  --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
  --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' --cgroupns host \
  -v /sys/fs/cgroup:/sys/fs/cgroup:rw -v /var/lib/docker --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec \
  --stop-timeout 5 -e container=docker "$@" "$image" /lib/systemd/systemd
wanted=$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
found=$(docker inspect --format '{{index .Config.Labels "tgi-ansible.options"}}' "$container" 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  docker rm --force --volumes "$container" >/dev/null 2>&1 || true
  docker run --detach --name "$container" --label "tgi-ansible.options=$wanted" \
    --label "tgi-ansible.checkout=$checkout" "$@" >/dev/null
  echo "Created $container"
elif [ "$(docker inspect --format '{{.State.Running}}' "$container")" != true ]; then
  docker start "$container" >/dev/null
  echo "Started $container"
fi

if [ "$gpus" != none ]; then
  docker cp "$gpus" "$container:/usr/share/simulated-gpus.csv" >/dev/null
  docker cp "$(dirname "$gpus")/nvidia-smi" "$container:/usr/bin/nvidia-smi" >/dev/null
fi

for _ in $(seq 60); do
  case $(docker exec "$container" systemctl is-system-running 2>/dev/null) in running | degraded) break ;; esac
  sleep 0.5
done
docker exec -i "$container" sh -euc '
  [ -e /etc/ssh/ssh_host_ed25519_key ] || { ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
    # On a busy machine it has failed too often by now, for want of the key
    systemctl reset-failed ssh; systemctl restart ssh; }
  install -d -m 700 -o deploy -g deploy /home/deploy/.ssh
  install -m 600 -o deploy -g deploy /dev/stdin /home/deploy/.ssh/authorized_keys
' < "$state/ssh/id_ed25519.pub"

# SSH checks the host's key against this file
known="[127.0.0.1]:$port $(docker exec "$container" cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)"
touch "$state/known_hosts"
grep -qxF "$known" "$state/known_hosts" && exit
grep -vF "[127.0.0.1]:$port " "$state/known_hosts" > "$state/known_hosts.new" || true
echo "$known" >> "$state/known_hosts.new"
mv "$state/known_hosts.new" "$state/known_hosts"
