"""Check the variables of nginx.org's repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown

_PREFIX = "gateway_nginx"
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~:-]*\*?")
_URI = re.compile(r"(?:https?://|file:/)[A-Za-z0-9._~:/@%+,=\[\]-]+")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40}")


def check_nginx(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of gateway_nginx_version and gateway_nginx_apt_*."""
    given = {name: values.get(f"{_PREFIX}_{name}") for name in ("version", "apt_uri", "apt_key")}
    version, uri, key = (one if isinstance(one, str) else "" for one in given.values())
    theirs = values.get(f"{_PREFIX}_source") == "nginx_org"
    where = f"{_PREFIX}_version"
    if version and not _VERSION.fullmatch(version):
        remedy = 'write one such as "1.30.*" or "1.30.1-1~trixie"'
        yield problem(where, f"is {shown(version)}, not a version", remedy)
    elif version and not theirs:
        what = "is set, but gateway_nginx_source is not nginx_org"
        yield problem(where, what, "delete it, or write gateway_nginx_source: nginx_org")
    if uri and not _URI.fullmatch(uri):
        remedy = "write a URL such as https://nginx.org/packages/debian"
        yield problem(f"{_PREFIX}_apt_uri", f"is {shown(uri)}, not the URL of a repository", remedy)
    if key and not (_URI.fullmatch(key) or re.fullmatch(r"/[A-Za-z0-9._/@%+-]+", key)):
        remedy = "write a URL, or the absolute path of a file"
        what = f"is {shown(key)}, neither a URL nor an absolute path"
        yield problem(f"{_PREFIX}_apt_key", what, remedy)
    fingerprint = values.get(f"{_PREFIX}_apt_key_fingerprint")
    prints = fingerprint.replace(" ", "").split(",") if isinstance(fingerprint, str) else []
    if not all(_FINGERPRINT.fullmatch(one) for one in prints):
        remedy = "write the 40 hex digits that gpg --show-keys prints, separated by commas"
        what = f"is {shown(fingerprint)}, not a fingerprint"
        yield problem(f"{_PREFIX}_apt_key_fingerprint", what, remedy)
