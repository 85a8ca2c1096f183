#!/usr/bin/python
"""Document the action tgi_check_report, which runs on the controller only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_check_report
short_description: Write the reports of all hosts' checks, and fail for a bad verdict
description:
  - Follows M(tgi_check), whose result must be registered as C(checks_direct_result) or
    C(checks_edge_result), without failing for a bad verdict. It writes the reports first, then
    fails on every host with a bad verdict.
  - Writes C(index.html), one page over both views of all hosts checked in this run. Each view and
    host gets C(report-VIEW-HOST.json) and C(junit-VIEW-HOST.xml).
  - A host without a verdict is failed in the reports. The play failed on it before the checks, or
    could not reach it.
  - It is an action, so it runs on the controller as the user of Ansible.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
attributes:
  check_mode:
    description: Writes the reports too, because the checks run too.
    support: full
  diff_mode:
    description: The reports are not part of the system.
    support: none
options:
  view:
    description:
      - The view that this play checked. Without it the action writes nothing and fails for a bad
        verdict of either view, or when no host of the run has any verdict.
    type: str
    choices: [direct, edge]
  directory:
    description: Directory on the controller, created if missing. Empty writes nothing.
    type: path
  enforce:
    description: Whether to fail for a bad verdict.
    type: bool
    default: true
seealso:
  - module: tgi_check
"""

EXAMPLES = r"""
- name: Write the reports and give the verdict
  tgi_check_report:
    view: direct
    directory: reports/checks

- name: Fail for a bad verdict of either view of this host
  tgi_check_report:
"""

RETURN = r"""
report_files:
  description: Paths of the files written.
  returned: always
  type: list
  elements: str
  sample: [reports/checks/index.html]
msg:
  description: As returned by M(tgi_check), like RV(checks), RV(failed_checks), RV(summary) and
    RV(table).
  returned: when the verdict is bad
  type: str
checks:
  description: See M(tgi_check).
  returned: when the verdict is bad
  type: list
  elements: dict
failed_checks:
  description: See M(tgi_check).
  returned: when the verdict is bad
  type: list
  elements: str
summary:
  description: See M(tgi_check).
  returned: when the verdict is bad
  type: dict
table:
  description: See M(tgi_check).
  returned: when the verdict is bad
  type: str
"""
