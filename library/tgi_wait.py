#!/usr/bin/python
"""Wait until models have generated a token, or say why one cannot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_wait
short_description: Wait until TGI models are ready, phase by phase
description:
  - Waits for all models of a host in one task. A model is ready when its container runs,
    C(/health) returns 200 and the model generated one token. C(/health) alone proves nothing.
  - TGI does not listen while it loads a model. The module reads the phase from the container's log.
    Each phase has its own deadline, counted from its beginning; a second run continues the count.
  - While it waits, it shows a line for each model when something has changed, and at least every
    10 seconds. It shows nothing if every model is ready at once.
  - It fails as soon as a container has died or restarts, with the phase, the cause that the log
    names, the exit code, the last lines and the remedy. One failed model fails the task; the module
    returns the state of all.
  - Only reads, and renews the lock of this run (M(tgi_run_lock)). Needs C(docker) on the host.
options:
  models:
    description: The models to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the model, for messages.
        type: str
        required: true
      url:
        description: Its address on the host, as C(http://HOST:PORT).
        type: str
        required: true
      project:
        description: Its Docker Compose project; by default C(tgi-NAME), NAME without its dots.
        type: str
      timeouts:
        description: Deadlines of this model, instead of those in O(timeouts).
        type: dict
        suboptions: &timeouts
          start:
            description: Seconds until the launcher has read its options and the model's config.
            type: float
          download:
            description: Seconds to download and convert the weights.
            type: float
          load:
            description: Seconds until all shards have loaded the weights.
            type: float
          warmup:
            description: Seconds to warm up and size the KV cache, up to the listening socket.
            type: float
          serve:
            description: Seconds from there to the first generated token.
            type: float
  timeouts:
    description:
      - Deadlines of the phases, in seconds. Defaults are 60 for C(start), 3600 for C(download),
        1200 for C(load), 900 for C(warmup) and 120 for C(serve).
    type: dict
    suboptions: *timeouts
  window:
    description: Seconds that one call on the host watches before it reports.
    type: float
    default: 4
  interval:
    description: Seconds between two inspections during a call.
    type: float
    default: 1
  probe_timeout:
    description:
      - Most seconds for one request. The first gets 8, and each time that was not enough the next
        gets twice as many.
    type: float
    default: 30
  steady:
    description:
      - Seconds for which a model must go on generating, from its first token in this task, before
        it counts as ready. It must be the same run of the container, and generate again at the end.
      - A model that has served for longer before the task began is not watched.
    type: float
    default: 0
  version:
    {description: "Release that the image should be; it warns of another.", type: str, default: ""}
  host:
    description: Name of the host in messages; the action plugin sets the inventory name.
    type: str
    default: localhost
  state:
    description: The state that an earlier call returned; the action plugin sets it.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Inspects once and reports, without regard to O(steady). A missing container or
      Docker does not fail, a dead container warns, because the real run may fix it.
  diff_mode:
    support: none
author:
  - tgi-ansible
"""

EXAMPLES = r"""
- name: Wait until the models generate
  tgi_wait:
    models:
      - name: llama-3.1-8b
        url: http://127.0.0.1:8081
      - name: codellama-13b
        url: http://127.0.0.1:8082
        timeouts:
          load: 2400  # its weights come from a network file system
    timeouts:
      download: 7200
    steady: 45
"""

RETURN = r"""
models:
  description: The state of each model, in the order of the option.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    phase:
      description: V(absent), V(start), V(download), V(load), V(warmup), V(listen) (its port does
        not answer yet), V(serve), V(steady) (it generates, and O(steady) is not over), V(ready), or
        V(silent) if its log level or log driver hides the phases. For a failed model, the phase in
        which it failed; V(steady) is any time after it was ready.
      type: str
    ready:
      description: Whether it has generated a token, and gone on to for O(steady) seconds.
      type: bool
    failed: {description: Whether it failed., type: bool}
    elapsed:
      description: Seconds in this phase; for a ready model, since its container started.
      type: float
    allowed: {description: Deadline of this phase in seconds; 0 for none., type: float}
    detail: {description: Last message of its log or server; the cause if it failed., type: str}
    container: {description: Name of its container., type: str}
    restarts: {description: How often Docker has restarted it., type: int}
    warnings: {description: What is not as asked of a ready model., type: list, elements: dict}
    cause: {description: For a failed model. Id of the cause., type: str, sample: gated}
    exit_code: {description: For a failed model. Exit code of an ended container., type: int}
    remedy: {description: For a failed model. What to do., type: str}
failed_models:
  description: Names of the models that failed.
  returned: always
  type: list
  elements: str
ready:
  description: Whether every model is ready.
  returned: always
  type: bool
"""

from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.compose_containers import DockerError
from ansible.module_utils.tgi.engines.tgi.phases import PHASES
from ansible.module_utils.tgi.readiness.judge import judge_absent
from ansible.module_utils.tgi.readiness.messages import as_result, failure_text, warning_texts
from ansible.module_utils.tgi.readiness.state import Memory, Status, wanted
from ansible.module_utils.tgi.readiness.watch import Watcher

_TIMEOUTS: dict[str, Any] = {phase: {"type": "float"} for phase in PHASES}
ARGUMENTS: dict[str, Any] = {
    "models": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "project": {"type": "str"},
            "timeouts": {"type": "dict", "options": _TIMEOUTS},
        },
    },
    "timeouts": {"type": "dict", "options": _TIMEOUTS},
    "window": {"type": "float", "default": 4},
    "interval": {"type": "float", "default": 1},
    "probe_timeout": {"type": "float", "default": 30},
    "steady": {"type": "float", "default": 0},
    "version": {"type": "str", "default": ""},
    "host": {"type": "str", "default": "localhost"},
    "state": {"type": "dict", "default": {}},
}


def main() -> None:
    """Watch for one window, and report."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, host = module.params, module.params["host"]
    try:
        # In check mode nothing was started that could be watched
        models = wanted(params, 0 if module.check_mode else params["steady"])
    except ValueError as problem:
        module.fail_json(msg=str(problem), models=[], failed_models=[], ready=False, changed=False)
    memories = {name: Memory.load(raw) for name, raw in params["state"].items()}
    watcher = Watcher(
        models, memories, probe_timeout=params["probe_timeout"], version=params["version"]
    )
    statuses: list[Status]
    try:
        if module.check_mode:
            statuses = watcher.look()
        else:
            statuses = watcher.watch(params["window"], params["interval"])
    except DockerError as problem:
        statuses = [judge_absent(model) for model in models]
        if not module.check_mode:
            module.fail_json(
                msg=f"{host}: Docker does not answer: {problem}. "
                "Remedy: see systemctl status docker on the host, or run site.yml --tags docker.",
                models=[as_result(host, one) for one in statuses],
                failed_models=[model.name for model in models],
                ready=False,
                changed=False,
            )
    failed = [one for one in statuses if one.failure]
    for warning in warning_texts(host, statuses):
        module.warn(warning)
    if module.check_mode:
        # The real run will create what is absent
        statuses = [
            replace(one, failure=None) if one.phase == "absent" else one for one in statuses
        ]
        failed = [one for one in statuses if one.failure]
        if failed:
            module.warn(failure_text(host, failed).splitlines()[0])
    result = {
        "changed": False,
        "models": [as_result(host, one) for one in statuses],
        "failed_models": [one.name for one in failed],
        "ready": all(one.ready for one in statuses),
        "state": {name: memory.dump() for name, memory in watcher.memories.items()},
    }
    if failed and not module.check_mode:
        module.fail_json(msg=failure_text(host, statuses), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
