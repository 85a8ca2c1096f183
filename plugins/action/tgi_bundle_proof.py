"""Prove a bundle on the controller: its signature, then every byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.bundle.bundle_form import BundleError, read_bundle
from ansible.module_utils.tgi.bundle.pulse import Meter, Pulse
from ansible.module_utils.tgi.bundle.signature import verify_signature
from ansible.module_utils.tgi.bundle.sums import SumProblem, read_sums, size_of, verify_sums
from ansible.module_utils.tgi.common.problem import problem

display = Display()

_SPEC = {
    "bundle": {"type": "path", "required": True},
    "public_key": {"type": "path", "default": ""},
    "unsigned": {"type": "bool", "default": False},
}
#: Lines for one message; a bundle that lost a disk has thousands
_MOST = 40


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run on the controller only, where the bundle is."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what was proven, or fail with each file that is not as it was made."""
        super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(_SPEC)
        bundle = Path(given["bundle"]).resolve()
        try:
            if given["public_key"]:
                verify_signature(bundle, Path(given["public_key"]).resolve())
            elif not given["unsigned"]:
                raise BundleError(_no_key(bundle))
            sums = read_sums(bundle)
            total = size_of(bundle)
            meter = Meter("bundle", "prove", total)
            with Pulse(display.display, meter.line):
                wrong = verify_sums(bundle, sums, meter.add)
            if wrong:
                return {"failed": True, "changed": False, "msg": _refusal(bundle, wrong)}
            form = read_bundle(bundle)
        except BundleError as error:
            return {"failed": True, "changed": False, "msg": f"{error}. Nothing was changed"}
        except OSError as error:
            line = problem(str(bundle), f"cannot be read ({error})", "repair the disk it is on")
            return {"failed": True, "changed": False, "msg": f"{line}. Nothing was changed"}
        return {
            "changed": False,
            "signed": bool(given["public_key"]),
            "files": len(sums),
            "bytes": total,
            "made": form.made,
            "systems": list(form.systems),
        }


def _no_key(bundle: Path) -> str:
    remedy = (
        "write the file of the maker's public key, or -e '{\"bundle_unsigned\": true}' where only "
        "you could change it"
    )
    line: str = problem("bundle_public_key", f"is empty, so {bundle} proves nothing", remedy)
    return line


def _refusal(bundle: Path, wrong: Sequence[SumProblem]) -> str:
    count = "1 file is" if len(wrong) == 1 else f"{len(wrong)} files are"
    lines = [f"{count} not as the bundle {bundle} was made; nothing was changed"]
    lines += [f"- {one.kind}: {one}" for one in wrong[:_MOST]]
    if len(wrong) > _MOST:
        lines.append(f"- and {len(wrong) - _MOST} more")
    return "\n".join([*lines, "Copy these again from where it was made, and delete what is extra"])
