"""Judge a model on its GPU host: container, log, port, health, one generation, GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...checks.model.health_and_counters import PROMPT
from ...engines.tgi.phases import LABELS
from ...host.ports import DOCKER
from ..finding import Found, Scene, broken, logged, not_reached, ok, unknown, warning
from .client_links import STRANGE, code_of, http_problem

_RUN = "run site.yml --tags tgi"
#: Causes of tgi_wait that add nothing to the container's state
_NO_CAUSE = ("absent", "paused", "stopped", "unknown")


def judge_container(scene: Scene) -> Found:
    one = scene.model.get("container")
    if not one or scene.own["docker"]["problem"]:
        return not_reached()
    if one["status"] == "absent":
        here = (
            "but its files exist" if scene.model.get("deployed") else "it was never deployed here"
        )
        return broken("absent", f"no container, {here}", _RUN)
    state = scene.model.get("state") or {}
    said = one["status"]
    if one["status"] in ("exited", "dead", "restarting"):
        said += f" with exit code {one['exit_code']}"
    if one["out_of_memory"]:
        said += ", killed: out of memory"
    if one["restarts"]:
        said += f", restarted {one['restarts']} times"
    looping = one["restarts"] and state.get("failed")
    if one["status"] == "running" and not looping:
        return ok(said)
    code = "killed" if one["out_of_memory"] or one["exit_code"] == 137 else one["status"]
    code = "restarting" if looping else code
    return broken(code, said, state.get("remedy") or f"docker logs {one['name']}; {_RUN}")


def judge_log(scene: Scene) -> Found:
    """Judge the log as tgi_wait does: the phase, or the cause of death."""
    state = scene.model.get("state")
    if not state or scene.own["docker"]["problem"]:
        return not_reached()
    if state["ready"]:
        return ok(f"ready, up for {state['elapsed']:.0f} s")
    if state["failed"]:
        if state["cause"] in _NO_CAUSE:
            return unknown("the log names no cause")
        where = LABELS[state["phase"]]
        return broken(state["cause"], f"{state['detail']} (while {where})", state["remedy"])
    if state["phase"] == "serve":
        if named := state.get("named"):
            return logged(named["cause"], f"serves, but logs: {named['text']}", named["remedy"])
        return ok(f"serves, {state['elapsed']:.0f} s")
    label = LABELS[state["phase"]]
    said = f"{label}, {state['elapsed']:.0f} s of {state['allowed']:.0f} s allowed"
    return broken(
        "loading",
        f"not ready yet: {said}: {state['detail']}",
        "wait: clients get 502 or 503 until then; site.yml --tags tgi shows progress, "
        "tgi_phase_timeouts sets how long it may take",
    )


def judge_settings(scene: Scene) -> Found:
    """Judge what serves and is not as asked: options, what the start warned of, the collector."""
    state = scene.model.get("state") or {}
    warned: list[Mapping[str, Any]] = list(state.get("warnings") or [])
    refuses = any(one["cause"] == "refuses_all" for one in warned)
    if refuses or (scene.model.get("info") or {}).get("places") == 0:
        return broken(
            "refuses_all",
            "max_concurrent_requests is 0: it refuses every generation",
            f"set it to 1 or more in tgi_models, or remove it, then {_RUN}",
        )
    chat = scene.model.get("chat") or {}
    if "template" in (chat.get("problem") or "").lower():
        for one in warned:
            if "template" in one["text"]:
                return broken(one["cause"], one["text"], one["remedy"])
    collector = scene.model.get("collector")
    if collector and collector["problem"]:
        warned.append(_without_collector(collector))
    if warned:
        texts, remedies = ("; ".join(one[key] for one in warned) for key in ("text", "remedy"))
        return warning(warned[0]["cause"], texts, remedies)
    if "warnings" not in state and "info" not in scene.model:
        return not_reached()
    return ok("nothing to put right" + (f"; traces to {collector['address']}" if collector else ""))


def _without_collector(collector: Mapping[str, str]) -> dict[str, str]:
    return {
        "cause": "collector",
        "text": f"the OTLP collector {collector['address']} {collector['problem']}: traces are "
        "lost, and the model takes two minutes to stop",
        "remedy": f"start the collector, or correct or remove otlp_endpoint in tgi_models, then "
        f"{_RUN}",
    }


def judge_port(scene: Scene) -> Found:
    """Check that Docker publishes the port where the gateways and the host expect it."""
    published, port = scene.model.get("published"), scene.model.get("port")
    listener = scene.model.get("listener")
    if listener not in (None, *DOCKER):
        return broken(
            "taken",
            f"{listener} listens on port {port}, not Docker",
            f"stop it, or give the model another port in tgi_models, then {_RUN}",
        )
    if published is None:
        return not_reached()
    wanted = [f"127.0.0.1:{port}"]
    if bind := scene.own.get("bind_address"):
        wanted.append(f"{bind}:{port}")
    wanted += [address for address in _asked(scene) if address not in wanted]
    missing = [address for address in wanted if not _covered(address, published)]
    if not missing:
        return ok(f"published on {', '.join(published)}")
    return broken(
        "unpublished",
        f"not published on {', '.join(missing)}, only on {', '.join(published) or 'none'}",
        f"set tgi_bind_address if a gateway is on another machine, then {_RUN},gateway",
    )


def _asked(scene: Scene) -> list[str]:
    """Return the numeric addresses at which gateways expect this model on this host."""
    return [
        str(one["address"])
        for gateway in scene.picture.gateways
        for model in gateway.get("models") or []
        if model["name"] == scene.model["name"]
        for one in model["replicas"]
        if one["name"] == scene.host and _numeric(one["address"])
    ]


def _numeric(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    return ":" in host or host.replace(".", "").isdigit()


def _covered(address: str, published: list[str]) -> bool:
    port = address.rpartition(":")[2]
    plain = address.replace("[", "").replace("]", "")
    return plain in published or f"0.0.0.0:{port}" in published or f":::{port}" in published


def judge_health(scene: Scene) -> Found:
    seen = scene.model.get("health")
    if not seen:
        return not_reached()
    problem = http_problem(seen)
    if not problem and seen["ms"] >= PROMPT:
        return warning(
            "late",
            f"HTTP 200, but only after {seen['ms']} ms",
            "prefill delays it, or the GPU or CPU is overloaded: give health probes 30 s, and "
            "lower max_batch_prefill_tokens",
        )
    if not problem:
        return ok(f"HTTP 200, {seen['ms']} ms")
    return broken(code_of(seen), f"/health: {problem}", _log_of(scene.model))


def judge_generation(scene: Scene) -> Found:
    seen = scene.model.get("generate")
    if not seen:
        return not_reached()
    if not seen["problem"]:
        return ok(f"{seen['ms']} ms")
    said = f"/generate: {seen['problem']}"
    healthy = http_problem(scene.model["health"]) == ""
    remedy = _log_of(scene.model)
    if seen["status"] == 429:
        remedy = "send fewer requests at a time, add replicas, or raise max_concurrent_requests"
    elif not http_problem(seen):
        remedy = seen["remedy"] or STRANGE
    elif healthy:
        said += ", while /health returns 200"
        remedy = f"restart it (docker restart {_name(scene.model)}); {remedy}"
    return broken(code_of(seen), said, remedy)


def _name(model: Mapping[str, Any]) -> str:
    return str((model.get("container") or {}).get("name") or "CONTAINER")


def _log_of(model: Mapping[str, Any]) -> str:
    return f"see docker logs {_name(model)} for CUDA errors, memory, or a worker that died"


def judge_access(scene: Scene) -> Found:
    """Check the GPUs in the container, which can lose them while it runs."""
    seen, wanted = scene.model.get("visible"), scene.model.get("gpus") or []
    if not wanted:
        return ok("runs on the CPU, as the inventory says")
    if not seen:
        return not_reached("nvidia-smi does not run in the container")
    if seen["count"] >= len(wanted):
        return ok(f"{seen['count']} of {len(wanted)} in the container")
    said = f": {seen['said']}" if seen["said"] else ""
    return broken(
        "lost",
        f"the container has {seen['count']} of {len(wanted)} GPUs{said}",
        f"docker restart {_name(scene.model)} (a daemon-reload or a driver update removed them), "
        "then run site.yml --tags nvidia_container_toolkit,tgi",
    )
