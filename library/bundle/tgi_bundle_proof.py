#!/usr/bin/python
"""Documentation of an action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_bundle_proof
short_description: Prove a bundle, its signature first, then every byte
description:
  - Verifies the signature of the bundle's C(SHA256SUMS) by minisign or gpgv, as the public key is.
    Then it reads all files and compares them with that list, several at once, and shows how far it
    is.
  - Fails with each file that is changed, missing, extra or a link, and with what it is - a package,
    an image, weights, a wheel or the project.
  - Runs on the controller, and only reads.
author: tgi-ansible
options:
  bundle:
    description: Directory that C(playbooks/bundle.yml) made.
    type: path
    required: true
  public_key:
    description: File with the public key of who made it, of minisign or gpg.
    type: path
    default: ""
  unsigned:
    description: Take a bundle without O(public_key).
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: It only reads.
"""

EXAMPLES = r"""
- name: Prove the bundle
  tgi_bundle_proof:
    bundle: /media/disk/bundle
    public_key: keys/bundle.pub
"""

RETURN = r"""
signed:
  description: Whether the signature was verified.
  returned: success
  type: bool
files:
  description: How many files it has.
  returned: success
  type: int
bytes:
  description: Bytes of all files.
  returned: success
  type: int
made:
  description: When it was made.
  returned: success
  type: str
  sample: "2026-11-29T18:00:00Z"
systems:
  description: Systems for which it has packages.
  returned: success
  type: list
  elements: str
  sample: [debian-13]
msg:
  description: Every file that is not as it was made, a line each.
  returned: failure
  type: str
"""
