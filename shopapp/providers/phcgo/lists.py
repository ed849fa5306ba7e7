"""PHC GO's lists and facts about an account, as the settings form and the saving of records need them.

A list that cannot be read is replaced by the legal one or left empty, never by a guess about the account.

Source: public clients, read 2026-11-20 (docs/phcgo.md). Unconfirmed: the fields of a series that say whether it keeps
drafts or takes imported documents; the entities of the rate tables and of the warehouses; the fields of the company.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import INVOICE_KINDS, DocumentKind
from shopapp.fiscal.money import round_to_six_decimals, strip_trailing_zeros
from shopapp.fiscal.tax_tables import VAT_CATEGORIES, VAT_REGIONS, portuguese_rate, selectable_exemptions
from shopapp.providers.base import AccountInfo, Choice, Choices, Series

from .session import PhcGoSession
from .wire_format import Refusal, Row, decimal_field, flag_field, text_field

SUPPORTED_KINDS: tuple[DocumentKind, ...] = (*INVOICE_KINDS, "NC", "ND", "GT", "PF")
_KIND_BY_SAFT_TYPE: Mapping[str, DocumentKind] = {**{kind: kind for kind in SUPPORTED_KINDS}, "GR": "GT"}
_UNUSED_REFERENCE = "QI-0000 -"
# postal codes of the islands, where the company names no region
_ISLANDS = ((r"9[0-4][0-9]{2}\b", "PT-MA"), (r"9[5-9][0-9]{2}\b", "PT-AC"))


def account_info_from(company: Row, base: str, database: str) -> AccountInfo:
    """Return the owner of the account; facts that the company's record leaves out are empty."""
    nif = re.sub(r"\D", "", text_field(company, "ncont"))[:20]
    who = f"phcgo/{base.lower()}/{nif or database.lower()}"
    return AccountInfo(
        fingerprint=hashlib.sha256(who.encode()).hexdigest(),
        name=text_field(company, "nomecomp", "nome")[:200],
        nif=nif,
        region=_region(company),
        warehouses=True,
    )


def _region(company: Row) -> str:
    if (named := text_field(company, "regiao").upper()) in VAT_REGIONS:
        return named
    code = text_field(company, "codpost")
    found = next((region for pattern, region in _ISLANDS if re.match(pattern, code)), "")
    return found or ("PT" if re.match(r"[1-8][0-9]{3}\b", code) else "")


def choices_from(
    session: PhcGoSession, company: Row, wanted: Mapping[DocumentKind, Series], today: date
) -> Choices:
    """Ask for the lists of the settings form, and find out what this account cannot do."""
    series = (*_series(_list_rows(session, "Td")), *_dossier_series(_list_rows(session, "Ts")))
    usable = {one.kind for one in series if one.open}
    direct = any(one.open and not one.drafts for one in series if one.kind in INVOICE_KINDS)
    return Choices(
        kinds=tuple(kind for kind in (*SUPPORTED_KINDS, "NE") if kind in usable),
        series=series,
        exemptions=tuple(Choice(code, label) for code, label in selectable_exemptions(today).items()),
        warehouses=_warehouses(_list_rows(session, "Sz")),
        rates=_rates(session, _region(company), today),
        problems=tuple(_problems(session, series, wanted)),
        searches=direct and _search_works(session),
        articles=_is_queryable(session, "St"),
    )


def _is_queryable(session: PhcGoSession, entity: str) -> bool:
    try:
        session.read_with_relogin(lambda: session.query(entity, limit=1))
    except Refusal:
        return False
    return True


def _list_rows(session: PhcGoSession, entity: str) -> Sequence[Row]:
    try:
        return session.read_with_relogin(lambda: session.query(entity, limit=500))
    except Refusal:
        return ()


def _series(rows: Sequence[Row]) -> list[Series]:
    return [
        Series(
            code=code,
            kind=kind,
            open=not flag_field(row, "inactivo") and not flag_field(row, "serieImportacao"),
            label=text_field(row, "nmdoc"),
            drafts=flag_field(row, "permiteRascunho"),
        )
        for row in rows
        if (code := text_field(row, "ndoc")).isdecimal()
        and (kind := _KIND_BY_SAFT_TYPE.get(text_field(row, "tiposaft").upper()))
    ]


def _dossier_series(rows: Sequence[Row]) -> list[Series]:
    return [
        Series(
            code,
            "NE",
            not flag_field(row, "inactivo"),
            text_field(row, "nmdos"),
            flag_field(row, "permiteRascunho"),
        )
        for row in rows
        if (code := text_field(row, "ndos")).isdecimal() and text_field(row, "bdempresas").upper() == "CL"
    ]


def _warehouses(rows: Sequence[Row]) -> tuple[Choice, ...]:
    found = [(text_field(row, "no"), text_field(row, "nome")) for row in rows]
    return tuple(
        Choice(code, label or code, at == 0) for at, (code, label) in enumerate(found) if code.isdecimal()
    )


def rate_indexes(session: PhcGoSession) -> Mapping[Decimal, int]:
    """Return the table index of each VAT rate, the first of several; empty where they cannot be read."""
    return session.cached_list("rates", lambda: _read_rate_indexes(session))


def _read_rate_indexes(session: PhcGoSession) -> Mapping[Decimal, int]:
    try:
        rows = session.query("Taxasiva", limit=200)
    except Refusal:
        return {}
    found: dict[Decimal, int] = {}
    for row in rows:
        index, value = decimal_field(row, "codigo"), decimal_field(row, "taxa")
        if index and value is not None:
            # rounded, to remove floating-point noise
            found.setdefault(strip_trailing_zeros(round_to_six_decimals(value)), int(index))
    return found


def _rates(session: PhcGoSession, region: str, today: date) -> tuple[Decimal, ...]:
    """Return the account's rates above zero, highest first; its region's legal rates where they cannot be read."""
    listed = [value for value in session.read_with_relogin(lambda: rate_indexes(session)) if value]
    if not listed and region:
        listed = [value for category in VAT_CATEGORIES if (value := portuguese_rate(region, category, today))]
    return tuple(sorted({strip_trailing_zeros(value) for value in listed}, reverse=True))


def _problems(
    session: PhcGoSession, series: Sequence[Series], wanted: Mapping[DocumentKind, Series]
) -> list[str]:
    """Return the codes of what this account cannot do, so that they are known at set-up and not at the first order."""
    invoices = [one for one in series if one.kind in INVOICE_KINDS and one.open]
    found = [] if any(one.kind == "NE" and one.open for one in series) else ["no-notes"]
    if not any(one.drafts for one in invoices):
        found.append("no-drafts")
    chosen = {one.code for kind, one in wanted.items() if kind in INVOICE_KINDS}
    first = next((one for one in invoices if one.code in chosen), None) or next(iter(invoices), None)
    if first is not None and not layout_stamp(session, "ft", first.code):
        found.append("no-layout")
    return found


def layout_stamp(session: PhcGoSession, entity: str, series: str) -> str:
    """Return the stamp of the layout that prints this series: its default, else the first enabled one, else empty."""
    return session.cached_list(
        f"layout {entity} {series}", lambda: _read_layout_stamp(session, entity, series)
    )


def _read_layout_stamp(session: PhcGoSession, entity: str, series: str) -> str:
    try:
        rows = session.read("reportws/getReportsForPrint", entityname=entity, numdoc=series).rows
    except Refusal:
        return ""
    enabled = [row for row in rows if flag_field(row, "enabled") and text_field(row, "repstamp")]
    best = next((row for row in enabled if flag_field(row, "isDefault")), None) or next(iter(enabled), {})
    return text_field(best, "repstamp")


def _search_works(session: PhcGoSession) -> bool:
    """Return whether a document was found again by its `obs`, and nothing by an `obs` that no document has."""
    try:
        rows = session.query("Ft", ("draftRecord", False), limit=20, newest="fdata")
        known = next((row for row in rows if text_field(row, "obs") and text_field(row, "ftstamp")), None)
        if known is None:
            return False
        again = session.query("Ft", ("obs", text_field(known, "obs")))
        none = session.query("Ft", ("obs", _UNUSED_REFERENCE))
    except Refusal:
        return False
    return not none and any(text_field(row, "ftstamp") == text_field(known, "ftstamp") for row in again)
