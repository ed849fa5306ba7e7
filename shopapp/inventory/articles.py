"""The articles of an account over there: looked up, remembered SKU by SKU, and made once each.

Called by `matching` alone. A look-up that failed is never "not there"; what may have been made is looked up before it
is made again; nothing that exists is renamed or priced anew. Knows no document.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shopapp import failpoints
from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.connections.http import RateLimiter
from shopapp.connections.settings import seconds_setting
from shopapp.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    ThrottledError,
    TransientError,
    UncertainError,
)
from shopapp.models import Account, Article, Document, db, now
from shopapp.models.article import (
    ABSENT,
    BOUND,
    FOUND,
    MADE,
    MAKING,
    MAX_CODE_LENGTH,
    MAX_NAME_LENGTH,
    REFUSED,
    USABLE,
)
from shopapp.providers.articles import NewArticle, ProviderArticle, SupportsArticles

LOOKUP_BATCH_SIZE = 50
"""Codes in one look-up."""
START_WITHIN = 5.0
"""Seconds after the claim in which a creation must begin: a worker that was frozen there must not wake up and post."""
MAX_CREATION_ATTEMPTS = 3
"""Creations without an answer after which a SKU goes without an article: nobody knows what becomes of them."""
BUDGET_DIVISOR = 3
"""Which share of a take may pass before whoever has more to ask is put off; he goes on where he stopped."""

T = TypeVar("T")


class ArticleClient:
    """The program, opened when it is first asked, and once; what its failures say of it is kept."""

    def __init__(
        self, account: Account, document: Document | None = None, rate_limiter: RateLimiter | None = None
    ) -> None:
        self.account = account
        self._document, self._rate_limiter = document, rate_limiter
        self._provider: SupportsArticles | None = None
        self._until = time.monotonic() + seconds_setting("TAKE_SECONDS") / BUDGET_DIVISOR
        self._calls = 0

    def open_provider(self) -> SupportsArticles:
        """The provider, unless it is known not to answer. Leaves no transaction open."""
        if self._provider is None:
            self._provider = require(
                circuit_breaker.open_provider(self.account, self._document, self._rate_limiter),
                SupportsArticles,
            )
        db.session.commit()
        return self._provider

    def query(self, question: Callable[[SupportsArticles], T]) -> T:
        """The answer to what changes nothing. TransientError where there is none, whoever is to blame for it."""
        provider = self.open_provider()
        try:
            return question(provider)
        except AppError as error:
            circuit_breaker.record_failure(self.account, error)
            if isinstance(error, (TransientError, CredentialsError)):
                raise
            raise TransientError("articles-unread", **error.detail) from error

    def find_by_code(self, codes: Iterable[str]) -> dict[str, ProviderArticle]:
        """The articles of exactly these codes."""
        wanted = list(dict.fromkeys(codes))
        found: dict[str, ProviderArticle] = {}
        for at in range(0, len(wanted), LOOKUP_BATCH_SIZE):
            some = wanted[at : at + LOOKUP_BATCH_SIZE]
            for code, one in self.query(lambda provider, some=some: provider.articles_by_code(some)).items():  # type: ignore[misc]
                # what is merely like it (upper case, a beginning) is another article
                if code in some and one.code.strip() == code:
                    found[code] = one
        return found

    def check_budget(self) -> None:
        """Nothing; one more call may be made. ThrottledError when time is up, but never before the first."""
        self._calls += 1
        if self._calls > 1 and time.monotonic() > self._until:
            raise ThrottledError("articles-pending", retry_after=1)


def load_articles(account: Account, skus: Iterable[str]) -> dict[str, Article]:
    """The rows of these SKUs as they are now, as plain values that nothing done to the session changes."""
    rows = Article.find_by_sku(account.id, skus)
    for row in rows.values():
        db.session.expunge(row)
    db.session.commit()
    return rows


# looking up


def refresh(client: ArticleClient, skus: Sequence[str]) -> None:
    """Nothing; each SKU's row says what the program says now. Commits, also what is known by then when it raises."""
    former = load_articles(client.account, skus)
    expired = _expired_creations(former.values())
    answers = client.find_by_code(code for sku in skus for code in _codes_to_look_up(sku, former.get(sku)))
    moved_or_deleted: list[tuple[str, Article]] = []
    # in one order for all, so that no two wait for each other's rows
    for sku in sorted(skus):
        row = former.get(sku)
        found = _select_article(sku, row, answers)
        if found is None and row is not None and row.article_id:
            moved_or_deleted.append((sku, row))
        else:
            _record_lookup(client.account, sku, row, found, expired)
    db.session.commit()
    for sku, row in moved_or_deleted:
        client.check_budget()
        # under another name, or gone
        found = client.query(lambda provider, row=row: provider.article_by_id(row.article_id))  # type: ignore[misc]
        _record_lookup(client.account, sku, row, found or answers.get(sku), expired)
        db.session.commit()


def _codes_to_look_up(sku: str, row: Article | None) -> list[str]:
    """What to ask for: the SKU, and what its article was last called; nothing that no program would have."""
    asked = [sku, row.code if row is not None else ""]
    return [code for code in asked if 0 < len(code) <= MAX_CODE_LENGTH]


def _select_article(
    sku: str, row: Article | None, answers: Mapping[str, ProviderArticle]
) -> ProviderArticle | None:
    """The SKU's article: the one of that very reference; first the one bound by hand; the known one if renamed."""
    known = answers.get(row.code) if row is not None and row.article_id else None
    if row is None or known is None or known.article_id != row.article_id:
        known = None
    if row is not None and row.state == BOUND:
        # without it its id is asked after, before the SKU decides
        return known
    return answers.get(sku) or known


def _expired_creations(rows: Collection[Article]) -> set[str]:
    """The SKUs whose creation, answered or not, can no longer be at work: what is not there now is not there."""
    settle = timedelta(seconds=seconds_setting("SETTLE_SECONDS"))
    at = now()
    return {
        row.sku
        for row in rows
        if row.state == MAKING and (row.making_until is None or row.making_until + settle < at)
    }


def _record_lookup(
    account: Account,
    sku: str,
    row: Article | None,
    found: ProviderArticle | None,
    expired: Collection[str],
) -> None:
    """Nothing; the row says what came of the look-up, unless somebody wrote it meanwhile. Not committed."""
    state = row.state if row is not None else ""
    if found is not None and row is not None and state == BOUND and found.article_id == row.article_id:
        Article.record_if_unchanged(account.id, sku, row, BOUND, **_article_values(found))
    elif found is not None:
        Article.record_if_unchanged(
            account.id, sku, row, MADE if state in (MADE, MAKING) else FOUND, **_article_values(found)
        )
    elif state == MAKING and sku not in expired:
        return
    elif row is not None and state == REFUSED:
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason=row.reason, detail=row.detail)
    elif len(sku) > MAX_CODE_LENGTH:
        detail = {"length": len(sku), "limit": MAX_CODE_LENGTH}
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason="article-too-long", detail=detail)
    else:
        kept = row.detail if row is not None and state in (ABSENT, MAKING) else {}
        # why it was not made holds until it is made
        why = row.reason if row is not None and state == ABSENT else ""
        Article.record_if_unchanged(account.id, sku, row, ABSENT, reason=why, detail=kept)


def _article_values(found: ProviderArticle) -> dict[str, Any]:
    return {"article_id": found.article_id, "code": found.code.strip(), "name": found.name[:MAX_NAME_LENGTH],
            "goods": found.goods}  # fmt: skip


def record_article(account: Account, sku: str, state: str, found: ProviderArticle) -> None:
    """Nothing; that article is the SKU's from now on. Commits."""
    Article.record(account.id, sku, state, **_article_values(found))
    db.session.commit()


# making


def create_article(
    client: ArticleClient, row: Article, new: NewArticle, from_states: tuple[str, ...] = (ABSENT,)
) -> None:
    """Nothing; the article was made, or refused, and the row says which. Only for what was just found not to be there.

    TransientError when nobody knows yet, when nothing was made, or when another makes it at this moment.
    """
    account, sku = client.account, row.sku
    sent = int(row.detail.get("sent", 0)) if row.state == ABSENT else 0
    if sent >= MAX_CREATION_ATTEMPTS:
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason="article-unsure")
        db.session.commit()
        return
    provider = client.open_provider()
    claimed = Article.claim_creation(account.id, sku, seconds_setting("LEASE_SECONDS"), sent + 1, from_states)
    began = time.monotonic()
    if claimed is None:
        raise ThrottledError("articles-pending", retry_after=5)
    claim = (account.id, sku, claimed)
    db.session.commit()
    failpoints.hit("article_after_claim")
    if time.monotonic() - began > START_WITHIN:
        Article.end_creation(*claim, ABSENT, detail={"sent": sent})
        raise ThrottledError("articles-pending", retry_after=1)
    try:
        made = provider.create_article(new)
        failpoints.hit("article_after_send")
    except UncertainError as error:
        Article.end_creation(*claim, MAKING)
        circuit_breaker.record_failure(account, error)
        raise TransientError("article-unsure", sku=sku, **error.detail) from error
    except (TransientError, CredentialsError) as error:
        Article.end_creation(*claim, ABSENT, detail={"sent": sent})
        circuit_breaker.record_failure(account, error)
        raise
    except MerchantError as error:
        Article.end_creation(*claim, REFUSED, reason=error.code, detail=dict(error.detail))
        circuit_breaker.record_failure(account, error)
    else:
        _record_created(account, sku, claimed, made)


def _record_created(account: Account, sku: str, claimed: datetime, made: ProviderArticle) -> None:
    """Nothing; the article that we made is the SKU's, unless the SKU came to another while we made it. Commits."""
    if Article.end_creation(
        account.id, sku, claimed, MADE, looked_at=now(), detail={}, **_article_values(made)
    ):
        return
    row = load_articles(account, [sku]).get(sku)
    if row is None or row.state not in USABLE:
        record_article(account, sku, MADE, made)
