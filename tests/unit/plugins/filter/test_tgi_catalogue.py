"""Test the table of the catalogue for an inventory: a column for each host that answered."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.tgi_catalogue import show_catalogue

TWO_L4 = "\n".join(f"{place}, GPU-{place}, NVIDIA L4, 23034, 580.95.05, 8.9" for place in range(2))
OWN: dict[str, Any] = {
    "id": "acme/house",
    "revision": None,
    "licence": {"name": None, "gated": False},
    "tgi": {"level": "native"},
    "config": None,
    "weights": {"format": "safetensors"},
    "chat": {"template": True, "tools": False},
}


def row(table: str, name: str) -> list[str]:
    return next(line.split() for line in table.splitlines() if line.startswith(name))


def test_a_host_that_answered_has_a_column() -> None:
    hostvars = {
        "gpu1": {"models_gpus": {"stdout": TWO_L4}},
        "off": {"models_gpus": {"unreachable": True, "msg": "no route"}},
        "left": {},
    }
    table = show_catalogue({"house": OWN}, hostvars, list(hostvars))
    assert row(table, "MODEL")[-1] == "gpu1"
    assert row(table, "codellama-13b")[-1] == "2"
    assert row(table, "house")[-1] == "?"


def test_gpus_of_a_host_that_does_not_exist() -> None:
    table = show_catalogue({}, {}, [], ["1x NVIDIA L4"])
    assert row(table, "MODEL")[-1] == "plan_gpus"
    assert row(table, "codellama-13b")[-1] == "no"
    with pytest.raises(AnsibleFilterError, match="whose memory is unknown"):
        show_catalogue({}, {}, [], ["Voodoo 2"])
