"""Test the rules about models that need only the inventory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.models.model_rules import check_models

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "ghcr.io/huggingface/text-generation-inference@sha256:" + "0a" * 32


def model(name: str = "house", **more: Any) -> dict[str, Any]:
    return {"name": name, "model_id": "acme/house-7b", "revision": COMMIT, **more}


def check(*models: Any, **more: Any) -> list[str]:
    values = {"tgi_image": IMAGE, "tgi_version": "3.3.7", "tgi_base_port": 8081}
    found: list[str] = check_models({**values, "tgi_models": list(models), **more})
    return found


@pytest.mark.parametrize(
    "models",
    [
        [model()],
        [model("tgi")],
        [model(aliases=["tgi", "gpt-4"]), model("b", aliases=["acme/B"])],
        [model(gpus=["0", "1"], num_shard=2), model("b", gpus=["2"])],
        [model(gpus=[]), model("b", gpus=[], num_shard=1)],
        [model(max_input_tokens=4095, max_total_tokens=4096, max_batch_total_tokens=4096)],
        [model(max_stop_sequences=0, max_top_n_tokens=0, max_waiting_tokens=0, cuda_graphs=[0])],
        [model(waiting_served_ratio=0, rope_factor=2, watermark_gamma=0.5, watermark_delta=-1)],
        [model(otlp_endpoint="http://otel:4317")],
        [model(environment={"HF_HUB_OFFLINE": 1, "HUGGINGFACE_HUB_CACHE": "/data", "HF_HOME": ""})],
        [model(quantize="bitsandbytes-nf4", dtype="float16")],
        [model(lora_adapters=["a/b@main", "own=/data/lora", "a/c"], speculate=0)],
        [{"name": "own", "model_id": "/data/own"}],
        [model(revision=UNKNOWN, gpus=[UNKNOWN], max_total_tokens=UNKNOWN, aliases=UNKNOWN)],
        [model(environment={"LOG_LEVEL": "info", "HF_HUB_OFFLINE": "1"})],
    ],
)
def test_what_is_let_through(models: list[Any]) -> None:
    assert check(*models) == []


ONE = [
    ({"name": "House"}, "tgi_models[0].name", "lower-case letters"),
    ({"name": "a b"}, "tgi_models[0].name", "lower-case letters"),
    ({"aliases": ["two words"]}, "tgi_models[0].aliases[0]", "write letters, digits"),
    ({"model_id": "house"}, "tgi_models[0].model_id", "organisation/name"),
    ({"model_id": "/opt/house", "revision": None}, "tgi_models[0].model_id", "under /data"),
    ({"model_id": "/data/x"}, "tgi_models[0].revision", "is set for a local model; delete it"),
    ({"revision": None}, "tgi_models[0].revision", "is missing; write the commit"),
    ({"revision": "main"}, "tgi_models[0].revision", 'is "main", not a commit; write a commit'),
    ({"revision": COMMIT[:7]}, "tgi_models[0].revision", "40 hex digits"),
    ({"gpus": ["one"]}, "tgi_models[0].gpus", 'has "one", not a GPU; write an index'),
    ({"gpus": ["0", "0"]}, "tgi_models[0].gpus", 'has GPU "0", which tgi_models[0].gpus has too'),
    ({"gpus": ["0"], "num_shard": 2}, "tgi_models[0].num_shard", "is 2, but gpus lists 1"),
    ({"gpus": [], "num_shard": 2}, "tgi_models[0].num_shard", "write num_shard: 1"),
    ({"num_shard": 0}, "tgi_models[0].num_shard", "write 1 or more"),
    (
        {"port": 70000},
        "tgi_models[0].port",
        "is 70000, not a valid port; write one from 1 to 65535",
    ),
    (
        {"max_input_tokens": 4096, "max_total_tokens": 4096},
        "tgi_models[0].max_input_tokens",
        "is 4096, but max_total_tokens is 4096; write less than 4096, or a larger",
    ),
    (
        {"max_total_tokens": 900, "max_batch_total_tokens": "800"},
        "tgi_models[0].max_total_tokens",
        "write at most 800",
    ),
    (
        {"max_batch_prefill_tokens": 900, "max_batch_total_tokens": 800},
        "tgi_models[0].max_batch_prefill_tokens",
        "write at most 800",
    ),
    ({"validation_workers": 0}, "tgi_models[0].validation_workers", "write 1 or more"),
    ({"max_batch_size": 0}, "tgi_models[0].max_batch_size", "write 1 or more"),
    # These start, and then refuse every request, or all that clients send
    ({"max_concurrent_requests": 0}, "tgi_models[0].max_concurrent_requests", "write 1 or more"),
    ({"max_best_of": 0}, "tgi_models[0].max_best_of", "write 1 or more"),
    ({"max_client_batch_size": "0"}, "tgi_models[0].max_client_batch_size", "write 1 or more"),
    ({"max_input_tokens": 1}, "tgi_models[0].max_input_tokens", "is 1; write 32 or more"),
    ({"max_total_tokens": 2}, "tgi_models[0].max_total_tokens", "is 2; write 33 or more"),
    (
        {"max_batch_prefill_tokens": 1},
        "tgi_models[0].max_batch_prefill_tokens",
        "is 1; write 32 or more",
    ),
    ({"payload_limit": 2}, "tgi_models[0].payload_limit", "is 2; write 1024 or more"),
    ({"waiting_served_ratio": -0.3}, "tgi_models[0].waiting_served_ratio", "0 or more"),
    ({"waiting_served_ratio": "nan"}, "tgi_models[0].waiting_served_ratio", "0 or more"),
    ({"rope_factor": 0.0}, "tgi_models[0].rope_factor", "more than 0"),
    ({"watermark_gamma": 1}, "tgi_models[0].watermark_gamma", "between 0 and 1"),
    ({"cuda_graphs": [1, -2]}, "tgi_models[0].cuda_graphs[1]", "is -2; write 0 or more"),
    (
        {"cors_allow_origin": "https://a.org"},
        "tgi_models[0].cors_allow_origin",
        "lets no browser send a key; delete it, and list the web page's origin in the gateway's",
    ),
    # Loopback is the container itself
    (
        {"otlp_endpoint": "http://localhost:4317"},
        "tgi_models[0].otlp_endpoint",
        "is the container itself; write an address of the host, or another machine's",
    ),
    (
        {"environment": {"https_proxy": "http://127.0.0.1:3128/"}},
        "tgi_models[0].environment.https_proxy",
        "is the container itself",
    ),
    (
        {"environment": {"HF_ENDPOINT": "http://[::1]"}},
        "tgi_models[0].environment.HF_ENDPOINT",
        "itself",
    ),
    ({"otlp_endpoint": "otel:4317"}, "tgi_models[0].otlp_endpoint", "such as http://"),
    # The router knows no other yes than 1
    (
        {"environment": {"HF_HUB_OFFLINE": True}},
        "tgi_models[0].environment.HF_HUB_OFFLINE",
        'is true, which TGI does not take for yes everywhere; write "1"',
    ),
    (
        {"environment": {"HF_HUB_CACHE": "/data/c"}},
        "tgi_models[0].environment.HF_HUB_CACHE",
        "write HUGGINGFACE_HUB_CACHE",
    ),
    (
        {"environment": {"HF_HOME": "/models"}},
        "tgi_models[0].environment.HF_HOME",
        'is "/models", which is not /data or below it; write',
    ),
    ({"speculate": -1}, "tgi_models[0].speculate", "write 0 or more"),
    ({"cuda_memory_fraction": 1.1}, "tgi_models[0].cuda_memory_fraction", "at most 1"),
    ({"cuda_memory_fraction": 0}, "tgi_models[0].cuda_memory_fraction", "more than 0"),
    ({"sharded": True}, "tgi_models[0].sharded", "is true, but there is one shard"),
    ({"sharded": False, "num_shard": 2}, "tgi_models[0].sharded", "there are 2 shards"),
    ({"quantize": "exl2", "gpus": ["0", "1"]}, "tgi_models[0].quantize", "cannot be sharded"),
    ({"quantize": "awq", "dtype": "float16"}, "tgi_models[0].dtype", "only for bitsandbytes"),
    ({"lora_adapters": ["a@b@c"]}, "tgi_models[0].lora_adapters[0]", "id@revision"),
    ({"environment": {"NUM_SHARD": 2}}, "tgi_models[0].environment.NUM_SHARD", "num_shard"),
    ({"environment": {"API_KEY": "k"}}, "tgi_models[0].environment.API_KEY", "gateway"),
    ({"environment": {"HF_TOKEN": "k"}}, "tgi_models[0].environment.HF_TOKEN", "tgi_hf_token"),
    ({"environment": {"HF_API_TOKEN": "k"}}, "tgi_models[0].environment.HF_API_TOKEN", "hf_token"),
    (
        {"environment": {"_TYPER_STANDARD_TRACEBACK": "0"}},
        "tgi_models[0].environment._TYPER_STANDARD_TRACEBACK",
        "must not be set here; delete it: the role sets it",
    ),
    (
        {"environment": {"NGROK_AUTHTOKEN": "k"}},
        "tgi_models[0].environment.NGROK_AUTHTOKEN",
        "delete it",
    ),
    (
        {"environment": {"HF_ENDPOINT": "https://me:pw@hub.example.org"}},
        "tgi_models[0].environment.HF_ENDPOINT",
        "holds a password, which TGI writes into its log",
    ),
    (
        {"otlp_endpoint": "http://me:pw@collector:4317"},
        "tgi_models[0].otlp_endpoint",
        "holds a password, which TGI writes into its log",
    ),
    ({"environment": {"a-b": 1}}, "tgi_models[0].environment.a-b", "LOG_LEVEL"),
]


@pytest.mark.parametrize(("more", "where", "words"), ONE)
def test_what_one_model_says(more: dict[str, Any], where: str, words: str) -> None:
    (found,) = check({**model(), **more})
    assert found.startswith(f"{where} ")
    assert words in found


TWO = [
    ({"name": "house"}, "tgi_models[1].name", 'is "house", the same as tgi_models[0].name'),
    ({"aliases": ["house"]}, "tgi_models[1].aliases[0]", "the same as tgi_models[0].name"),
    ({"aliases": ["h"]}, "tgi_models[1].aliases[0]", "the same as tgi_models[0].aliases[0]"),
    ({"aliases": ["tgi"]}, "tgi_models[1].aliases[0]", "always means the first model"),
    ({"name": "tgi"}, "tgi_models[1].name", "move that model to the top"),
    ({"name": "ho.use"}, "tgi_models[1].name", "Compose drops the dots"),
    (
        {"port": 8081},
        "tgi_models[1].port",
        "is 8081, the same as tgi_models[0].port; write another",
    ),
    ({"gpus": ["3"]}, "tgi_models[1].gpus", 'has GPU "3", which tgi_models[0].gpus has too'),
    ({"gpus": [3]}, "tgi_models[1].gpus", "give each model GPUs of its own"),
]


@pytest.mark.parametrize(("more", "where", "words"), TWO)
def test_what_two_models_say_together(more: dict[str, Any], where: str, words: str) -> None:
    (found,) = check(model(aliases=["h"], gpus=["3"], port=8081), {**model("b"), **more})
    assert found.startswith(f"{where} ")
    assert words in found


@pytest.mark.parametrize(
    ("version", "refused"), [("3.3.7", False), ("3.2.2", False), ("3.2.1", True), ("next", False)]
)
def test_an_option_the_version_lacks(version: str, refused: bool) -> None:
    found = check(model(graceful_termination_timeout=60), tgi_version=version)
    assert [line.split(" exists since ")[0] for line in found] == (
        ["tgi_models[0].graceful_termination_timeout"] if refused else []
    )


@pytest.mark.parametrize("image", ["tgi:3.3.7", "tgi@sha256:123", "tgi:3@sha256:" + "zz" * 32])
def test_an_image_that_can_move(image: str) -> None:
    (found,) = check(model(), tgi_image=image)
    assert found.startswith("tgi_image is ")
    assert "write name@sha256:" in found


def test_the_environment_of_all_models() -> None:
    (found,) = check(model(), tgi_environment={"HF_ENDPOINT": "https://x", "QUANTIZE": "awq"})
    assert found.startswith("tgi_environment.QUANTIZE must not be set here; write quantize next to")


@pytest.mark.parametrize("name", ["HUGGINGFACE_TOKEN", "HUB", "_X"])
def test_a_token_of_the_hub_under_any_name(name: str) -> None:
    token = "hf_" + "aB3" * 11
    (found,) = check(model(), tgi_environment={name: token})
    assert found.startswith(
        f"tgi_environment.{name} holds a token of the Hub; delete it, and write"
    )
    assert token not in found


def test_passwords_that_stay_out_of_the_log_pass() -> None:
    proxy = {
        "HTTPS_PROXY": "http://me:pw@proxy:3128",
        "HF_ENDPOINT": "https://localhost.example.org",
        "NO_PROXY": "localhost,127.0.0.1",
    }
    assert check(model(), tgi_environment=proxy) == []


def test_no_model_at_all() -> None:
    assert check() == ["tgi_models is empty; write at least one model"]


@pytest.mark.parametrize("models", [None, "x", UNKNOWN, [None, "x", UNKNOWN, {}]])
def test_what_is_no_model_is_left_to_the_types(models: Any) -> None:
    assert check_models({"tgi_models": models}) == []
