"""PHC GO's two kinds of record, invoicing documents (Ft) and dossiers (Bo): their fields, and what a saved one says.

Called by the adapter and the rooms beside it; pure.

Source: phcgo.md sections 3, 3.1, 3.2, 4.2, 4.5 (fields seen in public clients).
Unconfirmed: which field says that a document was annulled or paid, and which holds the ATCUD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import Issued, Kind
from shopapp.fiscal.money import cents

from .wire import Row, flag, number, text

_NOISE = Decimal("0.0001")
_DOSSIER = "bo:"


@dataclass(frozen=True, slots=True)
class Paper:
    """How the fields of one kind of record are called."""

    entity: str
    ws: str
    stamp: str
    lines: str
    line_stamp: str
    price: str
    series: str
    name: str
    number: str
    day: str
    due: str


FT = Paper("Ft", "FtWS", "ftstamp", "fis", "fistamp", "epv", "ndoc", "nmdoc", "fno", "fdata", "pdata")
BO = Paper(
    "Bo", "BoWS", "bostamp", "bis", "bistamp", "edebito", "ndos", "nmdos", "obrano", "dataobra", "datafinal"
)


def paper_for(kind: Kind) -> Paper:
    """Order notes are dossiers, all else is an invoicing document."""
    return BO if kind == "NE" else FT


def id_of(paper: Paper, stamp: str) -> str:
    """The record's id as the rest of the program keeps it."""
    return f"{_DOSSIER}{stamp}" if paper is BO else stamp


def paper_and_stamp(record_id: str) -> tuple[Paper, str]:
    """Which kind of record the id names, and its stamp."""
    return (BO, record_id.removeprefix(_DOSSIER)) if record_id.startswith(_DOSSIER) else (FT, record_id)


def is_draft(paper: Paper, row: Row) -> bool:
    """True unless the record is certainly none: a document bears a number above zero and no mark of a draft."""
    known = number(row, paper.number)
    return flag(row, "draftRecord") or known is None or known <= 0


def issued_from(paper: Paper, row: Row) -> Issued | None:
    """The document that this record is; None while it is a draft, or when it bears no stamp."""
    stamp = text(row, paper.stamp)
    if not stamp or is_draft(paper, row):
        return None
    return Issued(
        provider_id=id_of(paper, stamp)[:80],
        number=number_of(paper, row),
        series=text(row, paper.series)[:60],
        date=_day(row, paper.day),
        total=total_of(row),
        vat=_cents(number(row, "ettiva")),
        atcud=text(row, "atcud", "ATCUD")[:60],
        provider_state=state_of(row),
    )


def number_of(paper: Paper, row: Row) -> str:
    """The legal number as the program writes it; where it writes none, series, year and number."""
    if legal := text(row, "uniqueID")[:60]:
        return legal
    day = _day(row, paper.day)
    year = text(row, "ftano") or (str(day.year) if day else "")
    return f"{text(row, paper.name)[:40]} {year}/{text(row, paper.number)}"


def total_of(row: Row) -> Decimal | None:
    """What the record adds up to, without the noise of binary numbers; a credit note's is positive here."""
    found = _cents(number(row, "etotal"))
    return abs(found) if found is not None else None


def _cents(found: Decimal | None) -> Decimal | None:
    if found is None:
        return None
    near = cents(found)
    return near if abs(near - found) < _NOISE else found


def state_of(row: Row) -> str:
    """`annulled`, `paid`, or empty where the record tells neither."""
    if flag(row, "anulada") or flag(row, "anulado"):
        return "annulled"
    return "paid" if flag(row, "pago") else ""


def _day(row: Row, name: str) -> date | None:
    try:
        found = date.fromisoformat(text(row, name)[:10])
    except ValueError:
        return None
    return found if found.year > 1900 else None
