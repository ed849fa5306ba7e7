"""An account's articles at the provider: look them up, remember them by SKU, create each missing one once.

A look-up that failed never counts as "does not exist". After a lost answer the article is looked up before it
is created again. An existing article is never renamed or given another price.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shopapp import failpoints
from shopapp.connections import circuit_breaker
from shopapp.connections.api_usage import Purpose
from shopapp.connections.contracts import require
from shopapp.connections.http import RateLimiter
from shopapp.connections.send_window import is_too_late_to_send
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
"""Codes in one call."""
MAX_CREATION_ATTEMPTS = 3
"""Creations without an answer after which a SKU goes without an article."""
BUDGET_DIVISOR = 3
"""Look-ups may use this part (one third) of TAKE_SECONDS; the next attempt continues with what is left."""

T = TypeVar("T")


class ArticleClient:
    """Asks an account's provider about articles, and records failed calls for the circuit breaker."""

    def __init__(
        self, account: Account, document: Document | None = None, rate_limiter: RateLimiter | None = None
    ) -> None:
        self.account = account
        self._document, self._rate_limiter = document, rate_limiter
        self._provider: SupportsArticles | None = None
        self._until = time.monotonic() + seconds_setting("TAKE_SECONDS") / BUDGET_DIVISOR
        self._calls = 0

    def open_provider(self) -> SupportsArticles:
        """Return the provider, opened once. Leaves no transaction open.

        Raises TransientError while the account is paused.
        """
        if self._provider is None:
            purpose: Purpose = "comfort" if self._document is None else "issuing"
            provider = circuit_breaker.open_provider(
                self.account, purpose, self._document, self._rate_limiter
            )
            self._provider = require(provider, SupportsArticles)
        db.session.commit()
        return self._provider

    def query(self, question: Callable[[SupportsArticles], T]) -> T:
        """Return the answer to a question that changes nothing. Commits.

        Raises TransientError, or CredentialsError, when there is no answer.
        """
        provider = self.open_provider()
        try:
            return question(provider)
        except AppError as error:
            circuit_breaker.record_failure(self.account, error)
            if isinstance(error, (TransientError, CredentialsError)):
                raise
            raise TransientError("articles-unread", **error.detail) from error

    def find_by_code(self, codes: Iterable[str]) -> dict[str, ProviderArticle]:
        """Return the articles with exactly these codes, by code."""
        wanted = list(dict.fromkeys(codes))
        found: dict[str, ProviderArticle] = {}
        for start in range(0, len(wanted), LOOKUP_BATCH_SIZE):
            found |= self._find_batch(wanted[start : start + LOOKUP_BATCH_SIZE])
        return found

    def _find_batch(self, codes: Sequence[str]) -> dict[str, ProviderArticle]:
        answers = self.query(lambda provider: provider.articles_by_code(codes))
        # A provider may answer with articles whose code is only similar (upper case, the beginning).
        return {
            code: article
            for code, article in answers.items()
            if code in codes and article.code.strip() == code
        }

    def find_by_id(self, article_id: str) -> ProviderArticle | None:
        return self.query(lambda provider: provider.article_by_id(article_id))

    def check_budget(self) -> None:
        """Raise ThrottledError when the time for more calls is used up, but never before the first call."""
        self._calls += 1
        if self._calls > 1 and time.monotonic() > self._until:
            raise ThrottledError("articles-pending", retry_after=1)


def load_articles(account: Account, skus: Iterable[str]) -> dict[str, Article]:
    """Return the rows of these SKUs as they are now, detached from the session. Commits."""
    rows = Article.find_by_sku(account.id, skus)
    for row in rows.values():
        db.session.expunge(row)
    db.session.commit()
    return rows


# looking up


def refresh(client: ArticleClient, skus: Sequence[str]) -> None:
    """Look these SKUs up at the provider and record the answers. Commits; answers recorded before an error are kept."""
    former = load_articles(client.account, skus)
    expired = _expired_creations(former.values())
    answers = client.find_by_code(code for sku in skus for code in _codes_to_look_up(sku, former.get(sku)))
    moved_or_deleted: list[tuple[str, Article]] = []
    # Sorted, so that two workers never wait for each other's rows.
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
        found = client.find_by_id(row.article_id)
        _record_lookup(client.account, sku, row, found or answers.get(sku), expired)
        db.session.commit()


def _codes_to_look_up(sku: str, row: Article | None) -> list[str]:
    """Return the SKU and the code that its article had last; longer ones than a provider can have are left out."""
    codes = [sku, row.code if row is not None else ""]
    return [code for code in codes if 0 < len(code) <= MAX_CODE_LENGTH]


def _select_article(
    sku: str, row: Article | None, answers: Mapping[str, ProviderArticle]
) -> ProviderArticle | None:
    """Return the SKU's article: the one whose code is the SKU, else the known one under its last code.

    A SKU that the merchant linked to an article can have no other one.
    """
    known = answers.get(row.code) if row is not None and row.article_id else None
    if row is None or known is None or known.article_id != row.article_id:
        known = None
    if row is not None and row.state == BOUND:
        return known
    return answers.get(sku) or known


def _expired_creations(rows: Collection[Article]) -> set[str]:
    """Return the SKUs whose creation can no longer take effect: if the article is not there, it was not created."""
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
    """Record the answer, unless another worker wrote the row since it was read. Not committed."""
    state = row.state if row is not None else ""
    if found is not None:
        if row is not None and state == BOUND and found.article_id == row.article_id:
            new_state = BOUND
        else:
            new_state = MADE if state in (MADE, MAKING) else FOUND
        Article.record_if_unchanged(account.id, sku, row, new_state, **_article_values(found))
    elif state == MAKING and sku not in expired:
        return
    elif row is not None and state == REFUSED:
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason=row.reason, detail=row.detail)
    elif len(sku) > MAX_CODE_LENGTH:
        detail = {"length": len(sku), "limit": MAX_CODE_LENGTH}
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason="article-too-long", detail=detail)
    else:
        kept_detail = row.detail if row is not None and state in (ABSENT, MAKING) else {}
        # The reason why it was not created is kept until it is created.
        kept_reason = row.reason if row is not None and state == ABSENT else ""
        Article.record_if_unchanged(account.id, sku, row, ABSENT, reason=kept_reason, detail=kept_detail)


def _article_values(found: ProviderArticle) -> dict[str, Any]:
    return {"article_id": found.article_id, "code": found.code.strip(), "name": found.name[:MAX_NAME_LENGTH],
            "goods": found.goods}  # fmt: skip


def record_article(account: Account, sku: str, state: str, found: ProviderArticle) -> None:
    """Record that this article is the SKU's. Commits."""
    Article.record(account.id, sku, state, **_article_values(found))
    db.session.commit()


# creating


def create_article(
    client: ArticleClient, row: Article, new: NewArticle, from_states: tuple[str, ...] = (ABSENT,)
) -> None:
    """Create the article of a SKU that was just looked up and not found; record it, or its refusal. Commits.

    Raises TransientError when it is unknown whether it was created, when nothing was created, or while
    another worker creates it; CredentialsError when the credentials are refused.
    """
    account, sku = client.account, row.sku
    unanswered = int(row.detail.get("sent", 0)) if row.state == ABSENT else 0
    if unanswered >= MAX_CREATION_ATTEMPTS:
        Article.record_if_unchanged(account.id, sku, row, REFUSED, reason="article-unsure")
        db.session.commit()
        return
    provider = client.open_provider()
    lease_seconds = seconds_setting("LEASE_SECONDS")
    claimed_at = Article.claim_creation(account.id, sku, lease_seconds, unanswered + 1, from_states)
    began = time.monotonic()
    if claimed_at is None:
        raise ThrottledError("articles-pending", retry_after=5)
    db.session.commit()
    failpoints.hit("article_after_claim")
    if is_too_late_to_send(began):
        Article.end_creation(account.id, sku, claimed_at, ABSENT, detail={"sent": unanswered})
        raise ThrottledError("articles-pending", retry_after=1)
    created = _send_creation(
        account, provider, new, claim=(account.id, sku, claimed_at), unanswered=unanswered
    )
    if created is not None:
        _record_created(account, sku, claimed_at, created)


def _send_creation(
    account: Account,
    provider: SupportsArticles,
    new: NewArticle,
    claim: tuple[int, str, datetime],
    unanswered: int,
) -> ProviderArticle | None:
    """Return the created article; record a failure, and return None when the provider refused it. Commits."""
    try:
        created = provider.create_article(new)
        failpoints.hit("article_after_send")
    except UncertainError as error:
        Article.end_creation(*claim, MAKING)
        circuit_breaker.record_failure(account, error)
        raise TransientError("article-unsure", sku=claim[1], **error.detail) from error
    except (TransientError, CredentialsError) as error:
        Article.end_creation(*claim, ABSENT, detail={"sent": unanswered})
        circuit_breaker.record_failure(account, error)
        raise
    except MerchantError as error:
        Article.end_creation(*claim, REFUSED, reason=error.code, detail=dict(error.detail))
        circuit_breaker.record_failure(account, error)
        return None
    return created


def _record_created(account: Account, sku: str, claimed_at: datetime, created: ProviderArticle) -> None:
    """Record the article that we created, unless the SKU got another one in the meantime. Commits."""
    values = _article_values(created)
    if Article.end_creation(account.id, sku, claimed_at, MADE, looked_at=now(), detail={}, **values):
        return
    row = load_articles(account, [sku]).get(sku)
    if row is None or row.state not in USABLE:
        record_article(account, sku, MADE, created)
