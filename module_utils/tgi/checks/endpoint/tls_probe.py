"""Probe a TLS server: its chain, its certificate's names, its obsolete protocols."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from ...client.http_client import Target
from ...common.text import trim

#: Versions that a server must no longer offer (RFC 8996), by their number on the wire.
OLD = {"TLS 1.0": b"\x03\x01", "TLS 1.1": b"\x03\x02"}
_HANDSHAKE = 22
#: Seconds for an answer to an old ClientHello: an alert comes at once.
_PATIENCE = 3.0
#: ssl.VERIFY_X509_PARTIAL_CHAIN, new in Python 3.10.
_PARTIAL_CHAIN = 0x80000
#: Cipher suites that servers of every kind use with TLS 1.0 and 1.1.
_SUITES = (
    0xC00A, 0xC014, 0xC009, 0xC013, 0x0039, 0x0033, 0x0035, 0x002F, 0xC008, 0xC012, 0x000A, 0x00FF,
)  # fmt: skip


async def connect(target: Target, context: ssl.SSLContext, name: str | None = None) -> Any:
    """Return the ssl object of a closed handshake. Raises OSError or asyncio.TimeoutError.

    ``name`` replaces the server's name in it; "" sends none.
    """
    opening = asyncio.open_connection(
        target.host,
        target.port,
        ssl=context,
        server_hostname=target.host if name is None else name,
    )
    _, writer = await asyncio.wait_for(opening, target.timeout)
    writer.close()
    return writer.get_extra_info("ssl_object")


def trusting(leaf: bytes = b"") -> ssl.SSLContext:
    """Return a context for any certificate; with ``leaf`` (DER) only for it and its names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not leaf:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(leaf))
    context.verify_flags |= _PARTIAL_CHAIN
    return context


def certificates_sent(tls: Any) -> int:
    """Return how many certificates the server sent; 0 before Python 3.10, which cannot tell."""
    for holder in (tls, getattr(tls, "_sslobj", None)):
        if hasattr(holder, "get_unverified_chain"):
            return len(holder.get_unverified_chain() or ())  # type: ignore[union-attr]
    return 0


async def count_with_openssl(target: Target) -> int:
    """Return the same from ``openssl s_client``; 0 when that fails or is missing."""
    found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port)
    host, port = (str(part) for part in found[0][4][:2])
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        process = await asyncio.create_subprocess_exec(
            "openssl", "s_client", "-connect", where, "-servername", target.host, "-showcerts",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return 0
    try:
        said, _ = await asyncio.wait_for(process.communicate(), target.timeout)
    except asyncio.TimeoutError:
        process.kill()
        return 0
    return said.count(b"-----BEGIN CERTIFICATE-----")


async def covers_name(target: Target, leaf: bytes) -> bool:
    """Return whether the certificate is for the server's name; issuer and dates do not count."""
    try:
        await connect(target, trusting(leaf))
    except ssl.SSLCertVerificationError as error:
        return error.verify_code != 62
    return True


async def read_fields(target: Target, leaf: bytes) -> dict[str, Any]:
    """Return the fields of a certificate that does not verify; {} if it is not valid today."""
    context = trusting(leaf)
    context.check_hostname = False
    try:
        fields: dict[str, Any] = (await connect(target, context)).getpeercert()
    except ssl.SSLCertVerificationError:
        return {}
    return fields


def whose(certificate: Mapping[str, Any]) -> str:
    """Return subject and issuer of a certificate, as ``getpeercert`` returns it."""
    subject, issuer = (_name(certificate.get(part, ())) for part in ("subject", "issuer"))
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return trim(f"{subject or ', '.join(names[:2]) or 'unnamed'}, issued by {issuer or 'unnamed'}")


def _name(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    fields = dict(pair for part in parts for pair in part)
    return fields.get("commonName") or fields.get("organizationName") or ""


def client_hello(name: str, version: bytes) -> bytes:
    """Return a ClientHello of an old protocol.

    It is built by hand, because this machine's OpenSSL may refuse old protocols itself.
    """
    server = name.encode("ascii", "ignore")
    entry = struct.pack("!BH", 0, len(server)) + server
    extensions = b"".join(
        struct.pack("!HH", number, len(content)) + content
        for number, content in (
            (0, struct.pack("!H", len(entry)) + entry),  # server_name
            (10, struct.pack("!4H", 6, 29, 23, 24)),  # x25519, P-256, P-384
            (11, b"\x01\x00"),  # uncompressed points
        )
    )
    body = version + secrets.token_bytes(32) + b"\x00"
    body += struct.pack(f"!H{len(_SUITES)}H", 2 * len(_SUITES), *_SUITES) + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return bytes([_HANDSHAKE]) + b"\x03\x01" + struct.pack("!H", len(message)) + message


async def speaks(target: Target, version: bytes) -> bool:
    """Return whether the server accepts an old protocol, by a ServerHello instead of an alert.

    Raises OSError or asyncio.TimeoutError when there is no answer.
    """
    patience = min(target.timeout, _PATIENCE)
    opening = asyncio.open_connection(target.host, target.port)
    reader, writer = await asyncio.wait_for(opening, patience)
    try:
        writer.write(client_hello(target.host, version))
        # type, version, length; then type of the message, its length, and the chosen version
        said = await asyncio.wait_for(reader.readexactly(11), patience)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    finally:
        writer.close()
    return said[0] == _HANDSHAKE and said[5] == 2 and said[9:11] == version
