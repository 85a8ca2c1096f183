"""Load all filters and tests before Ansible starts a process for each task and host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = r"""
name: tgi_filters_once
type: aggregate
short_description: Load filters and tests once in a run
description:
  - Ansible starts a process for each task on each host. One that needs a filter loads all filters
    and tests, which takes a tenth of a second, unless the process that started it has them.
  - The project's C(ansible.cfg) enables this for all playbooks.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Load them when the playbook starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "tgi_filters_once"

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002
        for loader in (filter_loader, test_loader):
            list(loader.all())
