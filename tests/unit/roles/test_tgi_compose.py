"""Test the Compose project of a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.common.places import MARK, bridge_of
from ansible.module_utils.tgi.engines.tgi.options import LAUNCHER_OPTIONS
from ansible.module_utils.tgi.models.deployed import find_deployed

from tests.support.render_compose import (
    IMAGE,
    MODEL,
    ROLE,
    compose,
    environment,
    render,
    template,
    variables,
)

LOCAL = {"name": "local", "model_id": "/data/local"}
CPU = {**MODEL, "gpus": []}


def service(model: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = compose(model, **more)["services"]["tgi"]
    return found


def test_the_smallest_model() -> None:
    project = compose()
    assert (project["name"], list(project["services"])) == ("tgi-house-7b", ["tgi"])
    assert environment() == {
        "MODEL_ID": "acme/house-7b",
        "REVISION": "a" * 40,
        "NUM_SHARD": "1",
        "USAGE_STATS": "off",
        # A traceback with local variables would show the Hub's token in the log
        "_TYPER_STANDARD_TRACEBACK": "1",
    }
    tgi = service()
    assert tgi["image"] == IMAGE
    assert tgi["restart"] == "unless-stopped"
    assert tgi["env_file"] == ["secrets.env"]
    assert tgi["ports"] == ["127.0.0.1:8081:80"]
    assert tgi["cap_drop"] == ["ALL"]
    assert tgi["security_opt"] == ["no-new-privileges:true"]
    assert "HF_TOKEN" not in render("compose.yaml.j2", tgi_hf_token="hf_secret")


def test_a_local_model_has_no_revision() -> None:
    assert environment(LOCAL)["MODEL_ID"] == "/data/local"
    assert "REVISION" not in environment(LOCAL)


def test_dots_in_a_name_are_no_dots_in_the_project() -> None:
    assert compose({**MODEL, "name": "llama-3.1-8b"})["name"] == "tgi-llama-31-8b"


OPTIONS: dict[str, tuple[Any, str, str]] = {
    "number": (4096, "max_input_tokens", "4096"),
    "number in text": ("4096", "max_input_tokens", "4096"),
    "zero": (0, "speculate", "0"),
    "fraction": (0.85, "cuda_memory_fraction", "0.85"),
    "true": (True, "trust_remote_code", "true"),
    "false": (False, "disable_grammar_support", "false"),
    "yes": ("yes", "trust_remote_code", "true"),
    "numbers": ([1, 2, 4], "cuda_graphs", "1,2,4"),
    "no graphs": ([0], "cuda_graphs", "0"),
    "texts": (["a/b@main", "c=/data/c"], "lora_adapters", "a/b@main,c=/data/c"),
    "word": ("bitsandbytes-nf4", "quantize", "bitsandbytes-nf4"),
    "word that YAML takes for a boolean": ("on", "usage_stats", "on"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_are_written_as_the_launcher_reads_them(case: str) -> None:
    value, name, text = OPTIONS[case]
    assert environment({**MODEL, name: value})[name.upper()] == text


def test_every_option_reaches_the_launcher() -> None:
    samples = {"int": 2, "float": 0.5, "bool": True, "str": "x", "list": [1]}
    given = {option.name: samples[option.type] for option in LAUNCHER_OPTIONS}
    assert {name.upper() for name in given} <= set(environment({**MODEL, **given}))


@pytest.mark.parametrize("empty", ["", None, []])
def test_what_is_empty_is_left_out(empty: Any) -> None:
    model = {**MODEL, "quantize": empty, "cuda_graphs": empty, "environment": {"A": empty}}
    given = environment(model, tgi_environment={"B": empty})
    assert not {"QUANTIZE", "CUDA_GRAPHS", "A", "B"} & set(given)
    assert "" not in given.values()


AWKWARD = [
    "$HOME and ${HOME} and $$",
    'it\'s "quoted"',
    "a: b # c",
    "{curly} [square] & *star !bang %per @at `tick`",
    "back\\slash\ttab",
    "two\nlines",
    "Grüße",
    "{{ not_a_template }}",
    "null",
    "0123",
]


@pytest.mark.parametrize("value", AWKWARD)
def test_values_come_through_yaml_and_compose_unharmed(value: str) -> None:
    assert environment(tgi_environment={"X": value})["X"] == value
    assert environment({**MODEL, "environment": {"X": value}})["X"] == value
    assert environment({**MODEL, "otlp_endpoint": value})["OTLP_ENDPOINT"] == value


def test_one_models_environment_is_over_that_of_all() -> None:
    model = {**MODEL, "environment": {"LOG_LEVEL": "debug", "FLAG": True}}
    given = environment(model, tgi_environment={"LOG_LEVEL": "warn", "OTHER": 1, "OFF": False})
    assert [given[name] for name in ("LOG_LEVEL", "FLAG", "OTHER", "OFF")] == [
        "debug",
        "true",
        "1",
        "false",
    ]


def test_environment_is_never_over_what_is_typed() -> None:
    model = {**MODEL, "max_input_tokens": 8, "environment": {"MAX_INPUT_TOKENS": "9"}}
    text = render("compose.yaml.j2", model)
    assert text.count("MAX_INPUT_TOKENS") == 1, "Compose refuses a key that stands there twice"
    assert environment(model)["MAX_INPUT_TOKENS"] == "8"


GPUS = [
    ({}, ["nvidia.com/gpu=0"]),
    ({"num_shard": 2}, ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]),
    ({"gpus": ["3", "GPU-5f1c"]}, ["nvidia.com/gpu=3", "nvidia.com/gpu=GPU-5f1c"]),
    ({"gpus": [1]}, ["nvidia.com/gpu=1"]),
]


@pytest.mark.parametrize(("change", "devices"), GPUS)
def test_gpus_are_given_by_their_cdi_names(change: dict[str, Any], devices: list[str]) -> None:
    tgi = service({**MODEL, **change})
    asked = tgi["deploy"]["resources"]["reservations"]["devices"]
    assert asked == [{"driver": "cdi", "device_ids": devices, "capabilities": ["gpu"]}]
    assert "gpus" not in tgi and "devices" not in tgi
    assert environment({**MODEL, **change})["NUM_SHARD"] == str(len(devices))


def test_a_model_on_the_cpu_asks_for_no_gpu() -> None:
    assert "deploy" not in service(CPU)
    assert environment(CPU)["NUM_SHARD"] == "1"


@pytest.mark.parametrize(("timeout", "grace"), [(None, "100s"), (30, "40s"), ("300", "310s")])
def test_the_container_outlives_the_drain(timeout: Any, grace: str) -> None:
    assert service({**MODEL, "graceful_termination_timeout": timeout})["stop_grace_period"] == grace


@pytest.mark.parametrize(("timeout", "grace"), [(None, "130s"), (30, "70s")])
def test_an_otlp_collector_that_does_not_answer_is_waited_for(timeout: Any, grace: str) -> None:
    # The router hangs until its timeout, then the shards take 30 s
    model = {**MODEL, "graceful_termination_timeout": timeout, "otlp_endpoint": "http://otel:4317"}
    assert service(model)["stop_grace_period"] == grace


def test_ports_are_on_loopback_only() -> None:
    assert service({**MODEL, "port": 9001})["ports"] == ["127.0.0.1:9001:80"]
    assert service(tgi_base_port=7000)["ports"] == ["127.0.0.1:7000:80"]


@pytest.mark.parametrize("path", ["/var/lib/tgi", "/srv/a: b", "/srv/$HOME"])
def test_weights_are_bound_whatever_the_directory_is_called(path: str) -> None:
    volumes = service(tgi_data_dir=path)["volumes"]
    assert {volume["type"] for volume in volumes} == {"bind"}
    assert volumes[0]["target"] == "/data"
    for volume in volumes:
        assert volume["source"].replace("$$", "$").startswith(f"{path}/")
        assert "$" not in volume["source"].replace("$$", "")


def test_health_is_not_judged_before_the_phases_had_their_time() -> None:
    check = service()["healthcheck"]
    assert check["start_period"] == "6h"
    # A long prompt delays the answer by more than 10 s
    assert int(check["timeout"].rstrip("s")) >= 30


def test_the_preflight_knows_it_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "opt/tgi/house-7b/compose.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(render("compose.yaml.j2"))
    assert find_deployed(tmp_path, "/opt/tgi") == ["house-7b"]
    tasks = yaml.safe_load((ROLE / "tasks/uninstall.yml").read_text())
    assert tasks[0]["ansible.builtin.find"]["contains"] == MARK


def test_a_longer_patience_starts_no_model_anew() -> None:
    patient = dict.fromkeys(["start", "download", "load", "warmup", "serve"], 9999)
    given = render("compose.yaml.j2", tgi_phase_timeouts=patient)
    assert given == render("compose.yaml.j2")


def test_claims_say_which_project_holds_which_device() -> None:
    models = [{**MODEL, "num_shard": 2}, {**MODEL, "name": "b.c"}, {**CPU, "name": "cpu"}]
    claims = template("{{ __tgi_claims }}", variables(models)).splitlines()
    assert claims == [
        "tgi-house-7b nvidia.com/gpu=0",
        "tgi-house-7b nvidia.com/gpu=1",
        "tgi-bc nvidia.com/gpu=2",
    ]


def test_only_devices_that_the_preflight_did_not_see_are_looked_for() -> None:
    values = variables([{**MODEL, "num_shard": 2}, {**CPU, "name": "cpu"}])
    assert template("{{ __tgi_unseen }}", values) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]
    values["ansible_facts"]["tgi_host"]["cdi"] = ["nvidia.com/gpu=0", "nvidia.com/gpu=all"]
    assert template("{{ __tgi_unseen }}", values) == ["nvidia.com/gpu=1"]
    assert template("{{ __tgi_unseen }}", variables([CPU])) == []


def test_a_step_is_about_what_the_comparison_found() -> None:
    values = variables([MODEL, {**MODEL, "name": "fresh"}], tgi_step="start", tgi_replace_only=[])
    usual = {"kept": True, "returnable": True, "port": 1, "gpus": []}
    values["ansible_facts"]["tgi_changes"] = [
        {"name": "house-7b", "action": "replace", **usual},
        {
            "name": "fresh",
            "action": "start",
            **usual,
            "port": 2,
            "kept": False,
            "returnable": False,
        },
        {"name": "gone", "action": "stop", **usual},
    ]
    names = template("{{ __tgi_names }}", {**values, "ansible_check_mode": False})
    assert (names["write"], names["stop"], names["last"]) == (["fresh"], [], False)


@pytest.mark.parametrize(
    ("address", "published"),
    [("10.0.0.5", "10.0.0.5:8081:80"), ("fd00::5", "[fd00::5]:8081:80")],
)
def test_a_gateway_elsewhere_finds_it_on_one_address_more(address: str, published: str) -> None:
    assert service(tgi_bind_address=address)["ports"] == ["127.0.0.1:8081:80", published]


def test_every_model_has_its_own_text_and_digest() -> None:
    models = [{**MODEL, "speculate": 2}, {**CPU, "name": "b.c"}]
    values = variables(models, ansible_search_path=[str(ROLE)])
    texts = template("{{ __tgi_compose }}", values)
    assert {name: yaml.safe_load(text)["name"] for name, text in texts.items()} == {
        "house-7b": "tgi-house-7b",
        "b.c": "tgi-bc",
    }
    assert texts["house-7b"] == render("compose.yaml.j2", models[0])
    digests = template("{{ __tgi_options_digests }}", values)
    assert set(digests) == set(texts)
    assert len(set(digests.values())) == 2
    assert {len(digest) for digest in digests.values()} == {64}


def test_the_commit_that_deploys() -> None:
    commit = template("{{ __tgi_commit }}", variables([MODEL], role_path=str(ROLE)))
    assert re.fullmatch(r"([0-9a-f]{40}(\+dirty)?)?", commit)
    assert template("{{ __tgi_commit }}", variables([MODEL], role_path="/")) == ""


@pytest.mark.parametrize("name", ["llama-3.1", "meta-llama-3.1-8b-instruct"])
def test_the_firewall_knows_the_bridge(name: str) -> None:
    project = compose({**MODEL, "name": name})
    network = project["networks"]["default"]
    bridge = network["driver_opts"]["com.docker.network.bridge.name"]
    assert bridge == bridge_of(project["name"]) and bridge.startswith("tgi-")
    assert network["enable_ipv6"] is False
    assert "enable_ipv6" not in compose(tgi_egress="open")["networks"]["default"]
