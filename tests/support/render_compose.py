"""Render the templates of the tgi role as the role does, without a host."""

from __future__ import annotations

import json
from typing import Any

import yaml
from ansible.module_utils.tgi.models.resolve import assign
from ansible.module_utils.tgi.preflight.inventory import host_request
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.support.roots import ROOT

ROLE = ROOT / "roles" / "tgi"
IMAGE = f"ghcr.io/huggingface/text-generation-inference@sha256:{'0' * 64}"
MODEL: dict[str, Any] = {"name": "house-7b", "model_id": "acme/house-7b", "revision": "a" * 40}


def variables(models: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the role's variables, defaults and internals, with these models."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    loader = DataLoader()
    values: dict[str, Any] = {"ansible_managed": "Ansible managed"}
    for part in ("defaults", "vars"):
        path = str(ROLE / part / "main.yml")
        values.update(loader.load_from_file(path, trusted_as_template=True))
    values = {**values, "tgi_image": IMAGE, "tgi_models": models, **more}
    return {"ansible_facts": {"tgi_host": facts(values)}, **values}


def facts(values: dict[str, Any]) -> dict[str, Any]:
    """The preflight's fact for a host with nothing deployed, as it crosses from the host."""
    requests = host_request(values, ["gpu_hosts"]).models
    models = assign([one.entry for one in requests], values["tgi_base_port"])
    known = {
        "models": models,
        "deployed": [],
        "cdi": [],
        "ports_closed": False,
        "comes_back": False,
    }
    return dict(json.loads(json.dumps(known)))


def template(text: str, values: dict[str, Any], **options: Any) -> Any:
    """Return the result of one of the role's templates."""
    return Templar(DataLoader(), variables=values).template(trust_as_template(text), **options)


def render(name: str, model: dict[str, Any] | None = None, **more: Any) -> str:
    """Return the text of a template for one model."""
    values = variables([model or MODEL], **more)
    values["item"] = template("{{ __tgi_models }}", values)[0]
    text = (ROLE / "templates" / name).read_text()
    # As the action template does
    return str(template(text, values, escape_backslashes=False))


def compose(model: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return one model's Compose project, parsed; its `$` stay as Compose reads them."""
    project: dict[str, Any] = yaml.safe_load(render("compose.yaml.j2", model, **more))
    return project


def environment(model: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
    """Return the container's variables: Compose makes one `$` of two."""
    given = compose(model, **more)["services"]["tgi"]["environment"]
    for name, value in given.items():
        assert isinstance(value, str), f"{name} is no text to YAML: {value!r}"
        assert "$" not in value.replace("$$", ""), f"Compose would interpolate {name}: {value!r}"
    return {name: value.replace("$$", "$") for name, value in given.items()}
