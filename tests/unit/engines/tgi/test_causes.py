"""Recognise why TGI died, from its log, its exit code and Docker's own words."""

from __future__ import annotations

import json
import re

import pytest
from ansible.module_utils.tgi.common.text import clean
from ansible.module_utils.tgi.engines.tgi.causes import explain_death, recognise
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import PHASES

from tests.support.emulator import FACTS
from tests.support.wait_chains import CHAINS, DOCKER_ERRORS, Chain
from tests.support.wait_fakes import as_json, raw


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_the_same_in_json(chain: Chain) -> None:
    said = [clean(line) for line in chain.lines]
    messages = [line.message for text in said for line in parse(text)]
    lines = parse(
        raw(*((i, m if m.startswith("error: ") else as_json(m)) for i, m in enumerate(messages)))
    )
    found = recognise(lines, chain.phase)
    assert found is not None
    assert found.id == chain.cause


@pytest.mark.parametrize(("error", "cause"), DOCKER_ERRORS)
def test_what_docker_itself_says(error: str, cause: str) -> None:
    found = explain_death([], "start", 128, False, error)
    assert found.id == cause
    assert found.remedy


@pytest.mark.parametrize(
    ("code", "killed", "cause"),
    [
        (0, False, "stopped"),
        (1, False, "unknown"),
        (2, False, "usage"),
        (101, False, "panic"),
        (127, False, "image_broken"),
        (137, False, "killed"),
        (137, True, "host_memory"),
        (143, False, "stopped"),
        (None, False, "unknown"),
    ],
)
def test_an_exit_code_alone(code: int | None, killed: bool, cause: str) -> None:
    assert explain_death([], "load", code, killed, "").id == cause


def test_a_container_over_its_own_limit_is_not_blamed_on_the_host() -> None:
    found = explain_death([], "load", 137, True, "", memory=8 * 2**30)
    assert (found.id, found.text) == (
        "container_memory",
        "killed: it needed more than its memory limit, 8.0 GiB",
    )
    assert found.remedy.startswith("raise tgi_memory_limit, or delete it")
    assert "memory limit" not in explain_death([], "load", 137, True, "").text


def test_a_clean_stop_is_not_blamed_on_an_old_line() -> None:
    lines = parse(raw((1, "Method Prefill encountered an error.")))
    assert explain_death(lines, "serve", 0, False, "").id == "stopped"


def test_a_healthy_log_names_no_cause() -> None:
    from tests.support.wait_fakes import TO_SERVE

    for phase in PHASES:
        assert recognise(parse(raw(*TO_SERVE)), phase) is None


def test_a_message_with_braces_is_only_shown() -> None:
    lines = parse(raw((1, 'Error: ArgumentValidation("{0} {x} {")')))
    found = recognise(lines, "start")
    assert found is not None
    assert "{0} {x} {" in found.text


def test_every_error_that_tgi_logs_is_in_a_chain() -> None:
    missing = []
    for entry in json.loads((FACTS / "log-patterns.json").read_text()):
        if entry["kind"] != "error" and entry["exit_code"] is None:
            continue
        pattern = re.compile(entry["regex"], re.MULTILINE)
        if not any(pattern.search("\n".join(clean(p) for p in c.lines)) for c in CHAINS):
            missing.append(entry["id"])
    assert not missing
