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

from sandbox.pdf import make_table, paragraph_text, to_cp1252

from .blank_records import DISCOUNT_FIELDS, parse_day
from .database import Database
from .fill_record import FT, RecordType
from .wire import Row


def render_pdf(database: Database, record_type: RecordType, row: Row) -> bytes:
    """The record as PDF, the same bytes each time."""
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph(paragraph_text(_title(record_type, row)), styles["Title"])]
    story += [Paragraph(text, styles["Normal"]) for text in _head(database, record_type, row)]
    story += [
        Spacer(1, 5 * mm),
        make_table(_line_rows(record_type, row)),
        Spacer(1, 5 * mm),
        make_table(_total_rows(row)),
        Spacer(1, 5 * mm),
    ]
    foot = [row["obs"], row.get("atcud") and f"ATCUD:{row['atcud']}", "Sandbox, sem valor fiscal"]
    story += [Paragraph(paragraph_text(text), styles["Normal"]) for text in foot if text]
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=_title(record_type, row),
        author=paragraph_text(database.facts["name"]),
        margin=15 * mm,
        invariant=1,
    )
    page.build(story)
    return out.getvalue()


def _title(record_type: RecordType, row: Row) -> str:
    if row["draftRecord"]:
        return f"{row[record_type.name]} RASCUNHO {row[record_type.number]}"
    return f"{row[record_type.name]} {row.get('uniqueID') or row[record_type.number]}"


def _head(database: Database, record_type: RecordType, row: Row) -> list[str]:
    street, code, town = database.facts["address"]
    rows = ["<b>ANULADO</b>"] if row.get("anulado") else []
    rows += [
        f"<b>{paragraph_text(database.facts['name'])}</b>, NIF {database.facts['nif']}",
        paragraph_text(f"{street}, {code} {town}"),
        f"Data: {parse_day(row[record_type.day])}",
        f"Cliente: {paragraph_text(row['nome'])}, NIF {paragraph_text(row['ncont'])}",
        paragraph_text(
            " ".join(str(row[name]) for name in ("morada", "codpost", "local", "pais") if row[name])
        ),
    ]
    if row.get("rectificationReason"):
        rows.append(paragraph_text(f"Motivo: {row['rectificationReason']}"))
    return rows


def _line_rows(record_type: RecordType, row: Row) -> list[list[str]]:
    rows = [["Artigo", "Descrição", "Quant.", "Preço", "Desc. %", "IVA %", "Isenção", "Valor"]]
    for line in row[record_type.lines]:
        line_discounts = " ".join(str(line[name]) for name in DISCOUNT_FIELDS if line[name])
        figures = (
            line["qtt"],
            line[record_type.price],
            line_discounts,
            line["iva"],
            line["codmotiseimp"],
            line[record_type.worth],
        )
        rows.append([to_cp1252(line["ref"]), to_cp1252(line["design"][:45]), *map(str, figures)])
    return rows


def _total_rows(row: Row) -> list[list[str]]:
    return [
        ["Líquido", "IVA", "Total"],
        [str(row["ettiliq"]), str(row["ettiva"]), f"{row['etotal']:.2f} EUR"],
    ]


def file_name(record_type: RecordType, row: Row) -> str:
    """The name under which the printed file is fetched: it holds the customer's name and NIF."""
    kind = row[record_type.name] if record_type is FT else row["nmdos"]
    name_parts = (kind, row[record_type.number], parse_day(row[record_type.day]), row["nome"], row["ncont"])
    return " - ".join(str(part).replace("/", "-").replace("\\", "-") for part in name_parts) + ".pdf"
