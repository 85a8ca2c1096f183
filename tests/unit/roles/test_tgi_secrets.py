"""Test the file with the token, read as Compose reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import emulator_process
from tests.support.render_compose import MODEL, ROLE, environment, render, template, variables
from tests.support.roots import ROOT


def read(text: str) -> dict[str, str]:
    r"""Read the file by Compose's rules for single quotes (dotenv): all but \' is literal."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        match = re.fullmatch(r"([A-Z_]+)='((?:\\'|[^'])*)'", line)
        assert match, f"Compose would not take this literally: {line}"
        found[match[1]] = match[2].replace("\\'", "'")
    return found


READER = {**MODEL, "hf_token": True}
TOKENS = [
    "hf_AbC123",
    "hf_$HOME${HOME}$$",
    "hf_a#b #c",
    "hf 'single' \"double\"",
    "hf_back\\slash\\n",
    "hf_=:;&|<>",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_comes_through_unharmed(token: str) -> None:
    assert read(render("secrets.env.j2", READER, tgi_hf_token=token)) == {"HF_TOKEN": token}


def test_only_a_model_that_says_so_gets_the_token() -> None:
    models = [READER, {**MODEL, "name": "other"}]
    values = variables(models, tgi_hf_token=TOKENS[0], ansible_search_path=[str(ROLE)])
    texts = template("{{ __tgi_secrets }}", values)
    assert [read(text) for text in texts.values()] == [{"HF_TOKEN": TOKENS[0]}, {}]
    assert list(texts) == [READER["name"], "other"]


def test_no_token_is_no_variable() -> None:
    assert read(render("secrets.env.j2", READER)) == {}


@pytest.mark.parametrize("log", ["text", "json"])
def test_a_download_that_fails_does_not_log_the_token(tmp_path: Path, log: str) -> None:
    token, proxy = "hf_" + "PlantedInThisTest" * 2, "http://me:PlantedToo@proxy:3128"
    given = environment(tgi_environment={"HTTPS_PROXY": proxy})
    given["TGI_EMULATOR_FAULTS"] = "hub-unreachable"
    secrets = read(render("secrets.env.j2", READER, tgi_hf_token=token))

    def logged(variables: dict[str, str]) -> str:
        command = [sys.executable, "-m", "tgi_emulator.launcher", "--prometheus-port", "0"]
        if log == "json":
            command.append("--json-output")
        whole = emulator_process.environment(tmp_path, {**variables, **secrets})
        done = subprocess.run(
            command, cwd=tmp_path, env=whole, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1 and "DownloadError" in done.stderr
        # A box cuts a long word in two
        return re.sub(r"[\s│]", "", done.stdout + done.stderr)

    assert "Planted" not in logged(given)
    given.pop("_TYPER_STANDARD_TRACEBACK")
    assert "Planted" in logged(given), "the emulator leaks as the engine does"


def test_no_secret_reaches_the_output_or_the_fact() -> None:
    tasks = yaml.safe_load((ROOT / "roles/tgi/tasks/compare.yml").read_text())
    (task,) = [task["tgi_changes"] for task in tasks if "tgi_changes" in task]
    secret = {**MODEL, "environment": {"SOME_KEY": "a-secret"}}
    for models, common, shown in (
        ([MODEL], {}, True),
        ([MODEL, {**secret, "name": "other"}], {}, False),
        ([MODEL], {"SOME_KEY": "a-secret"}, False),
    ):
        values = variables(models, tgi_environment=common)
        assert template(task["show_compose"], values) is shown
        for public in ("models", "options_digests"):
            assert "a-secret" not in str(template(task[public], values))
        assert "a-secret" not in str(values["ansible_facts"])
