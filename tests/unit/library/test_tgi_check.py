"""Test the module as Ansible runs it: it prints one JSON text, without any key."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.report.report_files import write_reports

from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import SHA, InMemoryTgi
from tests.support.roots import ROOT
from tests.support.tls_pairs import LASTING

SOURCE = ROOT / "library" / "tgi_check.py"
_spec = importlib.util.spec_from_file_location("tgi_check", SOURCE)
assert _spec is not None and _spec.loader is not None
tgi_check = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tgi_check)
# A copy, because a run changes the defaults
ARGUMENTS = copy.deepcopy(tgi_check.ARGUMENTS)

MODEL = {"name": "small", "model_id": "acme/small", "revision": SHA, "port": 8081}
DIRECT_RUN = {"view": "direct", "target": "gpu1", "models": [MODEL]}
EDGE_RUN = {
    "view": "edge", "target": "gw1", "models": [MODEL], "url": f"https://{NAME}", "api_key": KEY,
    "tier": {"requests_per_second": 20, "burst": 10, "concurrent": 4},
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with fast_time():
        yield


@pytest.fixture(autouse=True)
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def verified(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake(LASTING, "TLSv1.3")

    monkeypatch.setattr(tls_certificate, "handshake", verified)


def run(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], fake: Any
) -> tuple[dict[str, Any], str]:
    with patch_module_args(options), pytest.raises(SystemExit):
        tgi_check.main(fake.transport())
    text = capsys.readouterr().out
    return json.loads(text), text


def test_a_healthy_model_passes(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, DIRECT_RUN, SpoiltTgi())
    assert not found.get("failed") and found["changed"] is False
    assert found["failed_checks"] == []
    assert found["summary"]["verdict"] == "passed"
    assert found["summary"]["planned"] == found["summary"]["executed"] == len(found["checks"])
    assert found["msg"].startswith(f"{len(found['checks'])} of {len(found['checks'])} checks")
    assert found["table"].startswith("PASSED: gpu1 (direct)")
    keys = {"id", "group", "view", "model", "status", "expected", "observed", "evidence",
            "remedy", "ms", "attempts", "severity", "consequence_of",
            "accepted"}  # fmt: skip
    assert all(set(check) == keys for check in found["checks"])


def test_check_mode_runs_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, {**DIRECT_RUN, "_ansible_check_mode": True}, SpoiltTgi("no-generate"))
    assert found["failed"] and "generate.basic small" in found["failed_checks"]


def test_a_failure_says_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, DIRECT_RUN, SpoiltTgi("no-finish"))
    total = found["summary"]["planned"]
    assert found["failed_checks"] == ["chat.stream small", "completions.stream small"]
    assert found["msg"].startswith(
        f"2 of {total} checks failed on gpu1 (direct): chat.stream small: finish_reason never came"
    )
    assert "; remedy: " in found["msg"]
    assert "\n" not in found["msg"]


@pytest.mark.parametrize("fault", ["", "wrong-key", "echo"])
def test_no_shape_of_the_key_gets_out(capsys: pytest.CaptureFixture[str], fault: str) -> None:
    shown = f"{KEY} {KEY.swapcase()} {KEY[:-1]}"
    tgi = InMemoryTgi(model_id=shown) if fault == "echo" else None
    fake = FakeGateway(*[fault] * (fault != "echo"), tgi=tgi)
    found, text = run(capsys, EDGE_RUN, fake)
    assert bool(found.get("failed")) == bool(fault)
    for shape in (KEY, KEY.swapcase(), KEY[:-1]):
        assert shape not in text


def test_figures_of_one_view_are_what_the_other_compares_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = run(capsys, DIRECT_RUN, SpoiltTgi())[0]["figures"]
    assert figures["small"]["completion_tokens"] == figures["small"]["chunks"] == 20
    alone, _ = run(capsys, EDGE_RUN, FakeGateway())
    assert "no figures of the direct view" in alone["table"]
    both, _ = run(capsys, {**EDGE_RUN, "direct": figures}, FakeGateway())
    more = {one["id"] for one in both["checks"]} - {one["id"] for one in alone["checks"]}
    assert more == {"stream.same", "stream.latency"}


@pytest.mark.parametrize("ending", ["", "\n", "\nsecond-line-of-it"])
def test_another_secret_in_an_answer_fails_and_is_not_shown(
    capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    fake = FakeGateway(tgi=InMemoryTgi(model_id="hf_Secret0123"))
    options = {
        **EDGE_RUN,
        "secrets": [f"hf_Secret0123{ending}"],
        "models": [{**MODEL, "model_id": "any"}],
    }
    found, text = run(capsys, options, fake)
    assert "auth.leak" in found["failed_checks"] and "hf_Secret0123" not in text
    leak = next(one for one in found["checks"] if one["id"] == "auth.leak")
    assert leak["observed"].endswith("in the answer of /models/small/info")


def test_return_keys_are_none_that_ansible_claims(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, EDGE_RUN, FakeGateway())
    assert set(found) - {"invocation"} == {
        "changed", "msg", "checks", "failed_checks", "summary", "table", "figures",
    }  # fmt: skip


REFUSED = [
    ({**EDGE_RUN, "api_key": "short"}, "fewer than 8 characters"),
    ({**EDGE_RUN, "api_key": ""}, "api_key is missing"),
    ({**EDGE_RUN, "url": f"http://{NAME}"}, "https://NAME"),
    ({**EDGE_RUN, "ca_file": "/nowhere/ca.crt"}, "cannot use the certificates in /nowhere/ca.crt"),
    ({**DIRECT_RUN, "models": []}, "at least one model"),
    ({**DIRECT_RUN, "models": [{"name": "a", "model_id": "b"}]}, "give its url or its port"),
    ({**DIRECT_RUN, "checks": ["chaat"]}, "unknown checks or groups: chaat"),
    ({**DIRECT_RUN, "without_chat": ["x"]}, "names unknown models: x"),
    ({**DIRECT_RUN, "canary_passes": 9}, "between 1 and 4"),
    ({**DIRECT_RUN, "timeout": 0}, "must be above 0"),
    ({**DIRECT_RUN, "models": [{**MODEL, "options": {"max_input_tokens": "many"}}]}, "a number"),
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
    found, _ = run(capsys, {**DIRECT_RUN, "checks": ["rate"]}, SpoiltTgi())
    assert found["skipped"] is True and "checks" not in found
    health = {**EDGE_RUN, "checks": ["health"], "public_health": False}
    assert run(capsys, health, FakeGateway())[0]["skipped"] is True


@pytest.mark.parametrize(
    "options",
    [
        {**DIRECT_RUN, "checks": ["selftest"]},
        {**DIRECT_RUN, "checks": ["chat"], "without_chat": ["small"]},
        {**EDGE_RUN, "checks": ["rate"], "tier": {}},
    ],
)
def test_a_selection_that_nothing_comes_of_fails(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    found, _ = run(capsys, options, FakeGateway())
    assert found["failed"] and not found.get("skipped")


@pytest.mark.parametrize("library", ["httpx", "jsonschema"])
def test_a_missing_library_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    place = {"httpx": tgi_check.http_client, "jsonschema": tgi_check.json_schema}[library]
    monkeypatch.setattr(place, f"{library.upper()}_ERROR", f"No module named '{library}'")
    found, _ = run(capsys, DIRECT_RUN, SpoiltTgi())
    assert found["failed"] and library in found["msg"] and f"python3-{library}" in found["msg"]


def test_base_models_are_not_asked_to_chat(capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run(capsys, {**DIRECT_RUN, "without_chat": ["small"]}, SpoiltTgi("no-chat-template"))
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


@pytest.fixture(scope="module")
def manual() -> dict[str, Any]:
    """Return the manual page of ansible-doc, with the fragments."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "-j"]
    done = subprocess.run(
        [*command, "tgi_check"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=True,
    )
    page: dict[str, Any] = json.loads(done.stdout)["tgi_check"]
    return page


def test_documentation_and_argument_spec_agree(manual: dict[str, Any]) -> None:
    assert documented(manual["doc"]["options"]) == specified(ARGUMENTS)


def test_examples_use_options_that_exist(manual: dict[str, Any]) -> None:
    examples = yaml.safe_load(manual["examples"])
    tasks = [task["tgi_check"] for task in examples if "tgi_check" in task]
    assert len(tasks) > 4 and {task["view"] for task in tasks} == {"direct", "edge"}
    for task in tasks:
        assert set(task) <= set(ARGUMENTS)
        known = set(ARGUMENTS["models"]["options"])
        for model in task["models"] if isinstance(task["models"], list) else []:
            assert set(model) <= known


def test_every_group_and_severity_is_in_the_manual(manual: dict[str, Any]) -> None:
    text = "\n".join(manual["doc"]["description"])
    named = set(re.findall(r"^B\(([a-z]+)\)", text, re.M))
    assert {spec.group for spec in (*DIRECT, *EDGE)} - {"selftest"} <= named
    assert {"C(critical)", "C(major)", "C(minor)"} <= set(re.findall(r"C\(\w+\)", text))


def test_what_is_returned_is_in_the_manual(
    manual: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = run(capsys, {**DIRECT_RUN, "full_report": True}, SpoiltTgi())
    assert set(found) - {"invocation", "changed", "msg"} == set(manual["return"])
    assert set(manual["return"]["checks"]["sample"][0]) == set(found["checks"][0])
    assert set(manual["return"]["summary"]["sample"]) == set(found["summary"])
    assert set(manual["return"]["report"]["sample"]) == set(found["report"])


@pytest.mark.parametrize("options", [DIRECT_RUN, EDGE_RUN], ids=["direct", "edge"])
def test_check_mode_can_spare_the_gpu(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    tgi = InMemoryTgi()
    fake = FakeGateway(tgi=tgi) if options["view"] == "edge" else tgi
    spared = {**options, "generate_in_check_mode": False, "full_report": True}
    found, _ = run(capsys, {**spared, "_ansible_check_mode": True}, fake)
    assert not found.get("failed"), found["msg"]
    assert tgi.generations == 0 and found["summary"]["executed"] > 3
    left = {one["id"]: one["reason"] for one in found["report"]["left_out"]}
    assert "chat.basic" in left and "generate_in_check_mode" in left["chat.basic"]
    found, _ = run(capsys, {**spared, "checks": ["chat"], "_ansible_check_mode": True}, fake)
    assert found["skipped"] and tgi.generations == 0
    found, _ = run(capsys, spared, fake)
    assert "chat.basic" in {one["id"] for one in found["checks"]}


def test_a_module_on_a_host_carries_no_writer_of_reports() -> None:
    """Import no writer of reports: Ansible ships each import to the host in every call."""
    code = (
        "import runpy, sys, ansible.module_utils as utils; "
        f"utils.__path__.append({str(ROOT / 'module_utils')!r}); "
        f"runpy.run_path({str(SOURCE)!r}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name.rpartition(".")[2] for name in done.stdout.split() if ".tgi.checks." in name}
    assert "document" in ours and not {"report_files", "junit", "html_page"} & ours


def test_no_report_holds_the_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fake = FakeGateway(tgi=InMemoryTgi(model_id=f"{KEY} {KEY.swapcase()} {KEY[:-1]}"))
    found, _ = run(capsys, {**EDGE_RUN, "full_report": True}, fake)
    assert found["failed"]
    for path in write_reports(str(tmp_path), [found["report"]]):
        text = Path(path).read_text()
        assert "identity differs" in text
        assert not any(shape in text for shape in (KEY, KEY.swapcase(), KEY[:-1]))
