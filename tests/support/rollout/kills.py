"""Kill a function between any two of its changes of files, as a power cut or kill -9 would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

#: What Python reports before it changes a directory or makes a file
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "tempfile.mkstemp"}
_KILLED = 99


def killed_before(step: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a child that ends before its change number ``step``, from 0.

    Return False when ``act`` ended before that, so that a loop over steps has seen them all.
    """
    child = os.fork()
    if not child:
        left = [step]

        def hook(event: str, _arguments: object) -> None:
            if event in CHANGES:
                if not left[0]:
                    os._exit(_KILLED)
                left[0] -= 1

        code = 1
        try:
            sys.addaudithook(hook)
            act()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, _KILLED), f"the function failed with exit code {code}"
    return code == _KILLED
