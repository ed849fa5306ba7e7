"""The article of each document line: found by SKU, followed when it is renamed, created when there is none.

No SKU stops an order, but nothing is issued while it is not known for certain which articles the lines have.
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
"""How long an answer is used without asking again, so that a burst of orders asks once. Not longer: for a document that
names an article by its former code, the provider may create a second article."""
UNNAMED_FRESH_SECONDS = 86400.0
"""The same for a document that will not name its articles: they are looked up only to create the missing ones."""
WARN_NO_ARTICLE, WARN_NO_GENERIC_ARTICLE = "article-none", "article-generic-missing"
"""Warnings of a draft: a SKU has no article; the generic article for products without SKU does not exist."""


def supports_articles(account: Account) -> bool:
    """Return whether the provider has articles and this account lets us look them up."""
    has_articles = issubclass(provider_class(account.provider), SupportsArticles)
    return has_articles and account.lists.articles


# a document's lines


def attach_articles(draft: Draft, account: Account, document: Document) -> Draft:
    """Return the draft with the article of each line; create those that are missing, except for a credit note.

    Return it unchanged when the account does not support articles. Commits. Raises TransientError while not
    all articles are known: nothing may be issued yet.
    """
    if not supports_articles(account):
        return draft
    settings, creates_missing = account.fiscal_settings(draft.rounding), draft.kind != "NC"
    # A missing article is created as the first line of its SKU says.
    line_by_sku: dict[str, DraftLine] = {}
    for line in draft.lines:
        sku = _article_sku(line)
        if sku:
            line_by_sku.setdefault(sku, line)
    generic_code = ""
    if settings.no_sku == "generic" and any(_has_no_sku(line) for line in draft.lines):
        generic_code = settings.generic_article.strip()
    client = ArticleClient(account, document)
    wanted = list(dict.fromkeys(filter(None, (*line_by_sku, generic_code))))
    known = _load_fresh_articles(client, wanted, creates_missing, _max_age_seconds(account, draft))
    missing = [sku for sku in line_by_sku if creates_missing and known[sku].state == ABSENT]
    for sku in missing:
        client.check_budget()
        line = line_by_sku[sku]
        new = _new_article(line, domestic_article_tax(line, settings, draft.date))
        articles.create_article(client, known[sku], new)
    if missing:
        known = articles.load_articles(account, wanted)
    _check_none_being_created(known)
    return _with_articles(draft, known, generic_code)


def _max_age_seconds(account: Account, draft: Draft) -> float:
    capabilities = provider_class(account.provider).capabilities
    if capabilities.names_articles_only_when_moving_stock and not draft.moves_stock:
        return UNNAMED_FRESH_SECONDS
    return FRESH_SECONDS


def _article_sku(line: DraftLine) -> str:
    """Return the SKU to look the line's article up by; "" without one, or when it cannot be stored in a row."""
    return line.sku if len(line.sku) <= MAX_SKU_LENGTH and "\0" not in line.sku else ""


def _has_no_sku(line: DraftLine) -> bool:
    return line.kind in KINDS_WITH_SKU and not line.sku


def _load_fresh_articles(
    client: ArticleClient, skus: Sequence[str], creates_missing: bool, max_age_seconds: float
) -> dict[str, Article]:
    """Return the row of each SKU; look up those that are too old, or whose article is about to be created. Commits."""
    known, at = articles.load_articles(client.account, skus), now()
    stale = [
        sku
        for sku in skus
        if sku not in known or not _is_fresh(known[sku], at, creates_missing, max_age_seconds)
    ]
    if stale:
        articles.refresh(client, stale)
        known = articles.load_articles(client.account, skus)
    if len(known) < len(set(skus)):  # unlinked by the merchant at this very moment
        raise ThrottledError("articles-pending", retry_after=1)
    return known


def _is_fresh(row: Article, at: datetime, creates_missing: bool, max_age_seconds: float) -> bool:
    """Return whether the row may be used without asking: an old answer never makes us create an article or wait."""
    if row.looked_at is None or row.state == MAKING or (creates_missing and row.state == ABSENT):
        return False
    return (at - row.looked_at).total_seconds() < max_age_seconds


def _check_none_being_created(known: dict[str, Article]) -> None:
    """Raise TransientError while another worker creates an article, or when it is unknown whether one was created."""
    at = now()
    for row in known.values():
        if row.state == MAKING:
            if row.making_until is not None and row.making_until > at:
                raise ThrottledError("articles-pending", retry_after=5)
            raise TransientError("article-unsure", sku=row.sku)


def _new_article(line: DraftLine, home_tax: Tax) -> NewArticle:
    """Return the article for a line's SKU: what was sold, by the piece, at the merchant's domestic rate."""
    sku = _article_sku(line)
    return NewArticle(
        code=sku, name=line.description or sku, vat_rate=home_tax.rate, region=home_tax.region,
        exemption_code=home_tax.exemption, goods=line.kind == "goods",
    )  # fmt: skip


def _with_articles(draft: Draft, known: dict[str, Article], generic_code: str) -> Draft:
    """Return the draft with the article's code on each line, and a warning if a line has none."""
    codes = {sku: row.code for sku, row in known.items() if row.state in USABLE}
    warnings = dict.fromkeys(draft.warnings)
    lines = []
    for line in draft.lines:
        has_no_sku = _has_no_sku(line)
        code = codes.get(generic_code if has_no_sku else _article_sku(line), "")
        if has_no_sku and generic_code and not code:
            warnings[WARN_NO_GENERIC_ARTICLE] = None
        elif line.sku and not code and draft.kind != "NC":
            warnings[WARN_NO_ARTICLE] = None
        lines.append(replace(line, article=code))
    return replace(draft, lines=tuple(lines), matched=True, warnings=tuple(warnings))


def invalidate_articles(draft: Draft, account: Account, error: AppError) -> None:
    """After a refusal, have the document's articles looked up again before they are used. Commits.

    One of them may be gone, or have another code by now.
    """
    if isinstance(error, RefusedError):
        Article.invalidate(account.id, {_article_sku(line) for line in draft.lines})
        db.session.commit()


# for the catalogue and the pages


def look_up_articles(account: Account, skus: Iterable[str], rate_limiter: RateLimiter | None = None) -> None:
    """Look these SKUs up at the provider and record the answers; create nothing. Commits.

    Raises AppError when the provider could not be asked; answers received before that are kept.
    """
    wanted = [sku for sku in dict.fromkeys(skus) if sku and len(sku) <= MAX_SKU_LENGTH and "\0" not in sku]
    for start in range(0, len(wanted), LOOKUP_BATCH_SIZE):
        client = ArticleClient(account, rate_limiter=rate_limiter)
        articles.refresh(client, wanted[start : start + LOOKUP_BATCH_SIZE])


def link_article(account: Account, sku: str, code: str) -> None:
    """Record the article with this code as the SKU's, as the merchant chose it. Commits.

    Raises NotAllowedError `article-unknown` when there is none, another AppError when the provider could not be asked.
    """
    wanted = code.strip()
    found = ArticleClient(account).find_by_code([wanted]).get(wanted) if wanted else None
    if found is None:
        raise NotAllowedError("article-unknown", article=wanted)
    articles.record_article(account, sku, BOUND, found)


def unlink_article(account: Account, sku: str) -> None:
    """Forget the merchant's choice: the next look-up finds the SKU's article. Commits."""
    Article.unlink(account.id, sku)
    db.session.commit()


def ensure_article(
    account: Account, sku: str, name: str, category: VatCategory, exemption: str, goods: bool,
    rate_limiter: RateLimiter | None = None,
) -> None:  # fmt: skip
    """Create the SKU's article with the tax that the merchant chose, unless it exists by now. Commits.

    Raises SettingsError for a rate or exemption that is not in force, RefusedError when the provider refuses
    it, TransientError while it is unknown whether it was created.
    """
    settings = account.fiscal_settings("line")
    today = now().astimezone(ZoneInfo(place_of_supply.time_zone_of(settings.ship_from))).date()
    if exemption:
        home_tax = tax_tables.exempt_tax(settings.ship_from, exemption, today)
    else:
        home_tax = tax_tables.domestic_tax(settings.ship_from, category, today)
    if home_tax is None:
        raise SettingsError("exemption-withdrawn", exemption=exemption, line=name)
    client = ArticleClient(account, rate_limiter=rate_limiter)
    articles.refresh(client, [sku])
    row = articles.load_articles(account, [sku])[sku]
    if row.state in (ABSENT, REFUSED):
        new = NewArticle(sku, name or sku, home_tax.rate, home_tax.region, home_tax.exemption, goods)
        articles.create_article(client, row, new, from_states=(ABSENT, REFUSED))
        row = articles.load_articles(account, [sku])[sku]
    _check_none_being_created({sku: row})
    if row.state == REFUSED:
        raise RefusedError(row.reason, **row.detail)
