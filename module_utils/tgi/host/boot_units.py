"""Write the systemd units that start the models again after Docker has started.

Docker 25.0 to 28.1 does not start containers with a CDI device when the daemon starts, whatever
their restart policy. Every version gives up on a container if the CDI specification does not name
its device yet (measured on 26.1.5 and 28.5.2). Keep these units while ``docker_source: distro`` is
offered: Debian 13 has Docker 26.1.
"""

from __future__ import annotations

from pathlib import Path

from ..common.files import read
from ..common.places import MARK

DIRECTORY = Path("/etc/systemd/system")
#: docker.service wants it, so it runs at each start of the daemon
COLLECTOR = "tgi-models.service"
MODEL = "tgi@.service"

# It finds the models when it runs, so that a new model needs no daemon-reload
_COLLECTOR = """\
{mark}
[Unit]
Description=Bring the models back after Docker has started
After=docker.service
ConditionPathIsDirectory={base}

[Service]
Type=oneshot
WorkingDirectory={base}
ExecStart=/bin/sh -c "grep -ls '^{mark}' */compose.yaml \
| sed 's,/.*,.service,; s,^,tgi@,' | xargs -r systemctl start --no-block"

[Install]
WantedBy=docker.service
"""

# Without PartOf or BindsTo: with live-restore, models run on while the daemon is stopped
_MODEL = """\
{mark}
[Unit]
Description=Bring model %i back after Docker has started
After=docker.service nvidia-cdi-refresh.service
ConditionPathExists={base}/%i/compose.yaml
# A driver that is late is waited for, and one that does not come makes the unit fail in the end
StartLimitIntervalSec=1h
StartLimitBurst=30

[Service]
Type=oneshot
Environment=HOME=/root
WorkingDirectory={base}/%i
# What was stopped on purpose has exited without an error of Docker's, and stays so
ExecCondition=/bin/sh -c "! docker compose ps --all --quiet | xargs -r docker inspect \
--format '{{{{.State.Status}}}} {{{{.State.Error}}}}' | grep -qx 'exited '"
ExecStart=/usr/bin/docker compose up --detach --no-recreate
Restart=on-failure
RestartSec=30
"""


def units(base_dir: str) -> dict[str, str]:
    """Return both units, name -> text, for models whose projects are below ``base_dir``."""
    base = base_dir.replace("%", "%%")
    return {
        COLLECTOR: _COLLECTOR.format(mark=MARK, base=base),
        MODEL: _MODEL.format(mark=MARK, base=base),
    }


def link(directory: Path) -> Path:
    """Return the link by which docker.service wants the collector."""
    return directory / "docker.service.wants" / COLLECTOR


def in_place(base_dir: str, directory: Path = DIRECTORY) -> bool:
    """Check that both units are up to date and that docker.service wants the collector."""
    texts = units(base_dir).items()
    return link(directory).exists() and all(read(directory / name) == text for name, text in texts)
