#!/usr/bin/python
"""Name the innermost broken link between clients and models from the observations of all sides."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose_verdict
short_description: Say why a deployment does not work
description:
  - Judges the observations of M(tgi_diagnose_client), M(tgi_diagnose_gateway) and
    M(tgi_diagnose_gpu_host), link by link from the client inwards, and follows the first broken
    link to its cause. If nginx returns 502 because a container ran out of GPU memory, the verdict
    names the container's log.
  - Connects to nothing, and does not fail by itself. Use RV(broken) in the next task.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
attributes:
  check_mode:
    description: Full support; it only evaluates its input.
    support: full
  diff_mode:
    description: Nothing to show.
    support: none
options:
  clients:
    description:
      - Registered results of M(tgi_diagnose_client) by the gateway's name. An empty result means a
        host outside this run, a failed one a host that could not be inspected.
    type: dict
    default: {}
  gateways:
    description: Registered results of M(tgi_diagnose_gateway) by the gateway's name.
    type: dict
    default: {}
  gpus:
    description: Registered results of M(tgi_diagnose_gpu_host) by the GPU host's name.
    type: dict
    default: {}
  accepted:
    description: C(checks_accepted); a known failure is shown with its reason and breaks nothing.
    type: list
    elements: dict
    default: []
  max_ttft:
    description: An answer is slow when its first token takes more seconds.
    type: float
    default: 5.0
  max_tpot:
    description: An answer is slow when each further token takes more seconds.
    type: float
    default: 0.2
  max_clock_skew:
    description: Seconds that a host's clock may differ from the controller's.
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- name: Judge the observations
  tgi_diagnose_verdict:
    clients: {gw1: "{{ client }}"}
    gpus: {gpu1: "{{ gpu_host }}"}
  register: verdict

- name: Fail with the innermost broken link
  ansible.builtin.fail:
    msg: "{{ verdict.msg }}"
  when: verdict.broken
"""

RETURN = r"""
msg:
  description: The verdict in one line.
  returned: always
  type: str
  sample: "BROKEN: log of llama-3.1-8b on gpu1: out of GPU memory: the weights do not fit (while
    loading shards). Remedy: quantize it. It breaks: chat of llama-3.1-8b on gw1."
broken:
  description: Whether a link is broken, or no endpoint could be inspected as a client.
  returned: always
  type: bool
cause:
  description: The link to fix, as in RV(links); empty when nothing is broken.
  returned: always
  type: dict
links:
  description: Every link in order, from the client inwards.
  returned: always
  type: list
  elements: dict
  contains:
    link: {description: Its id., type: str}
    title: {description: Its name in the table., type: str}
    host: {description: The host., type: str}
    model: {description: The model; empty for a whole host., type: str}
    state:
      description:
        V(ok), V(warning), V(broken), V(not reached) (not tried), or V(unknown) (not visible).
      type: str
    seen: {description: What was seen., type: str}
    code: {description: The kind of fault., type: str}
    remedy: {description: What to do; empty for a consequence of RV(cause)., type: str}
table:
  description: The same as aligned text, the verdict first.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture


def main() -> None:
    """Judge the observations, and return the verdict."""
    sides = {"type": "dict", "default": {}}
    module = AnsibleModule(
        argument_spec={
            "clients": sides,
            "gateways": sides,
            "gpus": sides,
            "accepted": {"type": "list", "elements": "dict", "default": []},
            "max_ttft": {"type": "float", "default": 5.0},
            "max_tpot": {"type": "float", "default": 0.2},
            "max_clock_skew": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    picture = read_picture(
        {name: params[name] for name in ("clients", "gateways", "gpus")},
        params["accepted"],
        ttft=params["max_ttft"],
        tpot=params["max_tpot"],
        skew=params["max_clock_skew"],
    )
    verdict = judge(picture)
    rows = verdict.rows()
    cause = rows[verdict.findings.index(verdict.cause)] if verdict.cause else {}
    module.exit_json(
        changed=False,
        msg=verdict.line,
        broken=not verdict.passed,
        cause=cause,
        links=rows,
        table=verdict.table(),
    )


if __name__ == "__main__":
    main()
