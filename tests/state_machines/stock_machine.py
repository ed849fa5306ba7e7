"""The base of the stock state machine: stock on both sides, and webhooks that arrive once, twice, late or never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from types import SimpleNamespace
from typing import Any

from shopapp.errors import RefusedError, ThrottledError, UncertainError, UnreachableError
from shopapp.fiscal.order import Order, OrderLine
from shopapp.inventory import catalogue, movements, scheduler, stock_runs, stock_sync
from shopapp.models import Account, Article, Document, StockChange, StockReservation, Store, SyncedSku, db
from shopapp.platforms.base import Location
from shopapp.providers.articles import ProviderArticle
from shopapp.providers.base import IssueGuarantee
from shopapp.providers.stock import StockMovement
from tests.fakes import PLATFORM_STATE, PROVIDER_STATE, paid_order
from tests.state_machines.document_machine import CALL, MACHINE_STEPS, SETTLE, DocumentMachine, Killed

SYNCED_SKUS = ("MUG", "TEE-S", "TEE-L")
NOT_SYNCED_SKUS = ("FREE", "TWICE", "GIFT", "FILE")
"""SKUs that are left alone: unlimited, twice in the shop, a gift card, a service."""
NEW_SKU = "NEW"
"""The SKU without an article until it is sold."""
SOLD_SKUS = (*SYNCED_SKUS, NEW_SKU, "FREE", "TWICE", "FILE")
PRICE = Decimal("12.30")
MOST_ORDERS = 14
STOCK_STEPS: dict[str, Callable[[], object]] = {
    **MACHINE_STEPS,
    "goods": scheduler.run_step,
    "begin": scheduler.start_due_runs,
}
STOCK_FAILPOINTS = (
    "stock_before_send", "stock_after_send", "before_settle", "after_settle", "before_send", "after_send",
    "follow_before_send", "follow_after_send", "after_claim",
)  # fmt: skip
_release = Store.release_lease


def _uncertain() -> Exception:
    return UncertainError("outcome-unknown", how="timeout")


ERRORS: dict[str, Callable[[], Exception]] = {
    "busy": lambda: ThrottledError("throttled", retry_after=5.0),
    "down": lambda: UnreachableError("unreachable"),
    "never": _uncertain,
}


class StockMachine(DocumentMachine):
    """One shop and one provider whose stock is synced, in one pair of places or two."""

    guarantee = IssueGuarantee.IDEMPOTENT
    steps = STOCK_STEPS

    def __init__(self) -> None:
        super().__init__()
        self.webhooks_sent = 0
        self.causes: Counter[str] = Counter()
        """How often something happened to each SKU that may make us set a quantity."""
        self.worker_is_dead, self.webhooks_get_lost = False, False
        """Whether the worker was killed; whether this run loses webhooks and renames articles."""
        virtual_time = SimpleNamespace(monotonic=lambda: self.monotonic)
        for module in (scheduler, stock_sync, movements):
            module.time = virtual_time  # type: ignore[attr-defined]
        machine = self

        def release(store: Store, column: str, until: Any) -> None:
            if not machine.worker_is_dead:
                _release(store, column, until)

        Store.release_lease = release  # type: ignore[method-assign]

    def _set_up_stock(
        self,
        direction: str,
        documents_move: bool,
        two_places: bool,
        lookups: tuple[bool, bool],
        restores_cancelled: bool,
    ) -> None:
        """Switch the sync on, with stock on both sides."""
        self.direction, self.documents_move = direction, documents_move
        shop_stock, provider_stock = PLATFORM_STATE.stock, PROVIDER_STATE.stock
        self.places = (("w1", "l1"), ("w2", "l2")) if two_places else (("", ""),)
        provider_stock.warehouses = tuple(warehouse for warehouse, _ in self.places)
        shop_stock.locations = tuple(Location(place, place) for _, place in self.places if place)
        provider_stock.documents_move, shop_stock.restores_cancelled = documents_move, restores_cancelled
        provider_stock.reports_changes, provider_stock.finds_movements = lookups
        provider_stock.page_size = shop_stock.page_size = 6
        with self.app.app_context():
            for at, sku in enumerate(SYNCED_SKUS):
                variant = {"TEE-S": "31", "TEE-L": "32"}.get(sku, "")
                self.world.add_synced_product(
                    sku, 10, 10 - at, product="3" if variant else str(at + 1), variant=variant
                )
            self.world.add_synced_product("FREE", None, 5, product="5")
            self.world.add_synced_product("TWICE", 4, 5, product="6")
            shop_stock.add_item("TWICE", 4, product="7")
            self.world.add_synced_product("GIFT", 3, 5, product="8", kind="giftcard")
            self.world.add_synced_product("FILE", 3, 5, product="9", kind="service")
            shop_stock.add_item(NEW_SKU, 6, product="10")
            self.world.account = self._account()
            self.world.enable_stock_sync(
                direction, stock_places=[list(pair) for pair in self.places], warehouse=self.places[0][0]
            )
            db.session.rollback()

    def _set_direction(self, direction: str) -> None:
        self.direction = direction
        self.causes.update((*SYNCED_SKUS, NEW_SKU))
        with self.app.app_context():
            account = self._account()
            account.settings = {**account.settings, "stock": direction}
            db.session.commit()

    def _account(self) -> Account:
        account = Account.find_current(db.session.get_one(Store, self.store_id))
        assert account is not None
        return account

    def _hit_failpoint(self, name: str) -> None:
        if self.kill_at == name:
            # A killed worker releases no lease.
            self.worker_is_dead = True
        super()._hit_failpoint(name)

    def _run_step(self, act: str) -> Any:
        try:
            return super()._run_step(act)
        finally:
            self.worker_is_dead = False

    # The shop

    def _place_order(self, wanted: dict[str, int], paid: bool, delivery: str, is_free: bool = False) -> None:
        """Place an order, unless the shop has too little stock; a free one has nothing to pay."""
        if self.number - 1000 >= MOST_ORDERS:
            return
        number = str(self.number + 1)
        lines = tuple(
            OrderLine(ref=str(at), description=f"Artigo {sku}", quantity=Decimal(pieces), unit_price=PRICE, sku=sku,
                 charged=Decimal(23), kind="service" if sku == "FILE" else "goods")
            for at, (sku, pieces) in enumerate(wanted.items(), 1)
        )  # fmt: skip
        total = PRICE * sum(wanted.values())
        off = total if is_free else Decimal(0)
        order = paid_order(
            number, created_at=self.now, lines=lines, total=total - off, discount=off,
            status="paid" if paid else "open", paid_at=self.now if paid else None,
        )  # fmt: skip
        if not PLATFORM_STATE.stock.place_order(order):
            return
        self.number += 1
        PLATFORM_STATE.orders[number] = order
        self._count_causes(order)
        self._send_order_webhook(number, "order_paid" if paid else "order_pending_payment", delivery)
        for sku in wanted:
            self._send_product_webhook(sku, delivery)

    def _count_causes(self, order: Order) -> None:
        for line in order.lines:
            self.causes[line.sku] += 1

    def _pay_order(self, number: str, delivery: str) -> None:
        PLATFORM_STATE.orders[number] = replace(
            PLATFORM_STATE.orders[number], status="paid", paid_at=self.now
        )
        self._count_causes(PLATFORM_STATE.orders[number])
        self._send_order_webhook(number, "order_paid", delivery)

    def _cancel_order(self, number: str, delivery: str) -> None:
        order = PLATFORM_STATE.orders[number] = replace(PLATFORM_STATE.orders[number], status="cancelled")
        PLATFORM_STATE.stock.cancel_order(number)
        self._count_causes(order)
        self._send_order_webhook(number, "order_canceled", delivery)
        for line in order.lines:
            self._send_product_webhook(line.sku, delivery)

    def _send_product_webhook(self, sku: str, delivery: str) -> None:
        """Send the product's webhook: at once, twice, late, or never."""
        self._deliver(lambda more: self.world.receive_product_webhook(sku, more), delivery)

    def _send_order_webhook(self, number: str, event: str, delivery: str) -> None:
        self._deliver(lambda more: self.world.receive_webhook(number, event, more=more), delivery)

    def _deliver(self, post: Callable[[str], None], delivery: str) -> None:
        def send() -> None:
            self.webhooks_sent += 1
            with self.app.app_context():
                post(str(self.webhooks_sent))

        if delivery == "lost" and not self.webhooks_get_lost:
            delivery = "sent"
        if delivery == "late":
            self.late_calls.append((self.now + timedelta(seconds=self.random.randrange(1, 200)), "", send))
        else:
            for _ in range({"lost": 0, "twice": 2}.get(delivery, 1)):
                send()

    # The provider

    def _article(self, sku: str) -> ProviderArticle | None:
        """Return the article that first had the SKU, whatever its code is now."""
        return next((one for one in PROVIDER_STATE.articles.values() if one.code.split("~")[0] == sku), None)

    def _movement_outcome(self, kind: str) -> Callable[[StockMovement], bool]:
        """Return the provider's reaction to its next movement."""

        def act(move: StockMovement) -> bool:
            article, provider_stock = PROVIDER_STATE.article_by_code(move.code), PROVIDER_STATE.stock
            if kind in ERRORS:
                raise ERRORS[kind]()
            if kind == "refused":
                raise RefusedError("stock-refused", answer="Fechado.")
            if kind == "late":
                after = timedelta(seconds=self.random.randrange(1, SETTLE - CALL))
                self.late_calls.append(
                    (self.now + after, "", lambda: provider_stock.record_movement(article, move))
                )
                raise _uncertain()
            if kind == "lost":
                provider_stock.record_movement(article, move)
                raise _uncertain()
            return True

        return act

    def _plan_fault(self, method: str, kind: str) -> None:
        """Make the next call of that method fail."""
        self.causes.update((*SYNCED_SKUS, NEW_SKU))
        if method == "move_stock":
            PROVIDER_STATE.stock.planned_movements.append(self._movement_outcome(kind))
        elif method == "set_stock" and kind == "lost":
            PLATFORM_STATE.after_set_stock.append(_lost)
        elif method == "set_stock":
            PLATFORM_STATE.errors.setdefault(method, []).append(ERRORS.get(kind, ERRORS["down"])())
        else:
            side = PROVIDER_STATE if method in PROVIDER_METHODS else PLATFORM_STATE
            side.errors.setdefault(method, []).append(ERRORS["busy" if kind == "busy" else "down"]())

    def _clear_faults(self) -> None:
        PLATFORM_STATE.errors.clear()
        PROVIDER_STATE.errors.clear()
        PLATFORM_STATE.after_set_stock.clear()
        PROVIDER_STATE.stock.planned_movements.clear()
        PROVIDER_STATE.planned_issues.clear()

    # Present levels, and expected ones

    def _reserved(self, sku: str) -> Decimal:
        """Return the pieces that are sold and that no document has deducted, according to the orders themselves."""
        with self.app.app_context():
            settled = {
                row.order_id
                for row in db.session.query(Document).filter(Document.cause == "sale")
                if row.state in ("issued", "void")
            }
            # Free orders whose pieces are no longer reserved: the provider followed the shop.
            known = {row.order_id for row in db.session.query(StockReservation) if not row.goods}
            settled |= {number for number in known if not PLATFORM_STATE.orders[number].total}
            db.session.rollback()
        return sum(
            (
                line.quantity
                for number, order in PLATFORM_STATE.orders.items()
                for line in order.lines
                if number not in settled and order.status in ("open", "paid") and line.sku == sku
            ),
            Decimal(0),
        )

    def level_differences(self) -> list[str]:
        """Return the SKUs and places whose shop level is not the provider's level less the reserved pieces."""
        found = []
        for sku in (*SYNCED_SKUS, NEW_SKU):
            article = self._article(sku)
            for warehouse, location in self.places if article is not None else ():
                first = (warehouse, location) == self.places[0]
                reserved = self._reserved(sku) if first else Decimal(0)
                provider_quantity, shop_quantity = (
                    PROVIDER_STATE.stock.level(article, warehouse),
                    PLATFORM_STATE.stock.level(sku, location),
                )  # type: ignore[arg-type]
                if self.direction == "to-shop" and sku == NEW_SKU and provider_quantity <= 0:
                    continue  # created by us, and never counted
                if self.direction == "to-shop":
                    wanted = max(0, int((provider_quantity - reserved).to_integral_value(ROUND_FLOOR)))
                    in_sync = shop_quantity == wanted
                else:
                    in_sync = provider_quantity == Decimal(shop_quantity or 0) + reserved
                if not in_sync:
                    found.append(
                        f"{sku} {warehouse}/{location}: shop {shop_quantity},"
                        f" provider {provider_quantity}, reserved {reserved}"
                    )
        return found

    def is_article_known(self, sku: str) -> bool:
        """Return whether the app knows the SKU's article."""
        with self.app.app_context():
            found = db.session.query(Article).filter(Article.sku == sku, Article.article_id != "").count()
            db.session.rollback()
        return bool(found)

    def stock_changes(self) -> list[StockChange]:
        with self.app.app_context():
            rows = db.session.query(StockChange).order_by(StockChange.id).all()
            db.session.expunge_all()
            db.session.rollback()
        return rows

    def synced_skus(self) -> list[SyncedSku]:
        with self.app.app_context():
            rows = db.session.query(SyncedSku).order_by(SyncedSku.id).all()
            db.session.expunge_all()
            db.session.rollback()
        return rows

    def _start_run(self, what: str) -> None:
        """Start a run, as the merchant does."""
        with self.app.app_context():
            start = catalogue.start_catalogue_run if what == "catalogue" else stock_runs.start_stock_run
            start(self._account(), "hand")
            db.session.commit()


def _lost(product_id: str) -> None:
    raise _uncertain()


PROVIDER_METHODS = ("levels", "changed_levels", "articles", "article", "stock_moved")
__all__ = ["ERRORS", "SYNCED_SKUS", "Killed", "STOCK_FAILPOINTS", "SOLD_SKUS", "StockMachine"]
