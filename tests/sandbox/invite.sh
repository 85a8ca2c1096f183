#!/bin/sh
# Say how to talk to the sandbox that is up.
set -eu
state=.sandbox
# With sudo, the keys are for the one who asked
[ -z "${SUDO_UID-}" ] || chown -R "$SUDO_UID:${SUDO_GID-}" "$state"
cat <<TEXT

The sandbox serves. Real: hosts, systemd, Docker, Compose, nginx, apt, TLS, and the text (a small model).
Simulated: the GPU, NVIDIA's packages and TGI's server.

  URL   https://llm.sandbox.test:8443/v1   (no DNS: --connect-to brings it to 127.0.0.1)
  Key   $state/secrets/api_key
  CA    $state/ca/ca.crt

curl -N --cacert $state/ca/ca.crt --connect-to llm.sandbox.test:8443:127.0.0.1:8443 \\
  -H "Authorization: Bearer \$(cat $state/secrets/api_key)" -H 'Content-Type: application/json' \\
  -d '{"model": "smollm2-135m", "stream": true, "max_tokens": 60, "temperature": 0, "messages": [{"role": "user", "content": "Name the capital of France."}]}' \\
  https://llm.sandbox.test:8443/v1/chat/completions

Again: make sandbox (changes nothing)   Only the checks: make sandbox-check   Away with it: make sandbox-down
TEXT
