"""Test what the checks report about real TLS servers on loopback."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate, tls_probe
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import EndpointSession
from ansible.module_utils.tgi.checks.endpoint.tls_certificate import Handshake, judge_expiry
from ansible.module_utils.tgi.client import fixed_address
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.tls_pairs import NAME, Pair, make, rsa_key

ROOT = make(called="root")
MIDDLE = make(by=ROOT, called="intermediate", ca=True)
LEAF = make(by=MIDDLE)
DIRECT_LEAF = make(by=ROOT)


def context(directory: Path, leaf: Pair, *chain: Pair) -> ssl.SSLContext:
    path = directory / "server.pem"
    path.write_text("".join([leaf.certificate, *(one.certificate for one in chain), leaf.key]))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def serve(made: ssl.SSLContext | None, work: Callable[[int], Awaitable[Any]]) -> Any:
    """Run ``work(port)`` beside a server that shakes hands; NAME leads to it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def both() -> Any:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=made)
        try:
            return await work(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    return fixed_address.run(both(), {NAME: "127.0.0.1"})


def look(made: ssl.SSLContext | None, ca_file: Path | None) -> tls_certificate.Handshake:
    async def work(port: int) -> tls_certificate.Handshake:
        target = Target(f"https://{NAME}:{port}", str(ca_file or ""), timeout=5)
        async with Client(target) as client:
            return await tls_certificate.handshake(EndpointSession(client, []))

    found: tls_certificate.Handshake = serve(made, work)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.crt"
    path.write_text(ROOT.certificate)
    return path


def problems(found: tls_certificate.Handshake) -> dict[str, str]:
    """Return the problem of each check that does not pass."""

    async def judge() -> dict[str, str]:
        host = EndpointSession(Client(Target(f"https://{NAME}")), [])
        await host.memo.once("tls", lambda: _same(found))
        checks = {
            "verify": tls_certificate.tls_verify,
            "chain": tls_certificate.tls_chain,
            "hostname": tls_certificate.tls_hostname,
        }
        checks["protocol"] = tls_certificate.tls_protocol
        said = {name: await check(host) for name, check in checks.items()}
        return {name: one.problem for name, one in said.items() if one.problem}

    return asyncio.run(judge())


async def _same(found: tls_certificate.Handshake) -> tls_certificate.Handshake:
    return found


def test_a_whole_chain_passes(tmp_path: Path, root: Path) -> None:
    found = look(context(tmp_path, LEAF, MIDDLE), root)
    assert problems(found) == {}
    assert found.sent == 2


def test_a_leaf_of_the_root_needs_nothing_else(tmp_path: Path, root: Path) -> None:
    found = look(context(tmp_path, DIRECT_LEAF), root)
    assert problems(found) == {}
    assert found.sent == 1


def test_a_missing_intermediate_is_named(tmp_path: Path, root: Path) -> None:
    found = look(context(tmp_path, LEAF), root)
    assert set(problems(found)) == {"verify", "chain"}
    assert problems(found)["chain"].startswith("1 certificate sent, and its issuer")


def test_an_unknown_ca_is_no_missing_intermediate(tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_text(make(called="other").certificate)
    found = look(context(tmp_path, LEAF, MIDDLE), other)
    assert set(problems(found)) == {"verify"}


def test_another_name_is_recognised(tmp_path: Path, root: Path) -> None:
    leaf = make(names=("other.example.org",), by=ROOT)
    assert set(problems(look(context(tmp_path, leaf), root))) == {"hostname"}


def test_expired_and_for_another_name_are_two_findings(tmp_path: Path, root: Path) -> None:
    leaf = make(names=("other.example.org",), by=ROOT, start=-30, days=-1)
    found = problems(look(context(tmp_path, leaf), root))
    assert set(found) == {"verify", "hostname"} and "expired" in found["verify"]


def test_expired_alone_says_nothing_of_the_name(tmp_path: Path, root: Path) -> None:
    leaf = make(by=ROOT, start=-30, days=-1)
    assert set(problems(look(context(tmp_path, leaf), root))) == {"verify"}


def test_self_signed_leaves_are_no_missing_intermediate(tmp_path: Path, root: Path) -> None:
    assert set(problems(look(context(tmp_path, make(called="alone")), root))) == {"verify"}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to ask")
def test_an_old_python_asks_openssl(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_probe, "certificates_sent", lambda _: 0)
    assert look(context(tmp_path, LEAF), root).sent == 1
    other = tmp_path / "other.crt"
    other.write_text(make(called="other").certificate)
    assert look(context(tmp_path, LEAF, MIDDLE), other).sent == 2


def test_what_cannot_be_told_is_no_pass() -> None:
    unknown = tls_certificate.Handshake({}, problem="the issuer is unknown here", code=20)
    assert (
        tls_certificate.judge_chain(unknown).soft and tls_certificate.judge_chain(unknown).problem
    )


def old_server(directory: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a context for an old protocol; skip if this OpenSSL lacks it."""
    made = context(directory, make(by=ROOT, private=rsa_key(2048)))
    try:
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = version
        made.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError):
        pytest.skip(f"no {version.name} in {ssl.OPENSSL_VERSION}")
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("most", "old"),
    [
        (ssl.TLSVersion.TLSv1, {"TLS 1.0"}),
        (ssl.TLSVersion.TLSv1_1, {"TLS 1.0", "TLS 1.1"}),
        (ssl.TLSVersion.TLSv1_3, {"TLS 1.0", "TLS 1.1"}),
    ],
)
def test_old_protocols_are_found(tmp_path: Path, most: ssl.TLSVersion, old: set[str]) -> None:
    async def work(port: int) -> list[bool]:
        target = Target(f"https://{NAME}:{port}", timeout=5)
        return [await tls_probe.speaks(target, version) for version in tls_probe.OLD.values()]

    spoken = serve(old_server(tmp_path, most), work)
    assert {name for name, yes in zip(tls_probe.OLD, spoken) if yes} == old


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_protocols_fail_the_check(tmp_path: Path, root: Path) -> None:
    found = look(old_server(tmp_path, ssl.TLSVersion.TLSv1_3), root)
    assert problems(found) == {"protocol": "the server still accepts TLS 1.0 and TLS 1.1"}


def test_silence_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_probe, "_PATIENCE", 0.1)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def both() -> Any:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await tls_certificate._old_protocols(Target(f"https://127.0.0.1:{port}"))
        finally:
            server.close()

    assert asyncio.run(both()) == ((), ("TLS 1.0", "TLS 1.1"))


def test_no_tls_at_all_is_said_once(root: Path) -> None:
    found = look(None, root)
    assert not found.reached

    async def judge() -> list[bool]:
        host = EndpointSession(Client(Target(f"https://{NAME}")), [])
        await host.memo.once("tls", lambda: _same(found))
        names = (
            tls_certificate.tls_verify,
            tls_certificate.tls_chain,
            tls_certificate.tls_hostname,
            tls_certificate.tls_protocol,
        )
        return [(await check(host)).soft for check in names]

    assert asyncio.run(judge()) == [False, True, True, True]


NOW = 4070908800.0  # 2099-01-01


@pytest.mark.parametrize(
    ("lifetime", "left", "problem", "soft"),
    [
        (90, 59, False, False),
        (90, 14, True, True),
        (90, 3, True, False),
        (398, 14, True, True),
        # Renewed with a third or half left
        (47, 15, False, False),
        (47, 11, True, True),
        (6, 2, False, False),
        (1, 0.5, False, False),
        (1, 0.2, True, True),
        (1, 0.05, True, False),
    ],
)
def test_expiry(lifetime: int, left: float, problem: bool, soft: bool) -> None:
    found = judge_expiry(Handshake(lasting(lifetime, left)), NOW, 21)
    assert (bool(found.problem), found.soft) == (problem, soft)


def lasting(lifetime: int, left: float) -> dict[str, Any]:
    def written(days: float) -> str:
        moment = time.gmtime(NOW + days * 86400)
        return time.strftime("%b %d %H:%M:%S %Y GMT", moment)

    return {"notBefore": written(left - lifetime), "notAfter": written(left)}


def test_the_remedy_of_a_certificate_that_renews_itself() -> None:
    found = judge_expiry(Handshake(lasting(1, 0.2)), NOW)
    assert found.problem.startswith("5 hours left, until Jan 01 04:48:00 2099")
    assert found.remedy.startswith("The automatic renewal does not work: read journalctl -u")
    assert judge_expiry(Handshake(lasting(90, 3)), NOW).remedy == tls_certificate.RENEW
