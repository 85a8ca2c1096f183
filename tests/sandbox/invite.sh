#!/bin/sh
# Print how to use the running sandbox.
set -eu
state=.sandbox
# With sudo, the keys belong to the user who called it
[ -z "${SUDO_UID-}" ] || chown -R "$SUDO_UID:${SUDO_GID-}" "$state"
cat <<TEXT

The sandbox serves. Real: hosts, systemd, Docker, Compose, nginx, apt, TLS, and the text (a small model).
Simulated: the GPU, NVIDIA's packages and TGI's server.

  URL   https://llm.sandbox.test:8443/v1   (no DNS: --connect-to sends it to 127.0.0.1)
  Key   $state/secrets/api_key
  CA    $state/ca/ca.crt

sed 's/^/Authorization: Bearer /' $state/secrets/api_key | curl -N -H @- \\
  --cacert $state/ca/ca.crt --connect-to llm.sandbox.test:8443:127.0.0.1:8443 -H 'Content-Type: application/json' \\
  -d '{"model": "smollm2-135m", "stream": true, "max_tokens": 60, "temperature": 0, "messages": [{"role": "user", "content": "Name the capital of France."}]}' \\
  https://llm.sandbox.test:8443/v1/chat/completions

Run again: make sandbox (changes nothing)   Only the checks: make sandbox-check   Remove it: make sandbox-down
TEXT
