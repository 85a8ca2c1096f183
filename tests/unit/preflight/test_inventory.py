"""Test the check of a whole inventory, with roles written for this test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.tgi.preflight.inventory import check_inventory
from ansible.module_utils.tgi.preflight.role_specs import Role, load_roles

SPECS: dict[str, Any] = {
    "docker": {"docker_version": {"type": "str"}},
    "nvidia_container_toolkit": {"nvidia_container_toolkit_version": {"type": "str"}},
    "preflight": {
        "preflight_ignore_variables": {"type": "list", "elements": "str"},
        "preflight_min_memory_gib": {"type": "float"},
    },
    "tgi": {
        "tgi_models": {
            "type": "list",
            "required": True,
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "model_id": {"type": "str", "required": True},
                "revision": {"type": "str"},
                "gpus": {"type": "list", "elements": "str"},
                "num_shard": {"type": "int"},
            },
        },
        "tgi_image": {"type": "str", "required": True, "description": "Image by digest."},
        "tgi_hf_token": {"type": "str", "no_log": True},
    },
    "gateway": {
        "gateway_server_name": {"type": "str", "required": True},
        "gateway_consumers": {
            "type": "list",
            "elements": "dict",
            "options": {"keys": {"type": "list", "elements": "str", "no_log": True}},
        },
    },
    "checks": {
        "checks_consumer": {"type": "str"},
        "checks_view": {"type": "str", "required": True},
    },
}
DEFAULTS: dict[str, Any] = {
    "tgi": {"tgi_base_port": "{{ template }}", "tgi_version": "3.3.7"},
    "gateway": {"gateway_tiers": {}, "gateway_http_port": 80},
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = {"name": "house", "model_id": "acme/house", "revision": COMMIT}
GOOD = {"tgi_models": [MODEL], "tgi_image": "x@sha256:" + "0" * 64}


@pytest.fixture
def roles(tmp_path: Path) -> list[Role]:
    """Write the roles as files and read them as the action does."""
    for name, options in SPECS.items():
        (tmp_path / name / "meta").mkdir(parents=True)
        specs = {"main": {"options": options}, "undo": {"options": {f"{name}_undo": {}}}}
        text = yaml.safe_dump({"argument_specs": specs})
        (tmp_path / name / "meta" / "argument_specs.yml").write_text(text)
        (tmp_path / name / "defaults").mkdir()
        (tmp_path / name / "defaults" / "main.yml").write_text(yaml.safe_dump(DEFAULTS.get(name)))
    (tmp_path / "no_specification").mkdir()
    found: list[Role] = load_roles(tmp_path, lambda path: yaml.safe_load(Path(path).read_text()))
    assert [role.name for role in found] == sorted(SPECS)
    return found


def template(value: Any) -> Any:
    """Evaluate a few expressions, or fail on them with the errors that Ansible raises."""
    known = {
        "{{ template }}": 9000,
        "{{ models }}": [{**MODEL, "gpus": "{{ gpus }}"}],
        "{{ gpus }}": ["0"],
    }
    if value == "{{ undefined }}":
        raise AnsibleError("Error while resolving value: 'vault_token' is undefined")
    if isinstance(value, str) and "lookup" in value:
        raise AnsibleError(f"The lookup plugin failed.\nNo idea of {value}.")
    if value == "{{ file(x) }}":
        raise AnsibleError("The lookup plugin failed: Unable to access the file '/none': Not found")
    return known.get(value, value) if isinstance(value, str) else value


def check(roles: list[Role], *groups: str, **variables: Any) -> list[str]:
    groups = groups or ("gpu_hosts",)
    found: list[str]
    _, found = check_inventory({**GOOD, **variables}, list(groups), roles, template, lambda _: None)
    return found


def test_a_good_one(roles: list[Role]) -> None:
    more = {"ansible_host": "x", "docker_undo": True, "groups": {}, "checks_consumer": "a"}
    assert check(roles, **more) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tgi_modles", "tgi_modles is not a variable of the role tgi; write tgi_models, or list"),
        ("gateway_servername", "not a variable of the role gateway; write gateway_server_name"),
        ("docker_x", "the role docker; see roles/docker/defaults/main.yml, or list it in"),
        ("nvidia_container_toolkit_versoin", "write nvidia_container_toolkit_version"),
        ("preflight_min_memory", "write preflight_min_memory_gib"),
        ("checks_customer", "write checks_consumer"),
    ],
)
def test_an_unknown_name(roles: list[Role], name: str, line: str) -> None:
    (found,) = check(roles, **{name: 1})
    assert line in found
    assert check(roles, **{name: 1, "preflight_ignore_variables": [name]}) == []


def test_names_that_are_not_ours(roles: list[Role]) -> None:
    names = ["__tgi_internal", "tgi", "tgix_models", "tgi_host", "my_tgi_models"]
    # An earlier play of the same run registers these
    names += ["checks_direct_result", "checks_edge_result"]
    assert check(roles, **dict.fromkeys(names, 1)) == []


def test_only_the_roles_a_host_gets_must_be_complete(roles: list[Role]) -> None:
    assert check(roles, "elsewhere", tgi_image=None) == []
    assert check(roles, "gpu_hosts", tgi_image=None) == [
        "tgi_image is missing; write tgi_image: (Image by digest)"
    ]
    lines = check(roles, "gpu_hosts", "gateways", checks_consumer="")
    assert [line.split()[0] for line in lines] == ["gateway_server_name"]


def test_the_rules_of_a_group_are_for_its_hosts() -> None:
    variables = {**GOOD, "gateway_server_name": "no host", "tgi_image": "moving:tag"}

    def places(*groups: str) -> list[str]:
        everything = [Role("gateway", SPECS["gateway"], {}, frozenset(SPECS["gateway"]))]
        everything.append(Role("tgi", SPECS["tgi"], {}, frozenset(SPECS["tgi"])))
        hosts = {"g": variables} if "gpu_hosts" in groups else {}
        gateway = {**variables, "inventory_hostname": "g"}
        _, found = check_inventory(
            gateway, list(groups), everything, template, lambda _: None, hosts
        )
        return [line.split()[0] for line in found]

    assert places("gpu_hosts") == ["tgi_image"]
    assert places("gateways") == ["gateway_server_name", "group"]
    assert places("gpu_hosts", "gateways") == ["tgi_image", "gateway_server_name"]
    assert places() == []


def test_a_mirror_has_a_port_of_its_own_also_by_default() -> None:
    names = frozenset({"hub_mirror_port"})
    everything = [Role("hub_mirror", {"hub_mirror_port": {}}, {"hub_mirror_port": 8070}, names)]
    options = {**SPECS["tgi"], "tgi_base_port": {}}
    everything.append(Role("tgi", options, {"tgi_base_port": 8070}, frozenset(options)))
    for groups, count in ((["gpu_hosts", "hub_mirrors"], 1), (["gpu_hosts"], 0)):
        _, found = check_inventory(GOOD, groups, everything, template, lambda _: None)
        assert [line.split()[0] for line in found] == ["hub_mirror_port"] * count


def test_the_toolkit_is_judged_where_it_is_installed(roles: list[Role]) -> None:
    old = {"nvidia_container_toolkit_version": "1.17.8-1"}
    (found,) = check(roles, **old)
    assert found.startswith("nvidia_container_toolkit_version is ")
    assert check(roles, "elsewhere", **old) == []


def test_types_are_checked_for_every_role(roles: list[Role]) -> None:
    (found,) = check(roles, gateway_server_name=["x"])
    assert found.startswith("gateway_server_name is a list, not a text")


def test_a_place_with_a_wrong_type_is_named_once(roles: list[Role]) -> None:
    (found,) = check(roles, tgi_image=["x"])
    assert found.startswith("tgi_image is a list")
    (found,) = check(roles, tgi_models=[{**MODEL, "num_shard": "two"}])
    assert found.startswith('tgi_models[0].num_shard is "two"')


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{{ undefined }}", "uses vault_token, which is not defined; define vault_token"),
        ("{{ lookup(x) }}", "cannot be evaluated: The lookup plugin failed. No idea of"),
        ("{{ file(x) }}", "needs the file /none, which the controller cannot read; put the file"),
    ],
)
def test_a_template_that_fails_is_one_line(roles: list[Role], value: str, words: str) -> None:
    (found,) = check(roles, tgi_models=[{**MODEL, "revision": value}])
    assert found.startswith(f"tgi_models[0].revision {words}")
    assert "\n" not in found
    (found,) = check(roles, tgi_image=value)
    assert found.startswith(f"tgi_image {words}")


def test_a_secret_template_is_not_repeated(roles: list[Role]) -> None:
    (found,) = check(roles, tgi_hf_token="{{ lookup('x', 'hunter2') }}")
    assert found.startswith("tgi_hf_token cannot be evaluated; ")
    (found,) = check(roles, gateway_consumers=[{"keys": ["{{ lookup('hunter2') }}"]}])
    assert found.startswith("gateway_consumers[0].keys[0] cannot be evaluated; ")


def test_templates_inside_templates(roles: list[Role]) -> None:
    values, found = check_inventory(
        {**GOOD, "tgi_models": "{{ models }}"}, ["gpu_hosts"], roles, template, lambda _: None
    )
    assert found == []
    assert values["tgi_models"][0]["gpus"] == ["0"]
    # The role's default is a template, too
    assert values["tgi_base_port"] == 9000
