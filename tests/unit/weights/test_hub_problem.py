"""Test that each refusal of the Hub has its own name and remedy, from the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from ansible.module_utils.tgi.weights.hub_problem import Asked, HubProblem, refusal

from tests.support.hub.weight_sites import NAME, WeightSite

NOW = "Sun, 29 Nov 2026 15:00:{} GMT"


def gate(site: WeightSite) -> None:
    site.repository.gated = True


def know_token(site: WeightSite) -> None:
    site.hub.tokens.add("hf_x")


def hide(site: WeightSite) -> None:
    del site.hub.repositories[NAME]
    know_token(site)


def other_commit(site: WeightSite) -> None:
    site.repository.revision = "f" * 40


def gate_for_others(site: WeightSite) -> None:
    gate(site)
    know_token(site)


def block_storage(site: WeightSite) -> None:
    site.hub.faults.storage_at = "http://127.0.0.1:9"


def refuse_storage(site: WeightSite) -> None:
    site.hub.faults.storage = [403] * 50


def limit(site: WeightSite) -> None:
    site.hub.faults.replies = [(429, {"Retry-After": "5000"})]


def fail(site: WeightSite) -> None:
    site.hub.faults.replies = [(503, {})] * 50


def disable(site: WeightSite) -> None:
    site.hub.faults.replies = [(403, {"X-Error-Code": "DisabledRepo"})]


def show_login_page(site: WeightSite) -> None:
    site.hub.port = _portal()


def refuse_connections(site: WeightSite) -> None:
    site.hub.port = 9


def _portal() -> int:
    """Answer one request as the login page of a network does."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                page = b"<html>log in"
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page)
                connection.sendall(head + page)

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("prepare", "token", "kind", "remedy"),
    [
        (gate, "", "gated", "write hf_token: true for the model, and the token as tgi_hf_token"),
        (gate_for_others, "hf_x", "gated", "with that account, or use another token"),
        (hide, "", "no_repository", "correct model_id"),
        (hide, "hf_x", "no_repository", "the token may not see it"),
        (other_commit, "", "no_revision", f"write a commit that .*/{NAME}/commits/main lists"),
        (gate, "hf_wrong", "bad_token", "/settings/tokens, and set tgi_hf_token"),
        (block_storage, "", "storage", "allow 127.0.0.1:9, or name a tgi_hub_mirror"),
        (refuse_storage, "", "storage", "its storage localhost:.* answers 403"),
        (limit, "", "rate_limited", "asks to wait 5000 s; try later, send a token"),
        (fail, "", "server", "answers 503; try later"),
        (disable, "", "disabled", "is disabled by the Hub"),
        (show_login_page, "", "server", "a page that is no JSON"),
        (refuse_connections, "", "unreachable", "DNS, firewall"),
    ],
)
def test_each_refusal_has_a_name_and_a_remedy(
    site: WeightSite, prepare: Callable[[WeightSite], None], token: str, kind: str, remedy: str
) -> None:
    prepare(site)
    with pytest.raises(HubProblem, match=remedy) as caught:
        site.fetch(token)
    assert caught.value.kind == kind
    assert "\n" not in str(caught.value)
    assert not token or token not in str(caught.value)
    assert not site.store.snapshot.exists()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": NOW.format(30), "Date": NOW.format(10)}, 20.0),
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_wait_is_read_however_it_is_told(headers: dict[str, str], seconds: float | None) -> None:
    lower = {name.lower(): value for name, value in headers.items()}
    assert refusal(Asked(NAME, "0" * 40, "https://hub"), 429, lower).wait == seconds


def test_it_waits_as_told_and_goes_on(site: WeightSite) -> None:
    site.hub.faults.replies = [(429, {"Retry-After": "3"}), (500, {}), (502, {})]
    site.fetch()
    assert site.served() == site.wanted()
    # One second more than told, then 1 and 2 s
    assert sum(site.slept) == pytest.approx(4 + 1 + 2)
