"""Paths, marks and ports that several rooms, modules and roles share.

tests/unit/common/test_places.py keeps them equal to the roles' defaults.
"""

from __future__ import annotations

import hashlib

#: The Compose projects, a folder for each model: tgi_base_dir
BASE_DIR = "/opt/tgi"
#: Weights, which containers see as /data: tgi_data_dir
DATA_DIR = "/var/lib/tgi"
#: Below it, what each container keeps in /data itself
OWN_DATA = ".containers"
#: The first model's port on its host: tgi_base_port
DEFAULT_BASE_PORT = 8081
#: nginx's configuration in force and the versions before
GATEWAY_CONFIGURATION = "/etc/nginx/tgi-gateway"
#: Drain flags and the ACME server's challenges
GATEWAY_STATE = "/var/lib/tgi-gateway"
#: certbot's configuration, account and certificates
GATEWAY_ACME = "/etc/tgi-gateway/acme"
#: The firewall rules before the models' ports, and the unit that loads them
FIREWALL_DIRECTORY = "/etc/tgi-fence"
FIREWALL_UNIT = "/etc/systemd/system/tgi-fence.service"
#: Who changes a host at the moment; /run, so that a reboot ends it
RUN_LOCK = "/run/tgi-ansible.lock"
#: First words of Compose projects, units and certificates that this project wrote
MARK = "# Written by tgi-ansible"
#: What a bundle brings to a host: bundle_dir
BUNDLE_DIR = "/var/lib/tgi-bundle"
#: Where its images are served while Docker pulls them. Part of their name in Docker's own store
BUNDLE_REGISTRY = "127.0.0.1:5917"
#: Characters of the name of a network interface in Linux
_LONGEST_INTERFACE = 15


def bundle_image(reference: str) -> str:
    """Return the name of a pinned image in a registry on loopback, with the same digest."""
    name = without_tag(reference)
    host, slash, rest = name.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return f"{BUNDLE_REGISTRY}/{rest if named else name}@{reference.partition('@')[2]}"


def without_tag(reference: str) -> str:
    """Return the name of an image, without tag and digest."""
    folder, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def compose_project(model: str) -> str:
    """Return the name of a model's Compose project; Compose drops the dots."""
    return "tgi-" + model.replace(".", "")


def compose_projects(model: str) -> tuple[str, str]:
    """Return both names that a model's Compose project may have: a new set starts as the other.

    No other model's project has the second name, as the first ones all begin with "tgi-".
    """
    first = compose_project(model)
    return first, first.replace("tgi-", "tgi2-", 1)


def other_project(model: str, project: str) -> str:
    """Return the name that ``project`` of a model does not have."""
    first, second = compose_projects(model)
    return second if project == first else first


def bridge_of(project: str) -> str:
    """Return the name of a project's bridge: the project's, or "tgi-…" where that cannot be."""
    # The firewall knows the models' bridges by how their names begin
    if len(project) <= _LONGEST_INTERFACE and project.startswith("tgi-"):
        return project
    digest = hashlib.sha256(project.encode()).hexdigest()
    return f"tgi-{digest}"[:_LONGEST_INTERFACE]
