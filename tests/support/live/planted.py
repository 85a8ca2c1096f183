"""Look for secrets where none may be: commands of running processes, files, logs, containers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: A shell's words: print the places on a host that hold a line of its standard input. Layers of
#: images are left out, which are large and come from elsewhere
SEARCH = r"""
umask 077; words=$(mktemp); trap 'rm -f "$words"' EXIT; cat > "$words"
found() { grep -rlsaF -D skip -f "$words" --exclude="${words##*/}" "$@" || true; }
found --exclude-dir=overlay2 --exclude-dir=image --exclude-dir='io.containerd.*' \
  /etc /opt /var /root /home /tmp /run /srv /usr/local
found /proc/[0-9]*/cmdline /proc/[0-9]*/environ
! journalctl -q -o cat | grep -qaF -f "$words" || echo journal
! docker inspect $(docker ps -aq) | grep -qF -f "$words" || echo 'docker inspect'
! docker ps -q | xargs -n 1 docker logs 2>&1 | grep -qF -f "$words" || echo 'docker logs'
"""


def files_with(secrets: Iterable[str], folder: Path) -> list[Path]:
    """Return the files below a folder that hold one of them."""
    words = [secret.encode() for secret in secrets]
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in files if any(word in path.read_bytes() for word in words)]


@contextmanager
def commands_watched(secrets: Iterable[str], found: set[str]) -> Iterator[None]:
    """Add to ``found`` the commands with a secret that run meanwhile, on all hosts of this machine.

    A process that ends within a fifth of a second may be missed.
    """
    words, over = [secret.encode() for secret in secrets], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    said = path.read_bytes()
                except OSError:
                    continue
                if any(word in said for word in words):
                    found.add(said.replace(b"\0", b" ").decode(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
