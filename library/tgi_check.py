#!/usr/bin/python
"""Ansible module tgi_check: options in, report out; the checks are in module_utils/tgi/checks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_check
short_description: Prove that deployed models really generate
description:
  - Asks every model for identity, text, chats, tool calls, JSON and streams, and judges what
    comes. A status code proves nothing, for an engine says 200 on C(/health) while every
    generation fails.
  - B(Views.) V(direct) runs on the GPU host and asks each model on its own port. V(edge) runs where
    clients are and asks through the gateway, with a key; certificate, closed doors and limits
    included. When both views fail, the model is the cause; when only V(edge) does, the gateway is.
  - B(Groups) of checks, which O(checks) may name.
  - B(health) is up, before and after everything else.
  - B(identity) serves what was declared, and refuses what was not.
  - B(gpu) still has the GPUs it was given.
  - B(generate) gives text in the engine's own dialect.
  - B(chat) gives answers, and they make sense.
  - B(tools) makes the function call it is forced to, parsable and to the function's schema.
  - B(json) keeps to the schema of constrained output.
  - B(limits) refuses what is too long or wrong, and survives it.
  - B(stream) sends tokens one by one, to a proper end.
  - B(metrics) counts our requests with its own counters.
  - B(smoke) is a first look at speed, and no benchmark.
  - B(tls) has a certificate whose chain, name and days are in order, and redirects plain HTTP.
  - B(auth) lets nobody in without a good key.
  - B(rate) limits as declared, and lets go again.
  - B(Severity.) A check that is C(critical) or C(major) fails the run, a C(minor) one only warns.
    In a checkout of the project, C(python3 -m module_utils.tgi.checks --list) prints them all.
  - B(Verdict.) RV(summary.verdict) is V(passed) only when every planned check was executed and
    none of the required ones failed. A check that broke, or never ran, is an C(error) and no pass.
    What does not apply, such as function calling with an engine that has none, is not planned; the
    report names it with the reason. Before anything else the checks try their own parser on good
    and bad samples (C(selftest)).
  - It changes nothing, and costs every model a few dozen short generations.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
requirements:
  - "httpx >= 0.22 where the module runs (Debian: python3-httpx)"
  - "jsonschema >= 3.2 where the module runs (Debian: python3-jsonschema)"
extends_documentation_fragment: [tgi_check.models, tgi_check.endpoint, tgi_check.run]
attributes:
  check_mode:
    description:
      - Runs in full, because it changes nothing. O(generate_in_check_mode) spares the GPU.
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
  generate_in_check_mode:
    description:
      - Whether check mode has text generated too. V(false) leaves out every check that may, with
        that reason.
    type: bool
    default: true
  full_report:
    description:
      - Return RV(report). A task that fails prints all that it returns, so by default it does not.
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

- name: Prove the endpoint as a client sees it, from the controller
  tgi_check:
    view: edge
    url: https://llm.example.org
    api_key: "{{ vault_checks_key }}"
    tier: {requests_per_second: 5, burst: 10, concurrent: 4}
    models: "{{ models }}"
  delegate_to: localhost
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"

- name: Look at streams and function calls alone, with a model that takes its time
  tgi_check:
    view: direct
    models: "{{ models }}"
    checks: [stream, tools, chat.stream]
    timeout: 120

- name: Look at a model that another engine serves
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

- name: Hold a model to the tokenizer it had when it was accepted
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
    - One entry per check and model, causes first; in a failed run only what did not pass.
    - C(status) is C(pass), C(fail), C(warn) or C(error); C(ms) the time of the requests behind it.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: chat.stream, group: chat, view: direct, model: smollm2, status: fail,
       expected: "one finish_reason, usage, [DONE] last, no error event",
       observed: stream ended without a finish_reason after 11 events,
       evidence: "11 events, last: …", remedy: "read the engine's log", ms: 140, attempts: 1,
       severity: critical}
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
figures:
  description: What one stream of each model showed, by name of the model. Times in ms from the
    request; C(tpot_ms) is (e2e - ttft) / (completion_tokens - 1); C(events_per_read) is how many
    events came in one piece. What is not known is null.
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
    - Everything, also what passed and what was left out with its reason; the content of
      C(report-VIEW-TARGET.json), whose form C(schema) names.
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
        # Chosen for the other view alone: not run is not passed, so it says skipped
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
