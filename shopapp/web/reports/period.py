"""The period of a report as its address has it: a month (`2026-11`) or a quarter (`2026-T4`), and by which day.

Documents belong to it by their own date (`por=emissao`) or by the day of their payment (`por=pagamento`).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask import request, url_for

from shopapp.messages.formats import midnight, today
from shopapp.messages.i18n import current_locale, gettext
from shopapp.models.queries.reports import Basis, Period

MONTH, BASIS = "mes", "por"
BASES: dict[str, Basis] = {"emissao": "issued", "pagamento": "paid"}
_WRITTEN = re.compile(r"(20\d\d)-(?:(0[1-9]|1[0-2])|T([1-4]))")


def requested_period() -> Period:
    """Return the period that the address names; the current month for none, and for one that is none or to come."""
    basis = BASES.get(request.args.get(BASIS, ""), "issued")
    found = _WRITTEN.fullmatch(request.args.get(MONTH, ""))
    current = today().replace(day=1)
    if found is None:
        return months_of(current, 1, basis)
    year, month, quarter = found.groups()
    first = date(int(year), int(month) if month else 3 * int(quarter) - 2, 1)
    if first > current:
        return months_of(current, 1, basis)
    return months_of(first, 1 if month else 3, basis)


def months_of(first: date, count: int, basis: Basis = "issued") -> Period:
    """Return the period of so many months from that first day of a month."""
    following = first
    for _ in range(count):
        following = (following + timedelta(days=31)).replace(day=1)
    return Period(first, following - timedelta(days=1), midnight(first), midnight(following), basis)


def quarter_around(day: date) -> Period:
    """Return the quarter of that day, by the documents' dates."""
    return months_of(day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1), 3)


def is_quarter(period: Period) -> bool:
    """Return whether the period is a quarter."""
    return (period.last - period.first).days > 31


def written(period: Period) -> str:
    """Return the period as an address has it."""
    if is_quarter(period):
        return f"{period.first.year}-T{(period.first.month + 2) // 3}"
    return f"{period.first:%Y-%m}"


def title(period: Period) -> str:
    """Return the period in words, such as `Novembro de 2026` or `4.º trimestre de 2026`."""
    if is_quarter(period):
        return quarter_title(period.first.year, (period.first.month + 2) // 3)
    return str(format_skeleton("yMMMM", period.first, locale=current_locale())).capitalize()


def quarter_title(year: int, quarter: int) -> str:
    """Return the quarter in words."""
    return gettext("%(quarter)s.º trimestre de %(year)s", quarter=quarter, year=year)


def neighbours(period: Period) -> tuple[str, str]:
    """Return the periods before and after it as addresses have them; empty for one to come."""
    count = 3 if is_quarter(period) else 1
    earlier = period.first
    for _ in range(count):
        earlier = (earlier - timedelta(days=1)).replace(day=1)
    later = period.last + timedelta(days=1)
    is_known = later <= today()
    return written(months_of(earlier, count)), written(months_of(later, count)) if is_known else ""


def period_choices() -> list[tuple[str, str]]:
    """Return the periods to choose from: the last thirteen months, and the last five quarters."""
    first = today().replace(day=1)
    months: list[Period] = []
    for _ in range(13):
        months.append(months_of(first, 1))
        first = (first - timedelta(days=1)).replace(day=1)
    quarters = {written(quarter_around(one.first)): quarter_around(one.first) for one in months}
    return [(written(one), title(one)) for one in [*months, *list(quarters.values())[:5]]]


def period_url(endpoint: str, period: Period, **more: str) -> str:
    """Return the address of a page about the period; what is empty is left out."""
    basis = next(name for name, one in BASES.items() if one == period.basis)
    wanted: dict[str, Any] = {MONTH: written(period), BASIS: basis if basis != "emissao" else "", **more}
    return url_for(endpoint, **{name: value for name, value in wanted.items() if value != ""})
