"""Compute what the role passes to the edge view: addresses to try, secrets, figures."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.support.roots import ROOT

BACKENDS = [
    {"name": "a", "replicas": [{"name": "gw", "address": "127.0.0.1:8081"}]},
    {"name": "b", "replicas": [{"name": "gpu2", "address": "203.0.113.7:8081"}]},
]
HOSTS: dict[str, dict[str, Any]] = {
    "gpu1": {"checks_direct_result": {"figures": {"a": {"chunks": 1}}}, "tgi_hf_token": "hf_Abc"},
    "gpu2": {"checks_direct_result": {"skipped": True}},
    "gpu3": {"checks_direct_result": {"figures": {"a": {"chunks": 3}, "b": {"chunks": 2}}}},
    "gpu4": {},
}


def value(name: str, **more: Any) -> Any:
    """Return a variable of the role, evaluated as in a play."""
    return template("{{ " + name + " }}", **more)


def option(name: str, **more: Any) -> Any:
    """Return what the role passes to the module for one of its options."""
    tasks = yaml.safe_load((ROOT / "roles/checks/tasks/edge.yml").read_text())
    return template(tasks[0]["block"][0]["tgi_check"][name], **more)


def template(text: str, **more: Any) -> Any:
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    loader = DataLoader()
    path = str(ROOT / "roles" / "checks" / "vars" / "main.yml")
    variables = dict(loader.load_from_file(path, trusted_as_template=True))
    variables.update(
        groups={"gpu_hosts": list(HOSTS)},
        hostvars=HOSTS,
        gateway_backends=BACKENDS,
        ansible_facts={"tgi_host": {"address": "203.0.113.5"}},
    )
    variables.update(more)
    return Templar(loader, variables=variables).template(trust_as_template(text))


def test_a_loopback_engine_is_looked_for_at_the_hosts_own_address() -> None:
    assert value("__checks_doors") == ["203.0.113.5:8081", "203.0.113.7:8081"]


def test_an_address_of_ipv6_is_put_in_brackets() -> None:
    facts = {"tgi_host": {"address": "2001:db8::5"}}
    doors = value("__checks_doors", ansible_facts=facts)
    assert doors == ["[2001:db8::5]:8081", "203.0.113.7:8081"]


@pytest.mark.parametrize(
    ("more", "doors"),
    [
        ({"ansible_facts": {}}, ["203.0.113.7:8081"]),
        ({"ansible_connection": "local"}, []),
        ({"gateway_backends": [{"name": "a", "replicas": [{"name": "x", "address": ""}]}]}, []),
    ],
)
def test_an_address_that_is_not_known_is_not_tried(more: dict[str, Any], doors: list[str]) -> None:
    assert value("__checks_doors", **more) == doors


def test_every_key_in_every_form_is_a_secret() -> None:
    consumers = [
        {"name": "a", "keys": ["sk-one", {"key": "sk-two", "expires": "2027-01-31"}]},
        {"name": "b", "certificate_subjects": ["CN=b"]},
    ]
    assert value("__checks_secrets", gateway_consumers=consumers) == ["sk-one", "sk-two", "hf_Abc"]


def test_the_figures_of_the_first_host_that_has_any_are_compared() -> None:
    assert value("__checks_figures") == {"a": {"chunks": 1}, "b": {"chunks": 2}}
    assert value("__checks_figures", groups={}) == {}


def test_what_the_catalogue_knows_is_left_out_with_what_the_user_named() -> None:
    known = [
        {"name": "base", "chat": False, "tools": None},
        {"name": "plain", "chat": True, "tools": False},
        {"name": "older-fact"},
    ]
    hosts = {**HOSTS, "gpu1": {"ansible_facts": {"tgi_host": {"models": known}}}}
    more = {"hostvars": hosts, "checks_without_chat": ["x"], "checks_without_tools": []}
    assert set(value("__checks_without_chat", **more)) == {"x", "base"}
    assert value("__checks_without_tools", **more) == ["plain"]


@pytest.mark.parametrize(
    ("site", "own", "wanted"),
    [
        ({}, {}, "whole"),
        ({"gateway_tool_streams": "live"}, {}, "live"),
        ({}, {"tool_streams": "live"}, "live"),
        ({"gateway_tool_streams": "live"}, {"tool_streams": "whole"}, "whole"),
    ],
)
def test_a_consumers_own_streams_of_calls_are_expected(
    site: dict[str, str], own: dict[str, str], wanted: str
) -> None:
    consumers = [{"name": "checks", "tier": "team", "keys": ["sk-1"], **own}]
    given = {"gateway_consumers": consumers, "checks_consumer": "checks"}
    assert option("tool_streams", **given, **site) == wanted
