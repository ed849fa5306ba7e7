"""Which article each line of a document is: found by its SKU, followed when it is renamed, made when there is none.

Called by `issuing` and `early` before a draft is claimed or kept, by `catalogue` and by the pages. No SKU stops an
order, but nothing is issued while the articles of its lines are not known for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from shopapp import articles, connect
from shopapp.articles import AT_ONCE, Books
from shopapp.connect import Pace
from shopapp.fiscal import place, tax
from shopapp.fiscal.articles import NAMED, home_tax
from shopapp.fiscal.document import Draft, DraftLine
from shopapp.fiscal.errors import (
    AppError,
    NotAllowedError,
    RefusedError,
    SettingsError,
    ThrottledError,
    TransientError,
)
from shopapp.fiscal.tax import Category, Tax
from shopapp.models import Account, Article, Document, db, now
from shopapp.models.article import ABSENT, BOUND, LONGEST_SKU, MAKING, REFUSED, USABLE
from shopapp.providers.base import NewArticle

FRESH_SECONDS = 60.0
"""How long what was looked up is used without asking again: a burst of orders asks once. Not longer, as a document that
names an article by the name that it had before may have the program make a second one."""
UNNAMED_SECONDS = 86400.0
"""The same for a document that will not name them: it is looked up only so that what is missing is made."""
WITHOUT, NO_GENERIC = "article-none", "article-generic-missing"
"""Warnings of a draft: the program would not take a SKU; the article for products without SKU is not there."""


def looks_up(account: Account) -> bool:
    """True when the program keeps articles, and this account was seen to let us look them up."""
    able = connect.provider_class(account.provider).capabilities.articles
    return able and bool((account.choices or {}).get("articles"))


# a document's lines


def matched(draft: Draft, account: Account, document: Document) -> Draft:
    """The draft with the article of each line, missing ones made; as it was where this account looks nothing up.

    A credit note makes none. TransientError while not all is known: nothing may be issued yet.
    """
    if not looks_up(account):
        return draft
    settings, makes = account.fiscal_settings(draft.rounding), draft.kind != "NC"
    lines: dict[str, DraftLine] = {}
    for line in draft.lines:
        # an article that is missing is made as the first line of its SKU says
        if sku := _sku(line):
            lines.setdefault(sku, line)
    generic = ""
    if settings.no_sku == "generic" and any(_is_nameless(line) for line in draft.lines):
        generic = settings.generic_article.strip()
    books, wanted = Books(account, document), list(dict.fromkeys(filter(None, (*lines, generic))))
    unnamed = connect.provider_class(account.provider).capabilities.names_to_move and not draft.moves_stock
    known = _known(books, wanted, makes, UNNAMED_SECONDS if unnamed else FRESH_SECONDS)
    missing = [sku for sku in lines if makes and known[sku].state == ABSENT]
    for sku in missing:
        books.in_time()
        articles.make(books, known[sku], _new(lines[sku], home_tax(lines[sku], settings, draft.date)))
    if missing:
        known = articles.read(account, wanted)
    _wait_for_makers(known)
    return _with_articles(draft, known, generic)


def _sku(line: DraftLine) -> str:
    """What the line's article is looked up by; empty for a line without SKU, and for what no row can hold."""
    return line.sku if len(line.sku) <= LONGEST_SKU and "\0" not in line.sku else ""


def _is_nameless(line: DraftLine) -> bool:
    return line.kind in NAMED and not line.sku


def _known(books: Books, skus: Sequence[str], makes: bool, fresh: float) -> dict[str, Article]:
    """What is known of each SKU; asked is after what was not asked lately, and after what is about to be made."""
    known, at = articles.read(books.account, skus), now()
    stale = [sku for sku in skus if sku not in known or not _is_fresh(known[sku], at, makes, fresh)]
    if stale:
        articles.renew(books, stale)
        known = articles.read(books.account, skus)
    if len(known) < len(set(skus)):  # let go by the merchant in this very moment
        raise ThrottledError("articles-pending", retry_after=1)
    return known


def _is_fresh(row: Article, at: datetime, makes: bool, seconds: float) -> bool:
    """True when the row may be used as it is: nothing is made on the word of an old answer, or waited for with one."""
    if row.looked_at is None or row.state == MAKING or (makes and row.state == ABSENT):
        return False
    return (at - row.looked_at).total_seconds() < seconds


def _wait_for_makers(known: dict[str, Article]) -> None:
    """Nothing, unless an article is being made by another, or nobody knows whether it was made: then TransientError."""
    at = now()
    for row in known.values():
        if row.state == MAKING:
            if row.making_until is not None and row.making_until > at:
                raise ThrottledError("articles-pending", retry_after=5)
            raise TransientError("article-unsure", sku=row.sku)


def _new(line: DraftLine, home: Tax) -> NewArticle:
    """The article that a line's SKU stands for: what was sold, by the piece, at the merchant's own rate."""
    sku = _sku(line)
    return NewArticle(
        code=sku, name=line.description or sku, vat_rate=home.rate, region=home.region,
        exemption_code=home.exemption, goods=line.kind == "goods",
    )  # fmt: skip


def _with_articles(draft: Draft, known: dict[str, Article], generic: str) -> Draft:
    """The draft whose lines name what is known; where one goes without an article the merchant is told."""
    codes = {sku: row.code for sku, row in known.items() if row.state in USABLE}
    warned = dict.fromkeys(draft.warnings)
    lines = []
    for line in draft.lines:
        nameless = _is_nameless(line)
        code = codes.get(generic if nameless else _sku(line), "")
        if nameless and generic and not code:
            warned[NO_GENERIC] = None
        elif line.sku and not code and draft.kind != "NC":
            warned[WITHOUT] = None
        lines.append(replace(line, article=code))
    return replace(draft, lines=tuple(lines), matched=True, warnings=tuple(warned))


def doubt(draft: Draft, account: Account, error: AppError) -> None:
    """Nothing; of a document that the program refused the articles are looked up again before they are used. Commits.

    One of them may be gone, or have another name by now.
    """
    if isinstance(error, RefusedError):
        Article.doubt(account.id, {_sku(line) for line in draft.lines})
        db.session.commit()


# for the catalogue and the pages


def look_up(account: Account, skus: Iterable[str], pace: Pace | None = None) -> None:
    """Nothing; what the program says of these SKUs now is remembered, nothing is made. Commits.

    AppError when it could not be asked; what was told by then stays.
    """
    wanted = [sku for sku in dict.fromkeys(skus) if sku and len(sku) <= LONGEST_SKU and "\0" not in sku]
    for at in range(0, len(wanted), AT_ONCE):
        articles.renew(Books(account, pace=pace), wanted[at : at + AT_ONCE])


def bind(account: Account, sku: str, code: str) -> None:
    """Nothing; from now on the SKU is that article. NotAllowedError `article-unknown` when there is none of that code.

    Commits. AppError when the program could not be asked.
    """
    wanted = code.strip()
    found = Books(account).named([wanted]).get(wanted) if wanted else None
    if found is None:
        raise NotAllowedError("article-unknown", article=wanted)
    articles.remember(account, sku, BOUND, found)


def unbind(account: Account, sku: str) -> None:
    """Nothing; the SKU is what a look-up says again. Commits."""
    Article.unbind(account.id, sku)
    db.session.commit()


def create(
    account: Account, sku: str, name: str, category: Category, exemption: str, goods: bool,
    pace: Pace | None = None,
) -> None:  # fmt: skip
    """Nothing; the SKU has an article: the one that was there after all, or one made as the merchant said. Commits.

    SettingsError for a rate or reason that is not in force, RefusedError when the program would not take it,
    TransientError when nobody knows yet.
    """
    settings = account.fiscal_settings("line")
    day = now().astimezone(ZoneInfo(place.zone(settings.ship_from))).date()
    if exemption:
        home = tax.exempt(settings.ship_from, exemption, day)
    else:
        home = tax.domestic(settings.ship_from, category, day)
    if home is None:
        raise SettingsError("exemption-withdrawn", exemption=exemption, line=name)
    books = Books(account, pace=pace)
    articles.renew(books, [sku])
    row = articles.read(account, [sku])[sku]
    if row.state in (ABSENT, REFUSED):
        new = NewArticle(sku, name or sku, home.rate, home.region, home.exemption, goods)
        articles.make(books, row, new, among=(ABSENT, REFUSED))
        row = articles.read(account, [sku])[sku]
    _wait_for_makers({sku: row})
    if row.state == REFUSED:
        raise RefusedError(row.reason, **row.detail)
