"""The paper of a document: a one-page PDF.

Called by `reports` and the panel.
"""

from __future__ import annotations

import io
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from sandbox.paper import latin, printable, table

from .base import Base
from .completing import FT, Paper
from .shapes import DISCOUNTS, day_of
from .wire import Row


def pdf(base: Base, paper: Paper, row: Row) -> bytes:
    """The record as PDF, the same bytes each time."""
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph(printable(_title(paper, row)), styles["Title"])]
    story += [Paragraph(text, styles["Normal"]) for text in _head(base, paper, row)]
    story += [
        Spacer(1, 5 * mm),
        table(_lines(paper, row)),
        Spacer(1, 5 * mm),
        table(_sums(row)),
        Spacer(1, 5 * mm),
    ]
    foot = [row["obs"], row.get("atcud") and f"ATCUD:{row['atcud']}", "Sandbox, sem valor fiscal"]
    story += [Paragraph(printable(text), styles["Normal"]) for text in foot if text]
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=_title(paper, row),
        author=printable(base.facts["name"]),
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
        f"<b>{printable(base.facts['name'])}</b>, NIF {base.facts['nif']}",
        printable(f"{street}, {code} {town}"),
        f"Data: {day_of(row[paper.day])}",
        f"Cliente: {printable(row['nome'])}, NIF {printable(row['ncont'])}",
        printable(" ".join(str(row[name]) for name in ("morada", "codpost", "local", "pais") if row[name])),
    ]
    if row.get("rectificationReason"):
        rows.append(printable(f"Motivo: {row['rectificationReason']}"))
    return rows


def _lines(paper: Paper, row: Row) -> list[list[str]]:
    rows = [["Artigo", "Descrição", "Quant.", "Preço", "Desc. %", "IVA %", "Isenção", "Valor"]]
    for line in row[paper.lines]:
        less = " ".join(str(line[name]) for name in DISCOUNTS if line[name])
        figures = (line["qtt"], line[paper.price], less, line["iva"], line["codmotiseimp"], line[paper.worth])
        rows.append([latin(line["ref"]), latin(line["design"][:45]), *map(str, figures)])
    return rows


def _sums(row: Row) -> list[list[str]]:
    return [
        ["Líquido", "IVA", "Total"],
        [str(row["ettiliq"]), str(row["ettiva"]), f"{row['etotal']:.2f} EUR"],
    ]


def file_name(paper: Paper, row: Row) -> str:
    """The name under which the printed file is fetched: it holds the customer's name and NIF."""
    kind = row[paper.name] if paper is FT else row["nmdos"]
    told = (kind, row[paper.number], day_of(row[paper.day]), row["nome"], row["ncont"])
    return " - ".join(str(part).replace("/", "-").replace("\\", "-") for part in told) + ".pdf"
