"""Put an nginx configuration in force and prove it, or restore the old one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.commands import Run
from ...common.files import read
from .edited import find_edits, keep_edits, origin_of
from .other_sites import clashes, includes, other_sites
from .outcome import ApplyError, ApplyResult
from .release import MAIN, Release, ReleaseLink
from .service import Nginx, status_port, status_url
from .unit_files import UnitFiles, noted_packages

#: The remedy where a worker may open too few files
MORE_FILES = (
    "let the host, or the container that it is, have 65536 (LimitNOFILE of nginx.service, or "
    "docker run --ulimit), then restart nginx"
)
#: nginx's main file, as every package has it
MAIN_FILE = Path("/etc/nginx/nginx.conf")


@dataclass
class Gateway:
    """The parts of one configuration; ``patience`` is the seconds that a reload may take."""

    nginx: Nginx
    link: ReleaseLink
    host: UnitFiles
    patience: float = 10.0
    check_mode: bool = False

    def others(self) -> list[Path]:
        """Return the files of sites that are not ours, with nginx's main file if it has any."""
        ours = self.link.version() or origin_of(self.link)
        return other_sites(self.link.path, self.nginx.shipped(), bool(ours))

    def put_in_force(self, release: Release, sites: str = "refuse") -> ApplyResult:
        """Write, test, swap, reload and read back; on a failure restore and raise ApplyError.

        ``sites`` says what to do with sites that are not ours: refuse, replace, or include (the
        release has them already).
        """
        current, mark = self.link.version() or origin_of(self.link), self.nginx.log_mark()
        stale, edits = release.stale(), find_edits(self.link, release)
        files_changed = bool(stale) or self.link.version() != release.version
        outcome = ApplyResult(files_changed)
        beside = []
        if not files_changed and self.nginx.served() != release.version:
            outcome.changed = True
            outcome.did.append("reload or start nginx, which does not serve its configuration")
        elif not files_changed and self.nginx.outdated():
            outcome.changed = True
            outcome.did.append("replace the running nginx by the installed version")
        if files_changed:
            if sites != "replace":
                self._refuse_other_sites(release, current, sites)
            outcome.diff = release.diff(current, self.link.path)
            outcome.did.append(f"put version {release.version} in force")
            outcome.did += [edit.words for edit in edits]
            kept = None if edits else self.link.keeps()
            if kept:
                beside = [f"keep the replaced {self.link.path} as {kept}"]
        beside += self.host.pending(self.nginx.active())
        if not self.check_mode:
            if not files_changed and self.host.confines_anew():
                self._refuse_confinement(self.link.path)
            keep_edits(self.link, edits)
            # Before nginx starts, so that a fresh one starts confined
            take_back = self.host.apply()
            try:
                if files_changed:
                    self._exchange(release)
                elif outcome.changed:
                    self._activate(release)
            except (ApplyError, OSError):
                take_back()
                raise
        outcome.changed = outcome.changed or bool(beside)
        outcome.did += beside
        outcome.diff += [{"prepared": f"{line}\n"} for line in beside]
        if self.nginx.present() and not self.nginx.enabled():
            outcome.changed = True
            outcome.did.append("start nginx at boot")
            if not self.check_mode:
                self.nginx.enable()
        outcome.warnings = [edit.warning for edit in edits]
        if not self.check_mode:
            outcome.warnings += self._warnings(release, mark)
        return outcome

    def _warnings(self, release: Release, mark: int) -> list[str]:
        """Return what nginx complains of although it serves, with the remedy."""
        said, files = self.nginx.alerts_since(mark), self.nginx.too_few_files(release.public[MAIN])
        found = [f"nginx serves, but says: {said}; correct that on this host"] if said else []
        if files:
            found.append(f"{files}; {MORE_FILES}")
        return found

    def withdraw(self) -> tuple[ApplyResult, list[str]]:
        """Restore the replaced files; return also the packages installed for the gateway."""
        root = self.link.root
        if not self.link.leftovers() and not self.host.leftovers():
            return ApplyResult(), []
        packages = noted_packages(root)
        outcome = ApplyResult(True, ["restore the configuration from before the gateway"])
        if self.check_mode:
            return outcome, packages
        keep_edits(self.link, [])
        if self.link.version():
            self._put_back()
        self.host.remove()
        self.link.forget()
        outcome.did += [
            f"left {path}, which the gateway replaced later" for path in self.link.left()
        ]
        return outcome, packages

    def _put_back(self) -> None:
        try:
            undo = self.link.take_back()
        except FileNotFoundError as error:
            raise ApplyError(str(error)) from None
        complaint = self.nginx.test(self.link.path)
        if not complaint and self.nginx.active():
            complaint = self.nginx.activate()
        if complaint:
            self.link.restore(undo)
            raise ApplyError(
                f"nginx refuses the configuration from before the gateway: {complaint}"
            )

    def _refuse_other_sites(self, release: Release, current: str | None, sites: str) -> None:
        others = self.others()
        clash = clashes(release.public[MAIN], others) if sites == "include" else []
        if clash:
            remedy = "remove the name there, or set gateway_other_sites: replace"
            raise ApplyError("; ".join([*clash, remedy]))
        if current is not None:
            # The new configuration would drop included sites, which needs sites: replace
            others = includes(read(self.link.path), others)
        _refuse(others, self.link.path, sites)

    def _refuse_confinement(self, main: Path) -> None:
        complaint = self.nginx.test_confined(main, self.host.drop_in)
        if complaint:
            raise ApplyError(
                f"nginx would not start with this drop-in, nothing changed: {complaint}"
            )

    def _exchange(self, release: Release) -> None:
        before = self.link.version()
        was_active = self.nginx.active()
        try:
            release.write()
            self.nginx.prepare_logs()
            complaint = self.nginx.test(release.main)
            complaint = complaint or self.nginx.test_confined(release.main, self.host.drop_in)
            if complaint:
                raise ApplyError(
                    f"nginx refuses the new configuration, nothing changed: {complaint}"
                )
            undo: Any = self.link.swap(release)
        except (ApplyError, OSError):
            # A disk may be full: no half of a version stays
            if before != release.version:
                self.link.drop(release)
            raise
        try:
            self._activate(release)
        except ApplyError as error:
            after = self._back(release, undo, before, was_active)
            raise ApplyError(f"{error}; {after}") from None
        self.link.prune({release.version, before or ""})

    def _activate(self, release: Release) -> None:
        mark = self.nginx.log_mark()
        # Test again at the final place: relative paths start from another directory there
        complaint = self.nginx.test(self.link.path) or self.nginx.activate()
        if not complaint and not self.nginx.wait_for(release.version, self.patience):
            served = self.nginx.served() or "no version"
            complaint = f"nginx reloaded, but serves {served}, not {release.version}"
        if complaint:
            said = self.nginx.log_since(mark)
            raise ApplyError(f"{complaint}{': ' if said else ''}{said}")

    def _back(self, release: Release, undo: Any, before: str | None, was_active: bool) -> str:
        self.link.restore(undo)
        after = "the old configuration is back in place and served"
        if not was_active:
            self.nginx.stop()
            after = "the old configuration is back in place, and nginx is stopped as before"
        elif not self._serves_again(before):
            after = f"the old configuration is back in place, but {before or 'it'} is not served"
        if before != release.version:
            self.link.drop(release)
        return after

    def _serves_again(self, before: str | None) -> bool:
        """Return whether nginx serves the old version again, at the port of that version."""
        complaint = self.nginx.activate()
        if before is None:
            return not complaint and self.nginx.active()
        port = status_port(read(self.link.root / before / MAIN))
        return port is None or self.nginx.at(status_url(port)).wait_for(before, self.patience)


def _refuse(others: list[Path], main: Path, sites: str) -> None:
    remedy = "set gateway_other_sites: include to serve them too"
    if sites == "include":
        others = [path for path in others if path == main]
        remedy = "move its servers to files in sites-enabled or conf.d"
    if others:
        listed = ", ".join(map(str, others))
        raise ApplyError(
            f"this nginx serves sites that are not ours ({listed}); use another machine for the "
            f"gateway, {remedy}, or set gateway_other_sites: replace to stop serving them"
        )


def refuse_other_sites(run: Run, sites: str, main: Path = MAIN_FILE) -> None:
    """Raise ApplyError if an nginx without a gateway serves sites that ``sites`` does not allow."""
    if sites != "replace":
        nginx = Nginx(run, "", [Path()])
        _refuse(other_sites(main, nginx.shipped()), main, sites)


def gateway(run: Any, params: dict[str, Any], check_mode: bool) -> Gateway:
    """Build a gateway from module parameters."""
    nginx = Nginx(run, status_url(params["status_port"]), [Path(log) for log in params["logs"]])
    link = ReleaseLink(Path(params["main"]), Path(params["directory"]))
    host = UnitFiles(run, params["drop_in"], params["rotation"])
    return Gateway(nginx, link, host, float(params["patience"]), check_mode)
