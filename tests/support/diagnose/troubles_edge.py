"""Troubles between a client and the engines, and the cause that the verdict must name."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.diagnose.pictures import Case, answer, disk, stream

#: What is put into a deployment; link and host that are named, a word of the remedy, what breaks
Trouble = tuple[Callable[[Case], None], str, str, str, "set[str]"]


def no_dns(case: Case) -> None:
    case.client["name"] = {"addresses": [], "problem": "Name or service not known"}
    case.stop_client_at("name")


def nginx_stopped(case: Case) -> None:
    case.client["connect"].update(state="refused", detail="Connection refused")
    case.stop_client_at("connect")
    case.gateway["service"].update(active="failed", sub="failed", result="exit-code")
    case.gateway["config"]["served"] = None
    case.gateway["listening"] = {}


def nginx_refuses_its_file(case: Case) -> None:
    nginx_stopped(case)
    case.gateway["config"]["complaint"] = 'unknown directive "proxi_pass"'


def port_taken(case: Case) -> None:
    nginx_stopped(case)
    case.gateway["listening"] = {"443": "apache2"}


def disk_full_stops_nginx(case: Case) -> None:
    nginx_stopped(case)
    case.gateway["disks"] = [disk("/var/log/nginx", 0)]


def disk_full_while_the_old_configuration_serves(case: Case) -> None:
    case.gateway["disks"] = [disk("/run", 10**9), disk("/etc/nginx", 0)]


def firewall_before_the_gateway(case: Case) -> None:
    case.client["connect"].update(state="timeout", detail="nothing for 10 s")
    case.stop_client_at("connect")


def gateway_down(case: Case) -> None:
    firewall_before_the_gateway(case)
    case.gateway = {"host": "gw1", "unreachable": "connect to host gw1 port 22: timed out"}


def gateway_cut_off(case: Case) -> None:
    case.client["connect"].update(state="unreachable", detail="No route to host")
    case.stop_client_at("connect")


def expired(case: Case) -> None:
    case.client["tls"].update(
        problem="the certificate has expired", remedy="Renew it and run the gateway role"
    )
    case.stop_client_at("tls")


def clock_makes_it_invalid(case: Case) -> None:
    case.client["tls"].update(problem="the certificate is not valid yet", remedy="Set the clock")
    case.stop_client_at("tls")
    case.gateway["skew"] = -90000.0


def wrong_key(case: Case) -> None:
    case.client["answer"] = answer(401, error="Missing or unknown API key", code="invalid_api_key")
    case.client["models"] = [{"name": "small"}]


def stale_configuration(case: Case) -> None:
    wrong_key(case)
    case.gateway["config"]["served"] = "f" * 16


def unknown_model(case: Case) -> None:
    case.chat_is(404, "The model small does not exist")


def over_the_limit(case: Case) -> None:
    case.chat_is(429, "Too many requests; slow down.")


def all_drained(case: Case) -> None:
    case.chat_is(503, "The model is not available.")
    case.replica["drained"] = "since 2026-11-29 07:04 UTC, 3 hours"
    case.replica["take_back"] = "run playbooks/drain.yml"


def shut_out(case: Case) -> None:
    case.chat_is(504, "The model did not answer in time.")
    case.replica.update(ready=False, listening=False, source="10.0.0.77",
                        detail="GET /health: no connection within 20 s")  # fmt: skip


def network_between(case: Case) -> None:
    shut_out(case)
    case.replica["source"] = "10.0.0.9"


def slow_on_the_way(case: Case) -> None:
    case.edge["stream"] = stream(6.0)


def collected_on_the_way(case: Case) -> None:
    case.edge["stream"] = {**stream(3.0, 0.0), "total": 3.0}
    case.model["stream"] = stream(0.2, 0.14)


def engine_cuts_streams(case: Case) -> None:
    for one in (case.edge, case.model):
        one["stream"] = {**stream(), "problem": "stream cut short", "fault": "connection closed"}
        one.pop("tools")


def gateway_cuts_streams(case: Case) -> None:
    engine_cuts_streams(case)
    case.model["stream"] = stream()


def tools_at_the_edge_only(case: Case) -> None:
    case.edge["tools"] = {"kind": "ignored", "detail": "text", "status": 200, "ms": 9}


TABLE: dict[str, Trouble] = {
    "name does not resolve": (no_dns, "name", "gw1", "checks_connect_to", set()),
    "connection refused: nginx stopped": (nginx_stopped, "service", "gw1", "systemctl start nginx",
                                          {"connect"}),
    "connection refused: nginx -t fails": (nginx_refuses_its_file, "config", "gw1",
                                           "--tags gateway", {"connect", "service"}),
    "connection refused: port taken": (port_taken, "listen", "gw1", "stop it",
                                       {"connect", "service"}),
    "connection refused: disk full": (disk_full_stops_nginx, "gateway.disk", "gw1", "free space",
                                      {"connect", "service"}),
    "all serves, disk full": (disk_full_while_the_old_configuration_serves, "gateway.disk", "gw1",
                              "du -xh -d2 /etc/nginx", set()),
    "connection times out: firewall": (firewall_before_the_gateway, "connect", "gw1", "firewall",
                                       set()),
    "connection times out: machine down": (gateway_down, "gateway.way_in", "gw1", "machine is up",
                                           {"connect"}),
    "no route": (gateway_cut_off, "connect", "gw1", "no route", set()),
    "certificate expired": (expired, "tls", "gw1", "Renew", set()),
    "certificate not valid yet: clock": (clock_makes_it_invalid, "gateway.clock", "gw1", "set-ntp",
                                         {"tls"}),
    "401: key": (wrong_key, "answer", "gw1", "checks_consumer", set()),
    "401: old configuration in force": (stale_configuration, "config", "gw1", "--tags gateway",
                                        {"answer"}),
    "404: model": (unknown_model, "chat", "gw1", "site.yml", set()),
    "429": (over_the_limit, "chat", "gw1", "tier", set()),
    "503: drained": (all_drained, "upstream", "gw1", "drain.yml", {"chat"}),
    "504: the firewall shuts the gateway out": (shut_out, "firewall", "gpu1", "tgi_allowed_sources",
                                             {"chat", "upstream"}),
    "504: network between": (network_between, "upstream", "gw1", "network", {"chat"}),
    "slow: on the way": (slow_on_the_way, "speed", "gw1", "network", set()),
    "slow: collected on the way": (collected_on_the_way, "speed", "gw1", "proxy_buffering", set()),
    "function calling: at the edge only": (tools_at_the_edge_only, "tools", "gw1", "tool_choice",
                                           set()),
    "streams cut by the engine": (engine_cuts_streams, "direct.chat", "gpu1", "log", {"stream"}),
    "streams cut by the gateway": (gateway_cuts_streams, "stream", "gw1", "gateway_read_timeout",
                                   set()),
}  # fmt: skip
