"""Judge a GPU host apart from its models: Docker, firewall, driver and GPUs."""

from __future__ import annotations

import ipaddress

from ..finding import Found, Scene, broken, logged, not_reached, ok, warning
from .machine_links import RECENT

#: Meaning of an Xid number; other numbers are mostly a program's own fault
_XIDS = {
    48: "a memory error that could not be corrected",
    63: "a memory row was remapped",
    64: "a memory row could not be remapped",
    74: "an NVLink fault",
    79: "the GPU has fallen off the bus",
    92: "many memory errors",
    94: "a contained memory error",
    95: "an uncontained memory error",
    119: "the GPU's own processor (GSP) does not answer",
    120: "the GPU's own processor (GSP) failed",
}
#: MiB; drivers and desktops hold less
_FOREIGN = 500
_AGAIN = "systemctl restart tgi-fence; find what flushes iptables, such as a firewall's reload"


def judge_docker(scene: Scene) -> Found:
    seen = scene.own.get("docker")
    if seen is None:
        return not_reached()
    said, _, remedy = seen["next_start"].rpartition("; ")
    if not seen["problem"] and said:
        return warning("next_start", f"answers, but {said}", remedy)
    if not seen["problem"] and seen["unconfined"]:
        what = "answers, but containers run without AppArmor, which the kernel has"
        remedy = "run site.yml --tags docker, which installs it, then restart Docker and the models"
        return warning("unconfined", what, remedy)
    if not seen["problem"]:
        return ok("answers")
    if said:
        return broken("down", f"{seen['problem']}: {said}", remedy)
    state = f" (docker.service is {seen['active']})" if seen.get("active") else ""
    return broken(
        "down",
        f"{seen['problem']}{state}",
        "see journalctl -u docker, then systemctl start docker, or run site.yml --tags docker",
    )


def judge_firewall(scene: Scene) -> Found:
    """Check that the firewall lets in the gateways and no other host, by no way round either."""
    if "firewall" not in scene.own:
        return not_reached()
    seen = scene.own["firewall"]
    open_to = [address for address in _published(scene) if not _on_loopback(address)]
    if open_to and not (seen and seen["ports"]):
        return broken(
            "missing",
            f"no firewall, and a model is published on {open_to[0]}: every host can reach it",
            "run site.yml --tags tgi, which sets it up, or remove tgi_bind_address",
        )
    if not (seen and seen["ports"]):
        return _judge_direct_access(scene)
    for source in _sources(scene):
        if not any(_within(source, network) for network in seen["sources"]):
            return broken(
                "shut_out",
                f"lets in {', '.join(seen['sources']) or 'no host'}, but a gateway connects from "
                f"{source}",
                "set gateway_address there, or tgi_allowed_sources, then run site.yml --tags tgi",
            )
    if seen["in_force"] is False:
        return broken("down", "its rules are not in force: every host can reach the models", _AGAIN)
    return _judge_egress(scene) or ok(f"in force, lets in {', '.join(seen['sources'])}")


def _judge_egress(scene: Scene) -> Found | None:
    """Compare what the models may connect to with tgi_egress; None: as wanted."""
    seen, wanted = scene.own["firewall"], scene.own.get("egress", "open")
    if wanted == "open" or (seen and seen["egress"] == wanted and seen["in_force"] is not False):
        return None
    what = "connect to any address" if wanted == "none" else "get the cloud's credentials"
    if seen and seen["egress"] == wanted:
        return warning("down", f"its rules are not in force: models can {what}", _AGAIN)
    said = f"lets models {what}, though tgi_egress is {wanted}"
    return warning("egress", said, "run site.yml --tags tgi")


def _judge_direct_access(scene: Scene) -> Found:
    """Check that no neighbour reaches, by a route, the containers of models on loopback."""
    seen = scene.own["firewall"]
    if not (scene.own.get("docker") or {}).get("lets_neighbours_in"):
        fine = f"in force, egress is {seen['egress']}" if seen else "not needed: all on loopback"
        return _judge_egress(scene) or ok(fine)
    who = "a neighbour with a route to the containers can reach the models"
    if seen is None:
        remedy = "run site.yml --tags tgi, which sets one up, or install Docker 28 or later"
        return warning("open", f"Docker is older than 28 and there is no firewall: {who}", remedy)
    if seen["in_force"] is False:
        return warning("down", f"its rules are not in force: {who}", _AGAIN)
    fine = "in force, keeps neighbours from the containers' own addresses"
    return _judge_egress(scene) or ok(fine)


def _published(scene: Scene) -> list[str]:
    models = scene.own.get("models") or []
    return [str(address) for one in models for address in one.get("published") or []]


def _on_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sources(scene: Scene) -> list[str]:
    """Return the addresses from which gateways on other machines cannot reach a model here."""
    return [
        str(one["source"])
        for gateway in scene.picture.gateways
        for model in gateway.get("models") or []
        for one in model["replicas"]
        if one["name"] == scene.host and one["source"] and not one["source"].startswith("127.")
        if one["source"] != "::1" and not one["ready"]
    ]


def _within(source: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(source) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def judge_gpus(scene: Scene) -> Found:
    seen = scene.own.get("gpus")
    if not seen:
        return not_reached()
    if not seen["wanted"]:
        return ok("no model uses a GPU")
    if not seen["problems"]:
        return ok(f"{seen['count']} answer nvidia-smi")
    said, _, remedy = str(seen["problems"][0]).partition("; ")
    code = "old" if "too old" in said else "missing"
    return broken(code, said, remedy)


def judge_xid(scene: Scene) -> Found:
    """Judge GPU faults in the kernel's log; old ones and a program's own are only shown."""
    kernel = scene.own.get("kernel")
    if not kernel:
        return not_reached()
    if not kernel["readable"]:
        return not_reached("the kernel's log cannot be read")
    if not kernel["xid"]:
        return ok("the kernel's log has none")
    last = kernel["xid"][-1]
    what = _XIDS.get(last["number"], "often a program's own fault")
    said = f"Xid {last['number']} on {last['gpu']} {round(last['age'] / 60)} min ago: {what}"
    if last["age"] > RECENT or last["number"] not in _XIDS:
        return ok(said)
    return logged(
        "xid",
        said,
        "reset the GPU or reboot; if it comes back, check power, PCIe slot, cooling, then the card",
    )


def judge_holders(scene: Scene) -> Found:
    """Judge GPU memory of other programs; it only matters where a model lacks memory."""
    if "holders" not in scene.own:
        return not_reached()
    cards = scene.own.get("cards") or []
    room = ", ".join(
        f"GPU {card['index']} {card['memory_used'] or 0:.0f} of {card['memory_total'] or 0:.0f} MiB"
        for card in cards
    )
    others = [one for one in scene.own["holders"] if one["mib"] >= _FOREIGN and not one["ours"]]
    if others and _short(scene):
        one = max(others, key=lambda holder: int(holder["mib"]))
        return broken(
            "held",
            f"{one['name']} (pid {one['pid']}) holds {one['mib']} MiB of GPU memory",
            "stop it, or give the model another GPU (gpus in tgi_models)",
        )
    return ok(f"used: {room}") if room else not_reached("nvidia-smi does not show memory here")


def _short(scene: Scene) -> bool:
    states = [one.get("state") or {} for one in scene.own.get("models") or []]
    words = ("oom_", "warmup_oom", "kv_too_small")
    return any(str(state.get("cause") or "").startswith(words) for state in states)
