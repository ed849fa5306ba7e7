"""What the stand-ins' papers are set from: a plain table, and text that the page's font can show.

Called by the `paper` of the invoicing programs' stand-ins. It never knows what is printed.
"""

from __future__ import annotations

from html import escape

from reportlab.lib import colors
from reportlab.platypus import Table


def make_table(rows: list[list[str]]) -> Table:
    """The rows with a line under the first, which is repeated on each page."""
    style = [("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 8)]
    return Table(rows, style=style, hAlign="LEFT", repeatRows=1)


def paragraph_text(text: str) -> str:
    """The text as a paragraph of the page's font can show it."""
    return escape(to_cp1252(text))


def to_cp1252(text: str) -> str:
    """The text as the page's font can show it."""
    return text.encode("cp1252", "replace").decode("cp1252")
