"""Write the tables of docs/models.md: the catalogue on the GPUs that sites have, and its checks.

``make docs`` writes; ``--check`` only says whether the page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from module_utils.tgi.catalogue.entries import CatalogueEntry, read_catalogue
from module_utils.tgi.checks.catalogue_direct import DIRECT
from module_utils.tgi.checks.catalogue_edge import EDGE
from module_utils.tgi.checks.selection import LACKS, Model, lacking
from module_utils.tgi.planner.catalogue_table import HEAD, catalogue_rows
from module_utils.tgi.planner.gpu_table import read_cards

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
BEGIN = "<!-- {}: written by make docs -->"
END = "<!-- end of {} -->"
#: Heads of the columns, and eight GPUs each
GPUS = {
    "T4": "Tesla T4",
    "L4": "NVIDIA L4",
    "A10G": "NVIDIA A10G",
    "L40S": "NVIDIA L40S",
    "A100 40": "NVIDIA A100-SXM4-40GB",
    "A100 80": "NVIDIA A100-SXM4-80GB",
    "H100": "NVIDIA H100 80GB HBM3",
    "H200": "NVIDIA H200",
}


def table() -> str:
    """Return the table in Markdown."""
    places = {head: read_cards([f"8x {name}"])[0] for head, name in GPUS.items()}
    rows = catalogue_rows(read_catalogue(), places)
    head = [word.capitalize() for word in HEAD[:-1]] + [HEAD[-1], *GPUS]
    lines = [head, ["---"] * len(head)]
    for name, repository, *rest in rows[1:]:
        lines.append([f"`{name}`", f"[{repository}](https://huggingface.co/{repository})", *rest])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def checks_table() -> str:
    """Return how many checks models get, by what their chat templates have, in Markdown."""
    found: dict[tuple[bool, bool], list[str]] = {}
    for entry in read_catalogue():
        if entry.fields["tgi"]["level"] != "refused":
            found.setdefault(_abilities(entry), []).append(f"`{entry.name}`")
    lines = ["| Models | Own port | Gateway | Left out |", "| --- | --- | --- | --- |"]
    for (chat, tools), names in sorted(found.items(), reverse=True):
        model = Model("m", "m", chat=chat, tools=tools, gpus=("0",), project="p", figures={"x": 1})
        counts = [
            sum(spec.per_model and not spec.opt_in and not lacking(spec, model) for spec in view)
            for view in (DIRECT, EDGE)
        ]
        why = "nothing" if chat and tools else LACKS["tools" if chat else "chat"].partition(" (")[0]
        lines.append(f"| {', '.join(names)} | {counts[0]} | {counts[1]} | {why} |")
    return "\n".join(lines)


def _abilities(entry: CatalogueEntry) -> tuple[bool, bool]:
    """Return whether chats and tools are checked: what is not known, is."""
    chat = entry.fields["chat"]
    return chat["template"] is not False, chat["tools"] is not False


def rewrite(text: str) -> str:
    """Return the page's text with the tables between their marks."""
    for name, written in (("checks", checks_table()), ("catalogue", table())):
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{written}\n\n{end}{rest.split(end)[1]}"
    return text


def main(arguments: list[str]) -> int:
    """Write the page, or check it; return the exit code."""
    old = PAGE.read_text()
    new = rewrite(old)
    if "--check" in arguments:
        sys.stdout.write("" if old == new else "docs/models.md is out of date; run make docs\n")
        return int(old != new)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
