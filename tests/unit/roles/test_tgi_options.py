"""Test that the role's argument specification has the launcher options of the table."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from ansible.module_utils.tgi.engines.tgi.options import (
    LAUNCHER_OPTIONS,
    OPTIONS,
    argument_specs,
    yaml_block,
)

from tests.support.emulator import FACTS
from tests.support.roots import ROOT

SPEC = ROOT / "roles" / "tgi" / "meta" / "argument_specs.yml"
# Options of a model that are not the launcher's
OWN = {"name", "model_id", "revision", "aliases", "gpus", "port", "environment", "hf_token"} | {
    "repositories",
    "accept_downtime",
    "model",
    "profile",
    "accept_pickle",
    "strategy",
    "weights",
}
COMPARED = ("type", "elements", "choices")


def compared(specs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: spec[key] for key in COMPARED if key in spec} for name, spec in specs.items()
    }


def test_the_role_specifies_exactly_these_options() -> None:
    main = yaml.safe_load(SPEC.read_text())["argument_specs"]["main"]["options"]
    options = main["tgi_models"]["options"]
    theirs = {name: spec for name, spec in options.items() if name not in OWN}
    assert compared(theirs) == compared(argument_specs()), (
        "print it: python3 module_utils/tgi/engines/tgi/options.py 10"
    )


def test_the_printed_block_says_the_same() -> None:
    assert yaml.safe_load(yaml_block(10)) == argument_specs()


def test_every_option_is_there_once() -> None:
    assert len(OPTIONS) == len(LAUNCHER_OPTIONS)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", option.since) for option in LAUNCHER_OPTIONS)


def test_the_table_is_what_the_launcher_has() -> None:
    known = json.loads((FACTS / "launcher-flags.json").read_text())
    flags = {flag["flag"][2:].replace("-", "_"): flag for flag in known}
    for option in LAUNCHER_OPTIONS:
        flag = flags[option.name]
        assert flag["env"] == option.name.upper()
        assert flag["since"] == f"v{option.since}"
        if flag["type"] == "enum":
            assert tuple(flag["values"]) == option.choices
