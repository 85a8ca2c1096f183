#!/usr/bin/python
"""Make a bundle for a site without the internet. The action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_bundle
short_description: Make a bundle for a site without the internet
description:
  - Makes one directory with all that the inventory's hosts need - apt packages with their signed
    lists, images, weights, the controller's Python packages and this repository.
  - Runs on the controller, and asks no host. It reads what is to be deployed from the variables of
    the groups C(gpu_hosts) and C(gateways), and what the roles install from their tasks
    C(apt_wanted).
  - Says the sizes first, and refuses a disk that is too small. Shows how far it is. What a killed
    run left is used by the next one; what is there and proven is not fetched again.
  - The token of the Hub (V(tgi_hf_token)) and the passphrase of the signing key
    (V(bundle_signing_passphrase)) are read as variables, so that no argument holds them.
requirements: [apt-get, git, pip, skopeo for images, minisign or gpg for a signature]
author: tgi-ansible
options:
  path:
    description: The directory. It is made; one with other files in it is refused.
    type: path
    required: true
  systems:
    description: Systems of the hosts, such as V(debian-13).
    type: list
    elements: str
    required: true
  packages:
    description: Packages of the distribution to bring besides, such as V(nftables).
    type: list
    elements: str
    default: []
  apt_uris:
    description:
      - Mirrors instead of those that apt of this machine has, by V(debian), V(debian-security) and
        V(ubuntu).
    type: dict
    default: {}
  apt_keyring:
    description: Keyring of the distribution on this machine, where it is not at its usual place.
    type: path
  python_version:
    description: Python of the controller inside, such as V(3.11). Without it, the one that runs.
    type: str
    default: ""
  signing_key:
    description:
      - Secret key of minisign, or an exported one of gpg, which signs C(SHA256SUMS). Without it the
        bundle is not signed.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what it would fetch, and its size. It changes nothing.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Make a bundle for hosts of Debian 13
  tgi_bundle:
    path: /srv/bundle
    systems: [debian-13]
    signing_key: /root/minisign.key
"""

RETURN = r"""
sizes:
  description: Bytes to fetch, by what they are for. Those of the wheels are estimated.
  returned: success
  type: dict
  sample: {images: 12000000000, weights: 16060556376}
fetched:
  description: What came in this run; empty where all was there and proven.
  returned: success
  type: list
  elements: str
  sample: [images, weights]
size:
  description: Bytes of the whole bundle.
  returned: success, outside check mode
  type: int
signature:
  description: Name of the signature, empty without a key.
  returned: success, outside check mode
  type: str
  sample: SHA256SUMS.minisig
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that the action plugin did not run."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(
        msg="tgi_bundle runs on the controller by its action plugin; set action_plugins"
    )


if __name__ == "__main__":
    main()
