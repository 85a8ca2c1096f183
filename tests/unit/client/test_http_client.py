"""Test the client with real sockets: broken exchanges, fixed addresses, TLS."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import EndpointSession
from ansible.module_utils.tgi.client import fixed_address
from ansible.module_utils.tgi.client import http_client as client_module
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "llm.example.org"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_server(
    talk: Talk, work: Callable[[int], Awaitable[Any]], context: ssl.SSLContext | None = None
) -> Any:
    """Run ``work(port)`` with a server on loopback, to which NAME resolves."""

    async def both() -> Any:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        try:
            return await work(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    return fixed_address.run(both(), {NAME: "127.0.0.1"})


def says(raw: bytes, wait: float = 0.0, abort: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(wait)
        writer.write(raw.replace(b"@HOST@", _header(request, b"host")))
        if abort:
            writer.transport.abort()
        else:
            writer.close()

    return talk


def _header(request: bytes, name: bytes) -> bytes:
    lines = request.split(b"\r\n")
    return next(line[len(name) + 2 :] for line in lines if line.lower().startswith(name + b":"))


def get(talk: Talk, timeout: float = 5.0) -> Answer:
    async def work(port: int) -> Answer:
        async with Client(Target(f"http://{NAME}:{port}", timeout=timeout)) as client:
            return await client.send("GET", "/x")

    answer: Answer = with_server(talk, work)
    return answer


def test_the_name_is_pinned_and_stays_the_name() -> None:
    answer = get(says(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nX-Host: @HOST@\r\n\r\nhello!"))
    assert (answer.status, answer.body, answer.fault) == (200, b"hello!", "")
    assert answer.headers["x-host"].startswith(f"{NAME}:")


FAULTS = {
    "connection closed in the middle": says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
    "connection closed in the middle of": says(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    ),
    "connection closed without an answer": says(b""),
    "no answer within 0.3 s": says(b"", wait=2),
    "the answer is not valid HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "body longer than": says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_100_000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_names(fault: str) -> None:
    assert get(FAULTS[fault], timeout=0.3).fault.startswith(fault)


def test_refused() -> None:
    async def work() -> Answer:
        async with Client(Target("http://127.0.0.1:1")) as client:
            answer: Answer = await client.send("GET", "/")
            return answer

    assert fixed_address.run(work(), {}).fault == "connection refused"


def test_redirects_are_not_followed() -> None:
    moved = b"HTTP/1.1 308 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert get(says(moved)).status == 308


def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).status == 200


def test_a_limited_request_is_asked_once_more_and_says_so() -> None:
    answer = get(says(b"HTTP/1.1 429 No\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"))
    assert (answer.status, answer.attempts) == (429, 2)


def certificate(directory: Path, name: str, days: int) -> tuple[ssl.SSLContext, Path]:
    """Return a server context, whose certificate for ``name`` ends in ``days``, and its CA file."""

    def make(subject: str, signer: Any, issuer: str, key: Any, left: int) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)])
                 for one in (subject, issuer)]  # fmt: skip
        alternative = x509.SubjectAlternativeName([x509.DNSName(subject)])
        return (
            x509.CertificateBuilder(names[1], names[0], key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=left))
            .add_extension(alternative, critical=False)
            .add_extension(x509.BasicConstraints(subject == issuer, None), critical=True)
            .sign(signer, hashes.SHA256())
        )

    ca_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_file, leaf_file = directory / "ca.crt", directory / "leaf.pem"
    pem = serialization.Encoding.PEM
    ca_file.write_bytes(make("ca.test", ca_key, "ca.test", ca_key, 100).public_bytes(pem))
    private = leaf_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = make(name, ca_key, "ca.test", leaf_key, days).public_bytes(pem)
    leaf_file.write_bytes(leaf + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return context, ca_file


TLS = {
    "": (NAME, 90, True),
    "the certificate is for another name": ("other.example.org", 90, True),
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


def test_a_key_is_sent_only_when_there_is_one() -> None:
    client = Client(Target("http://127.0.0.1:1", api_key="sk-something"))
    own = client._request("GET", "/", None, client_module.OWN_KEY, {})
    none = client._request("GET", "/", None, None, {})
    bare = Client(Target("http://127.0.0.1:1"))._request("GET", "/", None, "\0own", {})
    assert own.headers["authorization"] == "Bearer sk-something"
    assert "authorization" not in none.headers and "authorization" not in bare.headers
