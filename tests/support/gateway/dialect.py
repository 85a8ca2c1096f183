"""Call the gateway's dialect in njs itself, the engine of nginx's module (Debian's package njs)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.support.roots import ROOT

DIALECT = ROOT / "roles" / "gateway" / "files" / "dialect"
#: Where an nginx runs what the program would: the URL of tests/live/gateway/openai's
NGINX = os.environ.get("TGI_DIALECT_AT", "")
NJS = NGINX or shutil.which("njs")
CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
#: What nginx's $request_id looks like
FRESH = "0123456789abcdef0123456789abcdef"
_CALL = """
function answer(call) {
    const made = call.name === '' ? subject : subject[call.name];
    if (call.chunks !== undefined) {
        let state = null, out = '';
        call.chunks.concat(['']).forEach((chunk, number) => {
            const last = number === call.chunks.length;
            const found = made(chunk, call.plan, state, call.fresh, last);
            state = found.state;
            out += found.text;
        });
        return JSON.stringify(out);
    }
    if (typeof made !== 'function') {
        return JSON.stringify(made);
    }
    try {
        return JSON.stringify(made.apply(null, call.given.map(text => JSON.parse(text))));
    } catch (e) {
        if (!e.refused) {
            throw e;
        }
        return JSON.stringify({thrown: e.refused});
    }
}
"""
_PROGRAM = """
import subject from '%s/%s.js';
const fs = require('fs');
const calls = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
fs.writeFileSync(process.argv[2], JSON.stringify(calls.map(answer)));
"""
_HANDLER = """
import subject from '%s/%s.js';
function run(r) {
    r.return(200, JSON.stringify(JSON.parse(r.requestText).map(answer)));
}
export default {run};
"""


def handler(folder: str, module: str) -> str:
    """Return a file of njs whose ``run`` answers calls in an nginx."""
    return _HANDLER % (folder, module) + _CALL


def _run(module: str, calls: list[dict[str, Any]]) -> list[Any]:
    if NGINX:
        # Without TLS: a client reads all CAs of the system otherwise, which takes 20 ms
        answer = httpx.post(
            f"{NGINX}/{module}", json=calls, trust_env=False, verify=False, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return [json.loads(one) for one in answer.json()]
    with TemporaryDirectory() as folder:
        program, data = Path(folder, "run.js"), Path(folder, "calls.json")
        program.write_text(_PROGRAM % (DIALECT, module) + _CALL)
        data.write_text(json.dumps(calls))
        done = subprocess.run(
            [str(NJS), str(program), str(data)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr
        return [json.loads(one) for one in json.loads(data.read_text())]


def ask(module: str, name: str, calls: list[list[Any]]) -> list[Any]:
    """What a function of a file of the dialect returns for each list of arguments.

    An empty name means the file's export itself. Each argument travels as a text of its own,
    because njs reads no more than 31 levels of JSON.
    """
    packed = [{"name": name, "given": [json.dumps(one) for one in given]} for given in calls]
    return _run(module, packed)


def request(route: str, body: Any, **options: Any) -> Any:
    """One request translated; a body that is no text is written as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return ask("requests", "", [[route, text, options]])[0]


def streamed(streams: list[list[str]], plan: dict[str, Any]) -> list[str]:
    """The text that a client gets of each stream, given in chunks."""
    more = {"name": "events", "plan": plan, "fresh": FRESH}
    return [str(one) for one in _run("streams", [{"chunks": one, **more} for one in streams])]
