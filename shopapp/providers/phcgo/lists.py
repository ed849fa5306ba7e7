"""PHC GO's lists and facts about an account, as the settings form and the drafting room need them.

Called by the adapter and the drafting room beside it. A list that cannot be had is replaced by the law's own or left
empty, never by a guess about the account.

Source: phcgo.md sections 3, 4.4 to 4.6. Unconfirmed: the fields of a series that say whether it keeps drafts or takes
imported documents; the entities of the rate tables and of the warehouses; the fields of the company.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import Kind
from shopapp.fiscal.money import plain, six
from shopapp.fiscal.tax import CATEGORIES, REGIONS, exemption_codes, rate
from shopapp.providers.base import AccountFacts, Choice, Choices, Series

from .session import Session
from .wire import Refusal, Row, flag, number, query, text

_SEARCH = "SearchWS/QueryAsEntities"
INVOICES: tuple[Kind, ...] = ("FR", "FT", "FS")
KINDS: tuple[Kind, ...] = (*INVOICES, "NC", "ND", "GT", "PF")
_KIND_OF: Mapping[str, Kind] = {**{kind: kind for kind in KINDS}, "GR": "GT"}
_NOBODYS = "QI-0000 -"
# postal codes of the islands, where the company names no region
_ISLANDS = ((r"9[0-4][0-9]{2}\b", "PT-MA"), (r"9[5-9][0-9]{2}\b", "PT-AC"))


def facts_from(company: Row, base: str, database: str) -> AccountFacts:
    """Whose account it is; what the company leaves open is empty."""
    nif = re.sub(r"\D", "", text(company, "ncont"))[:20]
    who = f"phcgo/{base.lower()}/{nif or database.lower()}"
    return AccountFacts(
        fingerprint=hashlib.sha256(who.encode()).hexdigest(),
        name=text(company, "nomecomp", "nome")[:200],
        nif=nif,
        region=_region(company),
        warehouses=True,
    )


def _region(company: Row) -> str:
    if (named := text(company, "regiao").upper()) in REGIONS:
        return named
    code = text(company, "codpost")
    found = next((region for pattern, region in _ISLANDS if re.match(pattern, code)), "")
    return found or ("PT" if re.match(r"[1-8][0-9]{3}\b", code) else "")


def choices_from(session: Session, company: Row, wanted: Mapping[Kind, Series], today: date) -> Choices:
    """The lists of the settings form, and what this account cannot do."""
    series = (*_series(_list(session, "Td")), *_dossier_series(_list(session, "Ts")))
    usable = {one.kind for one in series if one.open}
    direct = any(one.open and not one.drafts for one in series if one.kind in INVOICES)
    return Choices(
        kinds=tuple(kind for kind in (*KINDS, "NE") if kind in usable),
        series=series,
        exemptions=tuple(Choice(code, label) for code, label in exemption_codes(today).items()),
        warehouses=_warehouses(_list(session, "Sz")),
        rates=_rates(session, _region(company), today),
        problems=tuple(_problems(session, series, wanted)),
        searches=direct and _searches(session),
        articles=_asked(session, "St"),
    )


def _asked(session: Session, entity: str) -> bool:
    """True when the account lets its rows of that entity be asked for."""
    try:
        session.run(lambda: session.read(_SEARCH, itemQuery=query(entity, limit=1)))
    except Refusal:
        return False
    return True


def _list(session: Session, entity: str) -> Sequence[Row]:
    """The rows of a list; none where the account has no such list."""
    try:
        return session.run(lambda: session.read(_SEARCH, itemQuery=query(entity, limit=500))).rows
    except Refusal:
        return ()


def _series(rows: Sequence[Row]) -> list[Series]:
    return [
        Series(
            code=code,
            kind=kind,
            open=not flag(row, "inactivo") and not flag(row, "serieImportacao"),
            label=text(row, "nmdoc"),
            drafts=flag(row, "permiteRascunho"),
        )
        for row in rows
        if (code := text(row, "ndoc")).isdecimal() and (kind := _KIND_OF.get(text(row, "tiposaft").upper()))
    ]


def _dossier_series(rows: Sequence[Row]) -> list[Series]:
    return [
        Series(code, "NE", not flag(row, "inactivo"), text(row, "nmdos"), flag(row, "permiteRascunho"))
        for row in rows
        if (code := text(row, "ndos")).isdecimal() and text(row, "bdempresas").upper() == "CL"
    ]


def _warehouses(rows: Sequence[Row]) -> tuple[Choice, ...]:
    found = [(text(row, "no"), text(row, "nome")) for row in rows]
    return tuple(
        Choice(code, label or code, at == 0) for at, (code, label) in enumerate(found) if code.isdecimal()
    )


def rates_of(session: Session) -> Mapping[Decimal, int]:
    """The index of the table of each rate, the first where several have one; empty where they cannot be read."""
    return session.kept("rates", lambda: _tables(session))


def _tables(session: Session) -> Mapping[Decimal, int]:
    try:
        rows = session.read(_SEARCH, itemQuery=query("Taxasiva", limit=200)).rows
    except Refusal:
        return {}
    found: dict[Decimal, int] = {}
    for row in rows:
        index, value = number(row, "codigo"), number(row, "taxa")
        if index and value is not None:
            # without the noise of binary numbers
            found.setdefault(plain(six(value)), int(index))
    return found


def _rates(session: Session, region: str, today: date) -> tuple[Decimal, ...]:
    """The account's rates above zero, highest first; those of its region by law where they cannot be read."""
    listed = [value for value in session.run(lambda: rates_of(session)) if value]
    if not listed and region:
        listed = [value for category in CATEGORIES if (value := rate(region, category, today))]
    return tuple(sorted({plain(value) for value in listed}, reverse=True))


def _problems(session: Session, series: Sequence[Series], wanted: Mapping[Kind, Series]) -> list[str]:
    """What this account cannot do, told at set-up and not at the first order."""
    invoices = [one for one in series if one.kind in INVOICES and one.open]
    found = [] if any(one.kind == "NE" and one.open for one in series) else ["no-notes"]
    if not any(one.drafts for one in invoices):
        found.append("no-drafts")
    chosen = {one.code for kind, one in wanted.items() if kind in INVOICES}
    first = next((one for one in invoices if one.code in chosen), None) or next(iter(invoices), None)
    if first is not None and not layout_of(session, "ft", first.code):
        found.append("no-layout")
    return found


def layout_of(session: Session, entity: str, series: str) -> str:
    """The stamp of the layout that prints this series: its default, else the first enabled; empty where none is."""
    return session.kept(f"layout {entity} {series}", lambda: _layout(session, entity, series))


def _layout(session: Session, entity: str, series: str) -> str:
    try:
        rows = session.read("reportws/getReportsForPrint", entityname=entity, numdoc=series).rows
    except Refusal:
        return ""
    enabled = [row for row in rows if flag(row, "enabled") and text(row, "repstamp")]
    best = next((row for row in enabled if flag(row, "isDefault")), None) or next(iter(enabled), {})
    return text(best, "repstamp")


def _searches(session: Session) -> bool:
    """True when a document was found again by its observations, and nothing by observations that none bears."""
    try:
        rows = session.read(
            _SEARCH, itemQuery=query("Ft", ("draftRecord", False), limit=20, newest="fdata")
        ).rows
        known = next((row for row in rows if text(row, "obs") and text(row, "ftstamp")), None)
        if known is None:
            return False
        again = session.read(_SEARCH, itemQuery=query("Ft", ("obs", text(known, "obs")))).rows
        none = session.read(_SEARCH, itemQuery=query("Ft", ("obs", _NOBODYS))).rows
    except Refusal:
        return False
    return not none and any(text(row, "ftstamp") == text(known, "ftstamp") for row in again)
