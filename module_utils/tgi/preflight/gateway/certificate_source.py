"""Check that gateway_tls has all keys of its source, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import UNKNOWN, closest, problem
from ...gateway.tls.certificate import certificate_problems
from .acme_server import ACME_KEYS, check_acme
from .pem_files import VAULTED, Reader, check_path, check_pem, holds

# Sources whose certificate and key exist before the role runs
_READABLE = ("files", "content")
# The keys that each source may have
_KEYS = {
    "files": ("certificate", "key", "root"),
    "content": ("certificate_content", "key_content", "root"),
    "private_ca": ("ca_dir",),
    "acme": ACME_KEYS,
}


def check_tls(tls: Any, read: Reader) -> list[str]:
    """Return the problems of gateway_tls; check_certificate checks the certificate itself."""
    source = tls.get("source") if isinstance(tls, dict) else None
    if not isinstance(source, str) or source not in _KEYS:
        return []
    found = list(_check_foreign(tls, source))
    if source == "files":
        found += _check_files(tls, read)
    elif source == "content":
        found += _check_content(tls)
    elif source == "private_ca":
        found += check_path("gateway_tls.ca_dir", tls.get("ca_dir"))
    else:
        found += check_acme(tls, read)
    root = tls.get("root")
    if root not in (None, "") and "root" in _KEYS[source]:
        found += check_pem("gateway_tls.root", root, "CERTIFICATE", read)
    return found


def _check_foreign(tls: Mapping[Any, Any], source: str) -> Iterator[str]:
    mine = _KEYS[source]
    for key in map(str, tls):
        theirs = [other for other, keys in _KEYS.items() if key in keys]
        if key != "source" and key not in mine and theirs and tls[key] is not None:
            near = closest(key, [one for one in mine if one not in tls])
            remedy = f"write {near}" if near else "delete it"
            remedy += f", or write source: {' or '.join(theirs)}"
            yield problem(f"gateway_tls.{key}", f"is not used with source: {source}", remedy)


def _check_files(tls: Mapping[Any, Any], read: Reader) -> Iterator[str]:
    other = ", or write source: private_ca"
    path, key = tls.get("certificate"), tls.get("key")
    yield from check_pem("gateway_tls.certificate", path, "CERTIFICATE", read, other)
    yield from check_pem("gateway_tls.key", key, "PRIVATE KEY", read, other)


def _check_content(tls: Mapping[Any, Any]) -> Iterator[str]:
    for name, content in (("certificate", "CERTIFICATE"), ("key", "PRIVATE KEY")):
        key = f"{name}_content"
        where, text = f"gateway_tls.{key}", tls.get(key)
        remedy = f'write the PEM text, such as {key}: "{{{{ vault_gateway_{name} }}}}"'
        if text is None or text == "":
            yield problem(where, "is missing", remedy)
        elif isinstance(text, str) and not holds(text, content):
            yield problem(where, f"does not contain a {content}", remedy)


def check_certificate(values: Mapping[str, Any], server_name: str, read: Reader) -> list[str]:
    """Return the reasons why nginx cannot serve the certificate of gateway_tls.

    Skip vaulted files, and files that :func:`check_tls` reports as unreadable.
    """
    tls, profile = values.get("gateway_tls"), values.get("gateway_tls_profile")
    if not isinstance(tls, dict) or tls.get("source") not in _READABLE or check_tls(tls, read):
        return []
    suffix = "_content" if tls["source"] == "content" else ""
    given = [tls.get(f"{name}{suffix}") for name in ("certificate", "key")]
    if UNKNOWN in given:
        return []
    texts = [str(one) if suffix else read(str(one)) or "" for one in given]
    root = tls.get("root")
    texts.append((read(root) or "") if isinstance(root, str) and root else "")
    if any(VAULTED in text for text in texts):
        return []
    certificate, key, roots = texts
    return certificate_problems(certificate, key, server_name, roots, str(profile), suffix)
