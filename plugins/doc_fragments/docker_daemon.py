"""Options about the daemon's settings, documented once for the modules that merge and undo them."""

from __future__ import annotations


class ModuleDocFragment:
    """``extends_documentation_fragment: [docker_daemon]``."""

    DOCUMENTATION = r"""
options:
  proxies:
    description:
      - Proxies that go with the settings. A file that holds a proxy's password is readable to root
        only, and the password is shown nowhere.
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
        description: Names and networks that are reached without one, with commas between.
        type: str
        default: ''
"""
