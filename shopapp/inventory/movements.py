"""Movements of stock at the provider: sent once, and asked after where the answer was lost; those of documents too.

Called by `stocking` for one level, and by `followups` for a document that does not move stock by itself. A movement
whose outcome is not known is never sent again before its reference was looked for.
"""

from __future__ import annotations

import time
from decimal import Decimal

from shopapp import failpoints
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_of
from shopapp.connections.settings import seconds_setting
from shopapp.errors import AppError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.articles import quantities_by_sku
from shopapp.models import Account, Article, Document, StockChange, StockReservation, SyncedSku, db, now
from shopapp.models.article import USABLE
from shopapp.models.stock import DONE, LOST, PLANNED, PROVIDER, UNSURE
from shopapp.providers.base import Provider
from shopapp.providers.stock import StockMovement, SupportsStockMovements

DOCUMENT_DELAY = 2.0
"""After a document its SKUs are looked at again: long enough for what it moved to show."""
SEND_WITHIN = 5.0
"""Seconds of a worker's own clock within which it sends what it claimed; one that stood still meanwhile does not."""


def send_movement(provider: Provider, change: StockChange, move: StockMovement) -> bool:
    """False when nobody knows whether the movement was made; else it was, or was refused. Not committed.

    AppError when it certainly was not made and may be tried again.
    """
    claimed = time.monotonic()
    failpoints.hit("stock_before_send")
    check_send_window(claimed)
    try:
        require(provider, SupportsStockMovements).move_stock(move)
    except UncertainError:
        return False
    except RefusedError as error:
        change.end(LOST, error.code)
    else:
        failpoints.hit("stock_after_send")
        change.end(DONE)
    return True


def check_send_window(claimed: float) -> None:
    """Nothing. TransientError for a worker that stood still since it claimed: another may be at it by now."""
    if time.monotonic() - claimed > SEND_WITHIN:
        raise TransientError("too-late")


def outcome_of(provider: Provider, change: StockChange) -> str | None:
    """What became of a movement whose answer was lost: done, lost or unsure; None while it may still arrive. Commits.

    Unsure where the program can't be asked for it.
    """
    db.session.commit()
    there = require(provider, SupportsStockMovements).has_stock_movement(change.reference)
    if there:
        return DONE
    since = (now() - (change.sent_at or change.planned_at)).total_seconds()
    db.session.commit()
    if since <= seconds_setting("SETTLE_SECONDS"):
        return None
    return LOST if there is False else UNSURE


# what a document moves


def moved_quantities(document: Document) -> dict[str, Decimal]:
    """The pieces of each SKU that a document takes off; below zero what a credit note brings back."""
    draft = document.draft
    if draft is None or (draft.kind == "NC" and (document.asked_for or {}).get("amount")):
        # money alone is given back
        return {}
    sign = -1 if draft.kind == "NC" else 1
    return {sku: sign * many for sku, many in quantities_by_sku(draft.lines).items()}


def needs_movements(document: Document) -> bool:
    """True when movements are owed for a document just issued: stock follows, and the document moved none itself."""
    account, draft = document.account, document.draft
    if account is None or draft is None or not account.stock_direction:
        return False
    told = account.facts.get("stock_moves_on_issue")
    return not (draft.moves_stock if told is None else told)


def schedule_sync(document: Document) -> None:
    """Nothing; what a document moves, or its order put aside, is looked at soon, and followed where it is new there.

    Not committed.
    """
    account = document.account or Account.find_current(document.store)
    if account is None or not account.stock_direction:
        return
    skus = (
        moved_quantities(document).keys()
        | StockReservation.goods_of(document.store_id, document.order_id).keys()
    )
    articles = Article.find_by_sku(account.id, skus).values()
    new = sorted(one.sku for one in articles if one.state in USABLE and one.goods)
    SyncedSku.add_missing(account.store_id, account.id, new, account.stock_places)
    SyncedSku.mark_due(account.id, skus, "sale", DOCUMENT_DELAY, order_id=document.order_id)


def apply_document(document: Document) -> None:
    """Nothing; what the document took off was moved at the provider, each SKU by one movement. Commits.

    TransientError while it is not known of one whether it was made; RefusedError where one was refused.
    """
    account, moved = document.account, moved_quantities(document)
    if account is None:
        return
    provider = provider_of(account, document)
    articles = Article.find_by_sku(account.id, moved)
    ends = set()
    for at, (sku, quantity) in enumerate(sorted(moved.items()), 1):
        article = articles.get(sku)
        if article is None or article.state not in USABLE or not article.goods or not quantity:
            continue
        change = _send_once(provider, document, article, quantity, f"{document.reference}-S{at}")
        ends.add(change.state)
        if change.state in (DONE, UNSURE) and document.cause == "sale":
            StockReservation.release_sku(document.store_id, document.order_id, sku)
            db.session.commit()
    schedule_sync(document)
    db.session.commit()
    if PLANNED in ends:
        raise TransientError("stock-unsure")
    if LOST in ends:
        raise RefusedError("stock-refused")


def _send_once(
    provider: Provider, document: Document, article: Article, quantity: Decimal, reference: str
) -> StockChange:
    """The movement, over so or so; still planned while nobody knows. Commits."""
    change = StockChange.find_by_reference(reference) or _plan_change(document, article, quantity, reference)
    db.session.commit()
    if change.state == PLANNED and change.sent_at is not None:
        ended = outcome_of(provider, change)
        if ended is None:
            return change
        if ended != LOST:
            # where it can't be asked, twice would be wrong: a person looks
            change.end(ended, "" if ended == DONE else "not-askable")
            db.session.commit()
    if change.state != PLANNED or not change.claim():
        return change
    move = StockMovement(
        article.code, change.warehouse, -quantity, reference, f"Encomenda {document.order_id}"
    )
    try:
        send_movement(provider, change, move)
    except AppError:
        change.release_claim()
        raise
    db.session.commit()
    return change


def _plan_change(document: Document, article: Article, quantity: Decimal, reference: str) -> StockChange:
    draft, account = document.draft, document.account
    assert draft is not None and account is not None
    name = next((line.description for line in draft.lines if line.sku == article.sku), article.name)
    # the level itself is not read: only the difference is certain
    return StockChange.plan(
        store_id=document.store_id, account_id=account.id, document_id=document.id, order_id=document.order_id,
        sku=article.sku, name=name[:300], warehouse=draft.warehouse or account.stock_places[0][0], side=PROVIDER,
        before=quantity, after=Decimal(0), cause="sale", reference=reference,
    )  # fmt: skip
