#!/usr/bin/python
"""Ansible module: an apt source whose key is checked by fingerprint, with its version pins."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_apt_source
short_description: Add an apt repository whose key is checked by its fingerprint
description:
  - Writes a deb822 source, the key that signs it and the versions pinned from it, in one go.
  - The key is fetched only while the host has none with the expected fingerprint, and is refused, before
    anything is changed, if its fingerprint is another.
  - Other source files that name the same repository are removed, as apt refuses two that name different keys.
options:
  name:
    description: Base name of the files below C(/etc/apt).
    type: str
    required: true
  uris:
    description: The repository's address. C($(ARCH\)) stands for the architecture.
    type: str
    required: true
  suites:
    description: The suite, or V(/) for a flat repository.
    type: str
    default: /
  components:
    description: The components; none for a flat repository.
    type: str
    default: ""
  key:
    description: Address of the key (C(http://), C(https://)), or a path on the host.
    type: str
    required: true
  fingerprint:
    description: Fingerprint of the key, with or without spaces.
    type: str
    required: true
  pins:
    description: Packages pinned to a version. An empty list removes the pins.
    type: list
    elements: dict
    default: []
    suboptions:
      packages:
        description: Names of the packages, separated by spaces.
        type: str
        required: true
      version:
        description: The version, with V(*) as wildcard.
        type: str
        required: true
attributes:
  check_mode:
    support: full
    description: Fetches and judges the key, changes nothing.
  diff_mode:
    support: full
    description: Shows the source and the pins.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Add Docker's repository
  signed_apt_source:
    name: docker
    uris: https://download.docker.com/linux/debian
    suites: bookworm
    components: stable
    key: https://download.docker.com/linux/debian/gpg
    fingerprint: 9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD88
    pins: [{packages: docker-ce docker-ce-cli, version: "5:29.6.*"}]
"""

RETURN = r"""
files:
  description: The files that were, or would be, written or removed.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.apt_source import (
    KeyRefusedError,
    judge_key,
    preferences_text,
    sources_text,
)
from ansible.module_utils.urls import open_url

APT = Path("/etc/apt")


def read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def obtain_key(module: AnsibleModule, installed: bytes) -> bytes:
    """The installed key while it is the expected one, else the one from its origin, judged."""
    fingerprint, origin = module.params["fingerprint"], module.params["key"]
    try:
        judge_key(installed, fingerprint, "the installed file")
        return installed
    except KeyRefusedError:
        pass
    try:
        if "://" in origin:
            key: bytes = open_url(origin, timeout=30, http_agent="tgi-ansible").read()
        else:
            key = Path(origin).read_bytes()
    except OSError as error:
        module.fail_json(
            msg=f"cannot get the key of apt source {module.params['name']} from {origin}: {error}"
        )
    try:
        judge_key(key, fingerprint, origin)
    except KeyRefusedError as error:
        module.fail_json(msg=f"apt source {module.params['name']}: {error}")
    return key


def duplicates(uris: str, own: Path) -> list[Path]:
    """Source files of others that name this repository."""
    address = uris.split("$(ARCH)")[0].rstrip("/")
    files = [f for kind in ("*.list", "*.sources") for f in (APT / "sources.list.d").glob(kind)]
    return [f for f in files if f != own and address in f.read_text(errors="replace")]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "uris": {"type": "str", "required": True},
            "suites": {"type": "str", "default": "/"},
            "components": {"type": "str", "default": ""},
            "key": {"type": "str", "required": True, "no_log": False},
            "fingerprint": {"type": "str", "required": True},
            "pins": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "packages": {"type": "str", "required": True},
                    "version": {"type": "str", "required": True},
                },
            },
        },
        supports_check_mode=True,
    )
    params = module.params
    key_path = APT / "keyrings" / f"{params['name']}.asc"
    source_path = APT / "sources.list.d" / f"{params['name']}.sources"
    pins_path = APT / "preferences.d" / params["name"]
    pins = [(pin["packages"], pin["version"]) for pin in params["pins"]]
    source = sources_text(params["uris"], params["suites"], params["components"], str(key_path))
    wanted = {
        key_path: obtain_key(module, read(key_path)),
        source_path: source.encode(),
        pins_path: preferences_text(pins).encode(),
    }
    before = {path: read(path) for path in wanted}
    stale = duplicates(params["uris"], source_path)
    changed = [path for path in wanted if wanted[path] != before[path]]
    if not module.check_mode:
        for path in changed:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if wanted[path]:
                path.write_bytes(wanted[path])
                path.chmod(0o644)
            else:
                path.unlink()
        for path in stale:
            path.unlink()
    module.exit_json(
        changed=bool(changed or stale),
        files=[str(path) for path in changed + stale],
        diff=[
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": before[path].decode(),
                "after": wanted[path].decode(),
            }
            for path in changed
            if path != key_path
        ],
    )


if __name__ == "__main__":
    main()
