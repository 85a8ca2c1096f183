"""Read a container: its options, its image, and whether its OTLP collector can be reached."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.look.in_container import look_inside, option

from tests.support.diagnose.looks import up
from tests.support.diagnose.shell import Shell

SECRET = "HF_TOKEN=hf_verysecret"


def config(*words: str, env: tuple[str, ...] = ()) -> tuple[int, str]:
    return 0, json.dumps({"Image": "tgi:3.3.7", "Cmd": list(words), "Env": [SECRET, *env]})


def inside(settings: tuple[int, str], **answers: tuple[int, str]) -> dict[str, Any]:
    shell = Shell(**{"json .Config": settings, **answers})
    seen: dict[str, Any] = look_inside(shell, up(), [])
    assert "hf_verysecret" not in json.dumps(seen)
    return seen


def test_what_docker_says() -> None:
    seen = inside(config())
    assert seen == {"published": None, "visible": None, "image": "tgi:3.3.7", "collector": None}
    assert inside((1, "no such container"))["image"] is None
    assert inside((0, "null"))["image"] is None
    assert look_inside(Shell(), up(status="exited"), ["0"])["image"] is None


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({}, ""),
        ({"Env": ["OTLP_ENDPOINT=http://a:1"]}, "http://a:1"),
        ({"Env": ["OTLP_ENDPOINT=http://a:1"], "Cmd": ["--otlp-endpoint", "http://b:2"]}, "http://b:2"),
        ({"Entrypoint": ["x", "--otlp-endpoint=http://c:3"]}, "http://c:3"),
        ({"Cmd": ["--otlp-endpoint"]}, ""),
    ],
)  # fmt: skip
def test_an_argument_wins_over_a_variable(settings: dict[str, Any], value: str) -> None:
    assert option(settings, "OTLP_ENDPOINT") == value


REFUSED = "bash: connect: Connection refused\nbash: line 1: /dev/tcp/c/1: Connection refused\n"
NAMELESS = (
    "bash: otel: Name or service not known\nbash: line 1: /dev/tcp/otel/1: Invalid argument\n"
)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ((0, ""), ""),
        ((1, REFUSED), "cannot be connected to: Connection refused"),
        ((1, NAMELESS), "cannot be connected to: Name or service not known"),
        ((124, ""), "does not answer within 3 s"),
    ],
)
def test_the_container_tries_its_collector(said: tuple[int, str], problem: str) -> None:
    seen = inside(config(env=("OTLP_ENDPOINT=http://otel:4317",)), exec__bash=said)
    assert seen["collector"] == {"address": "otel:4317", "problem": problem}


def test_without_bash_in_the_image_the_host_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_port = server.getsockname()[1]
        tried: list[str] = []

        def connect(address: tuple[str, int], *_: Any) -> socket.socket:
            tried.append(address[0])
            return socket.socket()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "create_connection", connect)
            found = inside(config("--otlp-endpoint", f"192.0.2.7:{open_port}"))
            assert found["collector"] == {"address": f"192.0.2.7:{open_port}", "problem": ""}
            # The host's loopback is not the container's
            found = inside(config("--otlp-endpoint", f"http://localhost:{open_port}"))
            assert found["collector"]["problem"] == ""
        assert tried == ["192.0.2.7"]


def test_the_host_finds_no_such_name() -> None:
    found = inside(config("--otlp-endpoint", "http://no-such-name.invalid"))
    assert found["collector"]["address"] == "no-such-name.invalid:4317"
    assert found["collector"]["problem"].startswith("cannot be connected to: ")


@pytest.mark.parametrize("given", ["http://", "http://x:port", "://"])
def test_what_is_no_address(given: str) -> None:
    found = inside(config("--otlp-endpoint", given))["collector"]
    assert found["problem"] == "is no address"


def test_a_password_in_the_url_is_not_shown() -> None:
    found = inside(config(env=("OTLP_ENDPOINT=http://me:s3cret@otel:4317",)))
    assert "s3cret" not in json.dumps(found)
