#!/usr/bin/python
"""Ansible module tgi_check: read the options, run module_utils/tgi/checks, return the report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_check
short_description: Prove that deployed models really generate
description:
  - Asks each model for its identity, text, chats, tool calls, JSON and streams, and judges the
    answers. A status code proves nothing, because an engine returns 200 on C(/health) while every
    generation fails.
  - B(Views.) V(direct) runs on the GPU host and asks each model on its own port. V(edge) runs
    where clients are and asks through the gateway, with a key. It also checks the certificate,
    closed ports and limits. If both views fail, the model is the cause; if only V(edge) fails, the
    gateway is.
  - B(Groups) of checks, for O(checks).
  - B(health) checks that the engine is up, before and after all other checks.
  - B(identity) checks that the declared model is served, and no other.
  - B(gpu) checks that the container still has its GPUs.
  - B(generate) checks text in the engine's own API.
  - B(chat) checks that answers come and make sense.
  - B(tools) checks forced function calls, which must parse and fit the function's schema.
  - B(json) checks that constrained output fits its schema.
  - B(limits) checks that long or wrong requests are refused and do no harm.
  - B(stream) checks that tokens arrive one by one, to a proper end.
  - B(metrics) checks that the engine's counters count our requests.
  - B(smoke) measures speed roughly; it is no benchmark.
  - B(tls) checks the certificate's chain, name and days, and the redirect from plain HTTP.
  - B(auth) checks that requests without a valid key are refused.
  - B(rate) checks that the declared limit is enforced, and ends.
  - B(openai) checks what clients of OpenAI take for granted, behind a gateway that translates.
  - B(Severity.) A failed check that is C(critical) or C(major) fails the run; a C(minor) one only
    warns.
    In a checkout of the project, C(python3 -m module_utils.tgi.checks --list) prints them all.
  - B(Verdict.) RV(summary.verdict) is V(passed) only if every planned check ran and no required
    one failed. A check that broke or never ran is an C(error), which is not a pass. A check whose
    ground another check found missing, such as a chat template or a server that answers, is
    C(not_judged) and names that check as its cause; this is not a pass either. A known failure of
    O(accepted) is C(accepted), which does not fail the run. A check that
    does not apply, such as function calling on an engine without it, is not planned; the report
    names it with the reason. First of all the checks test their own parser with good and bad
    samples (C(selftest)).
  - The module changes nothing. It costs every model a few dozen short generations.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
requirements:
  - "httpx >= 0.22 where the module runs (Debian: python3-httpx)"
  - "jsonschema >= 3.2 where the module runs (Debian: python3-jsonschema)"
extends_documentation_fragment: [tgi_check.models, tgi_check.endpoint, tgi_check.run]
attributes:
  check_mode:
    description:
      - Runs in full, because it changes nothing. O(generate_in_check_mode=false) spares the GPU.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
options:
  view:
    description: From where to check the models.
    type: str
    choices: [direct, edge]
    required: true
  generate_in_check_mode:
    description:
      - Whether check mode generates text too. V(false) leaves out every check that may, with that
        reason.
    type: bool
    default: true
  full_report:
    description:
      - Return RV(report). It is off by default, because a failed task prints all it returns.
    type: bool
    default: false
seealso:
  - module: tgi_check_report
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

- name: Prove the endpoint from the controller, as a client uses it
  tgi_check:
    view: edge
    url: https://llm.example.org
    api_key: "{{ vault_checks_key }}"
    tier: {requests_per_second: 5, burst: 10, concurrent: 4}
    models: "{{ models }}"
  delegate_to: localhost
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"

- name: Check only streams and function calls of a slow model
  tgi_check:
    view: direct
    models: "{{ models }}"
    checks: [stream, tools, chat.stream]
    timeout: 120

- name: Accept a known failure until a day
  tgi_check:
    view: direct
    models: "{{ models }}"
    accepted:
      - {check: json.nested, model: house-7b, reason: see issue 1234, until: "2027-01-31"}

- name: Check a model that another engine serves
  tgi_check:
    view: direct
    models:
      - name: house-7b
        model_id: acme/house-7b
        engine: vllm
        url: http://127.0.0.1:8000

- name: Check, and let the next task write reports and fail
  tgi_check:
    view: direct
    target: "{{ inventory_hostname }}"
    models: "{{ models }}"
    full_report: true
  register: checks_direct_result
  failed_when: checks_direct_result is failed and checks_direct_result.summary is not defined

- name: Write a page, JSON and JUnit XML on the controller, and fail for a bad verdict
  tgi_check_report:
    view: direct
    directory: reports

- name: Compare the tokenizer with the one that was pinned
  tgi_check:
    view: direct
    models:
      - name: house-7b
        model_id: acme/house-7b
        port: 8082
        tokenizer: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
checks:
  description:
    - One entry per check and model, causes first. A failed run lists only what did not pass.
    - C(status) is C(pass), C(fail), C(warn), C(error), C(not_judged) or C(accepted); C(ms) is the
      time of its requests. C(attempts) is 0 if the check was not run.
    - C(consequence_of) names the failed check for which this one is not judged. Only that one has
      a remedy.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: chat.stream, group: chat, view: direct, model: smollm2, status: fail,
       expected: "one finish_reason, usage, [DONE] last, no error event",
       observed: stream ended without a finish_reason after 11 events,
       evidence: "11 events, last: …", remedy: "read the engine's log", ms: 140, attempts: 1,
       severity: critical, consequence_of: "", accepted: ""}
failed_checks:
  description: Names of the checks that failed or broke, with the model if there is one.
  returned: always
  type: list
  elements: str
  sample: [chat.stream smollm2]
summary:
  description: Counts, seconds and the verdict, V(passed) or V(failed).
  returned: always
  type: dict
  sample: {verdict: passed, view: direct, target: gpu1, planned: 10, executed: 10, passed: 10,
           failed: 0, warned: 0, errors: 0, not_judged: 0, accepted: 0, seconds: 1.2}
figures:
  description: Measurements of one stream, by the model's name. Times are in ms from the request;
    C(tpot_ms) is (e2e - ttft) / (completion_tokens - 1); C(events_per_read) is the average number
    of events in one piece. An unknown figure is null.
  returned: always
  type: dict
  sample: {smollm2: {ttft_ms: 28.1, tpot_ms: 9.1, e2e_ms: 201.0, chunks: 20, bursts: 20,
           events_per_read: 1.0, finish_reason: length, completion_tokens: 20,
           unbuffered_by_engine: true}}
table:
  description: The report as aligned text, the verdict first.
  returned: always
  type: str
report:
  description:
    - All results, including passed checks and left-out ones with the reason. It is the content of
      C(report-VIEW-TARGET.json); C(schema) names its form.
  returned: when O(full_report) is true
  type: dict
  sample: {schema: tgi-check/1, started: "2026-11-25T10:00:00Z", view: direct, target: gpu1,
           message: "", summary: {}, checks: [], left_out: [], figures: {}}
"""

import platform
import ssl
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.tgi.checks.endpoint.auth import secrets_of
from ansible.module_utils.tgi.checks.judges import json_schema
from ansible.module_utils.tgi.checks.module_arguments import ARGUMENTS, EDGE_NEEDS
from ansible.module_utils.tgi.checks.report.document import answer
from ansible.module_utils.tgi.checks.run import check
from ansible.module_utils.tgi.checks.run_options import read_options
from ansible.module_utils.tgi.checks.selection import NothingSelectedError, PlanError
from ansible.module_utils.tgi.client import fixed_address, http_client


def main(transport: Any = None) -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_if=[("view", "edge", EDGE_NEEDS)],
    )
    if http_client.HTTPX_ERROR:
        module.fail_json(msg=missing_required_lib("httpx", "here (Debian: python3-httpx)"))
    if json_schema.JSONSCHEMA_ERROR:
        library = missing_required_lib("jsonschema", "here (Debian: python3-jsonschema)")
        module.fail_json(msg=library)
    params = module.params
    try:
        options = read_options(params, platform.node(), transport, module.check_mode)
        pins = {http_client.Target(options.url).host: params["connect_to"]}
        report = fixed_address.run(check(options), pins)
    except NothingSelectedError as error:
        # All selected checks are for the other view: not run is not passed, so return skipped
        module.exit_json(skipped=True, changed=False, msg=f"tgi_check ({params['view']}): {error}")
    except PlanError as error:
        module.fail_json(msg=f"tgi_check: {error}", changed=False)
    except (OSError, ssl.SSLError) as error:
        files = [params[name] for name in ("ca_file", "client_certificate") if params[name]]
        wrong = f"cannot use the certificates in {' or '.join(files)}: {error}"
        module.fail_json(msg=f"tgi_check: {wrong}", changed=False)
    found = answer(report, [*secrets_of(options.api_key), *options.declared.secrets])
    if not params["full_report"]:
        del found["report"]
    found["changed"] = False
    if report.passed:
        module.exit_json(**found)
    module.fail_json(**found)


if __name__ == "__main__":
    main()
