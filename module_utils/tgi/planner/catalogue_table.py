"""Show the catalogue, and how many of which GPUs each of its models needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..catalogue.entries import CatalogueEntry
from .fit import verdict
from .gpu_table import Card
from .model_config import read_dimensions
from .workload import Case, MemoryOptions, shard_choices

HEAD = ("MODEL", "REPOSITORY", "WEIGHTS", "TOKEN", "CHAT", "TGI")
#: What TGI does with it, in a word
_LEVELS = {"native": "yes", "transformers": "slow", "refused": "no", None: "?"}


def cards_needed(entry: CatalogueEntry, cards: list[Card]) -> str:
    """Return the least number of ``cards`` on which it surely fits, with TGI's own options.

    The largest are taken first. Otherwise "no", "?" where dimensions are not known, or "-" for a
    model that TGI refuses.
    """
    if entry.fields["tgi"]["level"] == "refused":
        return "-"
    if entry.config is None:
        return "?"
    dims, size = read_dimensions(entry.config), entry.fields["weights"].get("bytes")
    by_size = sorted(cards, key=lambda card: (-(card.memory_mib or 0), card.number))
    found = "no"
    for count in shard_choices(dims, most=len(by_size)) if by_size else []:
        last = by_size[count - 1]
        answer = verdict(Case(entry.config, dims, size, MemoryOptions(num_shard=count), last))
        if answer == "yes":
            return str(count)
        found = "?" if answer == "unknown" else found
    return found


def catalogue_rows(
    entries: Iterable[CatalogueEntry], places: Mapping[str, list[Card]]
) -> list[tuple[str, ...]]:
    """Return the head and a row for each entry; ``places`` adds a column for each name."""
    rows = [(*HEAD, *places)]
    for entry in entries:
        size, chat = entry.fields["weights"].get("bytes"), entry.fields["chat"]
        rows.append(
            (
                entry.name,
                entry.id,
                f"{size / 2**30:.1f} GiB" if size else "?",
                _word(entry.fields["licence"]["gated"]),
                "tools" if chat["tools"] else _word(chat["template"]),
                _LEVELS[entry.fields["tgi"]["level"]],
                *(cards_needed(entry, cards) for cards in places.values()),
            )
        )
    return rows


def catalogue_text(entries: Iterable[CatalogueEntry], places: Mapping[str, list[Card]]) -> str:
    """Return :func:`catalogue_rows` as aligned columns."""
    rows = catalogue_rows(entries, places)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "?"}[value]
