"""Pretend to be a system that runs nginx."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.tgi.gateway.nginx.apply import Gateway
from ansible.module_utils.tgi.gateway.nginx.release import Release, ReleaseLink
from ansible.module_utils.tgi.gateway.nginx.unit_files import UnitFiles

CONF = "# @GATEWAY_VERSION@ in @GATEWAY_DIR@\nlisten 127.0.0.1:8079;\n"


class FakeNginx:
    """Serves the version its main file names, unless told to misbehave; notes what it is asked."""

    def __init__(self, main: Path) -> None:
        self.main = main
        self.running = True
        self.starts_at_boot = True
        self.is_outdated = False
        self.needs_more = False  # than a confined one may have
        self.package: dict[str, str] = {}  # MD5 digests of what its package brought
        self.refuses: set[str] = set()  # versions that nginx -t refuses
        self.ignores: set[str] = set()  # versions whose reload is taken and not served
        self.breaks: set[str] = set()  # versions with which the unit does not start
        self.serving: str | None = None
        self.alerts = ""  # in its log, although it serves
        self.few_files = ""
        self.asked: list[str] = []
        self.status_urls: list[str] = []

    def _main_version(self) -> str | None:
        return self.main.readlink().parent.name if self.main.is_symlink() else None

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        self.asked.append(argv[1])
        return 0, "", ""

    def present(self) -> bool:
        return True

    def shipped(self) -> dict[str, str]:
        return self.package

    def at(self, status_url: str) -> FakeNginx:
        self.status_urls.append(status_url)
        return self

    def test(self, main: Path) -> str:
        self.asked.append("test")
        version = main.parent.name if main != self.main else self._main_version()
        return "[emerg] unknown directive" if version in self.refuses else ""

    def test_confined(self, _main: Path, drop_in: str) -> str:
        return "permission denied" if drop_in and self.needs_more else ""

    def active(self) -> bool:
        return self.running

    def enable(self) -> None:
        self.starts_at_boot = True

    def enabled(self) -> bool:
        return self.starts_at_boot

    def stop(self) -> None:
        self.running, self.serving = False, None

    def outdated(self) -> bool:
        return self.running and self.is_outdated

    def activate(self) -> str:
        verb = "replace" if self.outdated() else "reload"
        self.asked.append(verb if self.running else "start")
        self.is_outdated = False
        version = self._main_version()
        if not self.running and version in self.breaks:
            return "systemctl start nginx failed"
        self.running = True
        if version not in self.ignores:
            self.serving = version
        return ""

    def served(self) -> str | None:
        return self.serving if self.running else None

    def wait_for(self, version: str, _seconds: float) -> bool:
        return self.served() == version

    def prepare_logs(self) -> None:
        self.asked.append("logs")

    def log_mark(self) -> int:
        return 0

    def log_since(self, _mark: int) -> str:
        return "bind() to 0.0.0.0:80 failed"

    def alerts_since(self, _mark: int) -> str:
        return self.alerts

    def too_few_files(self, _configuration: str) -> str:
        return self.few_files


def system(
    path: Path,
    check_mode: bool = False,
    drop_in: str = "",
    rotation: dict[str, str] | None = None,
) -> tuple[Gateway, FakeNginx]:
    """Lay out a host with the distribution's nginx.conf."""
    path.mkdir(exist_ok=True)
    main = path / "nginx.conf"
    if not main.is_symlink():
        main.write_text("the distribution's\n")
    nginx = FakeNginx(main)
    link = ReleaseLink(main, path / "tgi-gateway")
    gateway = Gateway(
        nginx,  # type: ignore[arg-type, unused-ignore]
        link,
        UnitFiles(nginx.run, drop_in, rotation or {}, path / "etc", path / "state"),
        0.0,
        check_mode,
    )
    return gateway, nginx


def release(path: Path, text: str = "", secret: str = "s3cret") -> Release:
    """Make a release whose version depends on ``text`` and ``secret``."""
    return Release(path / "tgi-gateway", {"nginx.conf": CONF + text}, {"tls.key": secret})
