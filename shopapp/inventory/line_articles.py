"""Which article each line of a document is: found by its SKU, followed when it is renamed, made when there is none.

Called by `issuing` and `early` before a draft is claimed or kept, by `catalogue` and by the pages. No SKU stops an
order, but nothing is issued while the articles of its lines are not known for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from shopapp.connections.http import RateLimiter
from shopapp.connections.provider import provider_class
from shopapp.errors import (
    AppError,
    NotAllowedError,
    RefusedError,
    SettingsError,
    ThrottledError,
    TransientError,
)
from shopapp.fiscal import place_of_supply, tax_tables
from shopapp.fiscal.articles import KINDS_WITH_SKU, domestic_article_tax
from shopapp.fiscal.document import Draft, DraftLine
from shopapp.fiscal.tax_tables import Tax, VatCategory
from shopapp.inventory import articles
from shopapp.inventory.articles import LOOKUP_BATCH_SIZE, ArticleClient
from shopapp.models import Account, Article, Document, db, now
from shopapp.models.article import ABSENT, BOUND, MAKING, MAX_SKU_LENGTH, REFUSED, USABLE
from shopapp.providers.articles import NewArticle, SupportsArticles

FRESH_SECONDS = 60.0
"""How long what was looked up is used without asking again: a burst of orders asks once. Not longer, as a document that
names an article by the name that it had before may have the program make a second one."""
UNNAMED_FRESH_SECONDS = 86400.0
"""The same for a document that will not name them: it is looked up only so that what is missing is made."""
WARN_NO_ARTICLE, WARN_NO_GENERIC_ARTICLE = "article-none", "article-generic-missing"
"""Warnings of a draft: the program would not take a SKU; the article for products without SKU is not there."""


def supports_articles(account: Account) -> bool:
    """True when the program keeps articles, and this account was seen to let us look them up."""
    able = issubclass(provider_class(account.provider), SupportsArticles)
    return able and bool((account.choices or {}).get("articles"))


# a document's lines


def attach_articles(draft: Draft, account: Account, document: Document) -> Draft:
    """The draft with the article of each line, missing ones made; as it was where this account looks nothing up.

    A credit note makes none. TransientError while not all is known: nothing may be issued yet.
    """
    if not supports_articles(account):
        return draft
    settings, makes = account.fiscal_settings(draft.rounding), draft.kind != "NC"
    lines: dict[str, DraftLine] = {}
    for line in draft.lines:
        # an article that is missing is made as the first line of its SKU says
        if sku := _article_sku(line):
            lines.setdefault(sku, line)
    generic = ""
    if settings.no_sku == "generic" and any(_has_no_sku(line) for line in draft.lines):
        generic = settings.generic_article.strip()
    client, wanted = ArticleClient(account, document), list(dict.fromkeys(filter(None, (*lines, generic))))
    unnamed = (
        provider_class(account.provider).capabilities.names_articles_only_when_moving_stock
        and not draft.moves_stock
    )
    known = _load_fresh_articles(client, wanted, makes, UNNAMED_FRESH_SECONDS if unnamed else FRESH_SECONDS)
    missing = [sku for sku in lines if makes and known[sku].state == ABSENT]
    for sku in missing:
        client.check_budget()
        articles.create_article(
            client,
            known[sku],
            _new_article(lines[sku], domestic_article_tax(lines[sku], settings, draft.date)),
        )
    if missing:
        known = articles.load_articles(account, wanted)
    _check_none_being_created(known)
    return _with_articles(draft, known, generic)


def _article_sku(line: DraftLine) -> str:
    """What the line's article is looked up by; empty for a line without SKU, and for what no row can hold."""
    return line.sku if len(line.sku) <= MAX_SKU_LENGTH and "\0" not in line.sku else ""


def _has_no_sku(line: DraftLine) -> bool:
    return line.kind in KINDS_WITH_SKU and not line.sku


def _load_fresh_articles(
    client: ArticleClient, skus: Sequence[str], makes: bool, fresh: float
) -> dict[str, Article]:
    """What is known of each SKU; asked is after what was not asked lately, and after what is about to be made."""
    known, at = articles.load_articles(client.account, skus), now()
    stale = [sku for sku in skus if sku not in known or not _is_fresh(known[sku], at, makes, fresh)]
    if stale:
        articles.refresh(client, stale)
        known = articles.load_articles(client.account, skus)
    if len(known) < len(set(skus)):  # let go by the merchant in this very moment
        raise ThrottledError("articles-pending", retry_after=1)
    return known


def _is_fresh(row: Article, at: datetime, makes: bool, seconds: float) -> bool:
    """True when the row may be used as it is: nothing is made on the word of an old answer, or waited for with one."""
    if row.looked_at is None or row.state == MAKING or (makes and row.state == ABSENT):
        return False
    return (at - row.looked_at).total_seconds() < seconds


def _check_none_being_created(known: dict[str, Article]) -> None:
    """Nothing, unless an article is being made by another, or nobody knows whether it was made: then TransientError."""
    at = now()
    for row in known.values():
        if row.state == MAKING:
            if row.making_until is not None and row.making_until > at:
                raise ThrottledError("articles-pending", retry_after=5)
            raise TransientError("article-unsure", sku=row.sku)


def _new_article(line: DraftLine, home: Tax) -> NewArticle:
    """The article that a line's SKU stands for: what was sold, by the piece, at the merchant's own rate."""
    sku = _article_sku(line)
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
        nameless = _has_no_sku(line)
        code = codes.get(generic if nameless else _article_sku(line), "")
        if nameless and generic and not code:
            warned[WARN_NO_GENERIC_ARTICLE] = None
        elif line.sku and not code and draft.kind != "NC":
            warned[WARN_NO_ARTICLE] = None
        lines.append(replace(line, article=code))
    return replace(draft, lines=tuple(lines), matched=True, warnings=tuple(warned))


def invalidate_articles(draft: Draft, account: Account, error: AppError) -> None:
    """Nothing; of a document that the program refused the articles are looked up again before they are used. Commits.

    One of them may be gone, or have another name by now.
    """
    if isinstance(error, RefusedError):
        Article.invalidate(account.id, {_article_sku(line) for line in draft.lines})
        db.session.commit()


# for the catalogue and the pages


def look_up_articles(account: Account, skus: Iterable[str], rate_limiter: RateLimiter | None = None) -> None:
    """Nothing; what the program says of these SKUs now is remembered, nothing is made. Commits.

    AppError when it could not be asked; what was told by then stays.
    """
    wanted = [sku for sku in dict.fromkeys(skus) if sku and len(sku) <= MAX_SKU_LENGTH and "\0" not in sku]
    for at in range(0, len(wanted), LOOKUP_BATCH_SIZE):
        articles.refresh(
            ArticleClient(account, rate_limiter=rate_limiter), wanted[at : at + LOOKUP_BATCH_SIZE]
        )


def link_article(account: Account, sku: str, code: str) -> None:
    """Nothing; from now on the SKU is that article. NotAllowedError `article-unknown` when there is none of that code.

    Commits. AppError when the program could not be asked.
    """
    wanted = code.strip()
    found = ArticleClient(account).find_by_code([wanted]).get(wanted) if wanted else None
    if found is None:
        raise NotAllowedError("article-unknown", article=wanted)
    articles.record_article(account, sku, BOUND, found)


def unlink_article(account: Account, sku: str) -> None:
    """Nothing; the SKU is what a look-up says again. Commits."""
    Article.unlink(account.id, sku)
    db.session.commit()


def ensure_article(
    account: Account, sku: str, name: str, category: VatCategory, exemption: str, goods: bool,
    rate_limiter: RateLimiter | None = None,
) -> None:  # fmt: skip
    """Nothing; the SKU has an article: the one that was there after all, or one made as the merchant said. Commits.

    SettingsError for a rate or reason that is not in force, RefusedError when the program would not take it,
    TransientError when nobody knows yet.
    """
    settings = account.fiscal_settings("line")
    day = now().astimezone(ZoneInfo(place_of_supply.time_zone_of(settings.ship_from))).date()
    if exemption:
        home = tax_tables.exempt_tax(settings.ship_from, exemption, day)
    else:
        home = tax_tables.domestic_tax(settings.ship_from, category, day)
    if home is None:
        raise SettingsError("exemption-withdrawn", exemption=exemption, line=name)
    client = ArticleClient(account, rate_limiter=rate_limiter)
    articles.refresh(client, [sku])
    row = articles.load_articles(account, [sku])[sku]
    if row.state in (ABSENT, REFUSED):
        new = NewArticle(sku, name or sku, home.rate, home.region, home.exemption, goods)
        articles.create_article(client, row, new, from_states=(ABSENT, REFUSED))
        row = articles.load_articles(account, [sku])[sku]
    _check_none_being_created({sku: row})
    if row.state == REFUSED:
        raise RefusedError(row.reason, **row.detail)
