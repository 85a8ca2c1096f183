"""Troubles of engines and their hosts, and the cause that the verdict must name."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.diagnose.pictures import CARD, STATE, Case, answer, disk, stream

#: What is put into a deployment; link and host that are named, a word of the remedy, what breaks
Trouble = tuple[Callable[[Case], None], str, str, str, "set[str]"]


def loading(case: Case) -> None:
    case.loading()


def loading_503(case: Case) -> None:
    case.loading("download")
    case.chat_is(503, "The model is not available.")


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
    case.gpu["disks"] = [disk("/var/lib/docker", 0)]


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
    case.gpu["disks"] = [disk("/var/lib/tgi", 4096)]


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
    case.replica.update(ready=False, detail="POST /generate did not answer within 20 s")
    late = "no answer within 30 s"
    case.model["generate"] = answer(0, fault=late, problem=late, times={})
    for name in ("chat", "stream", "tools"):
        case.model.pop(name)
    case.model["state"] = {**STATE, "phase": "serve", "ready": False, "named": None}


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


def tools(kind: str) -> Callable[[Case], None]:
    def put(case: Case) -> None:
        for one in (case.edge, case.model):
            one["tools"] = {"kind": kind, "detail": f"seen: {kind}", "status": 200, "ms": 9}

    return put


def no_chat_template(case: Case) -> None:
    case.chat_is(422, "Template error: template not found")
    case.model["chat"] = dict(case.edge["chat"])
    for name in ("stream", "tools"):
        case.model.pop(name)


def gpu_clock(case: Case) -> None:
    case.gpu["skew"] = 400.0


def firewall_down(case: Case) -> None:
    case.gpu["firewall"]["in_force"] = False


def firewall_missing(case: Case) -> None:
    case.gpu["firewall"] = None


TABLE: dict[str, Trouble] = {
    "502 while loading": (loading, "log", "gpu1", "wait", {"chat", "upstream", "health"}),
    "503 while downloading": (loading_503, "log", "gpu1", "wait", {"chat", "upstream", "health"}),
    "502: no container": (no_container, "container", "gpu1", "--tags tgi", {"chat", "upstream"}),
    "502: Docker down": (docker_down, "docker", "gpu1", "systemctl start docker",
                         {"chat", "upstream"}),
    "502: Docker down, disk full": (docker_down_disk_full, "gpu.disk", "gpu1", "free space",
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
    "disk full": (model_disk_full, "gpu.disk", "gpu1", "free space",
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
    "502: on loopback only": (loopback_only, "port", "gpu1", "tgi_bind_address",
                              {"chat", "upstream"}),
    "GPU host down": (gpu_host_down, "gpu.way_in", "gpu1", "machine is up", {"chat", "upstream"}),
    "slow: queue": (slow_by_queue, "pace", "gpu1", "replicas", {"speed"}),
    "slow: heat": (slow_by_heat, "throttle", "gpu1", "cooling", {"speed", "pace"}),
    "slow: prompts": (slow_by_long_prompts, "pace", "gpu1", "max_batch_prefill_tokens", {"speed"}),
    "function calling: ignored": (tools("ignored"), "direct.tools", "gpu1", "tool_choice",
                                  {"tools"}),
    "function calling: no JSON": (tools("arguments"), "direct.tools", "gpu1",
                                  "disable_grammar_support", {"tools"}),
    "function calling: cut": (tools("cut"), "direct.tools", "gpu1", "max_tokens", {"tools"}),
    "function calling: no template": (tools("template"), "direct.tools", "gpu1",
                                      "tokenizer_config_path", {"tools"}),
    "function calling: switched off": (tools("grammar"), "direct.tools", "gpu1",
                                       "disable_grammar_support", {"tools"}),
    "no chat template": (no_chat_template, "direct.chat", "gpu1", "tokenizer_config_path",
                         {"chat"}),
    "clock of a GPU host": (gpu_clock, "gpu.clock", "gpu1", "set-ntp", set()),
    "firewall missing": (firewall_missing, "firewall", "gpu1", "--tags tgi", set()),
    "firewall down": (firewall_down, "firewall", "gpu1", "systemctl restart tgi-fence", set()),
}  # fmt: skip
