"""PHC GO's two types of record, invoicing documents (Ft) and dossiers (Bo): their fields, and how to read a saved one.

Pure. Source: fields seen in public clients, read 2026-11-20 (docs/phcgo.md, "One document"). Unconfirmed: which field
says that a document was annulled or paid, and which holds the ATCUD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import DocumentKind, Issued, IssuedTax
from shopapp.fiscal.money import round_to_cents

from .wire_format import Row, decimal_field, flag_field, text_field

_FLOAT_NOISE = Decimal("0.0001")
_DOSSIER_PREFIX = "bo:"


@dataclass(frozen=True, slots=True)
class RecordType:
    """The names of the fields of one type of record."""

    entity: str
    web_service: str
    stamp: str
    lines: str
    line_stamp: str
    price: str
    series: str
    name: str
    number: str
    day: str
    due: str


FT = RecordType("Ft", "FtWS", "ftstamp", "fis", "fistamp", "epv", "ndoc", "nmdoc", "fno", "fdata", "pdata")
BO = RecordType(
    "Bo", "BoWS", "bostamp", "bis", "bistamp", "edebito", "ndos", "nmdos", "obrano", "dataobra", "datafinal"
)


def record_type_for(kind: DocumentKind) -> RecordType:
    """Return the record type of a kind: order notes are dossiers, everything else is an invoicing document."""
    return BO if kind == "NE" else FT


def provider_id_of(record_type: RecordType, stamp: str) -> str:
    """Return the record's id as shopapp stores it."""
    return f"{_DOSSIER_PREFIX}{stamp}" if record_type is BO else stamp


def parse_provider_id(provider_id: str) -> tuple[RecordType, str]:
    """Return the record type that the id names, and the stamp."""
    if provider_id.startswith(_DOSSIER_PREFIX):
        return BO, provider_id.removeprefix(_DOSSIER_PREFIX)
    return FT, provider_id


def is_draft(record_type: RecordType, row: Row) -> bool:
    """Return whether the record may be a draft: a document has a number above zero and is not marked as a draft."""
    number = decimal_field(row, record_type.number)
    return flag_field(row, "draftRecord") or number is None or number <= 0


def issued_from(record_type: RecordType, row: Row) -> Issued | None:
    """Return the document in this record; None while it is a draft, or when it has no stamp."""
    stamp = text_field(row, record_type.stamp)
    if not stamp or is_draft(record_type, row):
        return None
    return Issued(
        provider_id=provider_id_of(record_type, stamp)[:80],
        number=printed_number(record_type, row),
        series=text_field(row, record_type.series)[:60],
        date=_date_of(row, record_type.day),
        total=record_total(row),
        vat=_positive_amount(row, "ettiva"),
        taxes=_line_taxes(record_type, row),
        line_count=_line_count(record_type, row),
        buyer_tax_id=text_field(row, "ncont") if "ncont" in row else None,
        atcud=text_field(row, "atcud", "ATCUD")[:60],
        at_code=text_field(row, "atdoccodeid", "ATDocCodeID")[:60],
        provider_state=provider_state_of(row),
    )


def printed_number(record_type: RecordType, row: Row) -> str:
    """Return the legal number (`uniqueID`, documented); where it is empty, series, year and number."""
    if legal_number := text_field(row, "uniqueID")[:60]:
        return legal_number
    day = _date_of(row, record_type.day)
    year = text_field(row, "ftano") or (str(day.year) if day else "")
    return f"{text_field(row, record_type.name)[:40]} {year}/{text_field(row, record_type.number)}"


def record_total(row: Row) -> Decimal | None:
    """Return the record's total without floating-point noise; that of a credit note is positive here."""
    return _positive_amount(row, "etotal")


def _positive_amount(row: Row, name: str) -> Decimal | None:
    amount = _without_float_noise(decimal_field(row, name))
    return abs(amount) if amount is not None else None


def _sold_lines(record_type: RecordType, row: Row) -> list[Row]:
    """Return the record's lines without those of quantity 0, which only print a text; none where it shows none."""
    lines = row.get(record_type.lines)
    known = [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    return [line for line in known if decimal_field(line, "qtt")]


def _line_taxes(record_type: RecordType, row: Row) -> tuple[IssuedTax, ...]:
    """Return rate and exemption code of each line; none unless every line states its rate."""
    taxes = [
        IssuedTax(rate, exemption_code=text_field(line, "codmotiseimp") if "codmotiseimp" in line else None)
        for line in _sold_lines(record_type, row)
        if (rate := decimal_field(line, "iva")) is not None
    ]
    return tuple(taxes) if len(taxes) == _line_count(record_type, row) else ()


def _line_count(record_type: RecordType, row: Row) -> int | None:
    return len(_sold_lines(record_type, row)) or None


def _without_float_noise(amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    in_cents = round_to_cents(amount)
    return in_cents if abs(in_cents - amount) < _FLOAT_NOISE else amount


def provider_state_of(row: Row) -> str:
    """Return `annulled`, `paid`, or an empty text where the record says neither."""
    if flag_field(row, "anulada") or flag_field(row, "anulado"):
        return "annulled"
    return "paid" if flag_field(row, "pago") else ""


def _date_of(row: Row, name: str) -> date | None:
    try:
        found = date.fromisoformat(text_field(row, name)[:10])
    except ValueError:
        return None
    return found if found.year > 1900 else None
