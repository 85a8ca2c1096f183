#!/usr/bin/python
"""Name the innermost broken link between clients and models, from what was seen on each side."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose_verdict
short_description: Say why a deployment does not work
description:
  - Judges the observations of M(tgi_diagnose), link by link from the client inwards, and follows
    the first broken one to what explains it. A 502 at nginx because a container died for want of
    GPU memory is that container's log, and says so.
  - Talks to nobody, and does not fail by itself. RV(broken) is for the task after it.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
attributes:
  check_mode:
    description: Runs in full, because it only thinks.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  clients:
    description:
      - What C(register) holds of M(tgi_diagnose) with V(side=client), by the gateway's name. An
        empty result is a host that is not in this run; a failed one could not be looked at.
    type: dict
    default: {}
  gateways:
    description: The same with V(side=gateway).
    type: dict
    default: {}
  gpus:
    description: The same with V(side=gpu), by the GPU host's name.
    type: dict
    default: {}
  max_ttft:
    description: Seconds to the first token above which an answer is slow.
    type: float
    default: 5.0
  max_tpot:
    description: Seconds for each further token above which it is slow.
    type: float
    default: 0.2
  max_clock_skew:
    description: Seconds that a host's clock may differ from the controller's.
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- name: Judge what was seen
  tgi_diagnose_verdict:
    clients: {gw1: "{{ outside }}"}
    gpus: {gpu1: "{{ inside }}"}
  register: verdict

- name: Say what is broken
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
  description: Whether anything is, or nothing could be seen as a client sees it.
  returned: always
  type: bool
cause:
  description: The link to mend, as in RV(links); empty when nothing is broken.
  returned: always
  type: dict
links:
  description: Every link in order, from the client inwards.
  returned: always
  type: list
  elements: dict
  contains:
    link: {description: Its id., type: str}
    title: {description: What it is called., type: str}
    host: {description: Where., type: str}
    model: {description: Of which model; empty for a whole host., type: str}
    state:
      description: V(ok), V(broken), V(not reached) (not tried), or V(unknown) (cannot be seen).
      type: str
    seen: {description: What was seen., type: str}
    code: {description: In which way it is broken., type: str}
    remedy: {description: What to do., type: str}
table:
  description: The same as aligned text, the verdict first.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture


def main() -> None:
    """Judge, and report."""
    sides = {"type": "dict", "default": {}}
    module = AnsibleModule(
        argument_spec={
            "clients": sides,
            "gateways": sides,
            "gpus": sides,
            "max_ttft": {"type": "float", "default": 5.0},
            "max_tpot": {"type": "float", "default": 0.2},
            "max_clock_skew": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    picture = read_picture(
        {name: params[name] for name in ("clients", "gateways", "gpus")},
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
