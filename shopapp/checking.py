"""What would happen: the small check after set-up, and the preview of a document or of a credit note.

Called by the pages, where a person waits. Reads only; issues nothing. Findings and reasons are codes with facts: the
words are the pages' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from shopapp import connect, correcting, preparing
from shopapp.fiscal import tax
from shopapp.fiscal.document import Draft, DraftLine
from shopapp.fiscal.errors import AppError, NotAllowedError
from shopapp.models import Account, Document, Store, db
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
        is_open = any(one == code and of == kind and opened for one, of, opened, *_ in listed)
        if is_open or not listed:
            yield Finding("ok" if is_open else "warn", "series-open" if is_open else "series-unlisted",
                          {"series": code, "kind": kind})  # fmt: skip
        else:
            yield Finding("stop", "series-closed", {"series": code, "kind": kind})


# previews


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be issued now, or why nothing would; `rules` had decided something either way."""

    draft: Draft | None
    rules: tuple[str, ...]
    why: AppError | None = None


def preview(document: Document, account: Account) -> Preview:
    """The draft that the document would have now. Asks the platform (and VIES); issues nothing.

    What may have been sent already is shown as it was: the same bytes go again, or nothing.
    """
    try:
        if document.frozen and document.draft is not None:
            draft = document.draft
        elif document.cause.startswith("credit:"):
            draft = preparing.credit(document, account)
        else:
            draft = preparing.invoice(preparing.order_now(document), account, document)
    except AppError as why:
        db.session.rollback()
        return Preview(None, why.rules, why)
    return Preview(draft, draft.rules)


def credit_preview(original: Document, asked: dict[str, Any]) -> Draft:
    """The credit note that `asked` (as in `preparing.credit_of`) would be; nothing is written.

    NotAllowedError when the original can't be credited now, or not by so much; SettingsError without a series.
    """
    if original.account is None:
        raise NotAllowedError("credit-without-original")
    if correcting.has_open_credit(original):
        raise NotAllowedError("credit-open")
    return preparing.credit_of(original, original.account, asked)


def credit_lines(original: Document) -> tuple[DraftLine, ...]:
    """What may still be credited of the document, line by line."""
    return preparing.lines_left(original)
