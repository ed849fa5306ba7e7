"""The PDF of a document or dossier."""

from __future__ import annotations

from sandbox.core.pdf import paragraph_text, render_page, to_cp1252

from .blank_records import DISCOUNT_FIELDS, parse_day
from .database import Database
from .record_types import FT, RecordType
from .wire import Row


def render_pdf(database: Database, record_type: RecordType, row: Row) -> bytes:
    """Return the record as PDF, the same bytes each time."""
    title = _title(record_type, row)
    foot = [row["obs"], row.get("atcud") and f"ATCUD:{row['atcud']}", "Sandbox, sem valor fiscal"]
    return render_page(
        title,
        title,
        database.facts["name"],
        _head(database, record_type, row),
        (_line_rows(record_type, row), _total_rows(row)),
        [paragraph_text(text) for text in foot if text],
    )


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
    """Return the name under which the printed file is fetched; it contains the customer's name and NIF."""
    kind = row[record_type.name] if record_type is FT else row["nmdos"]
    name_parts = (kind, row[record_type.number], parse_day(row[record_type.day]), row["nome"], row["ncont"])
    return " - ".join(str(part).replace("/", "-").replace("\\", "-") for part in name_parts) + ".pdf"
