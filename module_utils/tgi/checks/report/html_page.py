"""Make the report as one page: the verdict first, then what to do, then every check.

The templates in ``page/`` need Jinja2, which every controller has. Hosts do not get this file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from . import html_view
from .document import Document
from .html_style import make_style

try:
    import jinja2
    import markupsafe

    JINJA2_ERROR = ""
except ImportError as error:  # the command line says which package is missing
    JINJA2_ERROR = str(error)

_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Controls of direction could make a failure read like something else
_TURNING = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def make_page(documents: Sequence[Document], notes: Sequence[str] = ()) -> str:
    """Return the page over all documents; ``notes`` say what is missing in it."""
    folder = jinja2.FileSystemLoader(Path(__file__).parent / "page")
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, finalize=_printable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(html_view.HELPERS)
    view = html_view.make_view(documents)
    style = markupsafe.Markup(make_style())
    return environment.get_template("index.html.j2").render(
        documents=documents, notes=notes, style=style, **view
    )


def _printable(value: object) -> object:
    """Replace what no page may hold; Jinja2 calls this for every value before it escapes it."""
    if isinstance(value, markupsafe.Markup):
        return value
    return _TURNING.sub("\ufffd", _UNSHOWN.sub("\ufffd", str(value)))
