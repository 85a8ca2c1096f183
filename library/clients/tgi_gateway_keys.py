#!/usr/bin/python
"""Documentation of an action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_gateway_keys
short_description: Make and rotate the keys of the gateway's consumers in a vault file
description:
  - Makes a key for each consumer of C(gateway_consumers) that has none, and no certificate either.
  - Writes C(vault_gateway_keys) into O(path), encrypted with the vault password of this run, as
    C(0600). No result, log or diff shows a key.
  - Runs on the controller.
author: tgi-ansible
options:
  path:
    description: The vault file, for these keys alone.
    type: path
    required: true
  consumer:
    description: Make a key for this consumer alone, which the inventory may not have yet.
    type: str
    default: ""
  rotate:
    description: Do O(step) for this consumer instead of making keys.
    type: str
    default: ""
  step:
    description:
      - V(add) puts a new key before the old one, which stays.
      - V(expire) lets all keys but the newest end in O(days).
      - V(remove) drops the keys that have ended.
    type: str
    choices: [add, expire, remove]
    default: add
  days:
    description: Days that old keys are still accepted, after today.
    type: int
    default: 7
attributes:
  check_mode:
    support: full
    description: Reports whose keys it would change.
"""

EXAMPLES = r"""
- name: Give every consumer a key
  tgi_gateway_keys:
    path: "{{ inventory_dir }}/group_vars/gateways/gateway_keys.yml"

- name: Give a consumer a second key
  tgi_gateway_keys:
    path: "{{ inventory_dir }}/group_vars/gateways/gateway_keys.yml"
    rotate: rubberduck
"""

RETURN = r"""
consumers:
  description: Names of the consumers whose keys changed.
  returned: success
  type: list
  elements: str
lines:
  description: What to write in the inventory for consumers that are new in the file.
  returned: success
  type: list
  elements: str
"""
