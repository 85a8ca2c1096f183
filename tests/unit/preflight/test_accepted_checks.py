"""Test the preflight's rules of checks_accepted."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.accepted_checks import check_accepted

from tests.support.roots import ROOT

ENTRY = {"check": "json.nested", "reason": "grammar bug", "until": "2026-12-31"}
HERE = {"tgi_models": [{"name": "small"}]}
HOSTS: dict[str, dict[str, Any]] = {"gpu2": {"tgi_models": [{"name": "large"}, "broken"]}}


@pytest.mark.parametrize(
    ("model", "values", "problem"),
    [
        ("small", HERE, ""),
        # One list for all hosts may name a model of another one
        ("large", HERE, ""),
        ("outside", {"gateway_backends": [{"name": "outside"}]}, ""),
        ("lrge", HERE, 'checks_accepted[0].model is "lrge", not a model\'s name; write large'),
    ],
)
def test_a_model_is_on_some_host(model: str, values: dict[str, Any], problem: str) -> None:
    entries = {**values, "checks_accepted": [{**ENTRY, "model": model}]}
    assert check_accepted(entries, HOSTS) == [problem] * bool(problem)


@pytest.mark.parametrize("value", [None, [], "x", {}, ["x"], [None]])
def test_values_of_other_types_are_left_to_the_specification(value: Any) -> None:
    assert check_accepted({"checks_accepted": value}, HOSTS) == []


def test_keys_and_certificates_are_not_accepted() -> None:
    entries = {"checks_accepted": [{**ENTRY, "check": "tls.verify"}]}
    (line,) = check_accepted(entries, {})
    assert line.startswith("checks_accepted[0].check is tls.verify, which cannot be accepted")


def test_the_catalogue_is_loaded_only_for_a_list_with_entries() -> None:
    code = (
        "import sys, ansible.module_utils as utils; "
        f"utils.__path__.append({str(ROOT / 'module_utils')!r}); "
        "from ansible.module_utils.tgi.preflight import inventory; "
        "assert not [one for one in sys.modules if 'tgi.checks' in one]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
