"""A CA for clients' certificates, and clients that have one."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.live.sites import Site


class Authority:
    """A CA for clients' certificates, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._key = directory, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string(f"CN={directory.name}")
        self.file = directory / "ca.crt"
        made = self._signed(self._name, self._key.public_key(), True)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def held(self, site: Site, subject: str) -> ssl.SSLContext:
        """Return the certificate files of a client with this subject."""
        key, file = ec.generate_private_key(ec.SECP256R1()), self._directory / "client.pem"
        made = self._signed(x509.Name.from_rfc4514_string(subject), key.public_key(), False)
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(text + made.public_bytes(pem))
        context = site.context()
        context.load_cert_chain(file)
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePublicKey, ca: bool) -> Any:
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        made = x509.CertificateBuilder(self._name, name, key, x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        made = made.add_extension(x509.BasicConstraints(ca, None), critical=True)
        return made.sign(self._key, hashes.SHA256())
