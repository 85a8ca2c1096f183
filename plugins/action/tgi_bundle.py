"""Make a bundle in this process, and show how far it is. Secrets stay in this process."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_PROJECT = Path(__file__).resolve().parents[2]
# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(_PROJECT / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.bundle.apt_systems import own_mirrors
from ansible.module_utils.tgi.bundle.apt_wishes import apt_wish
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.bundle_make import MakeWish, make_bundle
from ansible.module_utils.tgi.bundle.image_part import ImageAccess
from ansible.module_utils.tgi.bundle.sums import size_of
from ansible.module_utils.tgi.catalogue.expand import expand_models
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.problem import problem
from ansible.module_utils.tgi.models.host_weights import (
    adapters,
    is_commit,
    mirrored_snapshots,
)
from ansible.module_utils.tgi.models.resolve import normalise
from ansible.module_utils.tgi.weights.hub_connection import PUBLIC
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_wishes import wishes

display = Display()

_SPEC = {
    "path": {"type": "path", "required": True},
    "systems": {"type": "list", "elements": "str", "required": True},
    "packages": {"type": "list", "elements": "str", "default": []},
    "apt_uris": {"type": "dict", "default": {}},
    "apt_keyring": {"type": "path"},
    "python_version": {"type": "str", "default": ""},
    "signing_key": {"type": "path"},
}
#: Facts that the roles' tasks apt_wanted leave
_WANTED = ("docker", "nvidia_container_toolkit", "gateway", "checks")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run on the controller only: nothing is sent to a host."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return sizes, and what was fetched."""
        super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(_SPEC)
        dry = bool(self._task.check_mode)
        try:
            wish = self._wish(given, task_vars or {})
            made = make_bundle(wish, display.display, dry)
        except (AnsibleError, BundleError, OSError, ValueError) as error:
            said = in_words(error) if isinstance(error, OSError) else str(error)
            return {"failed": True, "msg": said}
        found = {"sizes": made.sizes, "fetched": made.fetched}
        if notes := [*made.notes, *self._left_out(given), *_drivers(task_vars or {})]:
            found["warnings"] = notes
        if dry:
            return {"changed": made.changed, **found}
        size = size_of(wish.bundle)
        return {"changed": made.changed, "signature": made.signature, "size": size, **found}

    def _left_out(self, given: Mapping[str, Any]) -> Iterator[str]:
        """Yield a note on each role whose packages a system has not."""
        for one in self._wanted:
            if one.get("left_out") and one["system"] in given["systems"]:
                what = f"on {one['system']} is left out: {one['left_out']}"
                remedy = "let that host have another system"
                yield problem(str(one["host"]), what, remedy)

    def _wish(self, given: Mapping[str, Any], variables: Mapping[str, Any]) -> MakeWish:
        groups = variables.get("groups") or {}
        gpu_hosts = list(groups.get("gpu_hosts") or [])
        hosts = dict.fromkeys([*gpu_hosts, *(groups.get("gateways") or [])])
        if not gpu_hosts:
            remedy = "name yours: -i inventories/mysite"
            raise BundleError(problem("the inventory", "has no gpu_hosts", remedy))
        values = {host: _Values(host, variables["hostvars"][host]) for host in hosts}
        self._wanted = found = [entry for one in values.values() for entry in one.wanted()]
        mirrors = {**own_mirrors(), **given["apt_uris"]}
        return MakeWish(
            Path(given["path"]),
            [
                apt_wish(
                    system,
                    [entry for entry in found if entry["system"] == system],
                    mirrors,
                    given["apt_keyring"] or "",
                    given["packages"],
                )
                for system in given["systems"]
            ],
            sorted({values[host].image() for host in gpu_hosts}),
            _unique(wish for host in gpu_hosts for wish in values[host].snapshots()),
            _PROJECT,
            _access([values[host] for host in gpu_hosts]),
            given["python_version"],
            Path(given["signing_key"]) if given["signing_key"] else None,
            str(self._templar.template(variables.get("bundle_signing_passphrase")) or ""),
        )


def _drivers(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note where a role is to install what no bundle has."""
    for host in (variables.get("groups") or {}).get("gpu_hosts") or []:
        if boolean(variables["hostvars"][host].get("nvidia_driver_install", False), strict=False):
            what = "is true, and a bundle has no driver, as that depends on the host's kernel"
            remedy = "install the driver before, without the bundle, and delete this"
            yield problem(f"nvidia_driver_install of {host}", what, remedy)


class _Values:
    """The variables of a host, as its inventory gives them."""

    def __init__(self, host: str, values: Mapping[str, Any]) -> None:
        self.host = host
        self._values = values

    def get(self, name: str, default: Any) -> Any:
        return self._values.get(name, default)

    def wanted(self) -> Iterator[Mapping[str, Any]]:
        for role in _WANTED:
            yield from self.get(f"{role}_apt_wanted", [])

    def image(self) -> str:
        found = str(self.get("tgi_image", ""))
        if not found:
            remedy = "ansible-playbook playbooks/image.yml writes the line for the inventory"
            raise BundleError(problem(f"tgi_image of {self.host}", "is empty", remedy))
        return found

    def snapshots(self) -> list[SnapshotWish]:
        given = expand_models(self.get("tgi_models", []), self.get("tgi_catalogue", {}))
        models = normalise(given)
        for name in _without_commit(models):
            where = f"tgi_models of {self.host}"
            what = f"has {name} without a commit, and a bundle has no branches"
            raise BundleError(problem(where, what, "write its 40 hex digits as revision"))
        mirror = str(self.get("tgi_hub_mirror", ""))
        request = {
            "snapshots": mirrored_snapshots(models),
            "token": str(self.get("tgi_hf_token", "")),
            "endpoint": str((self.get("tgi_environment", {}) or {}).get("HF_ENDPOINT") or _HUB),
            # A directory of the hosts is of no use here
            "mirror": "" if mirror.startswith("/") else mirror,
            "ca_file": "",
            "proxies": {f"{name}_proxy": at for name, at in urllib.request.getproxies().items()},
            "workers": 8,
            "throttle": float(self.get("tgi_hub_throttle", 0) or 0),
            "reserve": 1.0,
        }
        return list(wishes(request))


_HUB = PUBLIC.endpoint


def _without_commit(models: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what would come from the Hub without saying which commit."""
    for model in models:
        if not model["model_id"].startswith("/") and not is_commit(model["revision"]):
            yield model["model_id"]
        yield from (one for one in adapters(model) if not is_commit(one.partition("@")[2]))


def _unique(found: Iterator[SnapshotWish]) -> list[SnapshotWish]:
    """Return each snapshot once, with the code, the pickles and the token that any host has."""
    once: dict[tuple[str, str], SnapshotWish] = {}
    for one in found:
        known = once.setdefault((one.repository, one.revision), one)
        once[one.repository, one.revision] = replace(
            known,
            code=known.code or one.code,
            pickle=known.pickle or one.pickle,
            source=known.source if known.source.token else one.source,
        )
    return list(once.values())


def _access(hosts: list[_Values]) -> ImageAccess:
    insecure = {str(name) for host in hosts for name in host.get("docker_insecure_registries", [])}
    authorities: dict[str, str] = {}
    for host in hosts:
        authorities.update(host.get("docker_registry_cas", {}) or {})
    return ImageAccess(sorted(insecure), authorities)
