"""Write the drop-in of nginx's unit, the rotation of its logs, and the gateway's directories."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...common.commands import Run
from ...common.files import drop_empty, read, write
from ...common.places import GATEWAY_STATE

#: For flags of drained replicas, and for answers to ACME challenges
DIRECTORIES = ("drain", "acme")
#: By the name of its text: what rotates the logs when they are large
ROTATION = {
    "tgi-gateway-logs.conf": "tgi-gateway/logs.conf",
    "tgi-gateway-logs.service": "systemd/system/tgi-gateway-logs.service",
    "tgi-gateway-logs.timer": "systemd/system/tgi-gateway-logs.timer",
}
_TIMER, _SERVICE = "tgi-gateway-logs.timer", "tgi-gateway-logs.service"
_ROTATED = "logrotate/tgi-gateway.status"
_PACKAGES = "packages"
# A restart would break every stream; nginx gets a new library by a binary upgrade or not at all
_NO_RESTART = "# Ansible managed\n$nrconf{override_rc}{qr(^nginx\\.service$)} = 0;\n"


@dataclass
class UnitFiles:
    """The drop-in that confines nginx, and the file that stops needrestart from restarting it.

    ``drop_in`` is the text of the unit's drop-in, empty for none; ``rotation`` has the texts of
    ROTATION, or none; ``etc`` and ``state`` are /etc and /var/lib/tgi-gateway.
    """

    run: Run
    drop_in: str = ""
    rotation: Mapping[str, str] = field(default_factory=dict)
    etc: Path = Path("/etc")
    state: Path = Path(GATEWAY_STATE)

    @property
    def unit(self) -> Path:
        """Return the path of the drop-in."""
        return self.etc / "systemd/system/nginx.service.d/tgi-gateway.conf"

    @property
    def needrestart(self) -> Path:
        """Return the path of the setting that stops needrestart from restarting nginx."""
        return self.etc / "needrestart/conf.d/tgi-gateway.conf"

    def confines_anew(self) -> bool:
        """Return whether the drop-in on disk differs from the wanted one."""
        return read(self.unit) != self.drop_in

    def pending(self, running: bool) -> list[str]:
        """Return in words what :meth:`apply` would do."""
        did = []
        if self.confines_anew():
            word = "confine nginx" if self.drop_in else "stop confining nginx"
            did.append(word + (", from its next start" if running else ""))
        if self._spares() and read(self.needrestart) != _NO_RESTART:
            did.append("keep needrestart from restarting nginx")
        if self._rotates_anew():
            did.append("rotate the logs when they are large")
        missing = [name for name in DIRECTORIES if not _as_made(self.state / name)]
        if missing:
            did.append(f"make {', '.join(str(self.state / name) for name in missing)}")
        return did

    def apply(self) -> Callable[[], None]:
        """Write everything; return a function that restores the old drop-in. Flags survive."""
        before = read(self.unit)
        if self._rotates_anew():
            for name, text in self.rotation.items():
                _write(self.etc / ROTATION[name], text)
            self.run(["systemctl", "daemon-reload"])
            self.run(["systemctl", "enable", "--now", _TIMER])
        if self._spares():
            _write(self.needrestart, _NO_RESTART)
        for directory in (self.state, *(self.state / name for name in DIRECTORIES)):
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            directory.chmod(0o755)
        # Last: what fails before leaves nginx's unit as it is
        self._confine(self.drop_in)
        return lambda: self._confine(before)

    def leftovers(self) -> bool:
        """Return whether :meth:`remove` has anything to remove."""
        files = (
            self.unit,
            self.needrestart,
            *self._rotating(),
            *(self.state / name for name in DIRECTORIES),
        )
        return any(path.exists() for path in files)

    def remove(self) -> None:
        """Remove what :meth:`apply` wrote."""
        self._confine("")
        self.needrestart.unlink(missing_ok=True)
        if any(path.exists() for path in self._rotating()):
            self.run(["systemctl", "disable", "--now", _TIMER])
            # A run that began a moment ago would fail without its files
            self.run(["systemctl", "stop", _SERVICE])
            for path in (*self._rotating(), self.state.parent / _ROTATED):
                path.unlink(missing_ok=True)
            drop_empty(self.etc / "tgi-gateway")
            self.run(["systemctl", "daemon-reload"])
            self.run(["systemctl", "reset-failed", _SERVICE])
        for name in DIRECTORIES:
            shutil.rmtree(self.state / name, ignore_errors=True)
        drop_empty(self.state)

    def _rotating(self) -> list[Path]:
        return [self.etc / path for path in ROTATION.values()]

    def _rotates_anew(self) -> bool:
        return any(read(self.etc / ROTATION[name]) != text for name, text in self.rotation.items())

    def _spares(self) -> bool:
        return self.needrestart.parent.is_dir()

    def _confine(self, text: str) -> None:
        if read(self.unit) == text:
            return
        if text:
            _write(self.unit, text)
        else:
            self.unit.unlink(missing_ok=True)
            drop_empty(self.unit.parent)
        self.run(["systemctl", "daemon-reload"])


def noted_packages(root: Path) -> list[str]:
    """Return the packages that were installed for the gateway with its releases in ``root``."""
    return read(root / _PACKAGES).split()


def _as_made(directory: Path) -> bool:
    return directory.is_dir() and directory.stat().st_mode & 0o777 == 0o755


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write(path, text.encode())
