"""Read a SAF-T (PT) file: its invoices and credit notes, one after the other, whatever the file's length.

Source: schema 1.04_01 of the tax authority (2022-05-17). No tree is built, and no entity or DTD is accepted
(defusedxml), so neither a long file nor a bomb fills the memory. A ZIP with one XML file is read too.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from shopapp.models.queries.reports import TaxKey

MAX_XML_BYTES = 100 * 1024 * 1024
MAX_DEPTH, MAX_TEXT, MAX_DOCUMENTS = 30, 300, 200_000
_CHUNK = 64 * 1024
_ROOT = "AuditFile"


class UnreadableSaft(Exception):
    """The file can't be read; `code` says why: too-large, not-xml, bomb, not-saft, zip or empty."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class SaftDocument:
    """One document of the file, with the net of its lines by rate."""

    number: str = ""
    atcud: str = ""
    kind: str = ""
    status: str = "N"
    """N normal, S self-billed, F billed, R summary, A annulled."""
    date: date | None = None
    vat: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    nets: dict[TaxKey, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class SaftFile:
    """The header of the file, and its documents."""

    tax_id: str = ""
    first: date | None = None
    last: date | None = None
    documents: list[SaftDocument] = field(default_factory=list)


def read_saft(file: IO[bytes]) -> SaftFile:
    """Read the file. Raises UnreadableSaft."""
    collector = _Collector()
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    try:
        for chunk in _xml_chunks(file):
            parser.feed(chunk)
        parser.close()
    except DefusedXmlException as error:
        raise UnreadableSaft("bomb") from error
    except (ParseError, LookupError, ValueError) as error:
        raise UnreadableSaft("not-xml") from error
    found = collector.found
    if not found.first or not found.last:
        raise UnreadableSaft("not-saft")
    return found


def _xml_chunks(file: IO[bytes]) -> Iterator[bytes]:
    begin = file.read(4)
    file.seek(0)
    if not begin:
        raise UnreadableSaft("empty")
    if begin[:2] != b"PK":
        yield from _bounded(file)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            names = [one for one in archive.infolist() if one.filename.lower().endswith(".xml")]
            if len(names) != 1:
                raise UnreadableSaft("zip")
            with archive.open(names[0]) as content:
                yield from _bounded(content)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise UnreadableSaft("zip") from error


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the file's bytes; what a ZIP says of their number is not believed."""
    read = 0
    while chunk := file.read(_CHUNK):
        read += len(chunk)
        if read > MAX_XML_BYTES:
            raise UnreadableSaft("too-large")
        yield chunk


class _Collector:
    """Takes the parser's events and keeps the fields that are compared."""

    def __init__(self) -> None:
        self.found = SaftFile()
        self._path: list[str] = []
        self._text = ""
        self._document: SaftDocument | None = None
        self._line: dict[str, str] = {}

    def start(self, tag: str, _: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if len(self._path) >= MAX_DEPTH:
            raise UnreadableSaft("bomb")
        if not self._path and name != _ROOT:
            raise UnreadableSaft("not-saft")
        self._path.append(name)
        self._text = ""
        if name == "Invoice":
            self._document = SaftDocument()
        elif name == "Line":
            self._line = {}

    def data(self, text: str) -> None:
        if len(self._text) < MAX_TEXT:
            self._text += text

    def end(self, tag: str) -> None:
        name, text = self._path.pop(), self._text.strip()[:MAX_TEXT]
        self._text = ""
        parent = self._path[-1] if self._path else ""
        if parent == "Header":
            self._read_header(name, text)
        elif self._document is not None:
            self._read_document(self._document, parent, name, text)

    def close(self) -> SaftFile:
        return self.found

    def _read_header(self, name: str, text: str) -> None:
        if name == "TaxRegistrationNumber":
            self.found.tax_id = text
        elif name == "StartDate":
            self.found.first = date.fromisoformat(text)
        elif name == "EndDate":
            self.found.last = date.fromisoformat(text)

    def _read_document(self, document: SaftDocument, parent: str, name: str, text: str) -> None:
        match parent, name:
            case "Invoice", "InvoiceNo":
                document.number = text
            case "Invoice", "ATCUD":
                document.atcud = text
            case "Invoice", "InvoiceDate":
                document.date = date.fromisoformat(text)
            case "Invoice", "InvoiceType":
                document.kind = text
            case "DocumentStatus", "InvoiceStatus":
                document.status = text
            case "DocumentTotals", "TaxPayable":
                document.vat = _amount(text)
            case "DocumentTotals", "GrossTotal":
                document.gross = _amount(text)
            case "Invoice", "Line":
                self._end_line(document)
            case (("Line" | "Tax"), _):
                self._line[name] = text
            case _, "Invoice":
                self._end_document(document)

    def _end_line(self, document: SaftDocument) -> None:
        line = self._line
        is_note = document.kind == "NC"
        taken, given = _amount(line.get("DebitAmount", "")), _amount(line.get("CreditAmount", ""))
        rate = _amount(line.get("TaxPercentage", ""))
        key = TaxKey(
            line.get("TaxCountryRegion", "PT"), rate.normalize() + 0, line.get("TaxExemptionCode", "")
        )
        document.nets[key] = document.nets.get(key, Decimal(0)) + (
            taken - given if is_note else given - taken
        )

    def _end_document(self, document: SaftDocument) -> None:
        if len(self.found.documents) >= MAX_DOCUMENTS:
            raise UnreadableSaft("too-large")
        self.found.documents.append(document)
        self._document = None


def _amount(text: str) -> Decimal:
    """Return the amount; 0 where there is none. Raises UnreadableSaft for a text that is no amount."""
    if not text:
        return Decimal(0)
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise UnreadableSaft("not-saft") from error
    if not found.is_finite() or abs(found) >= 10**12:
        raise UnreadableSaft("not-saft")
    return found
