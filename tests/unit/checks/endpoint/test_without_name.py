"""Check handshakes without a name over real TLS connections."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared, EndpointSession
from ansible.module_utils.tgi.checks.endpoint.without_name import tls_sni
from ansible.module_utils.tgi.checks.undeclared import undeclared
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.fakes.socket_server import NAME, says, with_server
from tests.support.tls_pairs import make

REPLY = says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def server(directory: Path, strict: bool) -> ssl.SSLContext:
    """Return a context; ``strict`` refuses a handshake without a name, as nginx does."""
    leaf = make((NAME,))
    file = directory / "leaf.pem"
    file.write_text(leaf.certificate + leaf.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def named(_: Any, name: str | None, __: Any) -> int | None:
        return None if name or not strict else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = named
    return context


@pytest.mark.parametrize(
    ("strict", "declared", "problem", "remedy"),
    [
        (True, False, "", ""),
        (False, True, "", ""),
        (True, True, "a handshake without a name is refused", ""),
        (False, False, "a handshake without a name is accepted", "gateway_trusted_proxies"),
    ],
)
def test_what_is_declared_is_compared_with_what_comes(
    tmp_path: Path, strict: bool, declared: bool, problem: str, remedy: str
) -> None:
    async def work(port: int) -> Any:
        async with Client(Target(f"https://{NAME}:{port}", timeout=5)) as client:
            host = EndpointSession(client, [], declared=Declared(without_sni=declared))
            return await tls_sni(host)

    found = with_server(REPLY, work, server(tmp_path, strict))
    assert found.problem == problem
    assert remedy in found.remedy and bool(remedy) == bool(found.remedy)
    assert not found.soft


def test_a_closed_port_is_another_checks_to_tell() -> None:
    async def work() -> Any:
        async with Client(Target("https://127.0.0.1:1", timeout=5)) as client:
            host = EndpointSession(client, [], declared=Declared(without_sni=True))
            return await tls_sni(host)

    found = asyncio.run(work())
    assert (found.problem, found.soft) == ("connection refused", True)


def test_nothing_declared_leaves_the_check_out() -> None:
    assert "tls.sni" in undeclared(Declared())
    assert "tls.sni" not in undeclared(Declared(without_sni=False))
