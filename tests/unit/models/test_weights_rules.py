"""Test what tgi_weights: host refuses, before any change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.container_rules import check_container
from ansible.module_utils.tgi.preflight.egress import check_egress
from ansible.module_utils.tgi.preflight.files_on_host import HostFiles
from ansible.module_utils.tgi.preflight.inventory import host_request

MODEL: dict[str, Any] = {"name": "m", "model_id": "org/m", "revision": "a" * 40}


def problems(model: dict[str, Any] | None = None, **more: Any) -> list[str]:
    models = [{**MODEL, **(model or {})}]
    return list(check_container({"tgi_models": models, "tgi_weights": "host", **more}))


def test_a_model_at_a_commit_is_fine() -> None:
    assert problems() == []
    assert problems({"lora_adapters": [f"org/a@{'b' * 40}", "c=/data/c"]}) == []
    assert problems({"model_id": "/data/m", "revision": None}) == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"revision": "main"}, '[0].revision is "main", and the host fetches commits only'),
        ({"repositories": ["org/base"]}, "[0].repositories names org/base without a commit"),
        ({"lora_adapters": ["org/a"]}, "write org/a@COMMIT"),
        ({"environment": {"HF_HUB_OFFLINE": "1"}}, "environment.HF_HUB_OFFLINE is set"),
        ({"environment": {"HF_HOME": "/cache"}}, 'is "/cache", which the host cannot fill'),
        ({"environment": {"WEIGHTS_CACHE_OVERRIDE": "/data/x"}}, "would not read what the host"),
    ],
)  # fmt: skip
def test_what_the_host_cannot_fetch(model: dict[str, Any], words: str) -> None:
    (found,) = problems(model)
    assert words in found
    assert problems(model, tgi_weights="container") == []
    assert problems({**model, "weights": "container"}) == []
    assert problems({**model, "weights": "host"}, tgi_weights="container") == [found]


@pytest.mark.parametrize("mirror", ["mirror.example.org", "ftp://x", "https://"])
def test_a_mirror_is_an_address_or_a_directory(mirror: str) -> None:
    (found,) = problems(tgi_hub_mirror=mirror)
    assert found.startswith("tgi_hub_mirror is ")


@pytest.mark.parametrize("mirror", ["/mnt/models", "http://10.0.0.9:8080", "https://hub.example"])
def test_good_mirrors(mirror: str) -> None:
    assert problems(tgi_hub_mirror=mirror) == []


def test_without_a_way_out_the_host_must_fetch() -> None:
    values = {"tgi_models": [MODEL], "tgi_egress": "none"}
    (found,) = check_egress(values)
    assert "write weights: host for it" in found
    assert list(check_egress({**values, "tgi_models": [{**MODEL, "weights": "host"}]})) == []
    assert list(check_egress({**values, "tgi_weights": "host"})) == []


def test_what_all_share_is_checked_where_one_is_fetched() -> None:
    common: dict[str, Any] = {"tgi_weights": "container", "tgi_environment": {"HF_HOME": "/cache"}}
    assert problems(**common) == []
    (found,) = problems({"weights": "host"}, **common)
    assert found.startswith("tgi_environment.HF_HOME is ")


@pytest.mark.parametrize(
    ("own", "weights", "asks"),
    [(None, "container", 1), (None, "host", 0), ("container", "host", 1), ("host", "container", 0)],
)
def test_read_only_always_asks_for_nothing_that_the_host_fetches(
    tmp_path: Path, own: str | None, weights: str, asks: int
) -> None:
    values = {"tgi_models": [{**MODEL, "weights": own}], "tgi_read_only_data": "always"}
    request = host_request({**values, "tgi_weights": weights}, ["gpu_hosts"])
    (one,) = request.models
    model = {**one.entry, **one.for_host(), "environment": one.environment}
    assert len(list(HostFiles(tmp_path, "/data", request.read_only_data).check(model))) == asks
