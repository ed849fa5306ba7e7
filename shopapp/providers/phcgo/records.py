"""PHC GO's two kinds of record, invoicing documents (Ft) and dossiers (Bo): their fields, and what a saved one says.

Called by the adapter and the rooms beside it; pure.

Source: phcgo.md sections 3, 3.1, 3.2, 4.2, 4.5 (fields seen in public clients).
Unconfirmed: which field says that a document was annulled or paid, and which holds the ATCUD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import DocumentKind, Issued
from shopapp.fiscal.money import round_to_cents

from .wire_format import Row, decimal_field, flag_field, text_field

_FLOAT_NOISE = Decimal("0.0001")
_DOSSIER_PREFIX = "bo:"


@dataclass(frozen=True, slots=True)
class RecordType:
    """How the fields of one kind of record are called."""

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
    """Order notes are dossiers, all else is an invoicing document."""
    return BO if kind == "NE" else FT


def provider_id_of(record_type: RecordType, stamp: str) -> str:
    """The record's id as the rest of the program keeps it."""
    return f"{_DOSSIER_PREFIX}{stamp}" if record_type is BO else stamp


def parse_provider_id(provider_id: str) -> tuple[RecordType, str]:
    """Which kind of record the id names, and its stamp."""
    return (
        (BO, provider_id.removeprefix(_DOSSIER_PREFIX))
        if provider_id.startswith(_DOSSIER_PREFIX)
        else (FT, provider_id)
    )


def is_draft(record_type: RecordType, row: Row) -> bool:
    """True unless the record is certainly none: a document bears a number above zero and no mark of a draft."""
    known = decimal_field(row, record_type.number)
    return flag_field(row, "draftRecord") or known is None or known <= 0


def issued_from(record_type: RecordType, row: Row) -> Issued | None:
    """The document that this record is; None while it is a draft, or when it bears no stamp."""
    stamp = text_field(row, record_type.stamp)
    if not stamp or is_draft(record_type, row):
        return None
    return Issued(
        provider_id=provider_id_of(record_type, stamp)[:80],
        number=printed_number(record_type, row),
        series=text_field(row, record_type.series)[:60],
        date=_date_of(row, record_type.day),
        total=record_total(row),
        vat=_without_float_noise(decimal_field(row, "ettiva")),
        atcud=text_field(row, "atcud", "ATCUD")[:60],
        provider_state=provider_state_of(row),
    )


def printed_number(record_type: RecordType, row: Row) -> str:
    """The legal number as the program writes it; where it writes none, series, year and number."""
    if legal := text_field(row, "uniqueID")[:60]:
        return legal
    day = _date_of(row, record_type.day)
    year = text_field(row, "ftano") or (str(day.year) if day else "")
    return f"{text_field(row, record_type.name)[:40]} {year}/{text_field(row, record_type.number)}"


def record_total(row: Row) -> Decimal | None:
    """What the record adds up to, without the noise of binary numbers; a credit note's is positive here."""
    found = _without_float_noise(decimal_field(row, "etotal"))
    return abs(found) if found is not None else None


def _without_float_noise(found: Decimal | None) -> Decimal | None:
    if found is None:
        return None
    near = round_to_cents(found)
    return near if abs(near - found) < _FLOAT_NOISE else found


def provider_state_of(row: Row) -> str:
    """`annulled`, `paid`, or empty where the record tells neither."""
    if flag_field(row, "anulada") or flag_field(row, "anulado"):
        return "annulled"
    return "paid" if flag_field(row, "pago") else ""


def _date_of(row: Row, name: str) -> date | None:
    try:
        found = date.fromisoformat(text_field(row, name)[:10])
    except ValueError:
        return None
    return found if found.year > 1900 else None
