"""Test what the host fetches for its models, and where it puts it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.models.environment import container_environments
from ansible.module_utils.tgi.models.host_weights import host_snapshots, hub_proxies, is_fetched
from ansible.module_utils.tgi.models.mounts import container_mounts
from ansible.module_utils.tgi.models.resolve import resolve_models

COMMIT, OTHER = "a" * 40, "b" * 40
MODEL: dict[str, Any] = {"name": "m", "model_id": "org/m", "revision": COMMIT}


def environment_of(entry: dict[str, Any], common: Any = None) -> dict[str, str]:
    models = resolve_models([entry])
    return container_environments(models, [entry], common, "off", "host")[entry["name"]]


def snapshots(
    entry: dict[str, Any], starting: tuple[str, ...] = (), **more: Any
) -> list[dict[str, Any]]:
    models = resolve_models([entry])
    environments = container_environments(models, [entry], more.get("common"), "off", "host")
    return host_snapshots(models, environments, "/srv/tgi/", starting, more.get("verify", "once"))


def test_the_container_asks_no_hub() -> None:
    environment = environment_of(MODEL)
    assert environment["HF_HUB_OFFLINE"] == "1"
    # Intel's image has another place, and the host cannot know which image it is
    assert environment["HUGGINGFACE_HUB_CACHE"] == "/data/hub"


@pytest.mark.parametrize(
    "common", [{"HF_HOME": "/data/home"}, {"HUGGINGFACE_HUB_CACHE": "/data/c"}]
)
def test_a_place_that_is_set_stays(common: dict[str, str]) -> None:
    assert environment_of(MODEL, common).get("HUGGINGFACE_HUB_CACHE") == common.get(
        "HUGGINGFACE_HUB_CACHE"
    )


@pytest.mark.parametrize(
    ("common", "cache"),
    [
        ({}, "/srv/tgi/hub"),
        ({"HF_HOME": "/data/home"}, "/srv/tgi/home/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/data"}, "/srv/tgi"),
    ],
)
def test_the_host_fetches_to_where_the_container_mounts(common: dict[str, str], cache: str) -> None:
    (one,) = snapshots(MODEL, common=common)
    assert one["cache_dir"] == cache
    models = resolve_models([MODEL])
    mounts = container_mounts(models[0], environment_of(MODEL, common), "/srv/tgi", "offline")
    (weights,) = [mount for mount in mounts if mount.target != "/data"]
    assert weights.source == f"{cache}/models--org--m"
    assert weights.read_only


def test_what_is_asked_of_the_module() -> None:
    entry = {**MODEL, "hf_token": True, "trust_remote_code": True,
             "lora_adapters": [f"org/a@{OTHER}", "b=/data/b"]}  # fmt: skip
    (one,) = snapshots(entry)
    base = {"code": True, "pickle": False, "hf_token": True, "verify": "once"}
    assert one["snapshots"] == [
        {"repository": "org/m", "revision": COMMIT, **base},
        {"repository": "org/a", "revision": OTHER, **base},
    ]


def test_only_a_model_that_starts_is_proven_anew() -> None:
    for starting, verify in ((("m",), "start"), ((), "once")):
        (one,) = snapshots(MODEL, starting, verify="start")
        assert [snapshot["verify"] for snapshot in one["snapshots"]] == [verify]
    (one,) = snapshots(MODEL, ("m",), verify="never")
    assert one["snapshots"][0]["verify"] == "never"


def test_a_token_only_for_those_that_get_it() -> None:
    assert snapshots(MODEL)[0]["snapshots"][0]["hf_token"] is False


def test_pickles_stay_writable_because_tgi_converts_beside_them() -> None:
    model = {**resolve_models([MODEL])[0], "pickle": True}
    mounts = container_mounts(model, environment_of(MODEL), "/srv/tgi", "offline")
    assert not any(mount.read_only for mount in mounts)


def test_local_models_are_not_fetched() -> None:
    assert not is_fetched({"model_id": "/data/m"}, "host")
    assert is_fetched({"model_id": "org/m"}, "host")
    assert not is_fetched({"model_id": "org/m"}, "container")
    assert not is_fetched({"model_id": "org/m", "weights": "container"}, "host")
    assert is_fetched({"model_id": "org/m", "weights": "host"}, "container")


def test_proxies_by_any_case() -> None:
    given = {"HTTPS_PROXY": "http://p", "no_proxy": "x", "http_proxy": "", "HF_ENDPOINT": "y"}
    assert hub_proxies(given) == {"https_proxy": "http://p", "no_proxy": "x"}


@pytest.mark.parametrize(
    ("entry", "pickle"),
    [
        ({}, False),
        ({"accept_pickle": True}, True),
        ({"accept_pickle": True, "catalogue": {"pickle": False}}, False),
        ({"accept_pickle": True, "catalogue": {"pickle": True}}, True),
        ({"catalogue": {"pickle": True}}, False),
    ],
)
def test_accepted_pickles_also_of_a_model_that_the_catalogue_does_not_know(
    entry: dict[str, Any], pickle: bool
) -> None:
    assert snapshots({**MODEL, **entry})[0]["snapshots"][0]["pickle"] is pickle
