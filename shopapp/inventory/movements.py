"""Send stock movements to the provider, each once; when an answer was lost, ask for the movement by its reference."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

from shopapp import failpoints
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_of
from shopapp.connections.send_window import is_too_late_to_send
from shopapp.connections.settings import seconds_setting
from shopapp.errors import AppError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.articles import quantities_by_sku
from shopapp.models import Account, Article, Document, StockChange, StockReservation, SyncedSku, db, now
from shopapp.models.article import USABLE
from shopapp.models.stock import CAUSE_SALE, DONE, LOST, PLANNED, PROVIDER, UNSURE
from shopapp.providers.base import Provider
from shopapp.providers.stock import StockMovement, SupportsStockMovements

DOCUMENT_DELAY = 2.0
"""Seconds after a document before its SKUs are synced: by then the provider shows what it moved."""


def send_movement(provider: Provider, change: StockChange, movement: StockMovement) -> bool:
    """Send the movement and end its change as done or refused. Not committed.

    Return False when it is unknown whether the stock was moved: the change stays planned. Raises AppError when
    nothing was moved and it may be tried again.
    """
    claimed_at = time.monotonic()
    failpoints.hit("stock_before_send")
    check_send_window(claimed_at)
    try:
        require(provider, SupportsStockMovements).move_stock(movement)
    except UncertainError:
        return False
    except RefusedError as error:
        change.end(LOST, error.code)
    else:
        failpoints.hit("stock_after_send")
        change.end(DONE)
    return True


def check_send_window(claimed_at: float) -> None:
    """Raise TransientError when the send window is over: another worker may have the change by now."""
    if is_too_late_to_send(claimed_at):
        raise TransientError("too-late")


def outcome_of(provider: Provider, change: StockChange) -> str | None:
    """Return what became of a movement whose answer was lost: DONE, LOST or UNSURE. Commits.

    None while it may still arrive; UNSURE when the provider cannot be asked about movements.
    """
    db.session.commit()
    has_movement = require(provider, SupportsStockMovements).has_stock_movement(change.reference)
    if has_movement:
        return DONE
    seconds_since_sent = (now() - (change.sent_at or change.planned_at)).total_seconds()
    db.session.commit()
    if seconds_since_sent <= seconds_setting("SETTLE_SECONDS"):
        return None
    return LOST if has_movement is False else UNSURE


# what a document moves


def moved_quantities(document: Document) -> dict[str, Decimal]:
    """Return the pieces of each SKU that a document takes off the stock; negative for what a credit note returns."""
    draft = document.draft
    if draft is None:
        return {}
    request = document.asked_for or {}
    if draft.kind == "NC" and request.get("amount") and "unstocked" not in request:
        # notes that earlier releases requested by amount took fractions of pieces, and gave back only money
        return {}
    sign = -1 if draft.kind == "NC" else 1
    return {sku: sign * pieces for sku, pieces in quantities_by_sku(draft.lines).items()}


def needs_movements(document: Document) -> bool:
    """Return whether we must send movements for a document just issued: stock is synced, and it moved none itself."""
    account, draft = document.account, document.draft
    if account is None or draft is None or not account.stock_direction:
        return False
    # The account says whether its documents move stock; where it does not say, the merchant's setting does.
    moves_on_issue = account.facts.get("stock_moves_on_issue")
    return not (draft.moves_stock if moves_on_issue is None else moves_on_issue)


def schedule_sync(document: Document) -> None:
    """Have the SKUs of a document, and those that its order reserves, synced soon. Not committed.

    SKUs whose article is new are added to the sync.
    """
    account = document.account or Account.find_current(document.store)
    if account is None or not account.stock_direction:
        return
    skus = (
        moved_quantities(document).keys()
        | StockReservation.goods_of(document.store_id, document.order_id).keys()
    )
    articles = Article.find_by_sku(account.id, skus).values()
    stocked = sorted(article.sku for article in articles if article.state in USABLE and article.goods)
    SyncedSku.add_missing(account.store_id, account.id, stocked, account.stock_places)
    SyncedSku.mark_due(account.id, skus, CAUSE_SALE, DOCUMENT_DELAY, order_id=document.order_id)


def apply_document(document: Document) -> None:
    """Move at the provider what the document takes off. Commits. Raises as `move_quantities`."""
    move_quantities(document, moved_quantities(document), f"{document.reference}-S")


def move_quantities(document: Document, quantities: Mapping[str, Decimal], reference: str) -> None:
    """Take these pieces off at the provider, one movement for each SKU; negative ones come back. Commits.

    `reference` and a number make the reference of each movement. Raises TransientError while the outcome of one is
    unknown, RefusedError when one was refused.
    """
    account = document.account
    if account is None:
        return
    provider = provider_of(account, "comfort", document)
    articles = Article.find_by_sku(account.id, quantities)
    states = set()
    for number, (sku, quantity) in enumerate(sorted(quantities.items()), 1):
        article = articles.get(sku)
        if article is None or article.state not in USABLE or not article.goods or not quantity:
            continue
        change = _send_once(provider, document, article, quantity, f"{reference}{number}")
        states.add(change.state)
        if change.state in (DONE, UNSURE) and document.is_sale and quantity > 0:
            StockReservation.release_sku(document.store_id, document.order_id, sku)
            db.session.commit()
    schedule_sync(document)
    db.session.commit()
    if PLANNED in states:
        raise TransientError("stock-unsure")
    if LOST in states:
        raise RefusedError("stock-refused")


def _send_once(
    provider: Provider, document: Document, article: Article, quantity: Decimal, reference: str
) -> StockChange:
    """Return the change of this movement, sent if that is safe; still planned while its outcome is unknown. Commits."""
    change = StockChange.find_by_reference(reference)
    if change is None:
        change = _plan_document_change(document, article, quantity, reference)
    db.session.commit()
    if change.state == PLANNED and change.sent_at is not None:
        outcome = outcome_of(provider, change)
        if outcome is None:
            return change
        if outcome != LOST:
            # A movement that the provider cannot be asked about is not sent again: a person must look.
            change.end(outcome, "" if outcome == DONE else "not-askable")
            db.session.commit()
    if change.state != PLANNED or not change.claim():
        return change
    movement = StockMovement(
        article.code, change.warehouse, -quantity, reference, f"Encomenda {document.order_id}"
    )
    try:
        send_movement(provider, change, movement)
    except AppError:
        change.release_claim()
        raise
    db.session.commit()
    return change


def _plan_document_change(
    document: Document, article: Article, quantity: Decimal, reference: str
) -> StockChange:
    """Write the movement into the journal before it is sent. Commits.

    The provider's quantity is not read, so `before` and `after` contain only the difference.
    """
    draft, account = document.draft, document.account
    assert draft is not None and account is not None
    name = next((line.description for line in draft.lines if line.sku == article.sku), article.name)
    return StockChange.plan(
        store_id=document.store_id, account_id=account.id, document_id=document.id, order_id=document.order_id,
        sku=article.sku, name=name[:300], warehouse=draft.warehouse or account.stock_places[0][0], side=PROVIDER,
        before=quantity, after=Decimal(0), cause=CAUSE_SALE, reference=reference,
    )  # fmt: skip
