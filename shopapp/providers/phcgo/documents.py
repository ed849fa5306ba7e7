"""A draft as fields of PHC GO's record and its lines, which replace what PHC GO filled in itself.

Pure. It decides nothing about tax: the draft is sent as it is, and what PHC GO adds from the customer or the company
(discounts, another price) is removed again.

Source: public clients, read 2026-11-20, as are text lines of quantity 0 (docs/phcgo.md, "One document"). Unconfirmed:
that prices with VAT keep their cents at whatever level PHC GO rounds; the fields for loading; where a credit note's
reason goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shopapp.fiscal.countries import country_code
from shopapp.fiscal.document import REDUCTION, Draft, DraftLine
from shopapp.fiscal.money import HUNDRED, ONE, ZERO, round_to_cents, round_to_six_decimals
from shopapp.fiscal.party import Address
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from shopapp.providers.text import one_line

from .records import FT, RecordType
from .wire_format import Row, decimal_field, text_field

_MAX_TEXT_LENGTH = 1000
_MAX_REASON_LENGTH = 50
_TOLERANCE = Decimal("0.0004")
_NO_DISCOUNTS = {f"desc{nth}": ZERO for nth in range(2, 7)}
# these decide an amount, a tax or stock, so they must come back as they were sent
_AMOUNT_FIELDS = ("fin", "efinv")
_LINE_FIELDS_TO_VERIFY = ("ref", "qtt", "ivaincl", "iva", "desconto", "codmotiseimp")


def format_day(draft: Draft) -> str:
    """Return the draft's day in PHC GO's format."""
    return f"{draft.date.isoformat()} 00:00:00Z"


def header_fields(
    record_type: RecordType, draft: Draft, reference: str, customer: Row, countries: Mapping[str, Row]
) -> Row:
    """Return the fields of the record itself; `obs` holds our reference alone, so that a search can find it."""
    buyer = draft.customer
    found: Row = {"no": customer.get("no"), "estab": customer.get("estab", 0), "obs": reference, "fin": ZERO,
                  "efinv": ZERO, record_type.day: format_day(draft), record_type.due: format_day(draft)}  # fmt: skip
    if name := one_line(buyer.name):
        found["nome"] = name
    if buyer.tax_id != FINAL_CONSUMER:
        found["ncont"] = buyer.tax_id
    if buyer.email:
        found["email"] = one_line(buyer.email)
    if buyer.address is not None:
        found |= _address_fields(buyer.address, "", countries)
    if draft.transport is not None:
        found |= _transport_fields(draft, countries)
    if draft.kind in ("NC", "ND") and draft.references:
        found["rectificationReason"] = one_line(draft.references[0].reason)[:_MAX_REASON_LENGTH]
    return found


def _address_fields(address: Address, suffix: str, countries: Mapping[str, Row]) -> Row:
    """Return an address as fields, whose names end in `suffix` (`to` for the delivery address)."""
    found = {
        f"morada{suffix}": one_line(address.street),
        f"codpost{suffix}": one_line(address.postal_code),
        f"local{suffix}": one_line(address.city),
    }
    if country := countries.get(country_code(address.country)):
        found |= {
            f"pais{suffix}": text_field(country, "nome"),
            f"paisesstamp{suffix}": text_field(country, "paisesstamp"),
        }
    return found


def _transport_fields(draft: Draft, countries: Mapping[str, Row]) -> Row:
    """Return the fields for the places of loading and unloading and the time of departure."""
    assert draft.transport is not None
    moment, loading, unloading = (
        draft.transport.leaves_at,
        draft.transport.loading,
        draft.transport.unloading,
    )
    return _address_fields(unloading, "to", countries) | {
        "carga": _full_address(loading),
        "descarga": _full_address(unloading),
        "cdata": f"{moment.date().isoformat()} 00:00:00Z",
        "chora": moment.strftime("%H:%M"),
    }


def _full_address(address: Address) -> str:
    parts = (address.street, f"{address.postal_code} {address.city}")
    return ", ".join(part for part in map(one_line, parts) if part)


def line_rows(
    record_type: RecordType, draft: Draft, articles: set[str], rates: Mapping[Decimal, int]
) -> list[Row]:
    """Return one row for each line, and one without amount for each note that must be printed."""
    found = [_line_row(record_type, one, draft, articles, rates) for one in draft.lines]
    # notes come last, so that a credit note finds the lines of its original in their places
    return found + [_note_row(record_type, found[0], note) for note in draft.notes]


def _line_row(
    record_type: RecordType, one: DraftLine, draft: Draft, articles: set[str], rates: Mapping[Decimal, int]
) -> Row:
    code = draft.article_code_of(one)
    found: Row = {
        "ref": code if code in articles else "",
        "design": one_line(one.description)[:_MAX_TEXT_LENGTH],
        "qtt": one.quantity,
        record_type.price: gross_price(one),
        "ivaincl": True,
        "iva": one.vat_rate,
        "desconto": one.discount_percent,
        **_NO_DISCOUNTS,
        "codmotiseimp": one.exemption_code if not one.vat_rate else "",
        "motiseimp": one.exemption_mention if not one.vat_rate else "",
        "unidade": "UN",
        "litem": one_line(one.ref)[:60],
        "stns": one.kind != "goods",
    }
    if one.vat_rate in rates:
        found["tabiva"] = rates[one.vat_rate]
    if draft.warehouse.isdecimal() and one.kind == "goods":
        found["armazem"] = int(draft.warehouse)
    return found


def _note_row(record_type: RecordType, first: Row, note: str) -> Row:
    taxed: Row = {
        name: first[name] for name in ("iva", "tabiva", "codmotiseimp", "motiseimp") if name in first
    }
    plain = {
        "ref": "",
        "design": one_line(note)[:_MAX_TEXT_LENGTH],
        "qtt": ZERO,
        record_type.price: ZERO,
        "ivaincl": True,
    }
    return {**plain, "desconto": ZERO, **_NO_DISCOUNTS, **taxed, "stns": True}


def gross_price(line: DraftLine) -> Decimal:
    """Return a unit price with VAT that gives exactly the line's gross: in whole cents where possible."""
    exact = line.unit_price_net * (ONE + line.vat_rate / HUNDRED)
    factor = line.quantity * (ONE - line.discount_percent / HUNDRED)
    for price in (round_to_cents(exact), round_to_six_decimals(exact)):
        if abs(price * factor - line.gross) <= _TOLERANCE:
            return price
    return round_to_six_decimals(line.gross / factor) if factor else round_to_six_decimals(exact)


def link_original_lines(draft: Draft, wanted: list[Row], original: Row) -> list[Row]:
    """Return the lines of a credit note, each with the stamps of the original's line that it corrects.

    A price reduction names the document alone: linked to a line, it would use up one of its pieces, as PHC GO counts
    in pieces what may still be credited (`maxQttRefund`). Unconfirmed.
    """
    stamp, issued = text_field(original, FT.stamp), list(original.get(FT.lines) or [])
    remaining = list(issued)
    reductions = [one.kind == REDUCTION for one in draft.lines] + [False] * len(draft.notes)
    linked = []
    for line, is_reduction in zip(wanted, reductions, strict=True):
        original_line = None if is_reduction else _original_line(issued, remaining, line)
        origin = {
            "oftstamp": stamp,
            "ofistamp": text_field(original_line or {}, FT.line_stamp),
            "oref": text_field(original_line or {}, "ref"),
        }
        linked.append(line | origin)
    return linked


def _original_line(issued: list[Row], remaining: list[Row], line: Row) -> Row | None:
    """Return the original's line, and remove it from the remaining ones; a piece split off for a cent shares one."""
    found = (
        _find_matching_line(remaining, line, "litem", "design")
        or _find_matching_line(remaining, line, "litem")
        or _find_matching_line(remaining, line, "design")
    )
    if found is not None:
        remaining.remove(found)
        return found
    whole = {**line, "litem": text_field(line, "litem").rpartition("~")[0]}
    return _find_matching_line(issued, whole, "litem")


def _find_matching_line(remaining: list[Row], line: Row, *names: str) -> Row | None:
    """Return the first of the remaining lines with the same text in all of these fields."""
    for candidate in remaining:
        if all(text_field(candidate, name) == text_field(line, name) != "" for name in names):
            return candidate
    return None


def link_dossier_lines(wanted: list[Row], note: Row) -> list[Row]:
    """Return the lines of an invoice, each with the stamp of the dossier's line that it invoices, if there is one."""
    remaining = [one for one in note.get(FT.lines) or [] if text_field(one, "bistamp")]
    linked = []
    for line in wanted:
        dossier_line = _find_matching_line(remaining, line, "design")
        if dossier_line is not None:
            remaining.remove(dossier_line)
            line = line | {"bistamp": text_field(dossier_line, "bistamp")}
        linked.append(line)
    return linked


def merge_fields(record_type: RecordType, row: Row, head: Row, wanted: list[Row]) -> Row:
    """Return the record with our fields and lines in place of PHC GO's."""
    known = row.get(record_type.lines) or []
    merged = [
        {**(known[at] if at < len(known) and isinstance(known[at], dict) else {}), **line}
        for at, line in enumerate(wanted)
    ]
    return {**row, **head, record_type.lines: merged}


def first_difference(
    record_type: RecordType, row: Row, head: Row, wanted: list[Row], names: tuple[str, ...] = _AMOUNT_FIELDS
) -> str:
    """Return the name of the first field that differs from what was sent; empty when none does.

    Compares the lines' fields that decide an amount, a tax or stock, and `names` of the record itself.
    """
    known = row.get(record_type.lines)
    if not isinstance(known, list) or len(known) != len(wanted):
        return record_type.lines
    for line, ours in zip(known, wanted, strict=True):
        for name in (*_LINE_FIELDS_TO_VERIFY, record_type.price, *_NO_DISCOUNTS):
            if name in ours and not _is_same_value(line, name, ours[name]):
                return name
    return next((name for name in names if name in head and not _is_same_value(row, name, head[name])), "")


def _is_same_value(row: Row, name: str, ours: Any) -> bool:
    if isinstance(ours, bool):
        return str(row.get(name, "")).lower() in (("1", "true") if ours else ("0", "false", ""))
    if isinstance(ours, Decimal):
        return decimal_field(row, name) == ours
    return text_field(row, name) == str(ours)
