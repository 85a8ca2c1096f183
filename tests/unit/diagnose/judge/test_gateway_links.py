"""Judge what a gateway host shows: nginx, its log, its clients."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.diagnose.verdict_text import Verdict

from tests.support.diagnose.pictures import Case
from tests.support.diagnose.troubles_edge import TABLE


def verdict_of(case: Case) -> Verdict:
    return judge(read_picture(case.results()))


def test_short_of_descriptors() -> None:
    case = Case()
    case.chat_is(500)
    case.gateway["errors"] = [
        {"kind": "files", "age": 9, "count": 2, "upstream": "", "line": "(24: Too many open files)"}
    ]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.link == "errors"


def test_workers_with_too_few_files_are_a_warning() -> None:
    case = Case()
    case.gateway["few_files"] = "a worker of nginx may open 1024 files"
    (found,) = [one.found for one in verdict_of(case).findings if one.link == "service"]
    assert (found.state, found.code) == ("warning", "few_files")
    assert found.remedy.startswith("set LimitNOFILE=65536 for nginx.service")


def test_a_main_file_edited_by_hand_is_ours_and_a_warning() -> None:
    case = Case()
    case.gateway["config"]["edited"] = True
    verdict = verdict_of(case)
    (found,) = [one.found for one in verdict.findings if one.link == "config"]
    assert (found.state, found.code) == ("warning", "edited")
    assert verdict.passed


@pytest.mark.parametrize(
    ("requests", "hidden", "warns"), [(40, 40, True), (90, 40, False), (19, 19, False)]
)
def test_clients_that_share_a_balancers_address_are_a_warning(
    requests: int, hidden: int, warns: bool
) -> None:
    case = Case()
    case.gateway["addresses"] = {"requests": requests, "hidden": hidden, "address": "10.0.0.5"}
    verdict = verdict_of(case)
    (found,) = [one.found for one in verdict.findings if one.link == "config"]
    assert (found.code == "hidden") is warns
    assert (
        "40 of the last 40 requests have a balancer's address (10.0.0.5)" in found.seen
    ) is warns
    assert verdict.passed


def test_a_forgotten_drain_is_a_warning() -> None:
    case = Case()
    case.gateway["models"][0]["replicas"] = [
        {
            **case.replica,
            "name": "gpu2",
            "drained": "since 2026-11-29 07:04 UTC, 3 days, by anna",
            "take_back": "run playbooks/drain.yml",
        },
        case.replica,
    ]
    verdict = verdict_of(case)
    assert verdict.passed
    assert "gpu2 is drained since 2026-11-29 07:04 UTC, 3 days, by anna" in verdict.line
    assert "run playbooks/drain.yml" in verdict.line


@pytest.mark.parametrize(
    ("renewal", "words"),
    [
        ({"timer": "inactive", "result": "success"}, "the timer that renews the certificate is"),
        ({"timer": "", "result": ""}, "the timer that renews the certificate is unknown"),
        ({"timer": "active", "result": "exit-code"}, "the last renewal of the certificate failed"),
        ({"timer": "active", "result": "success"}, "nginx is active (running)"),
    ],
)
def test_a_certificate_that_is_not_renewed_is_a_warning(
    renewal: dict[str, str], words: str
) -> None:
    case = Case()
    case.gateway["renewal"] = renewal
    (found,) = [one.found for one in verdict_of(case).findings if one.link == "service"]
    assert found.seen.startswith(words)
    assert found.code == ("" if "nginx" in words else "renewal")


def line(kind: str, age: int) -> dict[str, Any]:
    return {"kind": kind, "age": age, "count": 1, "upstream": "", "line": f"a line of {kind}"}


def test_the_gateways_own_trouble_is_not_hidden_by_a_later_word_of_an_engine() -> None:
    case = Case()
    case.chat_is(500)
    case.gateway["errors"] = [line("connections", 20), line("closed", 3)]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.found.code == "connections"
    case.gateway["errors"] = [line("connections", 2000), line("closed", 3)]
    (errors,) = [one for one in verdict_of(case).findings if one.link == "errors"]
    assert errors.found.state == "ok" and "a line of closed" in errors.found.seen


@pytest.mark.parametrize("kind", ["files", "connections", "space", "memory", "script", "address"])
def test_a_line_of_the_log_breaks_nothing_that_works_now(kind: str) -> None:
    case = Case()
    case.gateway["errors"] = [line(kind, 13)]
    verdict = verdict_of(case)
    assert verdict.passed and verdict.cause is None
    (found,) = [one.found for one in verdict.findings if one.link == "errors"]
    assert found.state == ("ok" if kind == "address" else "warning")
    assert f"13 s ago: a line of {kind}" in found.seen


TAKEN = {"kind": "address", "age": 29, "count": 1, "upstream": "",
         "line": "bind() to 0.0.0.0:443 failed (98: Address already in use)"}  # fmt: skip


def test_a_port_that_is_free_again_is_not_why_nginx_is_down() -> None:
    case = Case()
    TABLE["connection refused: nginx -t fails"][0](case)
    case.gateway["errors"] = [TAKEN]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.link == "config" and verdict.others == []
    case = Case()
    TABLE["connection refused: nginx stopped"][0](case)
    case.gateway["errors"] = [TAKEN, line("connections", 20)]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.link == "service" and verdict.others == []


def test_a_port_that_another_program_has_is_why() -> None:
    case = Case()
    TABLE["connection refused: port taken"][0](case)
    case.gateway["errors"] = [TAKEN]
    verdict = verdict_of(case)
    assert verdict.cause and "stop" in verdict.cause.found.remedy and verdict.others == []
    case = Case()
    TABLE["401: old configuration in force"][0](case)
    case.gateway["errors"] = [TAKEN]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.found.code == "address"


@pytest.mark.parametrize(("kind", "remedy"), [("files", "descriptors"), ("script", "own script")])
def test_a_line_of_nginx_has_a_remedy_of_its_kind(kind: str, remedy: str) -> None:
    case = Case()
    case.chat_is(500)
    case.gateway["errors"] = [line(kind, 9)]
    verdict = verdict_of(case)
    assert verdict.cause and remedy in verdict.cause.found.remedy


@pytest.mark.parametrize(
    ("asked", "refused", "translates", "state", "said"),
    [
        (40, 12, False, "warning", "engines refused 12 of the last 40 requests below /v1"),
        (40, 12, True, "ok", "(422): their clients' own"),
        (400, 12, False, "ok", "in force"),
        (4, 4, False, "ok", "in force"),
    ],
)
def test_what_engines_cannot_read_is_the_dialect_or_the_clients_own(
    asked: int, refused: int, translates: bool, state: str, said: str
) -> None:
    case = Case()
    case.gateway |= {"refusals": {"asked": asked, "refused": refused}, "translates": translates}
    verdict = verdict_of(case)
    (found,) = [one.found for one in verdict.findings if one.link == "config"]
    assert (found.state, said in found.seen) == (state, True), found.seen
    assert ("gateway_openai_dialect: true" in found.remedy) is (state == "warning")
    assert verdict.passed
