"""Test what a model's container may write: its root, and the weights."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.render_compose import MODEL, ROLE, compose, environment

CPU = {**MODEL, "gpus": []}
# On a tmpfs, kernels would be compiled at each start, and a download's cache would take memory
CACHES = {"/root/.cache", "/root/.triton", "/root/.nv"}
OFFLINE = {"HF_HUB_OFFLINE": "1"}


def written(model: dict[str, Any], **more: Any) -> tuple[bool, dict[str, str], dict[str, str]]:
    """Return whether the root is read-only, the tmpfs (path -> options) and the volumes."""
    tgi = compose(model, **more)["services"]["tgi"]
    tmpfs = dict(one.split(":") for one in tgi.get("tmpfs", []))
    volumes = {one["target"]: one["source"] for one in tgi["volumes"] if one["type"] == "volume"}
    return tgi.get("read_only", False), tmpfs, volumes


def test_without_a_gpu_the_root_is_read_only() -> None:
    sealed, tmpfs, volumes = written(CPU)
    assert sealed
    # Sockets; the router's tokenizer
    assert list(tmpfs) == ["/tmp", "/usr/src/out"]
    assert set(volumes) == CACHES
    for options in tmpfs.values():
        assert "size=" in options, "a tmpfs without a bound takes half of the memory"
        assert "exec" not in options.split(",")


def test_with_a_gpu_the_root_stays_open_unless_asked() -> None:
    assert written(MODEL) == (False, {}, {})
    assert "volumes" not in compose(MODEL)
    sealed, tmpfs, volumes = written(MODEL, tgi_read_only_root="always")
    assert sealed
    # Compiled kernels are loaded from there
    assert "exec" in tmpfs["/tmp"].split(",")
    assert set(volumes) == CACHES
    assert set(compose(MODEL, tgi_read_only_root="always")["volumes"]) == set(volumes.values())


def test_a_cache_is_not_filled_from_the_image() -> None:
    # The image has gigabytes of uv's below /root/.cache
    mounts = compose(MODEL, tgi_read_only_root="always")["services"]["tgi"]["volumes"]
    caches = [one["volume"] for one in mounts if one["type"] == "volume"]
    assert caches and all(one == {"nocopy": True} for one in caches)


def test_the_caches_of_a_removed_model_go_with_it() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/remove.yml").read_text())
    (down,) = [one for one in tasks if "community.docker.docker_compose_v2" in one]
    assert down["community.docker.docker_compose_v2"]["remove_volumes"] is True


@pytest.mark.parametrize("model", [MODEL, CPU])
def test_nothing_is_read_only_where_never_is_written(model: dict[str, Any]) -> None:
    given = {"tgi_read_only_root": "never", "tgi_read_only_data": "never"}
    assert written(model, tgi_environment=OFFLINE, **given) == (False, {}, {})
    assert not weights_are_read_only(model, tgi_environment=OFFLINE, **given)


def weights_are_read_only(model: dict[str, Any], **more: Any) -> bool:
    mounts = compose(model, **more)["services"]["tgi"]["volumes"]
    found = {
        one.get("read_only", False)
        for one in mounts
        if "/models--" in one["target"] and "/.locks/" not in one["target"]
    }
    (read_only,) = found
    return bool(read_only)


@pytest.mark.parametrize("model", [MODEL, CPU])
def test_offline_nothing_is_written_to_the_weights(model: dict[str, Any]) -> None:
    assert not weights_are_read_only(model)
    assert not weights_are_read_only(model, tgi_environment={"HF_HUB_OFFLINE": "0"})
    assert weights_are_read_only(model, tgi_environment=OFFLINE)
    assert weights_are_read_only({**model, "environment": OFFLINE})
    # A model's own environment is over that of all
    online = {**model, "environment": {"HF_HUB_OFFLINE": "0"}}
    assert not weights_are_read_only(online, tgi_environment=OFFLINE)
    assert weights_are_read_only(online, tgi_read_only_data="always")


def test_code_of_a_repository_is_not_kept_with_the_weights() -> None:
    # Else it fails where /data is read-only, and one model's code is another's to change
    code = {**MODEL, "trust_remote_code": True}
    assert environment(code)["HF_MODULES_CACHE"].startswith("/tmp/")
    assert "HF_MODULES_CACHE" not in environment(MODEL)
    assert environment({**code, "environment": {"HF_MODULES_CACHE": "/data/m"}})[
        "HF_MODULES_CACHE"
    ] == ("/data/m")


def test_memory_is_bounded_where_asked() -> None:
    assert "mem_limit" not in compose()["services"]["tgi"]
    assert compose(tgi_memory_limit="64g")["services"]["tgi"]["mem_limit"] == "64g"
