"""Ask a registry what an image's tag stands for: the digest, the platforms, when it was built.

It speaks the registry API v2 as Docker does, with the anonymous token that public registries hand
out. A digest is computed here from the bytes that came, never taken from a header alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

try:
    import httpx

    HTTPX_ERROR = ""
except ImportError as error:  # the module names the missing package
    HTTPX_ERROR = str(error)

from ..common.problem import problem
from .http_client import tls_context

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MOST_BYTES = 4 * 2**20
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER = re.compile(r'\b(\w+)="([^"]*)"')
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class RegistryError(Exception):
    """Says in one line what the registry did, and the remedy."""


class ImageName(NamedTuple):
    """An image's name: the registry's host and port, the repository, and a tag or digest."""

    registry: str
    repository: str
    reference: str

    @property
    def name(self) -> str:
        """Return the name without tag or digest."""
        return f"{self.registry}/{self.repository}"


class RegistryImage(NamedTuple):
    """What the registry says; ``kind`` is index (of several platforms) or image.

    ``platforms`` maps linux/amd64 and the like to the digest of that platform's image. The rest is
    of the platform that was asked for: ``bytes`` to pull, ``created``, ``revision`` of the sources.
    """

    digest: str
    kind: str
    platforms: dict[str, str]
    bytes: int
    created: str
    revision: str


def read_name(text: str) -> ImageName:
    """Return the parts of an image's name as Docker reads it, or raise RegistryError."""
    rest, at, digest = text.strip().partition("@")
    head, slash, tail = rest.partition("/")
    named = bool(slash) and ("." in head or ":" in head or head == "localhost")
    registry, path = (head, tail) if named else ("docker.io", rest)
    path, colon, tag = path.partition(":")
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    reference = digest if at else tag if colon else "latest"
    if not _NAME.fullmatch(path) or not (_DIGEST if at else _TAG).fullmatch(reference):
        remedy = (
            "write registry/name:tag, such as ghcr.io/huggingface/text-generation-inference:3.3.7"
        )
        raise RegistryError(problem(f'image "{text[:100]}"', "is no image's name", remedy))
    return ImageName(registry, path, reference)


def look_up(
    image: ImageName, platform: str = "linux/amd64", ca_file: str = "", timeout: float = 30.0
) -> RegistryImage:
    """Return what the registry says of an image, or raise RegistryError.

    Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). ``ca_file`` is the only CA to
    accept; empty is the system's store. A registry on this machine may speak plain HTTP.
    """
    try:
        with _Registry(image, ca_file, timeout) as registry:
            return _look_up(registry, image, platform)
    except httpx.HTTPError as error:
        said = " ".join(str(error).split()) or type(error).__name__
        remedy = "check name, network and proxy (HTTPS_PROXY)"
        if "CERTIFICATE_VERIFY_FAILED" in said:
            remedy = "give the CA of the registry, or of the proxy that opens TLS, as ca_file"
        raise RegistryError(problem(image.registry, f"does not answer ({said})", remedy)) from error


def _look_up(registry: _Registry, image: ImageName, platform: str) -> RegistryImage:
    kind, manifest, digest = registry.manifest(image.reference)
    platforms = {}
    if kind == "index":
        listed = [(_platform(one), str(one.get("digest"))) for one in _maps(manifest, "manifests")]
        # An attestation says unknown/unknown
        platforms = {name: found for name, found in listed if not name.startswith("unknown")}
        if platform not in platforms:
            offered = ", ".join(platforms) or "none"
            remedy = "choose another tag, or one of these platforms"
            what = f"has no image for {platform}, only for {offered}"
            raise RegistryError(problem(f"{image.name}:{image.reference}", what, remedy))
        _, manifest, _ = registry.manifest(platforms[platform])
    layers = _maps(manifest, "layers")
    config = registry.blob(str((manifest.get("config") or {}).get("digest")))
    own = _platform(config)
    if kind == "image":
        platforms = {own: digest}
    labels = (config.get("config") or {}).get("Labels") or {}
    return RegistryImage(
        digest,
        kind,
        platforms,
        sum(int(layer.get("size") or 0) for layer in layers),
        str(config.get("created") or ""),
        str(labels.get("org.opencontainers.image.revision") or ""),
    )


def _maps(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = document.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _platform(said: Mapping[str, Any]) -> str:
    own = said.get("platform")
    found = own if isinstance(own, Mapping) else said
    parts = [found.get("os"), found.get("architecture"), found.get("variant")]
    return "/".join(str(part) for part in parts if part)


class _Registry:
    """One repository of a registry; asks for a token when the registry wants one."""

    def __init__(self, image: ImageName, ca_file: str, timeout: float) -> None:
        host = "registry-1.docker.io" if image.registry == "docker.io" else image.registry
        plain = host.rpartition(":")[0] in _LOOPBACK or host in _LOOPBACK
        scheme = "http" if plain and not ca_file else "https"
        # A token travels no less protected than the registry itself
        self._realms = ("https://", f"{scheme}://")
        self._image = image
        self._root = f"{scheme}://{host}/v2/{image.repository}/"
        self._token = ""
        self._client = httpx.Client(
            verify=tls_context(ca_file), timeout=timeout, follow_redirects=True, trust_env=True
        )

    def __enter__(self) -> _Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def manifest(self, reference: str) -> tuple[str, Mapping[str, Any], str]:
        """Return the kind, the document and the digest of a manifest."""
        accept = ", ".join((*_INDEXES, *_MANIFESTS))
        reply = self._get(f"manifests/{reference}", {"Accept": accept})
        digest = f"sha256:{hashlib.sha256(reply.content).hexdigest()}"
        said = reply.headers.get("Docker-Content-Digest", digest)
        wanted = reference if _DIGEST.fullmatch(reference) else said
        if digest not in (said, wanted) or said != wanted:
            what = f"sends {digest} for {wanted}: something on the way changes it"
            remedy = "ask without that proxy or mirror, or ask its operator"
            raise RegistryError(problem(self._image.registry, what, remedy))
        document = self._document(reply)
        kind = str(document.get("mediaType") or reply.headers.get("Content-Type", ""))
        return ("index" if kind.partition(";")[0] in _INDEXES else "image"), document, digest

    def blob(self, digest: str) -> Mapping[str, Any]:
        """Return a JSON document by its digest."""
        reply = self._get(f"blobs/{digest}", {})
        if f"sha256:{hashlib.sha256(reply.content).hexdigest()}" != digest:
            what = f"sends other bytes than {digest}"
            raise RegistryError(problem(self._image.registry, what, "try again"))
        return self._document(reply)

    def _get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        reply = self._send(path, headers)
        if reply.status_code == 401 and not self._token:
            self._token = self._ask_token(reply.headers.get("WWW-Authenticate", ""))
            reply = self._send(path, headers)
        if reply.status_code == 200 and len(reply.content) <= _MOST_BYTES:
            return reply
        raise RegistryError(self._refusal(reply))

    def _send(self, path: str, headers: dict[str, str]) -> httpx.Response:
        own = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return self._client.get(urljoin(self._root, path), headers={**headers, **own})

    def _ask_token(self, challenge: str) -> str:
        kind, _, rest = challenge.partition(" ")
        asked = dict(_PARAMETER.findall(rest))
        realm = asked.pop("realm", "")
        if kind.lower() != "bearer" or not realm.startswith(self._realms):
            return ""
        reply = self._client.get(realm, params={key: asked[key] for key in asked if key != "error"})
        if reply.status_code != 200:
            return ""
        said = self._document(reply)
        return str(said.get("token") or said.get("access_token") or "")

    def _document(self, reply: httpx.Response) -> Mapping[str, Any]:
        try:
            found = json.loads(reply.content)
        except ValueError:
            found = None
        if isinstance(found, Mapping):
            return found
        what = "sends no JSON, so it is no registry, or a proxy answers for it"
        raise RegistryError(problem(self._image.registry, what, "check name and proxy"))

    def _refusal(self, reply: httpx.Response) -> str:
        name = f"{self._image.name}:{self._image.reference}"
        code = reply.status_code
        if code in (401, 403):
            remedy = (
                "correct the name; for a private image ask with skopeo inspect after skopeo login"
            )
            return problem(name, "is not public, or does not exist", remedy)
        if code == 404:
            return problem(name, "does not exist", "correct the name or the tag")
        if code == 429:
            return problem(
                self._image.registry, "wants fewer questions (429)", "wait, then try again"
            )
        return problem(self._image.registry, f"answers {code}", "try again later")
