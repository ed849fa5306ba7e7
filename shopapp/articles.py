"""The articles of an account over there: looked up, remembered SKU by SKU, and made once each.

Called by `matching` alone. A look-up that failed is never "not there"; what may have been made is looked up before it
is made again; nothing that exists is renamed or priced anew. Knows no document.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shopapp import connect, fault, settling
from shopapp.connect import Pace
from shopapp.fiscal.errors import (
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
    LONGEST_CODE,
    LONGEST_NAME,
    MADE,
    MAKING,
    REFUSED,
    USABLE,
)
from shopapp.providers import base
from shopapp.providers.base import NewArticle, Provider

AT_ONCE = 50
"""Codes in one look-up."""
START_WITHIN = 5.0
"""Seconds after the claim in which a creation must begin: a worker that was frozen there must not wake up and post."""
MOST_SENT = 3
"""Creations without an answer after which a SKU goes without an article: nobody knows what becomes of them."""
SHARE = 3
"""Which share of a take may pass before whoever has more to ask is put off; he goes on where he stopped."""

T = TypeVar("T")


class Books:
    """The program, opened when it is first asked, and once; what its failures say of it is kept."""

    def __init__(self, account: Account, document: Document | None = None, pace: Pace | None = None) -> None:
        self.account = account
        self._document, self._pace = document, pace
        self._provider: Provider | None = None
        self._until = time.monotonic() + float(connect.setting("TAKE_SECONDS")) / SHARE
        self._calls = 0

    def opened(self) -> Provider:
        """The provider, unless it is known not to answer. Leaves no transaction open."""
        if self._provider is None:
            if self.account.paused_until is not None and self.account.paused_until > now():
                raise TransientError("unreachable")
            self._provider = connect.provider_of(self.account, self._document, self._pace)
        db.session.commit()
        return self._provider

    def ask(self, question: Callable[[Provider], T]) -> T:
        """The answer to what changes nothing. TransientError where there is none, whoever is to blame for it."""
        provider = self.opened()
        try:
            return question(provider)
        except AppError as error:
            self.heard(error)
            if isinstance(error, (TransientError, CredentialsError)):
                raise
            raise TransientError("articles-unread", **error.detail) from error

    def heard(self, error: AppError) -> None:
        """Nothing; what a failed call says of the provider, or of its keys, is kept. Commits."""
        if isinstance(error, CredentialsError):
            settling.refuse_account(self.account, error)
        else:
            settling.heard(self.account, error)

    def named(self, codes: Iterable[str]) -> dict[str, base.Article]:
        """The articles of exactly these codes."""
        wanted = list(dict.fromkeys(codes))
        found: dict[str, base.Article] = {}
        for at in range(0, len(wanted), AT_ONCE):
            some = wanted[at : at + AT_ONCE]
            for code, one in self.ask(lambda provider, some=some: provider.articles(some)).items():  # type: ignore[misc]
                # what is merely like it (upper case, a beginning) is another article
                if code in some and one.code.strip() == code:
                    found[code] = one
        return found

    def in_time(self) -> None:
        """Nothing; one more call may be made. ThrottledError when time is up, but never before the first."""
        self._calls += 1
        if self._calls > 1 and time.monotonic() > self._until:
            raise ThrottledError("articles-pending", retry_after=1)


def read(account: Account, skus: Iterable[str]) -> dict[str, Article]:
    """The rows of these SKUs as they are now, as plain values that nothing done to the session changes."""
    rows = Article.of(account.id, skus)
    for row in rows.values():
        db.session.expunge(row)
    db.session.commit()
    return rows


# looking up


def renew(books: Books, skus: Sequence[str]) -> None:
    """Nothing; each SKU's row says what the program says now. Commits, also what is known by then when it raises."""
    former = read(books.account, skus)
    lapsed = _lapsed(former.values())
    answers = books.named(code for sku in skus for code in _codes(sku, former.get(sku)))
    strays: list[tuple[str, Article]] = []
    # in one order for all, so that no two wait for each other's rows
    for sku in sorted(skus):
        row = former.get(sku)
        found = _answering(sku, row, answers)
        if found is None and row is not None and row.article_id:
            strays.append((sku, row))
        else:
            _tell(books.account, sku, row, found, lapsed)
    db.session.commit()
    for sku, row in strays:
        books.in_time()
        # under another name, or gone
        found = books.ask(lambda provider, row=row: provider.article(row.article_id))  # type: ignore[misc]
        _tell(books.account, sku, row, found or answers.get(sku), lapsed)
        db.session.commit()


def _codes(sku: str, row: Article | None) -> list[str]:
    """What to ask for: the SKU, and what its article was last called; nothing that no program would have."""
    asked = [sku, row.code if row is not None else ""]
    return [code for code in asked if 0 < len(code) <= LONGEST_CODE]


def _answering(sku: str, row: Article | None, answers: Mapping[str, base.Article]) -> base.Article | None:
    """The SKU's article: the one of that very reference; first the one bound by hand; the known one if renamed."""
    known = answers.get(row.code) if row is not None and row.article_id else None
    if row is None or known is None or known.article_id != row.article_id:
        known = None
    if row is not None and row.state == BOUND:
        # without it its id is asked after, before the SKU decides
        return known
    return answers.get(sku) or known


def _lapsed(rows: Collection[Article]) -> set[str]:
    """The SKUs whose creation, answered or not, can no longer be at work: what is not there now is not there."""
    settle = timedelta(seconds=float(connect.setting("SETTLE_SECONDS")))
    at = now()
    return {
        row.sku
        for row in rows
        if row.state == MAKING and (row.making_until is None or row.making_until + settle < at)
    }


def _tell(
    account: Account, sku: str, row: Article | None, found: base.Article | None, lapsed: Collection[str]
) -> None:
    """Nothing; the row says what came of the look-up, unless somebody wrote it meanwhile. Not committed."""
    state = row.state if row is not None else ""
    if found is not None and row is not None and state == BOUND and found.article_id == row.article_id:
        Article.tell(account.id, sku, row, BOUND, **_known(found))
    elif found is not None:
        Article.tell(account.id, sku, row, MADE if state in (MADE, MAKING) else FOUND, **_known(found))
    elif state == MAKING and sku not in lapsed:
        return
    elif row is not None and state == REFUSED:
        Article.tell(account.id, sku, row, REFUSED, reason=row.reason, detail=row.detail)
    elif len(sku) > LONGEST_CODE:
        detail = {"length": len(sku), "limit": LONGEST_CODE}
        Article.tell(account.id, sku, row, REFUSED, reason="article-too-long", detail=detail)
    else:
        kept = row.detail if row is not None and state in (ABSENT, MAKING) else {}
        # why it was not made holds until it is made
        why = row.reason if row is not None and state == ABSENT else ""
        Article.tell(account.id, sku, row, ABSENT, reason=why, detail=kept)


def _known(found: base.Article) -> dict[str, Any]:
    return {"article_id": found.article_id, "code": found.code.strip(), "name": found.name[:LONGEST_NAME],
            "goods": found.goods}  # fmt: skip


def remember(account: Account, sku: str, state: str, found: base.Article) -> None:
    """Nothing; that article is the SKU's from now on. Commits."""
    Article.remember(account.id, sku, state, **_known(found))
    db.session.commit()


# making


def make(books: Books, row: Article, new: NewArticle, among: tuple[str, ...] = (ABSENT,)) -> None:
    """Nothing; the article was made, or refused, and the row says which. Only for what was just found not to be there.

    TransientError when nobody knows yet, when nothing was made, or when another makes it at this moment.
    """
    account, sku = books.account, row.sku
    sent = int(row.detail.get("sent", 0)) if row.state == ABSENT else 0
    if sent >= MOST_SENT:
        Article.tell(account.id, sku, row, REFUSED, reason="article-unsure")
        db.session.commit()
        return
    provider = books.opened()
    claimed = Article.claim_making(account.id, sku, float(connect.setting("LEASE_SECONDS")), sent + 1, among)
    began = time.monotonic()
    if claimed is None:
        raise ThrottledError("articles-pending", retry_after=5)
    ours = (account.id, sku, claimed)
    db.session.commit()
    fault.point("article_after_claim")
    if time.monotonic() - began > START_WITHIN:
        Article.end_making(*ours, ABSENT, detail={"sent": sent})
        raise ThrottledError("articles-pending", retry_after=1)
    try:
        made = provider.create_article(new)
        fault.point("article_after_send")
    except UncertainError as error:
        Article.end_making(*ours, MAKING)
        books.heard(error)
        raise TransientError("article-unsure", sku=sku, **error.detail) from error
    except (TransientError, CredentialsError) as error:
        Article.end_making(*ours, ABSENT, detail={"sent": sent})
        books.heard(error)
        raise
    except MerchantError as error:
        Article.end_making(*ours, REFUSED, reason=error.code, detail=dict(error.detail))
        books.heard(error)
    else:
        _keep(account, sku, claimed, made)


def _keep(account: Account, sku: str, claimed: datetime, made: base.Article) -> None:
    """Nothing; the article that we made is the SKU's, unless the SKU came to another while we made it. Commits."""
    if Article.end_making(account.id, sku, claimed, MADE, looked_at=now(), detail={}, **_known(made)):
        return
    row = read(account, [sku]).get(sku)
    if row is None or row.state not in USABLE:
        remember(account, sku, MADE, made)
