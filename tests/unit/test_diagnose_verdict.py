"""The table of the usual troubles: what was seen on each side, and the cause that is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible.module_utils.tgi.diagnose.chain import CHAIN, LINKS
from ansible.module_utils.tgi.diagnose.verdict import Verdict, judge, read_picture
from diagnose_pictures import CARD, MACHINE, STATE, Case, answer, stream


def verdict_of(case: Case) -> Verdict:
    return judge(read_picture(case.results()))


# --- one function a trouble; the table below says what must be named


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
    case.gateway["disks"] = [{"path": "/var/log/nginx", "free": 0, "total": 10**10, "inodes": 5}]


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


def loading(case: Case) -> None:
    case.loading()


def loading_503(case: Case) -> None:
    case.loading("download")
    case.chat_is(503, "The model is not available.")


def all_drained(case: Case) -> None:
    case.chat_is(503, "The model is not available.")
    case.replica["drained"] = True


def no_container(case: Case) -> None:
    case.engine_away()
    case.model.pop("health")
    case.model.update(container={"status": "absent"}, published=None, listener=None)
    case.model["state"] = {**STATE, "phase": "absent", "ready": False, "failed": True,
                           "cause": "absent", "detail": "none", "remedy": "deploy it"}  # fmt: skip


def docker_down(case: Case) -> None:
    case.engine_away()
    case.model.pop("health")
    case.gpu["docker"].update(problem="Cannot connect to the Docker daemon", active="failed")
    case.model.update(container={"status": "absent"}, state=None, published=None, listener=None)


def docker_down_disk_full(case: Case) -> None:
    docker_down(case)
    case.gpu["disks"] = [{"path": "/var/lib/docker", "free": 0, "total": 10**11, "inodes": 9}]


def weights_do_not_fit(case: Case) -> None:
    case.died("oom_load", "out of GPU memory: the weights do not fit", "quantize it")


def another_process_holds_the_gpu(case: Case) -> None:
    weights_do_not_fit(case)
    case.gpu["holders"] = [
        {"uuid": "GPU-1", "pid": 4242, "name": "jupyter", "mib": 18000, "ours": False}
    ]


def own_shard_holds_the_gpu(case: Case) -> None:
    weights_do_not_fit(case)


def crash_loop(case: Case) -> None:
    case.died("oom_warmup", "out of GPU memory at warm-up", "lower max_batch_prefill_tokens", 1,
              "warmup")  # fmt: skip
    case.model["container"].update(status="running", exit_code=0, restarts=7)


def host_out_of_memory(case: Case) -> None:
    case.died("host_memory", "a shard was killed: the host ran out of memory", "add RAM", 1)
    case.gpu["kernel"] = {"readable": True, "xid": [],
                          "oom": [{"age": 120, "what": "text-generation"}]}  # fmt: skip


def model_disk_full(case: Case) -> None:
    case.died("disk_full", "no space left on device", "free space", 1, "download")
    case.gpu["disks"] = [{"path": "/var/lib/tgi", "free": 4096, "total": 10**11, "inodes": 9}]


def gated(case: Case) -> None:
    case.died("gated", "gated repository", "accept the licence", 1, "download")


def driver_gone(case: Case) -> None:
    case.died("no_gpu", "the container has no access to its GPUs", "--tags toolkit", 1, "start")
    case.gpu["gpus"]["problems"] = [
        "NVIDIA driver was updated while its old module was loaded; reboot the host"
    ]


def gpu_fell_off_the_bus(case: Case) -> None:
    driver_gone(case)
    case.gpu["kernel"] = {"readable": True, "oom": [],
                          "xid": [{"age": 300, "gpu": "PCI:0000:3b:00", "number": 79}]}  # fmt: skip


def lost_devices(case: Case) -> None:
    case.chat_is(424, "Request failed during generation")
    case.replica.update(ready=False, detail="POST /generate answered 424: CUDA error")
    case.model["generate"] = answer(424, problem="HTTP 424 CUDA error", times={})
    for name in ("chat", "stream", "tools"):
        case.model.pop(name)
    case.model["state"] = {**STATE, "phase": "serve", "ready": False, "named": None}
    case.model["visible"] = {"count": 0, "said": "Failed to initialize NVML: Unknown Error"}


def healthy_not_generating(case: Case) -> None:
    lost_devices(case)
    case.model["visible"] = {"count": 1, "said": ""}


def hangs(case: Case) -> None:
    case.chat_is(504, "The model did not answer in time.")
    case.replica.update(ready=False, detail="POST /generate has not answered within 20 s")
    late = "no answer within 30 s"
    case.model["generate"] = answer(0, fault=late, problem=late, times={})
    for name in ("chat", "stream", "tools"):
        case.model.pop(name)
    case.model["state"] = {**STATE, "phase": "serve", "ready": False, "named": None}


def shut_out(case: Case) -> None:
    case.chat_is(504, "The model did not answer in time.")
    case.replica.update(ready=False, listening=False, source="10.0.0.77",
                        detail="GET /health: no connection within 20 s")  # fmt: skip


def network_between(case: Case) -> None:
    shut_out(case)
    case.replica["source"] = "10.0.0.9"


def loopback_only(case: Case) -> None:
    case.chat_is(502)
    case.replica.update(ready=False, listening=False, detail="GET /health: Connection refused")
    case.model["published"] = ["127.0.0.1:8081"]


def gpu_host_down(case: Case) -> None:
    case.chat_is(504)
    case.replica.update(
        ready=False, listening=False, detail="GET /health: no connection within 20 s"
    )
    case.gpu = {"host": "gpu1", "unreachable": "No route to host"}


def slow_by_queue(case: Case) -> None:
    case.edge["stream"] = stream(9.0)
    case.model["stream"] = stream(8.8)
    case.model["load"] = {"queue": 14, "batch": 32}
    case.model["generate"]["times"] = {"total": 9.0, "queue": 8.2, "inference": 0.8}


def slow_by_heat(case: Case) -> None:
    case.edge["stream"] = stream(0.5, 0.4)
    case.model["stream"] = stream(0.4, 0.4)
    case.gpu["cards"] = [{**CARD, "throttled": ["heat (hardware)"], "celsius": 92.0, "mhz": 300.0}]


def slow_by_long_prompts(case: Case) -> None:
    case.edge["stream"] = stream(7.0)
    case.model["stream"] = stream(6.9)


def slow_on_the_way(case: Case) -> None:
    case.edge["stream"] = stream(6.0)


def collected_on_the_way(case: Case) -> None:
    case.edge["stream"] = {**stream(3.0, 0.0), "total": 3.0}
    case.model["stream"] = stream(0.2, 0.14)


def tools(kind: str) -> Callable[[Case], None]:
    def put(case: Case) -> None:
        for one in (case.edge, case.model):
            one["tools"] = {"kind": kind, "detail": f"seen: {kind}", "status": 200, "ms": 9}

    return put


def tools_at_the_edge_only(case: Case) -> None:
    case.edge["tools"] = {"kind": "ignored", "detail": "text", "status": 200, "ms": 9}


def gpu_clock(case: Case) -> None:
    case.gpu["skew"] = 400.0


def fence_down(case: Case) -> None:
    case.gpu["fence"]["in_force"] = False


# trouble -> (link, host) that is named, a word of the remedy, links that are said to break
TABLE: dict[str, tuple[Callable[[Case], None], str, str, str, set[str]]] = {
    "name does not resolve": (no_dns, "name", "gw1", "checks_connect_to", set()),
    "connection refused: nginx stopped": (nginx_stopped, "service", "gw1", "systemctl start nginx",
                                          {"connect"}),
    "connection refused: nginx -t fails": (nginx_refuses_its_file, "config", "gw1",
                                           "--tags gateway", {"connect", "service"}),
    "connection refused: port taken": (port_taken, "listen", "gw1", "stop it",
                                       {"connect", "service"}),
    "connection refused: disk full": (disk_full_stops_nginx, "gateway.disk", "gw1", "make room",
                                      {"connect", "service"}),
    "connection times out: firewall": (firewall_before_the_gateway, "connect", "gw1", "firewall",
                                       set()),
    "connection times out: machine down": (gateway_down, "gateway.way_in", "gw1", "machine up",
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
    "502 while loading": (loading, "log", "gpu1", "wait", {"chat", "upstream", "health"}),
    "503 while downloading": (loading_503, "log", "gpu1", "wait", {"chat", "upstream", "health"}),
    "503: drained": (all_drained, "upstream", "gw1", "drain.yml", {"chat"}),
    "502: no container": (no_container, "container", "gpu1", "--tags tgi", {"chat", "upstream"}),
    "502: Docker down": (docker_down, "docker", "gpu1", "systemctl start docker",
                         {"chat", "upstream"}),
    "502: Docker down, disk full": (docker_down_disk_full, "gpu.disk", "gpu1", "make room",
                                    {"chat", "upstream", "docker"}),
    "out of GPU memory": (weights_do_not_fit, "log", "gpu1", "quantize",
                          {"chat", "upstream", "container"}),
    "out of GPU memory: held by another": (another_process_holds_the_gpu, "holders", "gpu1",
                                           "stop it", {"chat", "upstream", "container", "log"}),
    "out of GPU memory: by itself": (own_shard_holds_the_gpu, "log", "gpu1", "quantize",
                                     {"chat", "upstream", "container"}),
    "out of GPU memory, again and again": (crash_loop, "log", "gpu1", "max_batch_prefill_tokens",
                                           {"chat", "upstream", "container"}),
    "out of host memory": (host_out_of_memory, "gpu.memory", "gpu1", "RAM",
                           {"chat", "upstream", "container", "log"}),
    "disk full": (model_disk_full, "gpu.disk", "gpu1", "make room",
                  {"chat", "upstream", "container", "log"}),
    "gated model": (gated, "log", "gpu1", "licence", {"chat", "upstream", "container"}),
    "driver updated": (driver_gone, "gpus", "gpu1", "reboot",
                       {"chat", "upstream", "container", "log"}),
    "GPU off the bus": (gpu_fell_off_the_bus, "xid", "gpu1", "PCIe",
                        {"chat", "upstream", "container", "log", "gpus"}),
    "GPUs lost by a container": (lost_devices, "access", "gpu1", "docker restart",
                                 {"chat", "upstream", "generation"}),
    "healthy but not generating": (healthy_not_generating, "generation", "gpu1", "docker restart",
                                   {"chat", "upstream"}),
    "504: hangs": (hangs, "generation", "gpu1", "docker logs", {"chat", "upstream"}),
    "504: the fence shuts the gateway out": (shut_out, "fence", "gpu1", "tgi_allowed_sources",
                                             {"chat", "upstream"}),
    "504: network between": (network_between, "upstream", "gw1", "network", {"chat"}),
    "502: on loopback only": (loopback_only, "port", "gpu1", "tgi_bind_address",
                              {"chat", "upstream"}),
    "GPU host down": (gpu_host_down, "gpu.way_in", "gpu1", "machine up", {"chat", "upstream"}),
    "slow: queue": (slow_by_queue, "pace", "gpu1", "replicas", {"speed"}),
    "slow: heat": (slow_by_heat, "throttle", "gpu1", "cooling", {"speed", "pace"}),
    "slow: prompts": (slow_by_long_prompts, "pace", "gpu1", "max_batch_prefill_tokens", {"speed"}),
    "slow: on the way": (slow_on_the_way, "speed", "gw1", "network", set()),
    "slow: collected on the way": (collected_on_the_way, "speed", "gw1", "proxy_buffering", set()),
    "function calling: ignored": (tools("ignored"), "direct.tools", "gpu1", "tool_choice",
                                  {"tools"}),
    "function calling: no JSON": (tools("arguments"), "direct.tools", "gpu1",
                                  "disable_grammar_support", {"tools"}),
    "function calling: cut": (tools("cut"), "direct.tools", "gpu1", "max_tokens", {"tools"}),
    "function calling: no template": (tools("template"), "direct.tools", "gpu1",
                                      "tokenizer_config_path", {"tools"}),
    "function calling: switched off": (tools("grammar"), "direct.tools", "gpu1",
                                       "disable_grammar_support", {"tools"}),
    "function calling: at the edge only": (tools_at_the_edge_only, "tools", "gw1", "tool_choice",
                                           set()),
    "clock of a GPU host": (gpu_clock, "gpu.clock", "gpu1", "set-ntp", set()),
    "fence down": (fence_down, "fence", "gpu1", "systemctl restart tgi-fence", set()),
}  # fmt: skip


@pytest.mark.parametrize("trouble", TABLE)
def test_the_cause_is_named(trouble: str) -> None:
    put, link, host, remedy, breaks = TABLE[trouble]
    case = Case()
    put(case)
    verdict = verdict_of(case)
    assert verdict.cause is not None
    assert (verdict.cause.link, verdict.cause.host) == (link, host)
    assert remedy in verdict.cause.found.remedy
    assert {one.link for one in verdict.outward} == breaks
    assert verdict.others == []
    title = LINKS[link].title
    assert verdict.line.startswith(f"BROKEN: {title}") and f" on {host}: " in verdict.line
    assert ". Remedy: " in verdict.line and "\n" not in verdict.line
    assert not verdict.passed


def test_all_well() -> None:
    verdict = verdict_of(Case())
    assert verdict.passed and verdict.cause is None
    assert [one for one in verdict.findings if one.found.state != "ok"] == []
    assert verdict.line == f"Nothing is broken: {len(CHAIN)} of {len(CHAIN)} links are well."


def test_a_line_for_each_link_in_order() -> None:
    case = Case()
    no_dns(case)
    verdict = verdict_of(case)
    assert [row["link"] for row in verdict.rows()] == [link.id for link in CHAIN]
    states = {row["link"]: row["state"] for row in verdict.rows()}
    assert states["name"] == "broken" and states["connect"] == states["chat"] == "not reached"
    lines = verdict.table().splitlines()
    assert lines[0] == verdict.line and len(lines) == len(CHAIN) + 2


@pytest.mark.parametrize("side", ["clients", "gateways", "gpus"])
def test_a_side_that_was_not_asked_is_left_out(side: str) -> None:
    results = Case().results()
    results[side] = {"x": {}}
    verdict = judge(read_picture(results))
    assert "x" not in {one.host for one in verdict.findings}
    assert verdict.passed == (side != "clients")


def test_nothing_seen_is_not_well() -> None:
    verdict = judge(read_picture({"clients": {}, "gateways": {}, "gpus": {}}))
    assert not verdict.passed and verdict.line.startswith("UNKNOWN: nothing could be seen")


def test_an_inventory_that_cannot_be_read_is_told() -> None:
    results = Case().results()
    results["clients"] = {"gw1": {"failed": True, "msg": "'vault_key' is undefined"}}
    verdict = judge(read_picture(results))
    assert not verdict.passed and "'vault_key' is undefined" in verdict.line


def test_a_host_without_a_password_for_root_is_told_beside() -> None:
    case = Case()
    case.gpu = {"host": "gpu1", "blind": "Missing sudo password"}
    assert verdict_of(case).line.endswith("not looked at: gpu1.")
    case.chat_is(502)
    case.replica.update(ready=False, listening=False, detail="GET /health: Connection refused")
    line = verdict_of(case).line
    assert line.startswith("BROKEN: way to the engine of small on gw1")
    assert line.endswith("Not looked at: gpu1.")


def test_two_models_two_causes() -> None:
    case = Case()
    weights_do_not_fit(case)
    other = Case()
    other.loading()
    for mine, its in ((case.client, other.client), (case.gateway, other.gateway),
                      (case.gpu, other.gpu)):  # fmt: skip
        mine["models"].append({**its["models"][0], "name": "other"})
    verdict = verdict_of(case)
    assert verdict.cause and (verdict.cause.link, verdict.cause.model) == ("log", "small")
    assert {one.model for one in verdict.outward} == {"small"}
    assert [(one.link, one.model) for one in verdict.others] == [("log", "other")]
    assert "Broken besides: log of other on gpu1" in verdict.line


def test_one_dead_replica_of_two_breaks_nobody() -> None:
    case = Case()
    dead = Case()
    gated(dead)
    dead.gpu["host"] = "gpu2"
    case.gateway["models"][0]["replicas"].append({**dead.replica, "name": "gpu2"})
    results = case.results()
    results["gpus"]["gpu2"] = {"seen": dead.gpu}
    verdict = judge(read_picture(results))
    assert verdict.cause and (verdict.cause.link, verdict.cause.host) == ("log", "gpu2")
    assert {one.link for one in verdict.outward} == {"upstream", "container"}


def test_an_old_trouble_is_history() -> None:
    case = Case()
    case.gateway["errors"] = [
        {"kind": "files", "age": 4000, "count": 2, "upstream": "", "line": "Too many open files"}
    ]
    case.gpu["kernel"] = {"readable": True, "oom": [{"age": 60, "what": "cc1plus"}],
                          "xid": [{"age": 90000, "gpu": "PCI", "number": 79}]}  # fmt: skip
    case.gpu["cards"] = [{**CARD, "throttled": ["the power cap"]}]
    assert verdict_of(case).passed


def test_short_of_descriptors() -> None:
    case = Case()
    case.chat_is(500)
    case.gateway["errors"] = [
        {"kind": "files", "age": 9, "count": 2, "upstream": "", "line": "(24: Too many open files)"}
    ]
    verdict = verdict_of(case)
    assert verdict.cause and verdict.cause.link == "errors"


def test_on_the_cpu_nothing_is_asked_of_gpus() -> None:
    case = Case()
    case.model["gpus"] = []
    case.gpu.update(gpus={"wanted": False, "problems": [], "count": 0}, cards=[], holders=[])
    assert verdict_of(case).passed


def test_what_explains_leads_somewhere() -> None:
    ids = [link.id for link in CHAIN]
    assert len(ids) == len(set(ids))
    for link in CHAIN:
        assert set(link.breaks) <= set(ids), link.id
    # From the inside out: nothing explains itself
    for link in CHAIN:
        ways, seen = [link.id], set()
        while ways:
            for effect in LINKS[ways.pop()].breaks:
                assert effect != link.id, link.id
                if effect not in seen:
                    seen.add(effect)
                    ways.append(effect)


def test_the_machine_is_seen_on_both_kinds_of_hosts() -> None:
    assert set(MACHINE) <= set(Case().gateway) and set(MACHINE) <= set(Case().gpu)
