"""All that a bundle is made from, on loopback: apt repositories, a registry, the Hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.bundle.apt_site import Signer, deb, publish, signer
from tests.support.bundle.registry import Registry, registry
from tests.support.hub.local_hub import HubRepository, LocalHub, local_hub
from tests.support.hub.weight_sites import NAME, small_repository

TOOLKIT = ("nvidia-container-toolkit", "nvidia-container-toolkit-base",
           "libnvidia-container-tools", "libnvidia-container1")  # fmt: skip
#: What the roles install from the distribution, and what that needs
DISTRIBUTION = {
    "python3": "libc6", "libc6": "", "python3-apt": "python3", "ca-certificates": "",
    "docker.io": "libc6", "docker-cli": "", "docker-compose": "", "nginx": "libc6",
    "libnginx-mod-http-js": "nginx", "logrotate": "", "python3-httpx": "python3",
    "python3-jsonschema": "python3", "unwanted": "",
}  # fmt: skip
VERSION = "1.20.0-1"
#: Secrets that no bundle may hold
HUB_TOKEN = "hf_plantedtoken123456"
APT_PASSWORD = "planted-password"
#: What making a bundle of it needs
PROGRAMS = ("skopeo", "gpg", "git", "apt-get", "dpkg-deb")


@dataclass
class BundleSite:
    """Addresses, and what was asked of them."""

    place: Path
    key: Signer
    images: Registry
    hub: LocalHub
    #: Paths that the web server was asked for
    asked: list[str] = field(default_factory=list)
    web: str = ""
    image: str = ""

    @property
    def keyring(self) -> Path:
        """Return the distribution's keyring."""
        return self.place / "archive.asc"

    @property
    def debian(self) -> Path:
        """Return the distribution's repository."""
        return self.place / "www/debian"

    def repository(self) -> HubRepository:
        """Return the model."""
        return self.hub.repositories[NAME]

    def inventory(self, token: str = "", **more: Any) -> dict[str, Any]:
        """Return an inventory whose hosts take all from here."""
        values = {
            "docker_source": "distro",
            "docker_insecure_registries": [self.images.host],
            "nvidia_container_toolkit_apt_uri": f"{self.web}/nvidia/$(ARCH)",
            "nvidia_container_toolkit_apt_key": f"{self.web}/archive.asc",
            "nvidia_container_toolkit_apt_key_fingerprint": self.key.fingerprint,
            "tgi_image": self.image,
            "tgi_environment": {"HF_ENDPOINT": self.hub.endpoint},
            "tgi_hf_token": token,
            "tgi_models": [
                {"name": "small", "model_id": NAME, "revision": self.repository().revision,
                 "hf_token": bool(token)}
            ],
            "gateway_tls": {"source": "files"},
            "bundle_systems": ["debian-13"],
            "bundle_apt_uris": {
                "debian": f"{self.web}/debian", "debian-security": f"{self.web}/security"
            },
            "bundle_apt_keyring": str(self.keyring),
            **more,
        }  # fmt: skip
        return {
            "all": {
                "vars": values,
                "children": {
                    "gpu_hosts": {"hosts": {"gpu1.invalid": {}}},
                    "gateways": {"hosts": {"edge.invalid": {}}},
                },
            }
        }


@contextmanager
def bundle_site(place: Path) -> Iterator[BundleSite]:
    """Build and serve all of it."""
    with signer(place / "gpg") as key, registry() as images, local_hub() as hub:
        site = BundleSite(place, key, images, hub)
        _publish(site)
        (place / "archive.asc").write_bytes(key.public)
        (place / "www/archive.asc").write_bytes(key.public)
        site.image = images.put_image()
        hub.repositories[NAME] = small_repository()

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                site.asked.append(self.path)

        handler = partial(Handler, directory=str(place / "www"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            site.web = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield site
            finally:
                server.shutdown()
                thread.join()


def _publish(site: BundleSite) -> None:
    pool = site.debian / "pool"
    pool.mkdir(parents=True)
    packages = [deb(pool, name, depends=needs) for name, needs in DISTRIBUTION.items()]
    publish(site.debian, "trixie", packages, site.key)
    publish(site.debian, "trixie-updates", [deb(pool, "logrotate", "1:2.0~x")], site.key)
    security = site.place / "www/security"
    (security / "pool").mkdir(parents=True)
    newer = [deb(security / "pool", "nginx", "1.1")]
    publish(security, "trixie-security", newer, site.key, plain_only=True)
    nvidia = site.place / "www/nvidia/amd64"
    nvidia.mkdir(parents=True)
    publish(nvidia, "/", [deb(nvidia, name, VERSION) for name in TOOLKIT], site.key, flat=True)
