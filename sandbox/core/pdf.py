"""Lay out the one-page PDF of a document, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

Rows = list[list[str]]


def render_page(
    heading: str, title: str, author: str, head: Iterable[str], tables: Iterable[Rows], foot: Iterable[str]
) -> bytes:
    """Return the PDF; head and foot are paragraphs, already escaped by `paragraph_text`."""
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph(paragraph_text(heading), styles["Title"])]
    story += [Paragraph(text, styles["Normal"]) for text in head]
    for rows in tables:
        story += [Spacer(1, 5 * mm), _table(rows)]
    story += [Spacer(1, 5 * mm)] + [Paragraph(text, styles["Normal"]) for text in foot]
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, title=title, author=paragraph_text(author), margin=15 * mm, invariant=1
    )
    page.build(story)
    return out.getvalue()


def _table(rows: Rows) -> Table:
    """Make a table with a line under its first row, which is repeated on each page."""
    style = [("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 8)]
    return Table(rows, style=style, hAlign="LEFT", repeatRows=1)


def paragraph_text(text: str) -> str:
    """Return the text escaped for a paragraph, in characters that the page's font has."""
    return escape(to_cp1252(text))


def to_cp1252(text: str) -> str:
    """Return the text in characters that the page's font has, `?` for any other."""
    return text.encode("cp1252", "replace").decode("cp1252")
