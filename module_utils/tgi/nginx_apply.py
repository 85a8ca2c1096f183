"""Put one nginx configuration in force, proven, or leave the one that was."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .nginx_host import Host
from .nginx_others import other_sites
from .nginx_release import MAIN, Link, Release
from .nginx_service import Nginx

PACKAGES = "packages"


class ApplyError(Exception):
    """The configuration is not in force; the message says why, and what is served instead."""


@dataclass
class Outcome:
    """What was done: ``did`` in words, ``diff`` for Ansible, both empty when nothing was."""

    changed: bool = False
    did: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Gateway:
    """The pieces that one configuration concerns, and how patient to be with a reload."""

    nginx: Nginx
    link: Link
    host: Host
    patience: float = 10.0
    check_mode: bool = False

    def put_in_force(
        self, release: Release, replace_others: bool = False, packages: list[str] | None = None
    ) -> Outcome:
        """Write, test, swap, reload and read back; on any failure go back and raise ApplyError.

        ``packages`` are what was installed for it, kept for an uninstall. An nginx that serves
        sites of others is taken over only with ``replace_others``.
        """
        current = self.link.version()
        stale = release.stale()
        files_changed = bool(stale) or current != release.version
        outcome = Outcome(files_changed)
        if not files_changed and self.nginx.served() != release.version:
            outcome.changed = True
            outcome.did.append("bring the process to its configuration")
        if files_changed:
            if current is None and not replace_others:
                self._refuse_other_sites()
            outcome.diff = release.diff(current)
            outcome.did.append(f"put version {release.version} in force")
        beside = self.host.pending(self.nginx.active())
        if not self.check_mode:
            # Before nginx starts, so that a fresh one starts confined
            take_back = self.host.apply()
            try:
                if files_changed:
                    self._exchange(release, packages or [])
                elif outcome.changed:
                    self._activate(release)
            except ApplyError:
                take_back()
                raise
        outcome.changed = outcome.changed or bool(beside)
        outcome.did += beside
        if self.nginx.present() and not self.nginx.enabled():
            outcome.changed = True
            outcome.did.append("start nginx at boot")
            if not self.check_mode:
                self.nginx.enable()
        return outcome

    def withdraw(self) -> tuple[Outcome, list[str]]:
        """Put back what was replaced; gives the packages that had been installed for us too."""
        root = self.link.root
        if not root.exists() and not self.host.leftovers():
            return Outcome(), []
        note = root / PACKAGES
        packages = note.read_text(encoding="utf-8").split() if note.exists() else []
        outcome = Outcome(True, ["put back what was there before"])
        if self.check_mode:
            return outcome, packages
        if self.link.version():
            self._put_back()
        self.host.remove()
        shutil.rmtree(root, ignore_errors=True)
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
            raise ApplyError(f"what was there before does not work: {complaint}")

    def _refuse_other_sites(self) -> None:
        others = other_sites(self.link.path, self.nginx.shipped())
        if others:
            listed = ", ".join(map(str, others))
            raise ApplyError(
                f"this nginx serves sites of others ({listed}); give the gateway a machine of its "
                "own, or set gateway_other_sites: replace to serve them no longer"
            )

    def _exchange(self, release: Release, packages: list[str]) -> None:
        before = self.link.version()
        release.write()
        if packages:
            (release.root / PACKAGES).write_text("\n".join(packages) + "\n", encoding="utf-8")
        self.nginx.prepare_logs()
        complaint = self.nginx.test(release.main)
        if complaint:
            if before != release.version:
                self._discard(release)
            raise ApplyError(f"nginx refuses the new configuration, nothing changed: {complaint}")
        was_active = self.nginx.active()
        undo: Any = self.link.swap(release)
        try:
            self._activate(release)
        except ApplyError as error:
            after = self._back(release, undo, before, was_active)
            raise ApplyError(f"{error}; {after}") from None
        self.link.prune({release.version, before or ""})

    def _activate(self, release: Release) -> None:
        mark = self.nginx.log_mark()
        # Once more at its final place: what is relative there is relative to another directory
        complaint = self.nginx.test(self.link.path) or self.nginx.activate()
        if not complaint and not self.nginx.wait_for(release.version, self.patience):
            served = self.nginx.served() or "nothing that tells a version"
            complaint = f"nginx took the reload but serves {served}, not {release.version}"
        if complaint:
            said = self.nginx.log_since(mark)
            raise ApplyError(f"{complaint}{': ' if said else ''}{said}")

    def _back(self, release: Release, undo: Any, before: str | None, was_active: bool) -> str:
        self.link.restore(undo)
        after = "the old configuration is back in place and served"
        if not was_active:
            self.nginx.stop()
            after = "the old configuration is back in place, nginx is stopped as it was"
        elif self.nginx.activate() or not self._serves_again(before):
            after = f"the old configuration is back in place, but {before or 'it'} is not served"
        if before != release.version:
            self._discard(release)
        return after

    def _serves_again(self, before: str | None) -> bool:
        """Whether the old version answers, at the port that it names itself."""
        if before is None:
            return self.nginx.active()
        port = status_port((self.link.root / before / MAIN).read_text(encoding="utf-8"))
        return port is None or self.nginx.at(status_url(port)).wait_for(before, self.patience)

    def _discard(self, release: Release) -> None:
        release.remove()
        self.link.tidy()


def status_port(configuration: str) -> int | None:
    """Give the port of the status server that a configuration of ours declares."""
    listener = re.search(r"listen 127\.0\.0\.1:([0-9]+);", configuration)
    return int(listener.group(1)) if listener else None


def status_url(port: int) -> str:
    """Give where a gateway's status server tells the version."""
    return f"http://127.0.0.1:{port}/config-version"


def gateway(run: Any, params: dict[str, Any], check_mode: bool) -> Gateway:
    """Build a gateway from module parameters."""
    nginx = Nginx(run, status_url(params["status_port"]), [Path(log) for log in params["logs"]])
    link = Link(Path(params["main"]), Path(params["directory"]))
    host = Host(run, params["drop_in"])
    return Gateway(nginx, link, host, float(params["patience"]), check_mode)
