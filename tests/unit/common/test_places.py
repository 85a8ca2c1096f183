"""A path that stands in Python and in a role is the same in both."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.module_utils.tgi.common import places
from ansible.module_utils.tgi.common.places import bridge_of

from tests.support.roots import ROOT


def variables(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return loaded


def test_the_models() -> None:
    defaults = variables("roles/tgi/defaults/main.yml")
    assert defaults["tgi_base_dir"] == places.BASE_DIR
    assert defaults["tgi_data_dir"] == places.DATA_DIR
    assert defaults["tgi_base_port"] == places.DEFAULT_BASE_PORT


def test_the_gateway() -> None:
    own = variables("roles/gateway/vars/main.yml")
    assert own["__gateway_directory"] == places.GATEWAY_CONFIGURATION
    assert own["__gateway_drain_directory"] == f"{places.GATEWAY_STATE}/drain"
    assert own["__gateway_acme_webroot"] == f"{places.GATEWAY_STATE}/acme"
    assert own["__gateway_acme_directory"] == places.GATEWAY_ACME


def test_a_project_of_ours_begins_with_the_mark() -> None:
    template = ROOT / "roles/tgi/templates/compose.yaml.j2"
    assert template.read_text().startswith(places.MARK)


def test_a_bridge_has_a_name_that_linux_takes() -> None:
    assert bridge_of("tgi-llama") == "tgi-llama"
    long = [bridge_of(f"tgi-meta-llama-3.1-8b-{letter}") for letter in "ab"]
    assert {len(one) for one in long} == {15} and len(set(long)) == 2
    assert all(one.startswith("tgi-") for one in long)
