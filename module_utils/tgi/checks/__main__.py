"""``python3 -m module_utils.tgi.checks URL``, in a checkout: the checks without a playbook."""

from __future__ import annotations

import os
import sys
from typing import Any

from .cli.main import main

# What an engine said may hold letters that this terminal, or cron's, has none for
streams: Any = (sys.stdout, sys.stderr)
for stream in streams:
    stream.reconfigure(errors="backslashreplace")
try:
    code = main()
    sys.stdout.flush()
except BrokenPipeError:
    # Whoever read has seen enough; Python must not try to flush again at its end
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = 2
sys.exit(code)
