"""Run the files that playbooks/clients.yml wrote, unmodified, each by its client."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.clients import programs

#: LiteLLM as a library: its proxy reads the same file, but needs 60 packages more
_LITELLM = """
import litellm, yaml
given = yaml.safe_load(open("litellm.yaml"))
for name, value in (given.get("litellm_settings") or {}).items():
    setattr(litellm, name, value)
model = given["model_list"][0]["model_name"]
asked = [{"role": "user", "content": "Say hello in one sentence."}]
answer = litellm.Router(model_list=given["model_list"]).completion(model=model, messages=asked)
print(answer.choices[0].message.content)
"""
_CURL = (
    """sed -n 's/^# \\(curl .*chat.*\\)/\\1 --silent --show-error --fail-with-body/p' curl.conf"""
)
#: By client: a shell's words, with client.env in its environment; $PY and $NODE are the clients.
COMMANDS = {
    "curl": f'eval "$({_CURL})"',
    "openai for Python": '"$PY" openai_client.py',
    "openai for Node": 'cp openai_client.mjs "$NODE/pasted.mjs" && node "$NODE/pasted.mjs"',
    "LangChain": '"$PY" langchain_client.py',
    "LiteLLM": '"$PY" -c "$LITELLM"',
}


def answer(place: Path, client: str, name: str = "") -> str:
    """Return what a client prints of the model's answer; ``name`` then means loopback, as root.

    Raise AssertionError with its words if it fails.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "PY": str(programs.python()),
        "NODE": str(programs.node()),
        "LITELLM": _LITELLM,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    script = f"set -a; . ./client.env; {COMMANDS[client]}"
    with programs.resolving(name) as before:
        done = subprocess.run(
            [*before, "sh", "-ec", script], cwd=place, env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
    return done.stdout.strip()
