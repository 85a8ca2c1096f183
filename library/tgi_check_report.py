#!/usr/bin/python
"""Documentation of the action tgi_check_report, which works on the controller alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_check_report
short_description: Write what the checks of all hosts found, and give the verdict
description:
  - Comes after M(tgi_check) in the role C(checks), which registers its answers without failing
    for a bad verdict. Writes the reports first, and then fails on every host whose verdict is bad.
  - Writes C(index.html), one page over both views of all hosts as far as they were checked in this
    run, and of each view and host C(report-VIEW-HOST.json) and C(junit-VIEW-HOST.xml).
  - A host that came to no verdict, because the play failed on it before or it could not be reached,
    is in the reports as failed; what was not to be checked is named.
  - An action, so it runs on the controller, as the user who runs Ansible.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
attributes:
  check_mode:
    description: Writes too, because the checks run too, and a report is no part of the system.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  view:
    description:
      - Which view was checked in this play. Without it nothing is written, and the verdict is that
        over both views; it is bad as well when no host of the run came to any.
    type: str
    choices: [direct, edge]
  directory:
    description: Where to write, on the controller; made if it is not there. Empty writes nothing.
    type: path
  enforce:
    description: Whether a bad verdict fails.
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

- name: Give the verdict over both views of this host
  tgi_check_report:
"""

RETURN = r"""
report_files:
  description: Paths of what was written.
  returned: always
  type: list
  elements: str
  sample: [reports/checks/index.html]
msg:
  description: With RV(checks), RV(failed_checks), RV(summary) and RV(table) as M(tgi_check) gave
    them.
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
