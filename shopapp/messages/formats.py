"""Formats of amounts, days and times, in the store's language and time zone.

Most functions are template filters too.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import dates, numbers
from flask import Flask, current_app, g, has_request_context, request, url_for

from shopapp.fiscal import place_of_supply
from shopapp.messages.i18n import current_locale, gettext, ngettext
from shopapp.models import Account, Store, now

NBSP = "\u00a0"


def init_app(app: Flask) -> None:
    """Register the formats as template filters."""
    for filter_function in (
        money,
        figure,
        signed,
        day,
        long_day,
        clock,
        moment,
        ago,
        percent,
        price,
        quantity,
        spaced_tax_id,
        month,
        short_day,
        iso_day,
        http_url,
        country_name,
    ):
        app.jinja_env.filters[filter_function.__name__] = filter_function
    app.jinja_env.globals.update(asset=asset)


def zone_of(store: Store | None, account: Account | None) -> ZoneInfo:
    """Return the time zone in which the account dates its documents."""
    if account is not None and account.chosen.ship_from:
        return ZoneInfo(place_of_supply.time_zone_of(account.chosen.ship_from))
    return ZoneInfo(place_of_supply.time_zone_of("PT"))


def zone() -> ZoneInfo:
    """Return the time zone of the store whose page this is."""
    return zone_of(g.get("store"), g.get("account"))


def today() -> date:
    """Return today's date where the store dates its documents."""
    return _page_now().astimezone(zone()).date()


def _page_now() -> datetime:
    """Return the current time, read once per page: otherwise every date on it would cost a query to PostgreSQL."""
    if not has_request_context():
        return now()
    read: datetime = request.environ.get("shopapp.now") or now()
    request.environ["shopapp.now"] = read
    return read


def amount(value: Any) -> Decimal | None:
    """Return the value as a decimal; None when it is not a number."""
    try:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None


def money(value: Any) -> str:
    """Return the amount as `173,12 €`, with a true minus sign; empty when there is no value."""
    found = None if value is None or value == "" else amount(value)
    if found is None:
        return ""
    return _minus(
        numbers.format_currency(
            found, "EUR", locale=current_locale(), group_separator=_has_group_separator(found)
        )
    )


def figure(value: Any) -> str:
    """Return the amount as `173,12`, for a column that is headed in euros."""
    found = amount(value)
    if found is None:
        return ""
    return _minus(
        numbers.format_decimal(
            found, "#,##0.00", locale=current_locale(), group_separator=_has_group_separator(found)
        )
    )


def _has_group_separator(found: Decimal) -> bool:
    """Return whether thousands are separated: Portugal and Spain do so only from five digits on."""
    return abs(found) >= 10_000 or current_locale().language not in ("pt", "es")


def signed(value: Any, credits: bool) -> str:
    """Return the amount in euros, negative for a credit note."""
    found = amount(value)
    return "" if value is None or found is None else money(-found if credits else found)


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")


def percent(rate: Any) -> str:
    """Return the percentage as `23%`."""
    found = amount(rate)
    return "" if found is None else numbers.format_decimal(found, "#,##0.##", locale=current_locale()) + "%"


def price(value: Any) -> str:
    """Return a unit price with cents, and with more decimals when it has them."""
    found = amount(value)
    return "" if found is None else _minus(numbers.format_decimal(found, "0.00####", locale=current_locale()))


def quantity(value: Any) -> str:
    """Return a quantity without trailing zeros."""
    found = amount(value)
    return (
        ""
        if found is None
        else _minus(numbers.format_decimal(found, "#,##0.######", locale=current_locale()))
    )


def day(value: date | datetime | None) -> str:
    """Return the day as `20/11/2026`."""
    return "" if value is None else dates.format_date(_day(value), "dd/MM/yyyy", locale=current_locale())


def iso_day(text: str) -> str:
    """Return `20/11/2026` for a day stored as ISO text."""
    return day(date.fromisoformat(text))


def short_day(value: date | datetime) -> str:
    """Return the day as `20 nov`."""
    return dates.format_date(_day(value), "d MMM", locale=current_locale()).replace(".", "")


def long_day(value: date | datetime | None) -> str:
    """Return the day as `20 de novembro de 2026`."""
    return "" if value is None else dates.format_date(_day(value), "long", locale=current_locale())


def month(value: date | datetime) -> str:
    """Return the month as `Novembro`, or as `Novembro de 2026` when it is not in this year."""
    local = _day(value)
    if local.year == today().year:
        return dates.format_date(local, "LLLL", locale=current_locale()).capitalize()
    return dates.format_skeleton("yMMMM", local, locale=current_locale()).capitalize()


def clock(value: datetime | None) -> str:
    """Return the time as `14:29`."""
    return (
        "" if value is None else dates.format_time(value.astimezone(zone()), "HH:mm", locale=current_locale())
    )


def moment(value: datetime | None) -> str:
    """Return the moment as `hoje às 14:29`, or as the day with the time."""
    if value is None:
        return ""
    current, local = today(), _day(value)
    if local == current:
        return gettext("hoje às %(time)s", time=clock(value))
    if local == current - timedelta(days=1):
        return gettext("ontem às %(time)s", time=clock(value))
    return gettext("%(day)s às %(time)s", day=day(value), time=clock(value))


def ago(value: datetime | None) -> str:
    """Return the time since then as `há 4 minutos`."""
    if value is None:
        return ""
    past = value - _page_now()
    return dates.format_timedelta(
        min(past, timedelta(seconds=-1)), add_direction=True, locale=current_locale()
    )


def _day(value: date | datetime) -> date:
    return value.astimezone(zone()).date() if isinstance(value, datetime) else value


def spaced_tax_id(tax_id: str) -> str:
    """Return a tax id of nine digits in groups of three; any other unchanged."""
    plain = tax_id.strip()
    if len(plain) == 9 and plain.isdigit():
        return NBSP.join((plain[:3], plain[3:6], plain[6:]))
    return plain


def count_word(number: int) -> str:
    """Return the number as a feminine word with a capital, such as `Quatro`; from ten on in digits."""
    words = (
        "", gettext("Uma"), gettext("Duas"), gettext("Três"), gettext("Quatro"), gettext("Cinco"), gettext("Seis"),
        gettext("Sete"), gettext("Oito"), gettext("Nove"),
    )  # fmt: skip
    return words[number] if 0 < number < len(words) else str(number)


def order_count(number: int) -> str:
    """Return the number with its noun, such as `Quatro encomendas`."""
    return ngettext("%(count)s encomenda", "%(count)s encomendas", number, count=count_word(number))


def country_name(code: str) -> str:
    """Return the country's name in the reader's language; the code of one that is not known."""
    return str(current_locale().territories.get(code, code))


def http_url(address: str | None) -> str:
    """Return the address when it is http or https, else an empty text: a link must never run a script."""
    parts = urlsplit(address or "")
    return address or "" if parts.scheme in ("http", "https") and parts.hostname else ""


@cache
def _version(folder: str, name: str) -> str:
    return hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file with its version, so that browsers may cache it forever."""
    return url_for("static", filename=name, v=_version(current_app.static_folder or "", name))


def midnight(day: date) -> datetime:
    """Return the instant at which that day begins where the store is."""
    return datetime.combine(day, time(), zone())
