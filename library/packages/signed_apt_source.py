#!/usr/bin/python
"""Add an apt repository whose key is checked by its fingerprint, with version pins."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_apt_source
short_description: Add an apt repository whose key is checked by its fingerprint
description:
  - Writes a deb822 source, its key and its version pins in one task.
  - Fetches the key only if the host has none with the expected fingerprint. Fails before any change
    if the fetched key has another fingerprint.
  - Removes other sources with the same address, suite and components, as apt refuses two sources
    with different keys. Keeps the rest of their files, and a copy with the suffix
    C(.before-tgi-ansible.bak), which apt does not read.
  - With O(replaces), also removes older sources of the same publisher, and removes its key from the
    keyrings that apt trusts for all sources (C(apt-key), C(/etc/apt/trusted.gpg.d)).
options:
  name:
    description: Base name of the files below C(/etc/apt).
    type: str
    required: true
  state:
    description:
      - V(absent) removes the source and the key that this module wrote. O(pins) still applies.
    type: str
    choices: [present, absent]
    default: present
  uris:
    description:
      - Address of the repository; C(file:/srv/mirror) works too. C($(ARCH\)) stands for the
        architecture.
    type: str
  suites:
    description: Suite, or V(/) for a flat repository.
    type: str
    default: /
  components:
    description: Components; empty for a flat repository.
    type: str
    default: ""
  key:
    description: URL of the key (C(http://), C(https://)), or a path on the host (C(file:) too).
    type: str
  fingerprint:
    description: Fingerprint of the key, spaces allowed; separate several with commas.
    type: str
  replaces:
    description: Address prefixes of sources that this one replaces, at any suite.
    type: list
    elements: str
    default: []
  guides:
    description:
      - Names of files in C(sources.list.d) that the publisher's guides write. One without any
        source in it, such as an error page, is removed too, as apt then refuses all sources.
    type: list
    elements: str
    default: []
  pins:
    description: Packages to pin to a version or an origin. An empty list removes the pins.
    type: list
    elements: dict
    default: []
    suboptions:
      packages:
        description: Package names, separated by spaces.
        type: str
        required: true
      version:
        description: Version, with V(*) as wildcard.
        type: str
      origin:
        description: Host name of the only repository to take the packages from.
        type: str
attributes:
  check_mode:
    support: full
    description: Fetches and checks the key, changes nothing.
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
lists_missing:
  description: Whether apt still has to fetch the repository's package lists.
  returned: always
  type: bool
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
from ansible.module_utils.tgi.packages.apt import (
    is_no_list,
    lists_prefix,
    preferences_text,
    sources_text,
    without_repository,
)
from ansible.module_utils.tgi.packages.repository_key import (
    KeyRefusedError,
    fetch,
    obtain_key,
    without_key,
)

APT = Path("/etc/apt")
LISTS = Path("/var/lib/apt/lists")


def without_duplicates(params: dict[str, Any], own: Path) -> dict[Path, bytes]:
    """Return other source files that name this repository: path -> what remains of it."""
    named = (params["suites"], params["components"], params["replaces"])
    below = [f for kind in ("*.list", "*.sources") for f in (APT / "sources.list.d").glob(kind)]
    found = {}
    for path in [APT / "sources.list", *sorted(below)]:
        text = read_bytes(path).decode(errors="surrogateescape")
        left = without_repository(text, params["uris"], path.suffix == ".sources", *named)
        if path.name in params["guides"] and is_no_list(text):
            left = ""
        if path != own and left != text:
            found[path] = left.encode(errors="surrogateescape")
    return found


def distrusted(params: dict[str, Any]) -> dict[Path, bytes]:
    """Return keyrings that apt trusts for all sources: path -> content without this key."""
    below = [f for kind in ("*.gpg", "*.asc") for f in (APT / "trusted.gpg.d").glob(kind)]
    keyrings = [APT / "trusted.gpg", *sorted(below)] if params["replaces"] else []
    rings = [(path, read_bytes(path)) for path in keyrings]
    left = {path: without_key(ring, params["fingerprint"]) for path, ring in rings}
    return {path: left[path] for path, ring in rings if left[path] != ring}


def has_lists(uris: str, suites: str) -> bool:
    """Check whether apt has fetched the repository's package lists."""
    prefix = lists_prefix(uris, suites)
    return any(path.name.startswith(prefix) for path in LISTS.glob("*"))


def absent(source: Path, key: Path) -> dict[Path, bytes]:
    """Return the files to remove: none if this module did not write the source."""
    return {source: b"", key: b""} if read_bytes(source).startswith(HEADER) else {}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "uris": {"type": "str"},
            "suites": {"type": "str", "default": "/"},
            "components": {"type": "str", "default": ""},
            "key": {"type": "str", "no_log": False},
            "fingerprint": {"type": "str"},
            "replaces": {"type": "list", "elements": "str", "default": []},
            "guides": {"type": "list", "elements": "str", "default": []},
            "pins": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "packages": {"type": "str", "required": True},
                    "version": {"type": "str"},
                    "origin": {"type": "str"},
                },
                "mutually_exclusive": [("version", "origin")],
                "required_one_of": [("version", "origin")],
            },
        },
        required_if=[("state", "present", ["uris", "key", "fingerprint"])],
        supports_check_mode=True,
    )
    params = module.params
    key_path = APT / "keyrings" / f"{params['name']}.asc"
    source_path = APT / "sources.list.d" / f"{params['name']}.sources"
    pins_path = APT / "preferences.d" / params["name"]
    pins = [
        (pin["packages"], f"{kind} {pin[kind]}")
        for pin in params["pins"]
        for kind in ("version", "origin")
        if pin.get(kind)
    ]
    present = params["state"] == "present"
    others: dict[Path, bytes] = {}
    if present:
        source = sources_text(params["uris"], params["suites"], params["components"], str(key_path))
        others = {**without_duplicates(params, source_path), **distrusted(params)}
        try:
            key = obtain_key(read_bytes(key_path), params["fingerprint"], params["key"], fetch)
        except KeyRefusedError as error:
            module.fail_json(msg=f"apt source {params['name']}: {error}")
        wanted = {key_path: key, source_path: source.encode()}
    else:
        wanted = absent(source_path, key_path)
    if pins or present or read_bytes(pins_path).startswith(HEADER):
        wanted[pins_path] = preferences_text(pins).encode()
    wanted.update(others)
    with failing_in_words(module.fail_json):
        files, diff = settle(wanted, others, module.check_mode)
    missing = present and not has_lists(params["uris"], params["suites"])
    module.exit_json(changed=bool(files), files=files, lists_missing=missing, diff=diff)


if __name__ == "__main__":
    main()
