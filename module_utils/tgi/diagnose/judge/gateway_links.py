"""Judge a gateway host: nginx, its configuration, its ports, and its way to the engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..finding import Found, Scene, broken, logged, not_reached, ok, warning
from ..look.error_log import OF_UPSTREAMS

_RUN = "run site.yml --tags gateway"
#: Seconds; an older line of the error log has another cause
_JUST_NOW = 180
_SHORT = (
    "nginx lacks descriptors, connections, disk space or memory: see its error log; free some, or "
    "admit fewer clients (gateway_address_limit)"
)
#: So few requests may be the balancer's own.
_FEW = 20
_ADDRESSES = (
    "let the balancer send the client's address in gateway_real_ip_header, and list no network of "
    "clients in gateway_trusted_proxies"
)
#: Refusals below which a single client may be wrong, and their least share in all requests.
_REFUSED, _REFUSED_SHARE = 5, 0.1
_DIALECT = (
    "the engine does not read OpenAI's dialect: set gateway_openai_dialect: true (docs/clients.md)"
)
_MORE_FILES = (
    "set LimitNOFILE=65536 for nginx.service, or that --ulimit for the container that the host is, "
    "then restart nginx"
)
#: Kinds of lines that can be why nginx does not run
_STOPPING = ("address", "space", "memory", "files")
#: Remedies of other kinds of lines
_OTHERWISE = {
    "script": f"the gateway's own script failed: {_RUN}; report this line if it comes back",
    "address": f"stop the program that has this port (ss -ltnp shows it), then {_RUN}",
}


def judge_service(scene: Scene) -> Found:
    seen = scene.own.get("service")
    if seen is None:
        return not_reached()
    if not seen or seen.get("load") == "not-found":
        return broken("absent", "nginx is not installed", _RUN)
    state = f"{seen.get('active')} ({seen.get('sub')})"
    if _active(scene):
        few, renewal = scene.own.get("few_files"), scene.own.get("renewal") or {}
        if few:
            return warning("few_files", few, _MORE_FILES)
        if renewal.get("timer") not in (None, "active"):
            said = f"the timer that renews the certificate is {renewal['timer'] or 'unknown'}"
            return warning("renewal", said, _RUN)
        if renewal.get("result") not in (None, "", "success"):
            said = f"the last renewal of the certificate failed ({renewal['result']})"
            return warning("renewal", said, "read journalctl -u tgi-gateway-acme there")
        return ok(f"nginx is {state}")
    said, complaint = f"nginx is {state}", (scene.own.get("config") or {}).get("complaint")
    if seen.get("result") not in (None, "", "success"):
        said += f", result {seen['result']}"
    if complaint:
        said += f": {complaint}"
    code = "killed" if seen.get("result") in ("oom-kill", "signal") else "stopped"
    return broken(code, said, f"see journalctl -u nginx, then systemctl start nginx, or {_RUN}")


def _active(scene: Scene) -> bool:
    return (scene.own.get("service") or {}).get("active") in ("active", "reloading")


def judge_config(scene: Scene) -> Found:
    """Compare the configuration on the disk with the one that nginx serves."""
    seen = scene.own.get("config")
    if seen is None:
        return not_reached()
    if not _active(scene):
        if seen["complaint"]:
            return broken("invalid", f"nginx -t: {seen['complaint']}", _RUN)
        return not_reached("nginx does not run")
    if not seen["disk"]:
        return broken("foreign", "nginx's main file is not the gateway's", _RUN)
    if seen["served"] == seen["disk"] and seen["edited"]:
        what = "nginx's main file was edited by hand, in the place of the role's link"
        return warning("edited", what, f"{_RUN}, which keeps the edit beside its own file")
    if seen["served"] == seen["disk"] and (hidden := _hidden(scene.own.get("addresses") or {})):
        return warning("hidden", hidden, _ADDRESSES)
    refused = _refused(scene.own.get("refusals") or {})
    if seen["served"] == seen["disk"] and refused and not scene.own.get("translates"):
        return warning("dialect", refused, f"{_DIALECT}, then {_RUN}")
    if seen["served"] == seen["disk"]:
        said = f"version {seen['served']} is on the disk and in force"
        return ok(f"{said}; {refused}: their clients' own" if refused else said)
    served = seen["served"] or "an unknown version"
    said = f"version {seen['disk']} is on the disk, but nginx serves {served}"
    if seen["complaint"]:
        said += f"; nginx -t: {seen['complaint']}"
    return broken("stale", said, _RUN)


def _hidden(seen: Mapping[str, Any]) -> str:
    """Return in words that clients have the balancer's address; "" where they have their own."""
    if seen.get("hidden", 0) < _FEW or 2 * seen["hidden"] < seen["requests"]:
        return ""
    who = f"{seen['hidden']} of the last {seen['requests']} requests"
    return f"{who} have a balancer's address ({seen['address']}), so their clients share its limits"


def _refused(seen: Mapping[str, Any]) -> str:
    """Return in words that engines refused much of what clients wrote; "" where they did not."""
    count, asked = seen.get("refused", 0), seen.get("asked", 0)
    if count < _REFUSED or count < _REFUSED_SHARE * asked:
        return ""
    return (
        f"engines refused {count} of the last {asked} requests below /v1 for what they hold (422)"
    )


def judge_listen(scene: Scene) -> Found:
    if "ports" not in scene.own:
        return not_reached()
    wanted, found = scene.own["ports"], scene.own.get("listening") or {}
    strangers = {port: owner for port, owner in found.items() if owner not in (None, "nginx")}
    if strangers:
        port, owner = next(iter(strangers.items()))
        return broken(
            "taken",
            f"{owner} listens on port {port}, not nginx",
            f"stop it, or set other ports (gateway_https_port, gateway_http_port), then {_RUN}",
        )
    if not _active(scene):
        return not_reached("nginx does not run")
    closed = [str(port) for port in wanted if str(port) not in found]
    if closed:
        which = ", ".join(closed)
        remedy = f"systemctl status nginx; {_RUN}"
        return broken("closed", f"nothing listens on port {which}", remedy)
    return ok(f"nginx listens on {', '.join(str(port) for port in wanted)}")


def judge_errors(scene: Scene) -> Found:
    """Judge recent lines that can still hold; lines about an engine are judged at the engine."""
    if "errors" not in scene.own:
        return not_reached()
    if not scene.own["errors"]:
        return ok("the error log shows no trouble")
    recent = [one for one in scene.own["errors"] if one["age"] <= _JUST_NOW]
    own = [one for one in recent if one["kind"] not in OF_UPSTREAMS and _may_hold(one, scene)]
    last = min(own or scene.own["errors"], key=lambda one: int(one["age"]))
    said = f"{_ago(last['age'])}: {last['line']}"
    if last["upstream"]:
        said += f" ({last['upstream']})"
    if not own:
        return ok(f"last line {said}")
    return logged(last["kind"], said, _OTHERWISE.get(last["kind"], _SHORT))


def _may_hold(line: Mapping[str, Any], scene: Scene) -> bool:
    """Return whether a line can be about what is so now, by what else was seen.

    Where nginx does not run, only some kinds may be why, and what nginx has against its file names
    the cause itself. A taken port is one that another program has now.
    """
    config = scene.own.get("config") or {}
    if _active(scene):
        stale = config.get("disk") and config.get("served") != config.get("disk")
        return line["kind"] != "address" or bool(stale and not config.get("complaint"))
    if config.get("complaint") or line["kind"] not in _STOPPING:
        return False
    in_use = "(98:" in line["line"]
    return not in_use or bool(scene.own.get("listening"))


def _ago(age: int) -> str:
    return f"{age} s ago" if age < 120 else f"{round(age / 60)} min ago"


def judge_upstream(scene: Scene) -> Found:
    """Judge the way from the gateway to each replica: connection, /health and one token."""
    replicas = scene.model.get("replicas")
    if not replicas:
        return not_reached()
    serving = [one for one in replicas if not one["drained"]]
    if not serving:
        said = ", ".join(f"{one['name']} {one['drained']}" for one in replicas)
        remedy = replicas[0]["take_back"]
        return broken("drained", f"every replica is drained ({said})", remedy)
    dead = [one for one in serving if not one["ready"]]
    if not dead:
        said = ", ".join(f"{one['address']} generates" for one in serving)
        out = [one for one in replicas if one["drained"]]
        if not out:
            return ok(said)
        said += "".join(f"; {one['name']} is drained {one['drained']}" for one in out)
        return warning("drained", said, out[0]["take_back"])
    one = dead[0]
    code = "silent" if one["listening"] else "gone"
    code = "cut_off" if "no connection within" in one["detail"] else code
    count = "" if len(serving) == 1 else f" ({len(serving) - len(dead)} of {len(serving)} work)"
    return broken(
        code,
        f"{one['address']}{count}: {one['detail']}",
        f"check the model on {one['name']} (docker ps, docker logs); if the connection is dropped, "
        "check the firewall and the network",
    )
