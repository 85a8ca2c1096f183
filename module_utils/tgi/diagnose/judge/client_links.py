"""What a client meets, link by link: name, port, TLS, key, chat, stream, speed, tool call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..finding import BROKEN, OK, Found, Scene, broken, not_reached, ok, unknown
from ..look.forced_call import REMEDIES
from .slow_answers import seconds, slow_parts

_KEY = "the key of checks_consumer is not in force: run site.yml --tags gateway"
_ROUTE = "the gateway serves another configuration than the inventory's: site.yml --tags gateway"
_DOORS = {
    "refused": "nothing listens there (systemctl status nginx there), or a firewall rejects it",
    "timeout": "packets are dropped on the way: firewall, security group, routing; or the address "
    "is wrong (DNS, checks_connect_to)",
    "reset": "something between here and the gateway cuts connections: a balancer, a firewall",
    "unreachable": "there is no route to that address: network of the controller, DNS",
    "error": "try it by hand: nc -vz, from this machine",
}
_STATUSES = {
    400: "a client certificate is missing or refused: checks_client_certificate, gateway_client_ca",
    401: _KEY,
    403: "the gateway or another proxy refuses this client: look at its error log",
    404: _ROUTE,
    413: "the request is larger than gateway_max_body_size",
    424: "the engine is up and cannot generate: its log tells why (docker logs)",
    429: "the limit of the checks' tier is used up, or the engine is overloaded: wait, a larger "
    "tier, max_concurrent_requests",
    500: "the gateway's own script failed: its error log",
    502: "nginx is up, nothing answers behind it: the model is loading, or has died",
    503: "no replica can be asked: all are drained, loading, or dead",
    504: "the model took the request and did not answer in gateway_read_timeout",
}


def judge_name(scene: Scene) -> Found:
    if why := scene.own.get("blind"):
        return unknown(f"the endpoint could not be asked: {why}")
    seen, server = scene.own.get("name") or {}, scene.own.get("server")
    if not seen.get("addresses"):
        return broken(
            "no_address",
            f"{server} does not resolve here ({seen.get('problem') or 'no address'})",
            "make the DNS entry (or a line in /etc/hosts), correct gateway_server_name, or set "
            "checks_connect_to while there is none",
        )
    how = " (checks_connect_to)" if scene.own.get("pinned") else ""
    return ok(f"{server} is {', '.join(seen['addresses'])}{how}")


def judge_connect(scene: Scene) -> Found:
    seen = scene.own.get("connect")
    if not seen:
        return not_reached()
    place = f"{seen['address']}:{scene.own.get('port')}"
    if seen["state"] == "open":
        return ok(f"{place} is open, {seen['ms']} ms")
    word = {"error": seen["detail"], "timeout": f"no answer ({seen['detail']})"}
    said = word.get(seen["state"], f"connection {seen['state']}")
    return broken(seen["state"], f"{place}: {said}", _DOORS[seen["state"]])


def judge_tls(scene: Scene) -> Found:
    seen = scene.own.get("tls")
    if not seen:
        return not_reached()
    problem = seen["problem"]
    if not problem:
        return ok(f"{seen['protocol']}, {seen['days']} days left")
    code = "not_yet" if "not valid yet" in problem else "handshake"
    code = "expired" if "expired" in problem else code
    return broken(code, problem, seen["remedy"] or "give the right CA in checks_ca_file")


def judge_answer(scene: Scene) -> Found:
    """The list of models, with the key: what nginx answers by itself."""
    if "answer" not in scene.own:
        return not_reached()
    seen = scene.own["answer"]
    if seen is None:
        return unknown("not asked: checks_consumer has no key in gateway_consumers")
    problem = http_problem(seen)
    if not problem:
        return ok(f"HTTP 200 with a key, {seen['ms']} ms")
    return broken(code_of(seen), problem, remedy_of(seen))


def judge_chat(scene: Scene) -> Found:
    if scene.model.get("chatless"):
        return unknown("has no chat (checks_without_chat)")
    seen = scene.model.get("chat")
    if not seen:
        return not_reached()
    problem = http_problem(seen) or seen["problem"]
    if not problem:
        return ok(f"{seen['text']} ({seen['ms']} ms)")
    code = code_of(seen)
    remedy = remedy_of(seen)
    if "template" in problem.lower():
        code = "template"
        remedy = (
            "the model has no chat template: tokenizer_config_path in its options, or name it in "
            "checks_without_chat and use /generate"
        )
    return broken(code, problem, remedy)


def judge_direct_chat(scene: Scene) -> Found:
    """Chat and stream on the model's own port: tells a model's fault from the gateway's."""
    found = judge_chat(scene)
    stream = judge_stream(scene)
    return stream if found.state == OK and stream.state == BROKEN else found


def judge_stream(scene: Scene) -> Found:
    seen = scene.model.get("stream")
    if not seen:
        return not_reached()
    if seen["problem"]:
        return broken(
            code_of(seen),
            seen["problem"],
            "a stream that breaks off: the engine's log at this time, gateway_read_timeout, or "
            "another proxy in between",
        )
    ttft, tpot = seconds(seen["ttft"]), seconds(seen["tpot"])
    return ok(f"TTFT {ttft}, TPOT {tpot}, {seen['chunks']} chunks")


def judge_speed(scene: Scene) -> Found:
    """Slow answers: at the edge and direct side by side, so that the place shows."""
    seen = scene.model.get("stream")
    if not seen or seen["problem"]:
        return not_reached()
    slow = slow_parts(seen, scene.picture.limits)
    said = f"TTFT {seconds(seen['ttft'])}, TPOT {seconds(seen['tpot'])} at the edge"
    direct = [one["stream"] for one in scene.picture.direct(scene.model["name"]) if "stream" in one]
    for one in direct[:1]:
        said += f"; {seconds(one['ttft'])}, {seconds(one['tpot'])} direct"
    if any(_collected(seen, one) for one in direct):
        return broken(
            "collected",
            f"{said}: the stream is collected on the way and comes at once",
            "a proxy between client and gateway buffers: proxy_buffering and gzip off for this "
            "API there; the gateway's own configuration by site.yml --tags gateway",
        )
    if not slow:
        return ok(said)
    if direct and not any(slow_parts(one, scene.picture.limits) for one in direct):
        return broken(
            "way",
            f"{said}: the time goes between the client and the engine",
            "look at the gateway's load and its error log, the network to it and to the GPU host, "
            "and connections that are made anew for each request (the access log's connect)",
        )
    return broken(
        "slow",
        f"{said}: the time goes in the engine",
        "fewer requests at a time, more replicas, a smaller or quantized model",
    )


def _collected(edge: Mapping[str, Any], direct: Mapping[str, Any]) -> bool:
    """Nothing comes until the engine has ended, and then everything at once."""
    first, whole = edge["ttft"], direct["total"]
    if not first or not whole or not direct["tpot"] or edge["tpot"] is None:
        return False
    return bool(whole > 1 and first > 0.8 * whole and edge["tpot"] < direct["tpot"] / 4)


def judge_tools(scene: Scene) -> Found:
    """The forced tool call, of a client's or of a GPU host's view."""
    seen = scene.model.get("tools")
    if not seen:
        return not_reached()
    if seen["kind"] == "ok":
        return ok(seen["detail"])
    direct = [one.get("tools") or {} for one in scene.picture.direct(scene.model["name"])]
    if "server" in scene.own and any(one.get("kind") == "ok" for one in direct):
        remedy = (
            "asked directly it works: another replica answers at times, or something between "
            "client and engine takes tools or tool_choice out of the request"
        )
        return broken(seen["kind"], seen["detail"], remedy)
    return broken(seen["kind"], seen["detail"], REMEDIES[seen["kind"]])


def http_problem(seen: Mapping[str, Any]) -> str:
    """Why an answer's view is none of a good answer; empty when it is one."""
    if not seen["status"]:
        return seen["fault"] or "no answer"
    if seen["status"] != 200:
        return f"HTTP {seen['status']} {seen['error'] or seen['code']}".strip()
    return str(seen["fault"])


def code_of(seen: Mapping[str, Any]) -> str:
    """The status as text; of an answer that never came: refused, timeout or closed."""
    if seen["status"] and seen["status"] != 200:
        return str(seen["status"])
    if "refused" in seen["fault"]:
        return "refused"
    if "within" in seen["fault"]:
        return "timeout"
    return "closed" if seen["fault"] else "content"


def remedy_of(seen: Mapping[str, Any]) -> str:
    """What to do about an answer that is not good, by its status."""
    if seen["status"] in _STATUSES:
        return _STATUSES[seen["status"]]
    if seen["status"] == 200:
        return "what came is no good answer: playbooks/check.yml tells what is wrong with it"
    return "look at nginx's error log and the engine's log of this moment"
