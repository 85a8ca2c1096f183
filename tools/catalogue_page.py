"""Write the table of docs/models.md: every model of the catalogue on the GPUs that sites have.

``make docs`` writes; ``--check`` only says whether the page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from module_utils.tgi.catalogue.entries import read_catalogue
from module_utils.tgi.planner.catalogue_table import HEAD, catalogue_rows
from module_utils.tgi.planner.gpu_table import read_cards

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
BEGIN = "<!-- catalogue: written by make docs -->"
END = "<!-- end of catalogue -->"
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


def rewrite(text: str) -> str:
    """Return the page's text with the table between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


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
