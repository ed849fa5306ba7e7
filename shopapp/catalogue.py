"""The shop's goods: the whole list page by page, a product when a hook tells of it, an order for what it puts aside.

Called by `goods`. Keeps what it read in `Product` and `Ordered` and wakes the followed SKUs that differ; makes no
article and alters no level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from shopapp import matching
from shopapp.connect import Pace
from shopapp.fiscal.articles import pieces
from shopapp.fiscal.errors import OrderError
from shopapp.fiscal.order import Order
from shopapp.models import Account, Article, Document, Ordered, Product, Run, Stocked, Store, db, now
from shopapp.models.article import LONGEST_SKU, USABLE
from shopapp.models.ordered import FREE
from shopapp.models.run import CATALOGUE, DONE, MATCHING, READING, STOCK
from shopapp.models.states import ISSUED, WAITING
from shopapp.models.stock import RUN
from shopapp.platforms.base import Goods, Platform

TOGETHER = 50
"""How many SKUs are looked up by one question."""
AS_IT_WAS = ("duplicate", "gone", "no-article", "no-stock", "off", "unlimited")
"""Why a SKU is left alone that may be otherwise by now, whatever its level."""
DRAFTED_WITHIN = 10.0
"""Seconds after an order was read before its SKUs are looked at: its document is usually issued by then."""
LOOKED_AGAIN = timedelta(days=7)
"""After how long an article is looked up again that is known: it may have been renamed, or be gone."""
PATIENCE = 15.0
"""Seconds after a product's hook before its level is held against the other side's: its order is read meanwhile."""


def begin(account: Account, cause: str) -> bool:
    """True when a reading of the whole list began; False when one is under way. Not committed."""
    total = Product.counted(account.store_id) or None
    return Run.begin(account.store_id, account.id, CATALOGUE, cause, total=total, mark=account.following)


def is_as_chosen(account: Account) -> bool:
    """True when the goods were read since the merchant last chose how their stock follows."""
    read = Run.last(account.id, CATALOGUE, DONE)
    return read is None or read.mark == account.following


def page(run: Run, account: Account, shop: Platform, pace: Pace) -> None:
    """Nothing; the run is one page further: goods read, then their SKUs looked up, then done. Commits."""
    if run.phase == MATCHING:
        _match(run, account, pace)
    else:
        _read(run, shop)


def _read(run: Run, shop: Platform) -> None:
    found = shop.goods(run.cursor)
    Product.keep(run.store_id, (_row(one) for one in found.goods))
    if found.after:
        run.keep(phase=READING, cursor=found.after, seen=run.seen + len(found.goods), tries=0, reason="")
    else:
        # a list may leave out what is there: what was deleted between two pages shifts the rest
        Product.doubt(run.store_id, run.begun_at)
        total = len(Product.skus(run.store_id))
        run.keep(phase=MATCHING, cursor="", seen=0, total=total, tries=0, reason="")
    db.session.commit()


def _row(goods: Goods) -> dict[str, object]:
    row = asdict(goods)
    # one too long to be kept is looked up nowhere: the goods count as without SKU
    return {**row, "sku": goods.sku if len(goods.sku) <= LONGEST_SKU else ""}


def _match(run: Run, account: Account, pace: Pace) -> None:
    """Nothing; the next SKUs are known at the provider, or known not to be, and followed where stock follows."""
    skus = Product.skus(run.store_id, run.cursor, TOGETHER)
    known = Article.of(account.id, skus)
    codes, old = {sku: one.code for sku, one in known.items()}, now() - LOOKED_AGAIN
    strange = [sku for sku in skus if sku not in known or not _is_known(known[sku], old)]
    db.session.commit()
    if strange and matching.looks_up(account):
        matching.look_up(account, strange, pace)
    follow(account, skus, run.id)
    # under a former name its level was no longer told
    renamed = [sku for sku, one in Article.of(account.id, codes).items() if one.code != codes[sku]]
    Stocked.wake(account.id, renamed, RUN)
    if skus:
        run.keep(cursor=skus[-1], seen=run.seen + len(skus), tries=0, reason="")
        db.session.commit()
        return
    former = Run.last(account.id, CATALOGUE, DONE)
    if account.follows and former is not None and former.mark != run.mark:
        # what was equal as it followed before may not be equal now
        Stocked.renew(account.id)
    if account.follows and run.cause != "clock":
        Run.begin(run.store_id, account.id, STOCK, run.cause)
    run.end(DONE)


def _is_known(article: Article, since: datetime) -> bool:
    return article.state in USABLE and article.looked_at is not None and article.looked_at > since


def follow(account: Account, skus: Iterable[str], run_id: int | None = None) -> None:
    """Nothing; those of the SKUs that have an article are followed, and looked at where the shop's level is another.

    What is altered because they are new is the run's, and can be undone with it. Not committed.
    """
    if not account.follows:
        return
    matched = {
        sku: one for sku, one in Article.of(account.id, skus).items() if one.state in USABLE and one.goods
    }
    Stocked.follow(account.store_id, account.id, sorted(matched), account.places, run_id)
    _wake_changed(account, matched)


def _wake_changed(account: Account, skus: Iterable[str]) -> None:
    """Nothing; of these SKUs those are due whose level in the shop is not the one that we know. Not committed."""
    wanted = list(skus)
    mine = select(Stocked).where(
        Stocked.account_id == account.id, Stocked.sku.in_(wanted), Stocked.due_at.is_(None)
    )
    selling = Product.selling(account.store_id, wanted)
    placed = any(location for _, location in account.places)
    for row in db.session.scalars(mine.execution_options(populate_existing=True)):
        rows = selling.get(row.sku, [])
        # by location the shop's list tells only the sum: it is looked at
        if len(rows) == 1 and (placed or rows[0].stock != row.ours or row.reason in AS_IT_WAS):
            Stocked.wake(account.id, [row.sku], "hook", PATIENCE)


def read_told(account: Account, shop: Platform, pace: Pace) -> bool:
    """True when a product that a hook told of was read again; False when there is none. Commits."""
    told = Product.take_told(account.store_id)
    if told is None:
        return False
    began, former = now(), Product.skus_of(account.store_id, told.product_id)
    db.session.commit()
    found = shop.goods_of(told.product_id)
    rows = [_row(one) for one in found]
    skus = former | {str(row["sku"]) for row in rows if row["sku"]}
    known = Article.of(account.id, skus)
    db.session.commit()
    if (strange := sorted(skus - known.keys())) and matching.looks_up(account):
        matching.look_up(account, strange, pace)
    # one commit: whoever dies before it leaves the product to be read again, and nothing of it half known
    Product.keep(account.store_id, rows)
    Product.gone(account.store_id, told.product_id, began)
    # the row may be one that was made for the hook alone, or of a product that has variants by now
    told.is_read(gone=all(one.variant_id != told.variant_id for one in found))
    follow(account, skus)
    db.session.commit()
    return True


def read_order(store: Store, account: Account | None, shop: Platform) -> bool:
    """True when an order that was told of was read for its goods; False when there is none. Commits."""
    told = Ordered.take_unread(store.id)
    if told is None:
        return False
    began, order_id = now(), told.order_id
    document = Document.of(store.id, order_id)
    db.session.commit()
    goods = None
    if document is None or document.state != ISSUED:
        try:
            goods = _aside(account, shop.order(order_id), document)
        except OrderError as error:
            # not to be understood: its document says so, and what was known of it holds
            goods = {} if error.code == "order-missing" else None
    _put_aside(store.id, account, order_id, goods, began)
    return True


def remember(account: Account, order: Order, began: datetime) -> None:
    """Nothing; where stock follows, an order read for its document since then tells what it puts aside. Commits."""
    if account.follows:
        _put_aside(account.store_id, account, order.id, _aside(account, order), began)


def _put_aside(
    store_id: int, account: Account | None, order_id: str, goods: dict[str, Decimal] | None, began: datetime
) -> None:
    """Nothing; so much is put aside, and SKUs of which that is another number are looked at soon. Commits."""
    changed = Ordered.read(store_id, order_id, goods, began)
    if changed and account is not None:
        Stocked.wake(account.id, changed, "sale", DRAFTED_WITHIN, order_id=order_id)
    db.session.commit()


def _aside(
    account: Account | None, order: Order, document: Document | None = None
) -> dict[str, Decimal] | None:
    """What the order puts aside; None: what is known of it holds.

    What is given away no document takes off: to the shop it stays put aside; a program that follows comes down with
    the shop.
    """
    if order.status == "paid" and order.paid_total <= 0:
        if account is not None and account.follows == "to-provider":
            return {}
        if document is not None and (document.state, document.reason) == (WAITING, FREE):
            # one from before stock followed, or taken off since, holds nothing again
            return goods_in(order) if Ordered.goods_of(document.store_id, order.id) else None
    return goods_in(order)


def goods_in(order: Order) -> dict[str, Decimal]:
    """The pieces of each SKU that the shop has put aside for this order; none once it is cancelled or abandoned."""
    return pieces(order.lines) if order.status in ("open", "paid") else {}
