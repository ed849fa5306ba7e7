"""The paper of a document: a one-page PDF.

Called by `reports` and the panel.
"""

from __future__ import annotations

import io
from html import escape
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from .base import Base
from .completing import FT, Paper
from .shapes import DISCOUNTS, day_of
from .wire import Row


def pdf(base: Base, paper: Paper, row: Row) -> bytes:
    """The record as PDF, the same bytes each time."""
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph(_print(_title(paper, row)), styles["Title"])]
    story += [Paragraph(text, styles["Normal"]) for text in _head(base, paper, row)]
    story += [
        Spacer(1, 5 * mm),
        _table(_lines(paper, row)),
        Spacer(1, 5 * mm),
        _table(_sums(row)),
        Spacer(1, 5 * mm),
    ]
    foot = [row["obs"], row.get("atcud") and f"ATCUD:{row['atcud']}", "Sandbox, sem valor fiscal"]
    story += [Paragraph(_print(text), styles["Normal"]) for text in foot if text]
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=_title(paper, row),
        author=_print(base.facts["name"]),
        margin=15 * mm,
        invariant=1,
    )
    page.build(story)
    return out.getvalue()


def _title(paper: Paper, row: Row) -> str:
    if row["draftRecord"]:
        return f"{row[paper.name]} RASCUNHO {row[paper.number]}"
    return f"{row[paper.name]} {row.get('uniqueID') or row[paper.number]}"


def _head(base: Base, paper: Paper, row: Row) -> list[str]:
    street, code, town = base.facts["address"]
    rows = ["<b>ANULADO</b>"] if row.get("anulado") else []
    rows += [
        f"<b>{_print(base.facts['name'])}</b>, NIF {base.facts['nif']}",
        _print(f"{street}, {code} {town}"),
        f"Data: {day_of(row[paper.day])}",
        f"Cliente: {_print(row['nome'])}, NIF {_print(row['ncont'])}",
        _print(" ".join(str(row[name]) for name in ("morada", "codpost", "local", "pais") if row[name])),
    ]
    if row.get("rectificationReason"):
        rows.append(_print(f"Motivo: {row['rectificationReason']}"))
    return rows


def _lines(paper: Paper, row: Row) -> list[list[str]]:
    rows = [["Artigo", "Descrição", "Quant.", "Preço", "Desc. %", "IVA %", "Isenção", "Valor"]]
    for line in row[paper.lines]:
        less = " ".join(str(line[name]) for name in DISCOUNTS if line[name])
        figures = (line["qtt"], line[paper.price], less, line["iva"], line["codmotiseimp"], line[paper.worth])
        rows.append([_latin(line["ref"]), _latin(line["design"][:45]), *map(str, figures)])
    return rows


def _sums(row: Row) -> list[list[str]]:
    return [
        ["Líquido", "IVA", "Total"],
        [str(row["ettiliq"]), str(row["ettiva"]), f"{row['etotal']:.2f} EUR"],
    ]


def _table(rows: list[list[str]]) -> Table:
    style = [("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 8)]
    return Table(rows, style=style, hAlign="LEFT", repeatRows=1)


def _print(text: str) -> str:
    return escape(_latin(text))


def _latin(text: str) -> str:
    """The text as the page's font can show it."""
    return text.encode("cp1252", "replace").decode("cp1252")


def file_name(paper: Paper, row: Row) -> str:
    """The name under which the printed file is fetched: it holds the customer's name and NIF."""
    kind = row[paper.name] if paper is FT else row["nmdos"]
    told = (kind, row[paper.number], day_of(row[paper.day]), row["nome"], row["ncont"])
    return " - ".join(str(part).replace("/", "-").replace("\\", "-") for part in told) + ".pdf"
