"""Render the gateway's files as the role does, without a host, and read nginx's language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.support.roots import ROOT

ROLE = ROOT / "roles" / "gateway"
KEY = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
#: What tgi_nginx_info returns
DEBIAN_13: dict[str, Any] = {
    "nginx": "1.26.3",
    "openssl": "3.5.7",
    "njs": "0.8.9",
    "layout": "distro",
    "present": True,
    "installed": True,
    "ipv6": True,
    "ours": False,
    "acme": False,
    "certificates": [],
    "certbot": False,
}
DEBIAN_12 = {**DEBIAN_13, "nginx": "1.22.1", "openssl": "3.0.19", "njs": "0.7.9", "ipv6": False}
NGINX_ORG = {
    **DEBIAN_13,
    "nginx": "1.30.6",
    "njs": "1.0.2",
    "layout": "nginx_org",
    "ipv6": False,
}
MODELS = [
    {"name": "llama-3.1-8b", "model_id": "a/b", "aliases": ["Big"]},
    {"name": "code", "model_id": "c/d"},
]
INPUT: dict[str, Any] = {
    "gateway_server_name": "llm.example.org",
    "gateway_tls": {"source": "private_ca", "ca_dir": "/nowhere"},
    "gateway_tiers": {
        "team": {"requests_per_second": 10, "burst": 20, "concurrent": 8},
        "slow.one": {"requests_per_second": 0.5, "burst": 0, "concurrent": 0},
    },
    "gateway_consumers": [{"name": "duck", "tier": "team", "keys": [KEY, KEY[::-1]]}],
    "groups": {"gpu_hosts": ["gpu1"]},
    "inventory_hostname": "gpu1",
    "ansible_managed": "Ansible managed",
}


def render(nginx: Mapping[str, Any] = DEBIAN_13, **more: Any) -> dict[str, str]:
    """Give every file of the configuration by name, public and secret."""
    return dict(_rendered(json.dumps(nginx), json.dumps(more)))


@cache
def _rendered(nginx: str, more: str) -> dict[str, str]:
    """Render once what many tests ask for: it takes a quarter of a second."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    variables: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        path = str(ROLE / part / "main.yml")
        variables.update(loader.load_from_file(path, trusted_as_template=True))
    variables.update(INPUT)
    variables["hostvars"] = {"gpu1": {"tgi_models": MODELS}}
    variables.update(json.loads(more))
    variables["__gateway_nginx"] = json.loads(nginx)
    variables["ansible_search_path"] = [str(ROLE)]
    variables["role_path"] = str(ROLE)
    templar = Templar(loader, variables=variables)
    files = templar.template(variables["__gateway_files"])
    secrets = templar.template(variables["__gateway_secret_files"])
    return {**files, **secrets}


Block = list[tuple[list[str], Any]]
_TOKEN = re.compile(r"""\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|[^\s;{}"']+""")


def parse(text: str) -> Block:
    """Read a configuration: a list of (words, block or None); quoted words keep their quotes.

    Raises ValueError where braces or words do not fit. Braces within a word are known in quotes
    only, which is where the templates write them.
    """
    found = [m for m in _TOKEN.findall(text) if not m.isspace() and not m.startswith("#")]
    if "".join(_TOKEN.findall(text)) != text:
        raise ValueError("unknown characters")
    words = iter(found)
    block = _block(words)
    if next(words, None) is not None:
        raise ValueError("more braces closed than opened")
    return block


def _block(tokens: Any, inner: bool = False) -> Block:
    found: Block = []
    words: list[str] = []
    for token in tokens:
        if token == ";":
            found.append((words, None))
            words = []
        elif token == "{":
            found.append((words, _block(tokens, inner=True)))
            words = []
        elif token == "}":
            if words or not inner:
                raise ValueError(f"brace after {words}")
            return found
        else:
            words.append(token)
    if words or inner:
        raise ValueError("the file ends in the middle")
    return found


def every(block: Block, name: str) -> Block:
    """Give all directives of a name, at any depth."""
    found: Block = []
    for words, inner in block:
        if words and words[0] == name:
            found.append((words, inner))
        found += every(inner or [], name)
    return found


def api(conf: Block) -> Block:
    """The server that publishes the models."""
    servers = [inner for _, inner in every(conf, "server") if inner]
    return next(s for s in servers if "llm.example.org" in words(s, "server_name")[0])


def words(block: Block, name: str) -> list[list[str]]:
    return [found[1:] for found, _ in every(block, name)]


def locations(conf: Block) -> list[tuple[str, Block]]:
    """Return each location with what is in it, but for the locations within."""
    return [
        (" ".join(found[1:]), [one for one in inner or [] if one[0][0] != "location"])
        for found, inner in every(api(conf), "location")
    ]
