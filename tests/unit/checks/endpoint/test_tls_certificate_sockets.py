"""Check certificates over real TLS connections."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import EndpointSession
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.fakes.socket_server import NAME, says, with_server
from tests.support.tls_pairs import make


def certificate(directory: Path, name: str, days: int) -> tuple[ssl.SSLContext, Path]:
    """Return a server context with a leaf for ``name`` that ends in ``days``, and its CA's file."""
    ca_file, leaf_file = directory / "ca.crt", directory / "leaf.pem"
    authority = make(called="ca.test", start=-30)
    leaf = make((name,), start=-30, days=days, by=authority, called=name)
    ca_file.write_text(authority.certificate)
    leaf_file.write_text(leaf.certificate + leaf.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return context, ca_file


def test_the_certificate_of_something_before_nginx_is_named(tmp_path: Path) -> None:
    """As k3s's service balancer, which takes port 443 by a DNAT rule: no listener shows it."""
    own = make(("ingress.local",), called="TRAEFIK DEFAULT CERT", start=-30)
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(own.certificate + own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf)

    async def work(port: int) -> tuple[Any, ...]:
        target = Target(f"https://{NAME}:{port}", timeout=5)
        async with Client(target) as client:
            host = EndpointSession(client, [])
            found = await tls_certificate.shared_handshake(host)
            return (
                await tls_certificate.tls_verify(host),
                await tls_certificate.tls_hostname(host),
                tls_certificate.complaint(found),
            )

    reply = says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    verify, name, (problem, remedy) = with_server(reply, work, context)
    assert verify.problem == "the certificate is self-signed"
    assert verify.evidence == "TRAEFIK DEFAULT CERT, issued by TRAEFIK DEFAULT CERT"
    assert name.problem == problem == f"the certificate is for another name: {verify.evidence}"
    assert all("a DNAT rule" in one for one in (verify.remedy, name.remedy, remedy))


TLS = {
    "": (NAME, 90, True),
    "the certificate is for another name: other.example.org, issued by ca.test": (
        "other.example.org",
        90,
        True,
    ),
    "the certificate has expired": (NAME, -1, True),
    "the issuer is unknown here": (NAME, 90, False),
}


@pytest.mark.parametrize("problem", TLS)
def test_certificates(problem: str, tmp_path: Path) -> None:
    name, days, trusted = TLS[problem]
    context, ca_file = certificate(tmp_path, name, days)

    async def work(port: int) -> tuple[Any, Any]:
        target = Target(f"https://{NAME}:{port}", str(ca_file) if trusted else "", timeout=5)
        async with Client(target) as client:
            host = EndpointSession(client, [])
            asked = [
                await one(host)
                for one in (tls_certificate.tls_verify, tls_certificate.tls_hostname)
            ]
            found = max(asked, key=lambda one: bool(one.problem))
            return found, await client.send("GET", "/")

    reply = says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    found, answer = with_server(reply, work, context)
    assert found.problem == problem
    assert bool(found.remedy) == bool(problem)
    # Every request must get the same verdict as the handshake
    assert answer.status == (0 if problem else 200)


def test_plain_http_on_the_tls_port() -> None:
    async def work(port: int) -> Any:
        async with Client(Target(f"https://{NAME}:{port}", timeout=5)) as client:
            return await tls_certificate.tls_verify(EndpointSession(client, []))

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    assert "plain HTTP" in with_server(talk, work).problem
