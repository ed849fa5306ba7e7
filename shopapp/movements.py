"""Movements of stock at the provider: sent once, and asked after where the answer was lost; those of documents too.

Called by `stocking` for one level, and by `followups` for a document that does not move stock by itself. A movement
whose outcome is not known is never sent again before its reference was looked for.
"""

from __future__ import annotations

from decimal import Decimal

from shopapp import connect, fault
from shopapp.fiscal.document import Draft
from shopapp.fiscal.errors import AppError, RefusedError, TransientError, UncertainError
from shopapp.models import Article, Document, StockChange, Stocked, db, moment, now
from shopapp.models.article import USABLE
from shopapp.models.stock import DONE, LOST, PLANNED, PROVIDER, UNSURE
from shopapp.providers.base import Provider, StockMove

SALE_SECONDS = 2.0
"""After a document its SKUs are looked at again: long enough for what it moved to show."""


def sent(provider: Provider, change: StockChange, move: StockMove) -> bool:
    """False when nobody knows whether the movement was made; else it was, or was refused. Not committed."""
    fault.point("stock_before_send")
    try:
        provider.move_stock(move)
    except UncertainError:
        return False
    except AppError as error:
        if not isinstance(error, RefusedError):
            # nothing was moved: whoever asked tries again
            change.end(LOST, error.code)
            db.session.commit()
            raise
        change.end(LOST, error.code)
    else:
        fault.point("stock_after_send")
        change.end(DONE)
    return True


def ended_by_now(provider: Provider, change: StockChange) -> str | None:
    """What became of a movement whose answer was lost: done or lost; None while that can't be said. Commits."""
    db.session.commit()
    there = provider.stock_moved(change.reference)
    if there:
        return DONE
    since = (now() - (change.sent_at or change.planned_at)).total_seconds()
    old = since > float(connect.setting("SETTLE_SECONDS"))
    db.session.commit()
    # where it can't be asked, the level is absolute: whatever came of it, the next reading sets it right
    return LOST if old else None


# what a document moves


def skus_of(draft: Draft) -> dict[str, Decimal]:
    """The pieces of each SKU that a document takes off; below zero what a credit note brings back."""
    found: dict[str, Decimal] = {}
    for line in draft.lines:
        if line.kind == "goods" and (sku := line.sku.strip()):
            found[sku] = found.get(sku, Decimal(0)) + (
                -line.quantity if draft.kind == "NC" else line.quantity
            )
    return found


def owed_for(document: Document) -> bool:
    """True when movements are owed for a document just issued: stock follows, and the document moves none itself."""
    account = document.account
    return account is not None and account.follows == "to-shop" and not account.documents_move


def wake(document: Document) -> None:
    """Nothing; the SKUs of a document just issued are looked at again soon. Not committed."""
    account, draft = document.account, document.draft
    if account is not None and account.follows and draft is not None:
        Stocked.wake(account.id, skus_of(draft), "sale", SALE_SECONDS, order_id=document.order_id)


def follow(document: Document) -> None:
    """Nothing; what the document took off was moved at the provider, each SKU by one movement. Commits.

    TransientError while it is not known of one whether it was made.
    """
    account, draft = document.account, document.draft
    if account is None or draft is None:
        return
    provider = connect.provider_of(account, document)
    articles = Article.of(account.id, skus_of(draft))
    waiting = False
    for at, (sku, pieces) in enumerate(sorted(skus_of(draft).items()), 1):
        article = articles.get(sku)
        if article is None or article.state not in USABLE or not article.goods or not pieces:
            continue
        waiting = not _made(provider, document, article, pieces, f"{document.reference}-S{at}") or waiting
    wake(document)
    db.session.commit()
    if waiting:
        raise TransientError("stock-unsure")


def _made(provider: Provider, document: Document, article: Article, pieces: Decimal, reference: str) -> bool:
    """True when the movement is over, so or so; False while nobody knows. Commits."""
    change = StockChange.referred(reference) or _planned(document, article, pieces, reference)
    if change.state != PLANNED:
        return True
    if change.sent_at is not None:
        ended = ended_by_now(provider, change)
        if ended == DONE:
            change.end(DONE)
        elif ended == LOST and provider.stock_moved(reference) is None:
            # it can't be asked, and twice would be wrong: a person looks
            change.end(UNSURE, "not-askable")
        db.session.commit()
        if ended != LOST or change.state != PLANNED:
            return change.state != PLANNED
    change.sent_at = moment()
    db.session.commit()
    move = StockMove(article.code, change.warehouse, -pieces, reference, f"Encomenda {document.order_id}")
    try:
        over = sent(provider, change, move)
    except AppError:
        _to_be_sent_again(change)
        raise
    db.session.commit()
    return over


def _to_be_sent_again(change: StockChange) -> None:
    change.state, change.reason, change.sent_at, change.ended_at = PLANNED, "", None, None
    db.session.commit()


def _planned(document: Document, article: Article, pieces: Decimal, reference: str) -> StockChange:
    draft, account = document.draft, document.account
    assert draft is not None and account is not None
    name = next((line.description for line in draft.lines if line.sku.strip() == article.sku), article.name)
    # the level itself is not read: only the difference is certain
    change = StockChange(
        store_id=document.store_id, account_id=account.id, document_id=document.id, order_id=document.order_id,
        sku=article.sku, name=name[:300], warehouse=draft.warehouse or account.places[0][0], side=PROVIDER,
        before=pieces, after=Decimal(0), cause="sale", state=PLANNED, reference=reference, planned_at=moment(),
    )  # fmt: skip
    db.session.add(change)
    db.session.flush()
    db.session.refresh(change)
    db.session.commit()
    return change
