"""Run the checks without a playbook: ``python3 -m module_utils.tgi.checks URL`` in a checkout."""

from __future__ import annotations

import os
import sys
from typing import Any

from .cli.main import main

# An engine's text may hold characters that this terminal, or cron's locale, cannot print
streams: Any = (sys.stdout, sys.stderr)
for stream in streams:
    stream.reconfigure(errors="backslashreplace")
try:
    code = main()
    sys.stdout.flush()
except BrokenPipeError:
    # The reader closed the pipe; Python must not flush again at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = 2
sys.exit(code)
