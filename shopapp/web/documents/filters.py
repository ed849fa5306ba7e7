"""The filters of the list of documents, as its address has them.

What was searched for may be a name or a tax id: the address carries it sealed, for this store and half a day, so that
it is in no log and no history. All other filters are plain, and their addresses may be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import g, request, url_for

from shopapp.fiscal.document import INVOICE_KINDS
from shopapp.messages.formats import midnight, month, today
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import kind_title
from shopapp.models.queries import documents
from shopapp.web.form_fields import clean_text, parse_row_id
from shopapp.web.sealed_values import seal, unseal

LISTED_KINDS = (*INVOICE_KINDS, "NC")
OPTIONAL_KINDS = ("NE", "GT")
"""Kinds beside the document of a sale: offered when the merchant chose a series for them."""
SEARCH, SEARCH_SECONDS = "s", 12 * 3600


def requested_filters() -> documents.DocumentFilters:
    """Return the filters in the URL; invalid ones are left out."""
    args = request.args
    since, until = _parse_period(args.get("p", ""))
    kind = args.get("t", "")
    tab = args.get("estado", "")
    return documents.DocumentFilters(
        tab=tab if tab in documents.TABS else "",
        text=_searched_text() or "",
        kind=kind if kind in (*LISTED_KINDS, *OPTIONAL_KINDS) else "",
        since=since,
        until=until,
        older_than=parse_row_id(args.get("antes", "")),
        newer_than=parse_row_id(args.get("depois", "")),
    )


def _searched_text() -> str | None:
    """Return what was searched for; None when the address has none, or one that no longer opens."""
    found = unseal(request.args.get(SEARCH, ""), f"search.{g.store.id}", SEARCH_SECONDS)
    return found if isinstance(found, str) else None


def is_search_over() -> bool:
    """Return whether the address has a search that no longer opens."""
    return bool(request.args.get(SEARCH)) and _searched_text() is None


def search_url(form: Mapping[str, str]) -> str:
    """Return the address of the list with the filters of its form."""
    text = clean_text(form.get("q", ""), 100)
    sealed = seal(text, f"search.{g.store.id}") if text else ""
    return _list_url({**{name: form.get(name, "")[:20] for name in ("estado", "p", "t")}, SEARCH: sealed})


def current_url(**changes: str) -> str:
    """Return the URL of the list with these parameters changed, on its first page."""
    return _list_url(
        {**{name: request.args.get(name, "") for name in ("estado", SEARCH, "p", "t")}, **changes}
    )


def _list_url(values: Mapping[str, str]) -> str:
    wanted: dict[str, Any] = {name: value for name, value in values.items() if value}
    return url_for("documents.index", **wanted)


def _parse_period(text: str) -> tuple[datetime | None, datetime | None]:
    """Return the start and end of a period: `7d`, `30d`, or a month as `2026-11`."""
    if text in ("1d", "7d", "30d"):
        return midnight(today() - timedelta(days=int(text[:-1]) - 1)), None
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None, None
    # at the calendar's ends there is no next month, and no other time zone
    if not 2000 <= first.year <= 2100:
        return None, None
    return midnight(first), midnight((first + timedelta(days=31)).replace(day=1))


def period_choices() -> list[tuple[str, str]]:
    """Return the periods to choose from: the last days, and the last twelve months."""
    found = [
        ("", gettext("Todos")), ("1d", gettext("Hoje")), ("7d", gettext("Últimos 7 dias")),
        ("30d", gettext("Últimos 30 dias")),
    ]  # fmt: skip
    first = today().replace(day=1)
    for _ in range(12):
        found.append((f"{first:%Y-%m}", month(midnight(first))))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def kind_choices(asked_for: str) -> list[tuple[str, str]]:
    """Return the kinds to choose from, each with its name."""
    chosen = g.account.chosen.series if g.account is not None else {}
    optional = [code for code in OPTIONAL_KINDS if chosen.get(code) or code == asked_for]
    return [(code, kind_title(code)) for code in (*LISTED_KINDS, *optional)]
