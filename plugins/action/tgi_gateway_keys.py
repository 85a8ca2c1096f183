"""Keep the keys of consumers in a vault file. The keys stay in this process and in that file."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.constants import DEFAULT_VAULT_ENCRYPT_IDENTITY
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.parsing.vault import VaultLib, is_encrypted, match_encrypt_secret
from ansible.plugins.action import ActionBase

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.files import write
from ansible.module_utils.tgi.gateway.consumers.key_ring import (
    STEPS,
    VARIABLE,
    give_keys,
    read_ring,
    ring_text,
    rotate,
)

_SPEC = {
    "path": {"type": "path", "required": True},
    "consumer": {"type": "str", "default": ""},
    "rotate": {"type": "str", "default": ""},
    "step": {"type": "str", "choices": list(STEPS), "default": "add"},
    "days": {"type": "int", "default": 7},
}
_NO_PASSWORD = "the vault needs its password: add --ask-vault-pass or --vault-password-file"
_EXTENSIONS = (".yml", ".yaml", ".json")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run on the controller only: nothing is sent to a host, and no argument holds a key."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the consumers whose keys changed, and lines for the inventory."""
        super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(_SPEC)
        try:
            return self._keep(given, task_vars or {})
        except (AnsibleError, OSError, ValueError) as error:
            return {
                "failed": True,
                "msg": in_words(error) if isinstance(error, OSError) else str(error),
            }

    def _keep(self, given: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        vault = VaultLib(self._loader._vault.secrets)
        if not vault.secrets:
            raise ValueError(_NO_PASSWORD)
        path = Path(given["path"])
        _refuse_a_file_for_the_folder(path.parent)
        # The file may be newer than what this run has read of it
        data = self._loader.load_from_file(str(path), cache="none") if path.exists() else {}
        before = read_ring(data, str(path))
        if given["rotate"]:
            now = datetime.datetime.now(datetime.timezone.utc)
            after = rotate(before, given["rotate"], given["step"], given["days"], now)
        else:
            wanted = [given["consumer"]] if given["consumer"] else [*self._without_key(variables)]
            after = give_keys(before, wanted)
        changed = sorted(name for name in after if after[name] != before.get(name))
        readable = path.exists() and not is_encrypted(path.read_bytes())
        if (changed or readable) and not self._task.check_mode:
            identity, secret = match_encrypt_secret(
                vault.secrets, encrypt_vault_id=DEFAULT_VAULT_ENCRYPT_IDENTITY
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, vault.encrypt(ring_text(after), secret, vault_id=identity), 0o600)
        new = [] if given["rotate"] else changed
        lines = [f"{name}: keys: \"{{{{ {VARIABLE}['{name}'] }}}}\"" for name in new]
        return {"changed": bool(changed) or readable, "consumers": changed, "lines": lines}

    def _without_key(self, variables: Mapping[str, Any]) -> Iterator[str]:
        """Yield the consumers of the inventory without a key and without a certificate.

        A key that refers to a variable which does not exist yet is none.
        """
        listed = variables.get("gateway_consumers") or []
        for entry in self._templar.template(listed) if isinstance(listed, str) else listed:
            try:
                keys = self._templar.template(entry.get("keys") or [])
            except AnsibleUndefinedVariable:
                keys = []
            if not keys and not entry.get("certificate_subjects"):
                yield str(self._templar.template(entry["name"]))


def _refuse_a_file_for_the_folder(folder: Path) -> None:
    """Raise ValueError where Ansible would no longer read GROUP.yml beside the directory GROUP."""
    for extension in _EXTENSIONS:
        file = folder.with_name(f"{folder.name}{extension}")
        if file.exists() and not folder.is_dir():
            remedy = f"move it into {folder}/, or write another secrets_file"
            raise ValueError(
                f"{file} would no longer be read beside a directory of that name; {remedy}"
            )
