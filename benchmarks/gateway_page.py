"""docs/performance.md: gateway_page.md with figures in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.gateway_figures import Row, table

TEMPLATE = Path(__file__).with_suffix(".md")


def section(host: str, facts: dict[str, Any], found: list[Row]) -> str:
    """One host's heading, facts and table."""
    system = {"debian12": "Debian 12", "debian13": "Debian 13"}.get(host, host)
    told = f"nginx {facts['nginx']}, njs {facts['njs']}, OpenSSL {facts['openssl']}"
    told += f", wrk {facts['wrk']}; {facts['cores']} cores, {facts['cpu']}."
    return f"## {system}\n\n{told}\n\n{table(found)}"


def page(
    when: str, command: str, job: dict[str, Any], sections: list[str], serving: list[float]
) -> str:
    """Return the page; ``command`` made it, ``serving`` are the seconds of the role's task."""
    said = ""
    if serving:
        times = " and ".join(f"{seconds:.1f} s" for seconds in serving)
        said = (
            " The role's one task,\n  which does all of this and copies the files over SSH,"
            f" took {times}."
        )
    shown = {key: value for key, value in job.items() if key not in ("key", "name", "ca")}
    shown["events"] = job["events"] * job["streams"]
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.format(
        when=when, command=command, hosts="\n\n".join(sections), serving=said, **shown
    )
