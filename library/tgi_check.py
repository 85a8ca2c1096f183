#!/usr/bin/python
"""Ansible module tgi_check: options in, report out; the checks are in module_utils/tgi/checks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_check
short_description: Prove that deployed models really generate
description:
  - Asks every model for identity, text, a chat and a stream, and judges what came.
  - V(direct) runs on the GPU host and asks each model on its own port. V(edge) runs where
    clients are and asks through the gateway; it also checks TLS, keys and the rate limit.
  - Fails unless every planned check was executed and every required one passed.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
requirements: ["httpx >= 0.22 where the module runs (Debian: python3-httpx)"]
attributes:
  check_mode:
    description: Runs in full, because it changes nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  view:
    description: From where the models are seen.
    type: str
    choices: [direct, edge]
    required: true
  models:
    description: What must be served.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {type: str, required: true, description: Name clients put into C(model).}
      model_id: {type: str, required: true, description: What C(/info) must name.}
      revision: {type: str, description: Commit that C(/info) must name if it names one.}
      aliases:
        description: Other names of the model.
        type: list
        elements: str
        default: []
      url:
        description: Where the model listens. Default is loopback with O(models[].port).
        type: str
      port:
        description: Port of the model on loopback; V(direct) needs it or O(models[].url).
        type: int
      engine:
        description: What serves it; decides which checks apply.
        type: str
        choices: [tgi, vllm, sglang, llamacpp, openai]
        default: tgi
      tokenizer:
        description: SHA-256 of its token ids, as C(model.tokenizer) shows it when it is right.
        type: str
      golden:
        description: SHA-256 of its greedy text, as C(model.golden) shows it.
        type: str
      options:
        description: Launcher options that were declared. C(max_input_tokens) and
          C(max_total_tokens) are compared with C(/info), others are passed over.
        type: dict
        default: {}
  without_chat:
    description: Names of models without a chat template; only C(/generate) is checked.
    type: list
    elements: str
    default: []
  without_tools:
    description: Names of models whose chat template knows no tools.
    type: list
    elements: str
    default: []
  url:
    description: Address of the gateway, V(https://name) with a port where it is not 443 (V(edge)).
    type: str
  connect_to:
    description: Address to connect to instead of resolving the name in O(url); SNI, Host and the
      certificate check stay with the name.
    type: str
    default: ""
  ca_file: {type: path, description: PEM file with the only CA to accept instead of the system's.}
  api_key:
    description: Key of the checks' own consumer, 8 characters or more. Never shown.
    type: str
  tier:
    description: Limits declared for that consumer. Without C(requests_per_second) the rate limit
      is not checked.
    type: dict
    default: {}
    suboptions:
      requests_per_second: {type: float, description: Pace., default: 0.0}
      burst: {type: int, description: What may come at once on top., default: 0}
      concurrent: {type: int, description: Generations at one time; 0 is any., default: 0}
  http_port:
    description: Port that redirects plain HTTP, 0 for none (V(edge)).
    type: int
    default: 80
  public_health:
    description: Whether C(/health) must answer without a key (V(edge)).
    type: bool
    default: true
  checks:
    description: Ids or groups of checks to run, default all. What is for the other view alone
      is skipped, and a word that nothing comes of fails.
    type: list
    elements: str
    default: []
  target:
    description: How messages call the host. Default is its own name.
    type: str
  timeout:
    description: Seconds for one request from start to end.
    type: float
    default: 30.0
  deadline:
    description: Seconds for the whole run; what is not done by then is an error.
    type: float
    default: 300.0
  canary_passes:
    description: How many of 4 known answers must be right.
    type: int
    default: 2
  tls_warn_days:
    description: Warn when the certificate has fewer days left, fail below a third of them.
    type: int
    default: 21
"""

EXAMPLES = r"""
- name: Prove the models on their own ports
  tgi_check:
    view: direct
    models:
      - name: llama-3.1-8b
        model_id: meta-llama/Llama-3.1-8B-Instruct
        revision: 0e9e39f249a16976918f6564b8830bc894c89659
        port: 8081

- name: Prove the endpoint as a client sees it
  tgi_check:
    view: edge
    url: https://llm.example.org
    api_key: "{{ vault_checks_key }}"
    tier: {requests_per_second: 5, burst: 10, concurrent: 4}
    models: "{{ models }}"
  delegate_to: localhost
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""

RETURN = r"""
checks:
  description: One entry per check, causes first; in a failed run only what did not pass.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: chat.stream, group: chat, view: direct, model: smollm2, status: fail,
       expected: "one finish_reason, usage, [DONE] last, no error event",
       observed: stream ended without a finish_reason after 11 events,
       evidence: "11 events, last: …", remedy: "read the engine's log", ms: 140, attempts: 1}
failed_checks:
  description: Names of the checks that failed or broke, with the model where there is one.
  returned: always
  type: list
  elements: str
  sample: [chat.stream smollm2]
summary:
  description: Counts, seconds and the verdict, V(passed) or V(failed).
  returned: always
  type: dict
  sample: {verdict: passed, view: direct, target: gpu1, planned: 10, executed: 10, passed: 10,
           failed: 0, warned: 0, errors: 0, seconds: 1.2}
table:
  description: The report as aligned text, the verdict first.
  returned: always
  type: str
"""

import platform
import ssl
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.tgi import client, pinned_loop
from ansible.module_utils.tgi.checks.auth import secrets_of
from ansible.module_utils.tgi.checks.engines import ENGINES
from ansible.module_utils.tgi.checks.options import read_options
from ansible.module_utils.tgi.checks.plan import NothingSelectedError, PlanError
from ansible.module_utils.tgi.checks.report import ERROR, FAIL, scrub
from ansible.module_utils.tgi.checks.run import check
from ansible.module_utils.tgi.checks.table import make_table

MODEL = {
    "name": {"type": "str", "required": True},
    "model_id": {"type": "str", "required": True},
    "revision": {"type": "str"},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "url": {"type": "str"},
    "port": {"type": "int"},
    "engine": {"type": "str", "choices": list(ENGINES), "default": "tgi"},
    "tokenizer": {"type": "str"},
    "golden": {"type": "str"},
    "options": {"type": "dict", "default": {}},
}
TIER = {
    "requests_per_second": {"type": "float", "default": 0.0},
    "burst": {"type": "int", "default": 0},
    "concurrent": {"type": "int", "default": 0},
}
ARGUMENTS: dict[str, Any] = {
    "view": {"type": "str", "choices": ["direct", "edge"], "required": True},
    "models": {"type": "list", "elements": "dict", "required": True, "options": MODEL},
    "without_chat": {"type": "list", "elements": "str", "default": []},
    "without_tools": {"type": "list", "elements": "str", "default": []},
    "url": {"type": "str"},
    "connect_to": {"type": "str", "default": ""},
    "ca_file": {"type": "path"},
    "api_key": {"type": "str", "no_log": True},
    "tier": {"type": "dict", "default": {}, "options": TIER},
    "http_port": {"type": "int", "default": 80},
    "public_health": {"type": "bool", "default": True},
    "checks": {"type": "list", "elements": "str", "default": []},
    "target": {"type": "str"},
    "timeout": {"type": "float", "default": 30.0},
    "deadline": {"type": "float", "default": 300.0},
    "canary_passes": {"type": "int", "default": 2},
    "tls_warn_days": {"type": "int", "default": 21},
}


def main(transport: Any = None) -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_if=[("view", "edge", ("url", "api_key"))],
    )
    if client.HTTPX_ERROR:
        module.fail_json(msg=missing_required_lib("httpx", "here (Debian: python3-httpx)"))
    try:
        options = read_options(module.params, platform.node(), transport)
        pins = {client.Target(options.url).host: module.params["connect_to"]}
        report = pinned_loop.run(check(options), pins)
    except NothingSelectedError as error:
        # Chosen for the other view alone: not run is not passed, so it says skipped
        module.exit_json(skipped=True, changed=False, msg=f"tgi_check ({options.view}): {error}")
    except PlanError as error:
        module.fail_json(msg=f"tgi_check: {error}", changed=False)
    except (OSError, ssl.SSLError) as error:
        ca_file = module.params["ca_file"]
        module.fail_json(msg=f"tgi_check: cannot use the CA file {ca_file}: {error}", changed=False)
    found = {
        "changed": False,
        "msg": report.message(),
        "checks": report.rows(),
        "failed_checks": [check.name for check in report.of(FAIL, ERROR)],
        "summary": report.summary(),
        "table": make_table(report),
    }
    found = scrub(found, secrets_of(options.api_key))
    if report.passed:
        module.exit_json(**found)
    module.fail_json(**found)


if __name__ == "__main__":
    main()
