"""Check the inventory on the controller, then the host, and report all problems at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.template import Templar

_PROJECT = Path(__file__).resolve().parents[2]
# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(_PROJECT / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.catalogue.catalogue_rules import catalogue_notes
from ansible.module_utils.tgi.common.files import read_head
from ansible.module_utils.tgi.common.problem import UNKNOWN, number, problem
from ansible.module_utils.tgi.host.system import check_clock, clock_skew
from ansible.module_utils.tgi.models.replicas import PUBLISHED, address_of
from ansible.module_utils.tgi.preflight.across_hosts import SHARED, check_sources
from ansible.module_utils.tgi.preflight.gateway.private_ca import check_private_ca
from ansible.module_utils.tgi.preflight.inventory import check_inventory, host_request, refusal
from ansible.module_utils.tgi.preflight.role_specs import load_roles
from ansible.module_utils.tgi.rollout.holder import this_run
from ansible.module_utils.tgi.rollout.lock import other_run

#: Ansible cannot even send a module to a host whose disk is full
_FULL = ("No space left on device", "No usable temporary directory", "Disk quota exceeded")
_VAULTED = "$ANSIBLE_VAULT"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run the module of the same name on the host, with the inventory's request."""

    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the fact tgi_host, or fail with one message that holds all problems."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        groups = list(variables.get("group_names", []))
        values, problems = self._check_inventory(variables, groups)
        host = str(variables["inventory_hostname"])
        before = time.time()
        try:
            answer = self._execute_module(
                module_args=host_request(values, groups).to_options(),
                task_vars=variables,
            )
        except AnsibleConnectionFailure as error:
            if not problems and values.get("preflight_unreachable") == "leave_out":
                return {**result, "unreachable": True, "msg": _left_out(host, groups, str(error))}
            problems.append(_unreachable(host, str(error)))
            return {**result, "failed": True, "msg": refusal(problems)}
        after = time.time()
        if answer.get("failed") and not problems and not _full(answer):
            return dict(answer)
        if answer.get("failed"):
            problems.append(_not_inspected(answer))
        else:
            problems += answer["problems"]
            if "gateways" in groups:
                problems += check_private_ca(values, answer["certificate"], self._read)
            # Ansible prints each of them once
            notes = [*answer["notes"], *(catalogue_notes(values) if "gpu_hosts" in groups else ())]
            result["warnings"] = [f"{host}: {line}" for line in notes]
            if line := _other_run(answer, variables):
                if values.get("preflight_other_run") == "warn":
                    result["warnings"].append(f"{host}: {line}")
                else:
                    problems.append(line)
            most = number(values.get("preflight_max_clock_skew_seconds"))
            if "gpu_hosts" in groups:
                kept = answer["facts"]["firewall_sources"]
                problems += check_sources(values, _addresses_of_gateways(host, variables), kept)
            if most is not None:
                problems += check_clock(clock_skew(answer["clock"], before, after), most)
        result["changed"] = False
        if problems:
            result["failed"] = True
            result["msg"] = refusal(problems)
        else:
            result["ansible_facts"] = {"tgi_host": answer["facts"]}
        return result

    def _check_inventory(
        self, variables: dict[str, Any], groups: list[str]
    ) -> tuple[dict[str, Any], list[str]]:
        roles = load_roles(
            _PROJECT / "roles",
            # unsafe: without a deep copy, which takes longer than to read the file
            lambda path: self._loader.load_from_file(path, unsafe=True, trusted_as_template=True),
        )
        defaults = {name: value for role in roles for name, value in role.defaults.items()}
        templar = Templar(loader=self._loader, variables={**defaults, **variables})
        values, problems = check_inventory(
            variables,
            groups,
            roles,
            templar.template,
            self._read,
            _hosts_of("gpu_hosts", PUBLISHED, variables),
            _hosts_of("gateways", SHARED, variables),
        )
        return values, list(problems)

    def _read(self, path: str) -> str | None:
        """Return a file's beginning, or the whole of a vaulted file if Ansible can decrypt it."""
        head = read_head(path)
        if head is None or not head.startswith(_VAULTED):
            return head
        try:
            return str(self._loader.get_text_file_contents(path))
        except Exception:  # the file exists, even if the vault cannot open it
            return head


def _hosts_of(
    group: str, names: Iterable[str], variables: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return some variables of the hosts of a group; Ansible has no facts of them yet."""
    hosts = (variables.get("groups") or {}).get(group) or []
    return {host: _evaluated(variables["hostvars"][host], names) for host in hosts}


def _addresses_of_gateways(host: str, variables: dict[str, Any]) -> dict[str, str]:
    """Return the address of each other gateway; its name where the run will find it out."""
    here = variables.get("ansible_play_hosts_all") or []
    others = {
        name: values
        for name, values in _hosts_of("gateways", (*SHARED, "ansible_facts"), variables).items()
        if name != host
    }
    return {name: name if name in here else address_of(values) for name, values in others.items()}


def _evaluated(values: Any, names: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        if name in values:
            try:
                found[name] = values[name]
            except Exception:  # that host's own preflight reports it
                found[name] = UNKNOWN
    return found


def _other_run(answer: dict[str, Any], variables: dict[str, Any]) -> str:
    """Return why the run that changes the host keeps this one from it, or ""."""
    if boolean(variables.get("rollout_take_over", False), strict=False):
        return ""
    # Ansible forks a process for each task
    line: str = other_run(answer["lock"], this_run(os.getppid()), answer["clock"])
    return line


def _full(answer: dict[str, Any]) -> str:
    """Return Ansible's own words for a full disk in an answer, or ""."""
    return next((sign for sign in _FULL if sign in str(answer)), "")


def _unreachable(host: str, reason: str) -> str:
    said = " ".join(reason.split())
    remedy = f"start it or repair the connection; to go on without it, add --limit '!{host}'"
    line: str = problem("the host", f"cannot be reached ({said})", remedy)
    return line


def _left_out(host: str, groups: list[str], reason: str) -> str:
    said = " ".join(reason.split())
    stays = "what it serves stays published where it was"
    if "gpu_hosts" not in groups:
        stays = "until then it publishes what it did"
    if "gateways" not in groups and "gpu_hosts" not in groups:
        stays = "until then no host may be able to fetch from it"
    remedy = f"start it or repair the connection, then run site.yml again; {stays}"
    line: str = problem(host, f"cannot be reached ({said})", remedy)
    return line


def _not_inspected(answer: dict[str, Any]) -> str:
    said = [str(answer.get(key) or "").strip() for key in ("msg", "module_stderr")]
    reason = ": ".join(text.splitlines()[-1] for text in said if text)
    remedy = "fix this first"
    if full := _full(answer):
        reason = full
        remedy = "find the full file system (df -h and df -i there; often / or /tmp), free space"
    line: str = problem("the host", f"cannot be inspected ({reason})", remedy)
    return line
