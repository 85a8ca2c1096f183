"""Test what the preflight finds out about the files that TGI will read on the host."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.inventory import host_request

from tests.support.preflight.host_root import as_root, fake_root

__all__ = ["as_root"]

REVISION = "0123456789abcdef0123456789abcdef01234567"
HOUSE = {
    "name": "house",
    "model_id": "acme/house-7b",
    "revision": REVISION,
    "gpus": [],
    "port": 9001,
    "environment": {"HF_HUB_OFFLINE": "1"},
}
REPOSITORY = "hub/models--acme--house-7b"
SHARDS = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}


def data_of(tmp_path: Path) -> Path:
    """Make a host, and return its directory of the weights."""
    data = fake_root(tmp_path, "nginx") / "var/lib/tgi"
    data.mkdir(parents=True)
    return data


def fill(data: Path, repository: str = REPOSITORY, *names: str) -> Path:
    """Make a cache as Python's client leaves it, without refs; return its snapshot."""
    snapshot = data / repository / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    blobs = data / repository / "blobs"
    blobs.mkdir()
    for name in names or ("config.json", "model.safetensors"):
        (blobs / name).write_text("x")
        (snapshot / name).symlink_to(Path("../../blobs") / name)
    return snapshot


def ref(data: Path, text: str = REVISION, repository: str = REPOSITORY) -> None:
    refs = data / repository / "refs"
    refs.mkdir()
    (refs / REVISION).write_text(text)


def judge(data: Path, model: dict[str, Any], **more: Any) -> list[str]:
    values = {"tgi_models": [model], **more}
    asked = replace(host_request(values, ["gpu_hosts"]), min_memory_gib=0.0)
    found: list[str] = on_host.inspect_host(asked, data.parents[2])["problems"]
    return found


def test_a_whole_cache_passes(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    fill(data)
    ref(data)
    assert judge(data, HOUSE) == []


def test_the_missing_ref_is_written_by_the_command_that_is_named(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    fill(data)
    (line,) = judge(data, HOUSE)
    place = f"/var/lib/tgi/{REPOSITORY}/refs"
    assert line.startswith(f"tgi_models[0].revision is not in {place}/{REVISION}")
    assert "TGI would serve without a chat template; run on the host: " in line
    command = line.partition("run on the host: ")[2]
    assert command == f"mkdir -p {place} && printf %s {REVISION} > {place}/{REVISION}"
    subprocess.run(["sh", "-c", command.replace("/var/lib/tgi", str(data))], check=True)
    assert judge(data, HOUSE) == []


@pytest.mark.parametrize("text", [f"{REVISION}\n", "main", ""])
def test_a_ref_is_read_to_the_last_byte(tmp_path: Path, text: str) -> None:
    data = data_of(tmp_path)
    fill(data)
    ref(data, text)
    (line,) = judge(data, HOUSE)
    assert "printf %s" in line


def test_a_revision_that_the_cache_lacks(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    (data / REPOSITORY / "snapshots" / "another").mkdir(parents=True)
    (line,) = judge(data, HOUSE)
    assert line == (
        f"tgi_models[0].revision is not in /var/lib/tgi/{REPOSITORY}/snapshots (it has another), "
        "and HF_HUB_OFFLINE forbids to fetch it; deploy once without HF_HUB_OFFLINE, or copy "
        f"models--acme--house-7b there from a host that has {REVISION}"
    )
    (empty,) = judge(data, {**HOUSE, "model_id": "acme/other"})
    assert "models--acme--other/snapshots (it has nothing)" in empty


@pytest.mark.parametrize(
    ("environment", "repository"),
    [
        ({"HUGGINGFACE_HUB_CACHE": "/data"}, "models--acme--house-7b"),
        ({"HF_HOME": "/data/hf/"}, "hf/hub/models--acme--house-7b"),
        ({"HF_HOME": "/data/x", "HUGGINGFACE_HUB_CACHE": "/data/c"}, "c/models--acme--house-7b"),
    ],
)
def test_where_the_cache_is(tmp_path: Path, environment: dict[str, str], repository: str) -> None:
    data = data_of(tmp_path)
    assert len(judge(data, HOUSE, tgi_environment=environment)) == 1
    fill(data, repository)
    ref(data, repository=repository)
    assert judge(data, HOUSE, tgi_environment=environment) == []


def test_intels_image_has_its_cache_in_data_itself(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    fill(data, "models--acme--house-7b")
    ref(data, repository="models--acme--house-7b")
    assert judge(data, HOUSE) == []
    # TGI for NVIDIA's GPUs would not look there
    assert any(
        "/hub/models--acme--house-7b" in line for line in judge(data, {**HOUSE, "gpus": ["0"]})
    )


def test_weights_that_are_not_all_there(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    names = ("config.json", "model-1.safetensors", "model-2.safetensors")
    snapshot = fill(data, REPOSITORY, *names)
    ref(data)
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(SHARDS))
    assert judge(data, HOUSE) == []
    # A blob is gone: the link stays
    (data / REPOSITORY / "blobs/model-2.safetensors").unlink()
    (line,) = judge(data, HOUSE)
    where = f"/var/lib/tgi/{REPOSITORY}/snapshots/{REVISION}"
    assert line.startswith(f"tgi_models[0].revision: {where} lacks model-2.safetensors; ")
    (snapshot / "model-2.safetensors").unlink()
    (line,) = judge(data, HOUSE)
    assert "lacks model-2.safetensors; " in line
    for name in ("model-1.safetensors", "model.safetensors.index.json"):
        (snapshot / name).unlink()
    (line,) = judge(data, HOUSE)
    assert "lacks weights (*.safetensors); " in line


def test_pickled_weights_need_a_place_to_be_converted(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    fill(data, REPOSITORY, "config.json", "pytorch_model.bin")
    ref(data)
    (line,) = judge(data, HOUSE)
    assert "has pytorch_model.bin only, which TGI converts beside it, and gets it read-only" in line
    assert line.endswith("write tgi_read_only_data: never")
    assert judge(data, HOUSE, tgi_read_only_data="never") == []


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {}},
        {"environment": {"HF_HUB_OFFLINE": "0"}},
        # Weights in a folder of their own have no cache, no revision and no refs
        {"model_id": "/data/own", "revision": None},
        {"environment": {"HF_HUB_OFFLINE": "1", "WEIGHTS_CACHE_OVERRIDE": "/data/w"}},
    ],
)
def test_what_needs_no_cache(tmp_path: Path, change: dict[str, Any]) -> None:
    data = data_of(tmp_path)
    for name in ("own", "w"):
        (data / name).mkdir()
    assert judge(data, {**HOUSE, **change}) == []


def test_a_base_model_that_the_container_would_not_see(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    snapshot = fill(data, REPOSITORY, "medusa.safetensors")
    (snapshot / "config.json").write_text('{"base_model_name_or_path": "acme/base"}')
    online = {**HOUSE, "environment": {}}
    assert judge(data, online) == []
    base = fill(data, "hub/models--acme--base")
    (line,) = judge(data, online)
    assert line == (
        "tgi_models[0].repositories does not name acme/base, whose weights acme/house-7b needs; "
        "write repositories: [acme/base], or they are fetched again"
    )
    assert judge(data, {**online, "repositories": ["acme/base"]}) == []
    # Fetched by the container itself, into its own /data
    fill(data, f".containers/house/{base.parents[1].relative_to(data)}")
    assert judge(data, online) == []


def test_weights_that_cannot_be_fetched_because_data_is_read_only(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    online = {**HOUSE, "environment": {}}
    (line,) = judge(data, online, tgi_read_only_data="always")
    assert "and tgi_read_only_data: always forbids to fetch it; deploy once with never" in line
    fill(data)
    (line,) = judge(data, online, tgi_read_only_data="always")
    assert "printf %s" in line


def test_a_tokenizer_configuration_that_is_not_on_the_host(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    model = {
        **HOUSE,
        "environment": {},
        "tokenizer_config_path": "/data/chat/tokenizer_config.json",
    }
    (line,) = judge(data, model)
    assert line == (
        'tgi_models[0].tokenizer_config_path is "/data/chat/tokenizer_config.json", but the host '
        "has no file /var/lib/tgi/chat/tokenizer_config.json; copy it there, because TGI would "
        "serve without a chat template"
    )
    (data / "chat").mkdir()
    (data / "chat/tokenizer_config.json").write_text("{chat_template: x}")
    (line,) = judge(data, model)
    assert "/var/lib/tgi/chat/tokenizer_config.json is not a JSON object; repair it" in line
    (data / "chat/tokenizer_config.json").write_text('{"chat_template": "x"}')
    assert judge(data, model) == []
