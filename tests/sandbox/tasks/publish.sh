#!/bin/sh
# Push the emulator's image to the mirror's registry, and write what inventories read: the image with
# its digest, the fingerprints of the apt repositories' keys, the registry's CA.
# usage: publish.sh MIRROR_CONTAINER IMAGE STATE_DIRECTORY
set -eu
mirror=$1 image=$2 state=$3
registry=$(docker port "$mirror" 5000/tcp | head -n 1)
name=huggingface/text-generation-inference:3.3.7-emulator
docker tag "$image" "$registry/$name"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  pushed=$(docker push "$registry/$name" 2>&1) && break
  sleep 1
done
docker rmi "$registry/$name" >/dev/null
digest=$(echo "$pushed" | sed -n 's/.*digest: \(sha256:[0-9a-f]*\).*/\1/p')
[ -n "$digest" ] || { echo "$pushed" >&2; exit 1; }
reference="mirror:5000/${name%:*}@$digest"
for repository in nvidia docker nginx; do
  docker exec "$mirror" cat "/srv/mirror/$repository/fingerprint" > "$state/$repository.fingerprint"
done
docker exec "$mirror" cat /srv/mirror/registry-ca.crt > "$state/registry-ca.crt"
[ "$(cat "$state/image" 2>/dev/null)" = "$reference" ] || echo "Published $reference"
printf %s "$reference" > "$state/image"
