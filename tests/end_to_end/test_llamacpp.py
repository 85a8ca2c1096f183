"""Run the direct view against llama.cpp's own server, with SmolLM2.

It speaks OpenAI's dialect, enforces JSON schemas and ignores tool_choice. One table says what
every check must find. A check that is missing there fails the test: add it to the table.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.roots import ROOT

HERE = Path(__file__).resolve().parent
NAME, CONTEXT = "smollm2", 1024

#: pass, fail, either (pass or warning: as such a small model happens to answer, or as fast as the
#: machine is), or what llama.cpp, or this container of it, lacks, and the check is left out for.
FINDINGS = {
    "pass": """
        selftest health.status engine.detected model.list model.unknown model.golden
        chat.basic chat.stream chat.canary chat.template chat.degenerate chat.logprobs chat.utf8
        chat.length chat.system completions.basic completions.stream
        json.const json.truncated json.nested json.invalid json.stream regex.grammar
        ctx.declared ctx.over stream.cancel metrics.format metrics.delta health.after
    """,
    # SmolLM2's chat template knows no tools, and llama.cpp lets the model answer in prose
    "fail": "tools.prompt tools.forced tools.named tools.stream",
    "either": "chat.repeat tools.roundtrip smoke.ttft smoke.tpot smoke.batching",
    "native": "ping.root generate.basic generate.stream generate.reject generate.stop "
    "generate.compat",
    "info": "model.info",
    "tokenize": "model.tokenizer",
    "exclusive": "tools.grammar_clash",
    "gpus": "gpu.access",
}
TABLE = {name: finding for finding, names in FINDINGS.items() for name in names.split()}


def run(command: Sequence[str]) -> str:
    """Return the last line that a command prints."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    return done.stdout.strip().rpartition("\n")[2]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Start llama.cpp in a container of the emulator's image; return its URL."""
    image = run([str(ROOT / "tests" / "emulator" / "image.sh")])
    program = (HERE / "llama_server.py").read_text()
    container = run(
        ["docker", "run", "--detach", "--label", "tgi-ansible=test", "--publish", "127.0.0.1::8080",
         "--entrypoint", "python3", image, "-c", program, "8080", str(CONTEXT), NAME]
    )  # fmt: skip
    try:
        address = f"http://{run(['docker', 'port', container, '8080/tcp'])}"
        until_healthy(address, container)
        yield address
    finally:
        run(["docker", "rm", "--force", "--volumes", container])


def until_healthy(address: str, container: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > deadline:
                said = subprocess.run(
                    ["docker", "logs", container], capture_output=True, text=True, check=False
                )
                pytest.fail(f"llama.cpp does not get ready: {said.stdout}{said.stderr}")
            time.sleep(0.2)


def checked(url: str, engine: str, select: Sequence[str] = ()) -> Report:
    model = Model(NAME, NAME, url=url, engine=engine, max_total_tokens=CONTEXT)
    return asyncio.run(check(Options("direct", "llama.cpp", [model], select=select)))


def test_every_check_finds_what_the_table_says(url: str) -> None:
    report = checked(url, "llamacpp")
    found = {one.id: one.status for one in report.checks}
    told = {one.id: f"{one.observed} [{one.evidence}]" for one in report.checks}
    lacking = {one.id: one.reason for one in report.left_out}
    wrong = [f"{name} is not in the table" for name in {*found, *lacking} - set(TABLE)]
    for name, wanted in TABLE.items():
        if wanted not in ("pass", "fail", "either"):
            if f"({wanted})" not in lacking.get(name, ""):
                wrong.append(f"{name} is not left out for want of {wanted}: {found.get(name)}")
        elif found.get(name) not in (("pass", "warn") if wanted == "either" else (wanted,)):
            wrong.append(f"{name}: {wanted} expected, {found.get(name)}: {told.get(name)}")
    assert not wrong, "\n".join(wrong)
    assert not report.passed


def test_prose_instead_of_a_call_is_named(url: str) -> None:
    (forced,) = checked(url, "llamacpp", ["tools.forced"]).of("fail")
    assert "call is missing" in forced.observed
    assert "checks_without_tools" in forced.remedy


def test_it_is_not_taken_for_tgi(url: str) -> None:
    (engine,) = checked(url, "tgi", ["engine.detected"]).of("fail")
    assert "llamacpp" in engine.observed
