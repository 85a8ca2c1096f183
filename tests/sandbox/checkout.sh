#!/bin/sh
# Keep two checkouts on one machine apart: the disposable hosts of all have the same names and ports.
# usage: checkout.sh label          print the label that this checkout's containers carry
#        checkout.sh refuse PREFIX  fail if a container PREFIX-HOST is another checkout's; remove those of
#                                   a checkout that was deleted
#        checkout.sh image NAME:TAG print this checkout's name for that image; an image of the same
#                                   content that another checkout built gets that name too
#        checkout.sh remove-images  remove this checkout's image names; an image goes with its last name
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
label=tgi-ansible.checkout
id=$(printf '%s' "$root" | sha256sum | cut -c1-8)

refuse() { # prefix
  for container in $(docker ps --all --filter "name=^/?$1-[a-z0-9]+\$" --format '{{.Names}}'); do
    owner=$(docker inspect --format "{{index .Config.Labels \"$label\"}}" "$container")
    [ "$owner" != "$root" ] || continue
    remove="docker rm --force --volumes $container"
    if [ -z "$owner" ]; then
      why="$container has no label $label, so it is not this checkout's. If you do not need it: $remove"
    elif [ ! -d "$owner" ]; then
      # A run that was killed, in a clone that was deleted since
      $remove >/dev/null && echo "Removed $container of the checkout $owner, which no longer exists"
      continue
    else
      why="$container belongs to the checkout $owner, and two cannot use the same names and ports."
      why="$why Run this in $owner: make sandbox-down, or for test hosts: .venv/bin/molecule destroy --all"
    fi
    echo "$why" >&2
    exit 1
  done
}

image() { # name:tag
  if ! docker image inspect "$1-$id" >/dev/null 2>&1; then
    twin=$(docker images --filter "reference=$1-*" --format '{{.Repository}}:{{.Tag}}' | head -n 1)
    [ -z "$twin" ] || docker tag "$twin" "$1-$id"
  fi
  echo "$1-$id"
}

remove_images() {
  docker images --filter label=tgi-ansible=test --format '{{.Repository}}:{{.Tag}}' | grep -- "-$id\$" |
    while read -r name; do
      # The engine keeps an image that a container still uses
      docker rmi "$name" >/dev/null 2>&1 && echo "Removed $name" || true
    done
}

case ${1-} in
  label) echo "$label=$root" ;;
  refuse) refuse "$2" ;;
  image) image "$2" ;;
  remove-images) remove_images ;;
  *) sed -n '3,8s/^# //p' "$0" >&2; exit 2 ;;
esac
