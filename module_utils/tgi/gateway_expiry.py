"""When a key ends, as a user writes it."""

from __future__ import annotations

import datetime
import re
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?")


def expires_at(value: Any) -> int:
    """Give the second since the epoch from which a key is no longer accepted.

    ``value`` is a date or date-time of YAML, or text such as 2027-01-31, 2027-01-31T18:00 or
    2027-01-31T18:00:00+01:00. A date lasts until its day ends; a time without a zone is UTC.
    Raises ValueError for everything else.
    """
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, datetime.datetime):
        moment = value
    elif isinstance(value, datetime.date):
        day = datetime.datetime(value.year, value.month, value.day)
        moment = day + datetime.timedelta(days=1)
    else:
        raise ValueError("no date")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp())


def _parsed(text: str) -> datetime.date:
    if _DATE.fullmatch(text):
        return datetime.date.fromisoformat(text)
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("no date")
    day, time, zone = found.groups()
    # Python 3.9 and 3.10 know no Z
    return datetime.datetime.fromisoformat(f"{day}T{time}{'+00:00' if zone == 'Z' else zone or ''}")
