"""Test what of the host's directories a container sees."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.models.mounts import Mount, bind_mounts, container_mounts
from ansible.module_utils.tgi.models.resolve import resolve_models

HUB = "/data/hub/models--acme--house"
OWN = Mount("/srv/tgi/.containers/house", "/data", False, True)


def mounts(
    environment: dict[str, str] | None = None, read_only: str = "offline", **more: Any
) -> list[Mount]:
    (model,) = resolve_models([{"name": "house", "model_id": "acme/house", **more}])
    found: list[Mount] = container_mounts(model, environment or {}, "/srv/tgi/", read_only)
    return found


def targets(*arguments: Any, **more: Any) -> set[str]:
    found = mounts(*arguments, **more)
    assert found[0] == OWN
    for one in found[1:]:
        assert one.source == one.target.replace("/data", "/srv/tgi", 1)
    return {one.target for one in found[1:] if "/.locks/" not in one.target}


def test_a_model_on_the_hub_sees_its_repository_and_its_lock() -> None:
    lock = "hub/.locks/models--acme--house"
    assert mounts() == [
        OWN,
        Mount("/srv/tgi/hub/models--acme--house", HUB, False, True),
        Mount(f"/srv/tgi/{lock}", f"/data/{lock}", False, True),
    ]


@pytest.mark.parametrize(
    ("environment", "read_only", "sealed"),
    [
        ({}, "offline", False),
        ({"HF_HUB_OFFLINE": "1"}, "offline", True),
        ({"HF_HUB_OFFLINE": "1"}, "never", False),
        ({}, "always", True),
    ],
)
def test_weights_that_are_complete_are_read_only(
    environment: dict[str, str], read_only: str, sealed: bool
) -> None:
    own, repository, *locks = mounts(environment, read_only)
    assert (own.read_only, repository.read_only) == (False, sealed)
    # Nothing is fetched into a read-only directory
    assert len(locks) == (0 if sealed else 1)


def test_the_cache_is_where_the_environment_says() -> None:
    assert targets({"HF_HOME": "/data/hf"}) == {"/data/hf/hub/models--acme--house"}
    assert targets({"HUGGINGFACE_HUB_CACHE": "/data"}) == {"/data/models--acme--house"}
    # Intel's image has it in /data itself, and no variable says which image it is
    assert targets(gpus=[]) == {HUB, "/data/models--acme--house"}


def test_all_that_its_options_name_and_nothing_else() -> None:
    assert targets(
        {"SSL_CERT_FILE": "/data/ca.pem", "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/all.pem"},
        repositories=["acme/base"],
        lora_adapters=["acme/style@v1", "own=/data/adapters/own"],
        tokenizer_config_path="/data/templates/tok.json",
    ) == {
        HUB,
        "/data/hub/models--acme--base",
        "/data/hub/models--acme--style",
        "/data/adapters/own",
        "/data/templates/tok.json",
        "/data/ca.pem",
    }


def test_local_weights_are_read_only_and_never_made() -> None:
    more: Any = {"model_id": "/data/own/", "tokenizer_config_path": "/data/own/tok.json"}
    local = Mount("/srv/tgi/own", "/data/own", True, False)
    assert mounts(**more) == [OWN, local]
    assert mounts(read_only="never", **more) == [OWN, local._replace(read_only=False)]


def test_a_snapshot_is_of_no_use_without_its_blobs() -> None:
    assert targets(model_id=f"{HUB}/snapshots/0123") == {HUB}


def test_compose_takes_them_by_name() -> None:
    models = resolve_models([{"name": "house", "model_id": "/data/own"}])
    assert bind_mounts(models, {"house": {}}, "/srv/tgi", "offline") == {
        "house": [
            {
                "type": "bind",
                "source": "/srv/tgi/.containers/house",
                "target": "/data",
                "bind": {"create_host_path": True},
            },
            {
                "type": "bind",
                "source": "/srv/tgi/own",
                "target": "/data/own",
                "bind": {"create_host_path": False},
                "read_only": True,
            },
        ]
    }
