"""The module as Ansible runs it: options in, one JSON out, and never a key in it."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible.module_utils.tgi.checks import tls
from check_fake_gateway import KEY, NAME, FakeGateway
from check_fakes import SHA, FakeTgi

SOURCE = Path(__file__).resolve().parents[2] / "library" / "tgi_check.py"
_spec = importlib.util.spec_from_file_location("tgi_check", SOURCE)
assert _spec is not None and _spec.loader is not None
tgi_check = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tgi_check)
# A run writes into the defaults
ARGUMENTS = copy.deepcopy(tgi_check.ARGUMENTS)

MODEL = {"name": "small", "model_id": "acme/small", "revision": SHA, "port": 8081}
DIRECT = {"view": "direct", "target": "gpu1", "models": [MODEL]}
EDGE = {
    "view": "edge", "target": "gw1", "models": [MODEL], "url": f"https://{NAME}", "api_key": KEY,
    "tier": {"requests_per_second": 20, "burst": 10, "concurrent": 4},
}  # fmt: skip


@pytest.fixture(autouse=True)
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def verified(_: Any) -> tls.Handshake:
        return tls.Handshake({"notAfter": "Jan  1 00:00:00 2099 GMT"}, "TLSv1.3")

    monkeypatch.setattr(tls, "handshake", verified)


def run(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], fake: Any
) -> tuple[dict[str, Any], str]:
    with patch_module_args(options), pytest.raises(SystemExit):
        tgi_check.main(fake.transport())
    text = capsys.readouterr().out
    return json.loads(text), text


def test_a_healthy_model_passes(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, DIRECT, FakeTgi())
    assert not found.get("failed") and found["changed"] is False
    assert found["failed_checks"] == []
    assert found["summary"]["verdict"] == "passed"
    assert found["summary"]["planned"] == found["summary"]["executed"] == len(found["checks"])
    assert found["msg"].startswith(f"{len(found['checks'])} of {len(found['checks'])} checks")
    assert found["table"].startswith("PASSED: gpu1 (direct)")
    keys = {"id", "group", "view", "model", "status", "expected", "observed", "evidence",
            "remedy", "ms", "attempts", "severity"}  # fmt: skip
    assert all(set(check) == keys for check in found["checks"])


def test_check_mode_runs_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, {**DIRECT, "_ansible_check_mode": True}, FakeTgi("no-generate"))
    assert found["failed"] and "generate.basic small" in found["failed_checks"]


def test_a_failure_says_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, DIRECT, FakeTgi("no-finish"))
    total = found["summary"]["planned"]
    assert found["failed_checks"] == ["chat.stream small"]
    assert found["msg"].startswith(
        f"1 of {total} checks failed on gpu1 (direct): chat.stream small: stream cut short"
    )
    assert "without a finish_reason" in found["msg"] and "; remedy: " in found["msg"]
    assert "\n" not in found["msg"]


@pytest.mark.parametrize("fault", ["", "wrong-key", "echo"])
def test_no_shape_of_the_key_gets_out(capsys: pytest.CaptureFixture[str], fault: str) -> None:
    fake = FakeGateway(fault)
    if fault == "echo":
        fake.model_id = f"{KEY} {KEY.swapcase()} {KEY[:-1]}"
    found, text = run(capsys, EDGE, fake)
    assert bool(found.get("failed")) == bool(fault)
    for shape in (KEY, KEY.swapcase(), KEY[:-1]):
        assert shape not in text


def test_return_keys_are_none_that_ansible_claims(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, EDGE, FakeGateway())
    assert set(found) - {"invocation"} == {
        "changed", "msg", "checks", "failed_checks", "summary", "table",
    }  # fmt: skip


REFUSED = [
    ({**EDGE, "api_key": "short"}, "fewer than 8 characters"),
    ({**EDGE, "api_key": ""}, "no api_key"),
    ({**EDGE, "url": f"http://{NAME}"}, "https://NAME"),
    ({**EDGE, "ca_file": "/nowhere/ca.crt"}, "cannot use the CA file /nowhere/ca.crt"),
    ({**DIRECT, "models": []}, "no model was given"),
    ({**DIRECT, "models": [{"name": "a", "model_id": "b"}]}, "give its url or its port"),
    ({**DIRECT, "checks": ["chaat"]}, "no check or group is called chaat"),
    ({**DIRECT, "without_chat": ["x"]}, "names no such model: x"),
    ({**DIRECT, "canary_passes": 9}, "between 1 and 4"),
    ({**DIRECT, "timeout": 0}, "must be above 0"),
    ({**DIRECT, "models": [{**MODEL, "options": {"max_input_tokens": "many"}}]}, "a number"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_makes_no_sense_is_refused_before_any_request(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], said: str
) -> None:
    fake = FakeGateway()
    found, _ = run(capsys, options, fake)
    assert found["failed"] and said in found["msg"]
    assert fake.requests == []


def test_a_selection_for_the_other_view_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, {**DIRECT, "checks": ["rate"]}, FakeTgi())
    assert found["skipped"] is True and "checks" not in found
    health = {**EDGE, "checks": ["health"], "public_health": False}
    assert run(capsys, health, FakeGateway())[0]["skipped"] is True


@pytest.mark.parametrize(
    "options",
    [
        {**DIRECT, "checks": ["selftest"]},
        {**DIRECT, "checks": ["chat"], "without_chat": ["small"]},
        {**EDGE, "checks": ["rate"], "tier": {}},
    ],
)
def test_a_selection_that_nothing_comes_of_fails(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    found, _ = run(capsys, options, FakeGateway())
    assert found["failed"] and not found.get("skipped")


def test_a_missing_httpx_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tgi_check.client, "HTTPX_ERROR", "No module named 'httpx'")
    found, _ = run(capsys, DIRECT, FakeTgi())
    assert found["failed"] and "httpx" in found["msg"] and "python3-httpx" in found["msg"]


def test_base_models_are_not_asked_to_chat(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, {**DIRECT, "without_chat": ["small"]}, FakeTgi("no-template"))
    assert not found.get("failed")
    assert not any(check["group"] == "chat" for check in found["checks"])


def documented(options: dict[str, Any]) -> dict[str, Any]:
    facts = {}
    for name, option in options.items():
        inner = documented(option["suboptions"]) if "suboptions" in option else None
        given = (option.get(key) for key in ("type", "elements", "choices", "default"))
        facts[name] = (*given, option.get("required", False), inner)
    return facts


def specified(options: dict[str, Any]) -> dict[str, Any]:
    facts = {}
    for name, option in options.items():
        inner = specified(option["options"]) if "options" in option else None
        given = (option.get(key) for key in ("type", "elements", "choices", "default"))
        facts[name] = (*given, option.get("required", False), inner)
    return facts


def test_documentation_and_argument_spec_agree() -> None:
    manual = yaml.safe_load(tgi_check.DOCUMENTATION)["options"]
    assert documented(manual) == specified(ARGUMENTS)
    assert yaml.safe_load(tgi_check.EXAMPLES)
    assert set(yaml.safe_load(tgi_check.RETURN)) == {"checks", "failed_checks", "summary", "table"}
