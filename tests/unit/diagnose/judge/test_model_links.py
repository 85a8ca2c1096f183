"""Judge what serves and is still not as asked: start warnings, no places, a dead collector."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.diagnose.verdict_text import Verdict

from tests.support.diagnose.pictures import INFO, Case, answer, asked, chat

NO_REF = {
    "cause": "no_ref",
    "text": "the offline cache has no refs/x, so chats have no template",
    "remedy": "write that file",
}
SLOW = {"cause": "no_flash_attention", "text": "flash attention is not in use", "remedy": "a GPU"}


def verdict_of(case: Case) -> Verdict:
    return judge(read_picture(case.results()))


def settings(verdict: Verdict) -> Any:
    (row,) = [row for row in verdict.rows() if row["link"] == "settings"]
    return row


def without_template(case: Case) -> None:
    refused = chat(422, error="Template error: template not found")
    refused["problem"] = "HTTP 422 Template error: template not found"
    for one in (case.edge, case.model):
        one["chat"] = dict(refused)
        for name in ("stream", "tools"):
            one.pop(name)
    case.model["checks"] = {"model.info": case.model["checks"]["model.info"]}


def test_a_warning_of_the_start_is_shown_and_fails_nothing() -> None:
    case = Case()
    case.model["state"] = {**case.model["state"], "warnings": [SLOW]}
    verdict = verdict_of(case)
    assert verdict.passed and settings(verdict)["state"] == "warning"
    said = "WARNING: settings of small on gpu1: flash attention is not in use. Remedy: a GPU."
    assert said in verdict.line


@pytest.mark.parametrize("warnings", [[NO_REF], [SLOW, NO_REF]])
def test_a_missing_template_has_the_cause_that_the_start_told(warnings: list[Any]) -> None:
    case = Case()
    without_template(case)
    case.model["state"] = {**case.model["state"], "warnings": warnings}
    verdict = verdict_of(case)
    assert verdict.cause
    assert (verdict.cause.link, verdict.cause.found.code) == ("settings", "no_ref")
    assert {one.link for one in verdict.outward} == {"chat", "direct.chat"}
    assert "Remedy: write that file." in verdict.line
    with_remedy = [
        row["link"] for row in verdict.rows() if row["state"] == "broken" and row["remedy"]
    ]
    assert with_remedy == ["settings"]


def test_no_places_refuse_every_generation() -> None:
    case = Case()
    case.chat_is(429, "Model is overloaded")
    case.replica.update(ready=False, detail="POST /generate answered 429")
    case.model["info"] = {**INFO, "places": 0}
    case.model["generate"] = answer(429, problem="HTTP 429 Model is overloaded", times={})
    for name in ("chat", "stream", "tools", "checks"):
        case.model.pop(name)
    case.model["state"] = {
        **case.model["state"], "phase": "serve", "ready": False, "failed": True,
        "detail": "no token", "cause": "not_generating", "remedy": "restart it",
    }  # fmt: skip
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.found.code == "refuses_all"
    assert {one.link for one in verdict.outward} == {"chat", "upstream", "log", "generation"}
    assert "set it to 1 or more" in verdict.cause.found.remedy


def test_a_collector_that_does_not_answer() -> None:
    case = Case()
    case.model["collector"] = {"address": "otel:4317", "problem": "does not answer within 3 s"}
    verdict = verdict_of(case)
    assert verdict.passed
    assert "the OTLP collector otel:4317 does not answer within 3 s" in verdict.line
    assert "two minutes to stop" in verdict.line and "otlp_endpoint" in settings(verdict)["remedy"]
    case.model["collector"]["problem"] = ""
    assert "traces to otel:4317" in settings(verdict_of(case))["seen"]
    # Beside a fault it is named too
    case.model["collector"]["problem"] = "does not answer within 3 s"
    without_template(case)
    assert "Warnings: settings of small on gpu1 (the OTLP collector" in verdict_of(case).line


def test_another_image_than_the_deployed_one() -> None:
    case = Case()
    case.model["declared"]["image"] = "tgi:3.3.6"
    verdict = verdict_of(case)
    assert verdict.cause and (verdict.cause.link, verdict.cause.found.code) == ("identity", "image")
    assert "runs tgi:3.3.7, deployed is tgi:3.3.6" in verdict.line


def test_a_check_without_an_outcome_is_unknown() -> None:
    case = Case()
    case.model["checks"]["chat.canary"] = {"problem": "", "unknown": "no end within 60 s"}
    verdict = verdict_of(case)
    assert verdict.passed and "1 could not be judged" in verdict.line
    assert "Not judged: which model answers, and its text, of small." in verdict.line


def test_an_engine_that_others_keep_busy_is_not_called_senseless() -> None:
    case = Case()
    for name in ("chat.degenerate", "chat.canary"):
        case.model["checks"][name] = asked("HTTP 429 Model is overloaded")
    verdict = verdict_of(case)
    (text,) = [one for one in verdict.findings if one.link == "text"]
    assert verdict.passed and text.found.state == "unknown"
    assert "chat.degenerate: HTTP 429" in text.found.seen


def test_a_gateway_that_leads_a_name_elsewhere() -> None:
    case = Case()
    case.edge["info"] = {**INFO, "model_id": "acme/other"}
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.link == "served"
    assert "acme/other answers, deployed is acme/small" in verdict.line


@pytest.mark.parametrize(
    ("listener", "broken"), [("docker-proxy", False), ("dockerd", False), ("python3", True)]
)
def test_docker_holds_the_port_by_its_proxy_or_by_itself(listener: str, broken: bool) -> None:
    case = Case()
    case.model["listener"] = listener
    (row,) = [row for row in verdict_of(case).rows() if row["link"] == "port"]
    assert (row["state"] == "broken") is broken
    assert not broken or f"{listener} listens on port" in str(row)
