"""The small check after set-up: what in the shop, or between the shop and the provider, will make documents fail.

Called by the set-up pages, where a person waits. Reads only; issues nothing. Findings are codes with facts: the words
are the pages' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from shopapp import connect
from shopapp.fiscal import tax
from shopapp.models import Account, Store, db
from shopapp.platforms.base import ShopTax

Level = Literal["stop", "warn", "ok"]
_ORDER = {"stop": 0, "warn": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; `level` says whether it will fail, deserves a look, or is in order."""

    level: Level
    code: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def first_check(store: Store, account: Account, lists: Mapping[str, Any], today: date) -> list[Finding]:
    """What was found, the worst first. Asks the platform for its taxes; AppError when it cannot be asked."""
    settings, listening, problem = account.settings, store.hooks_checked_at is not None, store.hooks_problem
    opened = connect.platform_of(store)
    db.session.commit()
    found = [
        *taxes(opened.taxes(), [Decimal(rate) for rate in lists.get("rates", ())], today),
        *series(settings, lists),
        Finding("ok", "hooks-listening") if listening and not problem else Finding("warn", "hooks-soon"),
    ]
    if not settings.get("exemption"):
        found.append(Finding("warn", "exemption-none"))
    return sorted(found, key=lambda finding: _ORDER[finding.level])


def taxes(shop: Sequence[ShopTax], account: Sequence[Decimal], today: date) -> Iterable[Finding]:
    """The shop's rates against the law's and the account's."""
    if not shop:
        yield Finding("warn", "taxes-none")
        return
    both: set[Decimal] = set()
    for rate, names in _by_rate(shop).items():
        detail = {"rate": str(rate), "names": ", ".join(sorted(names))[:200]}
        if tax.category_of(rate, today) is None:
            yield Finding("stop", "rate-nowhere", detail)
        elif account and rate not in account:
            yield Finding("warn", "rate-not-in-account", detail)
        else:
            both.add(rate)
    if both:
        yield Finding("ok", "rates-agree", {"rates": [str(rate) for rate in sorted(both, reverse=True)]})
    for one in shop:
        if one.fixed:
            yield Finding("stop", "tax-fixed", {"names": one.name[:200]})


def _by_rate(shop: Sequence[ShopTax]) -> dict[Decimal, set[str]]:
    """The names of the taxes of each rate that is charged in Portugal or everywhere."""
    found: dict[Decimal, set[str]] = {}
    for one in shop:
        if not one.fixed and one.rate > 0 and one.country.upper() in ("", "PT", "PORTUGAL"):
            found.setdefault(one.rate.normalize() + 0, set()).add(one.name)
    return found


def series(settings: Mapping[str, Any], lists: Mapping[str, Any]) -> Iterable[Finding]:
    """Whether each chosen series is still open for its kind."""
    listed = lists.get("series", ())
    for kind, code in settings.get("series", {}).items():
        is_open = any(one == code and of == kind and opened for one, of, opened in listed)
        if is_open or not listed:
            yield Finding("ok" if is_open else "warn", "series-open" if is_open else "series-unlisted",
                          {"series": code, "kind": kind})  # fmt: skip
        else:
            yield Finding("stop", "series-closed", {"series": code, "kind": kind})
