"""Read the end date of a key."""

from __future__ import annotations

import datetime
import re
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def expires_at(value: Any) -> int:
    """Return the second since the epoch from which a key is no longer accepted.

    ``value`` is text such as 2027-01-31, 2027-01-31T18:00 or 2027-01-31T18:00:00+01:00. A date
    lasts until its day ends; a time without a zone is UTC. Raises ValueError for anything
    else, also for YAML's own dates, which Ansible does not pass to the role.
    """
    text = value.strip() if isinstance(value, str) else ""
    if _DATE.fullmatch(text):
        moment = datetime.datetime.fromisoformat(text) + datetime.timedelta(days=1)
    else:
        found = _TIME.fullmatch(text)
        if not found:
            raise ValueError("no date")
        day, time, zone = found.groups()
        # Python 3.9 and 3.10 know no Z
        offset = "+00:00" if zone in (None, "Z") else zone
        moment = datetime.datetime.fromisoformat(f"{day}T{time}{offset}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp())
