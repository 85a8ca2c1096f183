"""Run a playbook of the preflight on this machine: its ansible.cfg, a secret, a free port."""

from __future__ import annotations

import socket

CONFIGURATION = """\
[defaults]
roles_path = {root}/roles
library = {root}/library
module_utils = {root}/module_utils
action_plugins = {root}/plugins/action
filter_plugins = {root}/plugins/filter
callback_result_format = yaml
vault_password_file = password
nocolor = true
"""
SECRET = "a-secret-never-to-be-shown"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
