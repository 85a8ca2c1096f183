"""Check addresses of repositories, keys and images: none holds a login, and hosts can read keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown

# dnf replaces $NAME by the content of /etc/dnf/vars/NAME
_LOGIN = re.compile(r"//(?!\$\w+@)[^\s/]*@")
_IMAGE = re.compile(r"[^\s/@:]+:[^\s@]+@(?!sha256:)")
_KEY_SOURCE = re.compile(r"(?:https?://[^\s/]+/|file:/|/)\S*")
_REMEDIES = (
    (
        "_apt_uri",
        "put the login into /etc/apt/auth.conf.d/NAME.conf on the host (mode 0600: machine HOST "
        "login USER password PASSWORD), and write the address without it",
    ),
    (
        "_yum_baseurl",
        "put USER:PASSWORD into /etc/dnf/vars/mirrorlogin on the host (mode 0600), and write "
        "$mirrorlogin@ in front of the host's name",
    ),
    (("_apt_key", "_yum_key"), "put the key's file on the host, and write its path"),
)


def check_logins(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses of repositories, their keys, and the image that hold a login."""
    for name, value in values.items():
        remedy = next((words for end, words in _REMEDIES if name.endswith(end)), "")
        if remedy and isinstance(value, str) and _LOGIN.search(value):
            yield problem(name, "holds a login, which every user of the host could read", remedy)
    for place, mirror in enumerate(_list(values.get("docker_registry_mirrors"))):
        if isinstance(mirror, str) and _LOGIN.search(mirror):
            what = "holds a login, which Docker does not send to a mirror"
            remedy = "write the address without it, and let the mirror admit the host's address"
            yield problem(f"docker_registry_mirrors[{place}]", what, remedy)
    image = values.get("tgi_image")
    if isinstance(image, str) and _IMAGE.match(image):
        remedy = "run docker login as root on the host, and write the image without it"
        yield problem("tgi_image", "holds a login, which is no part of an image's name", remedy)


def check_key_sources(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of Docker's and NVIDIA's repositories that no host can find."""
    for role in ("docker", "nvidia_container_toolkit"):
        for name in ("apt_key", "yum_key"):
            source = values.get(f"{role}_{name}")
            if isinstance(source, str) and source and not _KEY_SOURCE.fullmatch(source):
                what = f"is {shown(source)}, neither a URL nor an absolute path"
                remedy = "write a URL, or the absolute path of a file on the host"
                yield problem(f"{role}_{name}", what, remedy)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
