"""What brings the models back when Docker starts: at a boot, or by itself.

Docker 25.0 to 28.1 does not start a container with a CDI device when it starts itself, whatever
its restart policy; any Docker gives up on one whose device the CDI specification lacks then
(measured on 26.1.5 and 28.5.2).
"""

from __future__ import annotations

from pathlib import Path

from ..common.files import read
from ..common.places import MARK

DIRECTORY = Path("/etc/systemd/system")
#: Wanted by Docker, so it runs at every start of the daemon
COLLECTOR = "tgi-models.service"
MODEL = "tgi@.service"

# It looks for the models when it runs, so that a new one needs no daemon-reload
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

# Without PartOf or BindsTo: where containers outlive the daemon, its stop is nothing to a model
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
    """Give name -> text of both units, for models whose projects are below ``base_dir``."""
    base = base_dir.replace("%", "%%")
    return {
        COLLECTOR: _COLLECTOR.format(mark=MARK, base=base),
        MODEL: _MODEL.format(mark=MARK, base=base),
    }


def link(directory: Path) -> Path:
    """Where systemd finds that Docker wants the collector."""
    return directory / "docker.service.wants" / COLLECTOR


def in_place(base_dir: str, directory: Path = DIRECTORY) -> bool:
    """Tell whether both units are there as they shall be, and Docker wants the collector."""
    texts = units(base_dir).items()
    return link(directory).exists() and all(read(directory / name) == text for name, text in texts)
