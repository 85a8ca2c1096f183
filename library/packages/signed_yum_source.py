#!/usr/bin/python
"""Add a dnf repository whose key is checked by its fingerprint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_yum_source
short_description: Add a dnf repository whose key is checked by its fingerprint
description:
  - Writes a repository file and its key in one task. The key is stored on the host, so that dnf
    imports the key that was checked.
  - Fetches the key only if the host has none with the expected fingerprint. Fails before any change
    if the fetched key has another fingerprint.
  - Removes sections of other files that have the same name or address, as dnf uses the first of
    two. Keeps the rest of their files, and a copy with the suffix C(.before-tgi-ansible.bak), which
    dnf does not read.
options:
  name:
    description: Name of the repository, its file and its key.
    type: str
    required: true
  state:
    description: V(absent) removes the repository and the key that this module wrote.
    type: str
    choices: [present, absent]
    default: present
  baseurl:
    description: Address of the repository; C(file:///srv/mirror) works too.
    type: str
  key:
    description: URL of the key (C(http://), C(https://)), or a path on the host (C(file:) too).
    type: str
  fingerprint:
    description: Fingerprint of the key, spaces allowed; separate several with commas.
    type: str
  gpgcheck:
    description: Whether dnf checks the packages' signatures.
    type: bool
    default: true
  repo_gpgcheck:
    description: Whether dnf checks the signature of the repository's metadata.
    type: bool
    default: false
  sslcacert:
    description: File with the CA certificates for a mirror; empty for the system's.
    type: str
    default: ''
  replaces:
    description: Address prefixes of repositories that this one replaces.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Fetches and checks the key, changes nothing.
  diff_mode:
    support: full
    description: Shows the repository files, not the key.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Add Docker's repository
  signed_yum_source:
    name: docker-ce-stable
    baseurl: https://download.docker.com/linux/centos/9/$basearch/stable
    key: https://download.docker.com/linux/centos/gpg
    fingerprint: 060A 61C5 1B55 8A7F 742B 77AA C52F EB6B 621E 9F35
    replaces: ["https://download.docker.com/linux/"]
"""

RETURN = r"""
files:
  description: Files that were, or would be, written or removed.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.files import HEADER, read_bytes, settle
from ansible.module_utils.tgi.packages.dnf import repository_text, without_repository
from ansible.module_utils.tgi.packages.repository_key import KeyRefusedError, fetch, obtain_key

REPOSITORIES = Path("/etc/yum.repos.d")
KEYS = Path("/etc/pki/rpm-gpg")


def without_duplicates(params: dict[str, Any], own: Path) -> dict[Path, bytes]:
    """Return other repository files that name this one: path -> what remains of it."""
    found = {}
    for path in sorted(REPOSITORIES.glob("*.repo")):
        text = read_bytes(path).decode(errors="surrogateescape")
        left = without_repository(text, params["name"], params["baseurl"], params["replaces"])
        if path != own and left != text:
            found[path] = left.encode(errors="surrogateescape")
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "baseurl": {"type": "str"},
            "key": {"type": "str", "no_log": False},
            "fingerprint": {"type": "str"},
            "gpgcheck": {"type": "bool", "default": True},
            "repo_gpgcheck": {"type": "bool", "default": False},
            "sslcacert": {"type": "str", "default": ""},
            "replaces": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "present", ["baseurl", "key", "fingerprint"])],
        supports_check_mode=True,
    )
    params = module.params
    key_path = KEYS / f"RPM-GPG-KEY-{params['name']}"
    own = REPOSITORIES / f"{params['name']}.repo"
    others: dict[Path, bytes] = {}
    wanted: dict[Path, bytes] = {}
    if params["state"] == "present":
        options = (params[name] for name in ("gpgcheck", "repo_gpgcheck", "sslcacert"))
        text = repository_text(params["name"], params["baseurl"], str(key_path), *options)
        try:
            key = obtain_key(read_bytes(key_path), params["fingerprint"], params["key"], fetch)
        except KeyRefusedError as error:
            module.fail_json(msg=f"dnf repository {params['name']}: {error}")
        others = without_duplicates(params, own)
        wanted = {key_path: key, own: text.encode(), **others}
    elif read_bytes(own).startswith(HEADER):
        wanted = {own: b"", key_path: b""}
    with failing_in_words(module.fail_json):
        files, diff = settle(wanted, others, module.check_mode)
    module.exit_json(changed=bool(files), files=files, diff=diff)


if __name__ == "__main__":
    main()
