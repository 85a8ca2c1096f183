"""Judge the client's links: name, port, TLS, key, chat, stream, speed, tool call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..finding import BROKEN, OK, Found, Scene, broken, not_reached, ok, unknown, warning
from ..look.forced_call import REMEDIES
from .slow_answers import seconds, slow_parts

_KEY = "the gateway does not know the key of checks_consumer: run site.yml --tags gateway"
_ROUTE = "the gateway does not serve the inventory's configuration: run site.yml --tags gateway"
STRANGE = (
    "this is not what TGI sends: compare the image that runs (docker ps) with tgi_image, and look "
    "for another program or proxy at this port"
)
_CUT = "check gateway_read_timeout, and other proxies on the way to the engine"
_CUT_DIRECT = (
    "the engine itself breaks the stream: find what failed (CUDA error, memory, a dead worker) in "
    "its log of this moment (docker logs)"
)
_DOORS = {
    "refused": "nothing listens there, or a firewall rejects it: see systemctl status nginx there",
    "timeout": "a firewall, a security group or a wrong route drops the packets, or the address is "
    "wrong: check these, DNS and checks_connect_to",
    "reset": "something on the way cuts connections: check balancers and firewalls",
    "unreachable": "there is no route to that address: check the controller's network and DNS",
    "error": "try nc -vz from this machine",
}
_STATUSES = {
    400: "the gateway refuses the client certificate, or none was sent: set "
    "checks_client_certificate to one of gateway_client_ca",
    401: _KEY,
    403: "the gateway or another proxy refuses this client: see its error log",
    404: _ROUTE,
    413: "the request is too large: raise gateway_max_body_size",
    424: "the engine runs but cannot generate: docker logs shows why",
    429: "the checks' tier is used up, or the engine is overloaded: wait, or raise the tier or "
    "max_concurrent_requests",
    500: "the gateway's own script failed: see its error log",
    502: "nginx runs, but the model does not answer: wait if it is loading, else see docker logs",
    503: "every replica is drained, loading or dead: see the links of the replicas",
    504: "the model did not answer within gateway_read_timeout: see docker logs of the model",
}


def judge_name(scene: Scene) -> Found:
    if why := scene.own.get("blind"):
        return unknown(f"the endpoint could not be asked: {why}")
    seen, server = scene.own.get("name") or {}, scene.own.get("server")
    if not seen.get("addresses"):
        return broken(
            "no_address",
            f"{server} does not resolve here ({seen.get('problem') or 'no address'})",
            "add a DNS entry (or a line in /etc/hosts), correct gateway_server_name, or set "
            "checks_connect_to",
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
        said = f"{seen['protocol']}, {seen['left']}"
        return warning("ending", said, seen["remedy"]) if seen["ending"] else ok(said)
    code = "not_yet" if "not valid yet" in problem else "handshake"
    code = "expired" if "expired" in problem else code
    return broken(code, problem, seen["remedy"] or "set checks_ca_file to the right CA")


def judge_answer(scene: Scene) -> Found:
    """Judge the list of models, which nginx itself returns to a valid key."""
    if "answer" not in scene.own:
        return not_reached()
    seen = scene.own["answer"]
    if seen is None:
        return unknown("not asked: checks_consumer has no key in gateway_consumers")
    problem = http_problem(seen)
    if not problem:
        return ok(f"HTTP 200 with a key, {seen['ms']} ms")
    return broken(code_of(seen), problem, remedy_of(seen))


def judge_served(scene: Scene) -> Found:
    """Judge whether the gateway leads a model's name to the model that is deployed under it."""
    info = scene.model.get("info")
    if not info:
        return not_reached()
    direct = [one["declared"] for one in scene.picture.direct(scene.model["name"])]
    wanted = next((one["model_id"] for one in direct), scene.model.get("declared"))
    served = info["model_id"]
    if not served or not wanted:
        return unknown("/info does not say which model answers")
    if served == wanted:
        return ok(served)
    return broken("other", f"{served} answers, deployed is {wanted}", _ROUTE)


def judge_chat(scene: Scene) -> Found:
    if scene.model.get("chatless"):
        return unknown("this model has no chat (checks_without_chat)")
    seen = scene.model.get("chat")
    if not seen:
        return not_reached()
    problem = http_problem(seen) or seen["problem"]
    if not problem:
        return ok(f"{seen['text']} ({seen['ms']} ms)")
    code = code_of(seen)
    remedy = remedy_of(seen)
    if seen["status"] == 200 and not seen["fault"]:
        remedy = seen.get("remedy") or STRANGE
    if "template" in problem.lower():
        code = "template"
        remedy = (
            "the model has no chat template: set tokenizer_config_path in its options, or add it "
            "to checks_without_chat and use /generate"
        )
    return broken(code, problem, remedy)


def judge_direct_chat(scene: Scene) -> Found:
    """Judge chat and stream on the model's own port, without the gateway."""
    found = judge_chat(scene)
    stream = judge_stream(scene)
    return stream if found.state == OK and stream.state == BROKEN else found


def judge_stream(scene: Scene) -> Found:
    seen = scene.model.get("stream")
    if not seen:
        return not_reached()
    if seen["problem"]:
        remedy = _CUT if "server" in scene.own else _CUT_DIRECT
        return broken(code_of(seen), seen["problem"], remedy)
    ttft, tpot = seconds(seen["ttft"]), seconds(seen["tpot"])
    return ok(f"TTFT {ttft}, TPOT {tpot}, {seen['chunks']} chunks")


def judge_speed(scene: Scene) -> Found:
    """Compare the speed at the gateway with the speed on the model's own port."""
    seen = scene.model.get("stream")
    if not seen or seen["problem"]:
        return not_reached()
    slow = slow_parts(seen, scene.picture.limits)
    said = f"TTFT {seconds(seen['ttft'])}, TPOT {seconds(seen['tpot'])} at the edge"
    direct = [one["stream"] for one in scene.picture.direct(scene.model["name"]) if "stream" in one]
    for one in direct[:1]:
        said += f"; {seconds(one['ttft'])}, {seconds(one['tpot'])} direct"
    if seen.get("bursts") and any(one.get("merged") for one in direct):
        return broken(
            "bursts",
            f"{said}: the engine itself sends bursts, on its own port too ({seen['bursts']})",
            "look for a GPU host without a free core (top), and compare tgi_image with tgi_version",
        )
    if seen.get("bursts") or any(_collected(seen, one) for one in direct):
        how = f" ({seen['bursts']})" if seen.get("bursts") else ""
        return broken(
            "collected",
            f"{said}: a proxy collects the stream and sends it at once{how}",
            "turn off proxy_buffering and gzip for this API in proxies before the gateway; for the "
            "gateway itself run site.yml --tags gateway",
        )
    if not slow:
        return ok(said)
    if direct and not any(slow_parts(one, scene.picture.limits) for one in direct):
        return broken(
            "way",
            f"{said}: the time is lost between the client and the engine",
            "check the gateway's load and error log, the network to it and to the GPU host, and "
            "new connections for every request (connect in the access log)",
        )
    return broken(
        "slow",
        f"{said}: the engine is slow",
        "send fewer requests at a time, add replicas, or use a smaller or quantized model",
    )


def _collected(edge: Mapping[str, Any], direct: Mapping[str, Any]) -> bool:
    """Return whether nothing came until the engine had ended, and then everything at once."""
    first, whole = edge["ttft"], direct["total"]
    if not first or not whole or not direct["tpot"] or edge["tpot"] is None:
        return False
    return bool(whole > 1 and first > 0.8 * whole and edge["tpot"] < direct["tpot"] / 4)


def judge_tools(scene: Scene) -> Found:
    """Judge the forced tool call, as a client or a GPU host saw it."""
    seen = scene.model.get("tools")
    if not seen:
        return not_reached()
    if seen["kind"] == "ok":
        return ok(seen["detail"])
    direct = [one.get("tools") or {} for one in scene.picture.direct(scene.model["name"])]
    if seen["kind"] == "unfinished":
        # Once is enough: on the model's own port
        again = "server" in scene.own and any(one.get("kind") == "unfinished" for one in direct)
        found = warning("unfinished", seen["detail"], REMEDIES["unfinished"])
        return ok(seen["detail"]) if again else found
    if "server" in scene.own and any(one.get("kind") == "ok" for one in direct):
        remedy = (
            "it works on the model's own port: check the other replicas, and proxies that remove "
            "tools or tool_choice from the request"
        )
        return broken(seen["kind"], seen["detail"], remedy)
    return broken(seen["kind"], seen["detail"], REMEDIES[seen["kind"]])


def http_problem(seen: Mapping[str, Any]) -> str:
    """Return what is wrong with a response; empty when it is good."""
    if not seen["status"]:
        return seen["fault"] or "no answer"
    if seen["status"] != 200:
        return f"HTTP {seen['status']} {seen['error'] or seen['code']}".strip()
    return str(seen["fault"])


def code_of(seen: Mapping[str, Any]) -> str:
    """Return the status as text; without a response: refused, timeout or closed."""
    if seen["status"] and seen["status"] != 200:
        return str(seen["status"])
    if "refused" in seen["fault"]:
        return "refused"
    if "within" in seen["fault"]:
        return "timeout"
    return "closed" if seen["fault"] else "content"


def remedy_of(seen: Mapping[str, Any]) -> str:
    """Return the remedy for a response that is not good."""
    if seen["status"] in _STATUSES:
        return _STATUSES[seen["status"]]
    return "see nginx's error log and the engine's log of this moment"
