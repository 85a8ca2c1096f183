"""Document the options that docker_daemon_config and docker_daemon_undo share."""

from __future__ import annotations


class ModuleDocFragment:
    """Use it with ``extends_documentation_fragment: [docker_daemon]``."""

    DOCUMENTATION = r"""
options:
  proxies:
    description:
      - Proxies to add to the settings. If one has a password, only root can read the file, and no
        output shows the password.
    type: dict
    default: {}
    suboptions:
      http:
        description: Proxy for plain HTTP.
        type: str
        default: ''
      https:
        description: Proxy for HTTPS.
        type: str
        default: ''
      no_proxy:
        description: Names and networks to reach without a proxy, separated by commas.
        type: str
        default: ''
"""
