"""Test what the configuration lets one client do to the others: connections, logs, headers."""

from __future__ import annotations

import re

import pytest

from tests.support.render_gateway import Block, api, every, locations, parse, render, words


@pytest.fixture(scope="module")
def conf() -> Block:
    return parse(render()["nginx.conf"])


def test_every_error_is_counted_before_it_is_said(conf: Block) -> None:
    """Otherwise who asks wrongly has no limit: nginx runs return before limit_conn."""
    everywhere = [limit[0] for limit in words(api(conf), "limit_conn")]
    assert any(zone.startswith("strangers_") for zone in everywhere)
    inner = dict(locations(conf))
    targets = {word[-1] for word in words(api(conf), "error_page")}
    for target in targets - {"/_gateway/crowd"}:
        if target.startswith("/_gateway/said/"):
            continue
        counted = inner[f"= {target}"]
        assert words(counted, "deny") == [["all"]], target
        assert not every(counted, "return"), target
        assert not every(counted, "limit_conn"), target
    # The clients' fault, so as often as clients like
    for status in (400, 404, 405, 408, 412, 413, 414, 421, 501, 505):
        limits = words(inner[f"= /_gateway/{status}"], "limit_req")
        assert limits[0][0].startswith("zone=refused_"), status


def test_an_error_page_never_has_one_that_is_nginxs_own(conf: Block) -> None:
    """An own error_page takes the place of the server's: a large body would get HTML."""
    for name, inner in locations(conf):
        own = words(inner, "error_page")
        if own:
            assert {"413", "429"} <= {status for line in own for status in line[:-1]}, name


def test_a_handler_writes_no_request_into_the_error_log(conf: Block) -> None:
    levels = {level for _, level in words(conf, "error_log")}
    assert levels == {"warn", "crit", "alert", "error"}
    loud = [name for name, inner in locations(conf) if words(inner, "error_log")]
    assert loud == ["@backend", "= /_gateway/dialect/backend", "= /_gateway/words/backend"]
    (quiet,) = [inner for w, inner in every(conf, "map") if w[-1] == "$gateway_quiet" and inner]
    pattern = quiet[1][0][0].strip('"')[1:]
    for told in ("a.b:443  /v1/x", "a  /models/x/generate"):
        assert re.match(pattern, told), told
    for hidden in ("a  /x?api_key=1", "a https://r/ /x", "a\x9b  /x", f"a  /{'x' * 300}"):
        assert not re.match(pattern, hidden), hidden


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        (" PASSED PASSED", "1"),
        ("duck REJECTED PASSED", "1"),
        (" REJECTED ", "$gateway_sampled"),
        (" PASSED REJECTED", "$gateway_sampled"),
        (" REJECTED_DRY_RUN PASSED", "1"),
        ("  ", "$gateway_sampled"),
    ],
)
def test_the_log_keeps_a_sample_of_what_limits_turn_away(
    conf: Block, asked: str, logged: str
) -> None:
    (lines,) = [inner for w, inner in every(conf, "map") if w[-1] == "$gateway_logged" and inner]
    rules = [(words_[0].strip('"')[1:], words_[1]) for words_, _ in lines[1:]]
    found = next((value for pattern, value in rules if re.search(pattern, asked)), "1")
    assert found == logged


def test_a_line_of_the_log_is_short(conf: Block) -> None:
    patterns = {
        w[-1]: inner[1][0][0].strip('"')[1:].replace("(?<", "(?P<")
        for w, inner in every(conf, "map")
        if inner and w[-1] in ("$gateway_path_only", "$gateway_method")
    }
    path = re.match(patterns["$gateway_path_only"], "/" + "a" * 8000)
    assert path and len(path.group()) == 256
    assert not re.match(patterns["$gateway_method"], "A" * 8000 + " / HTTP/1.1")


def test_an_engine_sees_no_header_that_is_not_named(conf: Block) -> None:
    passed = [inner for _, inner in locations(conf) if words(inner, "proxy_pass")]
    assert len(passed) == 6
    for inner in passed:
        assert words(inner, "proxy_pass_request_headers") == [["off"]]
        sent = {value for _, value in words(inner, "proxy_set_header") if "$http_" in value}
        assert not sent & {"$http_cookie", "$http_authorization", "$http_proxy_authorization"}
        assert not sent & {"$http_forwarded", "$http_x_forwarded_for", "$http_x_real_ip"}
