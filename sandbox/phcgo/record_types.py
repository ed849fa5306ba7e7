"""The two types of record that have lines: documents (`Ft`) and internal dossiers (`Bo`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordType:
    """The names of a record type's entity and fields; `worth` is the field of a line's amount."""

    entity: str
    stamp: str
    lines: str
    line_stamp: str
    price: str
    worth: str
    number: str
    day: str
    series: str
    key: str
    name: str


FT = RecordType("Ft", "ftstamp", "fis", "fistamp", "epv", "etiliquido", "fno", "fdata", "Td", "ndoc", "nmdoc")
BO = RecordType(
    "Bo", "bostamp", "bis", "bistamp", "edebito", "ettdeb", "obrano", "dataobra", "Ts", "ndos", "nmdos"
)
