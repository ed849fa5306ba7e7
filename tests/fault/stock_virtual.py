"""The stock machine's world: a shop's shelf, a program's depot, hooks that come, come twice, late or never.

Base of the machine in test_stock_machine.py; documents, workers and time are those of virtual.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from types import SimpleNamespace
from typing import Any

from shopapp import catalogue, goods, levelling, movements, stocking
from shopapp.fiscal.errors import RefusedError, ThrottledError, UncertainError, UnreachableError
from shopapp.fiscal.order import Line, Order
from shopapp.models import Account, Document, Ordered, StockChange, Stocked, Store, db
from shopapp.models import Article as Known
from shopapp.platforms.base import Location
from shopapp.providers.base import Article, Once, StockMove
from tests.fakes import OFFICE, SHOP, an_order
from tests.fault.virtual import ACTS, CALL, SETTLE, Killed, Virtual

FOLLOWED = ("MUG", "TEE-S", "TEE-L")
ALONE = ("FREE", "TWICE", "GIFT", "FILE")
"""What no level is kept of: unlimited, twice in the shop, a voucher, a file."""
NEW = "NEW"
"""What the program has no article of until it is sold."""
SOLD = (*FOLLOWED, NEW, "FREE", "TWICE", "FILE")
PRICE = Decimal("12.30")
MOST_ORDERS = 14
STOCK_ACTS: dict[str, Callable[[], object]] = {**ACTS, "goods": goods.step, "begin": goods.begin_due}
POINTS = (
    "stock_before_send", "stock_after_send", "before_settle", "after_settle", "before_send", "after_send",
    "follow_before_send", "follow_after_send", "after_claim",
)  # fmt: skip
_release = Store.release


def _uncertain() -> Exception:
    return UncertainError("outcome-unknown", how="timeout")


DOWN: dict[str, Callable[[], Exception]] = {
    "busy": lambda: ThrottledError("throttled", retry_after=5.0),
    "down": lambda: UnreachableError("unreachable"),
    "never": _uncertain,
}


class Wares(Virtual):
    """One shop and one program whose levels follow each other, in one pair of places or two."""

    promise = Once.BY_KEY
    acts = STOCK_ACTS

    def __init__(self) -> None:
        super().__init__()
        self.told = 0
        self.causes: Counter[str] = Counter()
        """What happened to each SKU that may bring a level to be set."""
        self.dead, self.deaf = False, False
        """Whether the worker at it died; whether hooks are lost, and articles renamed, in this run."""
        told = SimpleNamespace(monotonic=lambda: self.monotonic)
        for module in (goods, stocking, movements):
            module.time = told  # type: ignore[attr-defined]
        machine = self

        def release(store: Store, column: str, until: Any) -> None:
            if not machine.dead:
                _release(store, column, until)

        Store.release = release  # type: ignore[method-assign]

    def _stocks(
        self, direction: str, documents_move: bool, two: bool, asks: tuple[bool, bool], gives: bool
    ) -> None:
        """The merchant lets stock follow; both sides have their goods."""
        self.direction, self.documents_move = direction, documents_move
        shelf, depot = SHOP.shelf, OFFICE.depot
        self.places = (("w1", "l1"), ("w2", "l2")) if two else (("", ""),)
        depot.warehouses = tuple(warehouse for warehouse, _ in self.places)
        shelf.locations = tuple(Location(place, place) for _, place in self.places if place)
        depot.documents_move, shelf.gives_back = documents_move, gives
        depot.tells_changes, depot.knows_moves = asks
        depot.page = shelf.page = 6
        with self.app.app_context():
            for at, sku in enumerate(FOLLOWED):
                variant = {"TEE-S": "31", "TEE-L": "32"}.get(sku, "")
                self.world.stocked(sku, 10, 10 - at, product="3" if variant else str(at + 1), variant=variant)
            self.world.stocked("FREE", None, 5, product="5")
            self.world.stocked("TWICE", 4, 5, product="6")
            shelf.sells("TWICE", 4, product="7")
            self.world.stocked("GIFT", 3, 5, product="8", kind="giftcard")
            self.world.stocked("FILE", 3, 5, product="9", kind="service")
            shelf.sells(NEW, 6, product="10")
            self.world.account = self._account()
            self.world.follows(
                direction, stock_places=[list(pair) for pair in self.places], warehouse=self.places[0][0]
            )
            db.session.rollback()

    def _follows(self, direction: str) -> None:
        self.direction = direction
        self.causes.update((*FOLLOWED, NEW))
        with self.app.app_context():
            account = self._account()
            account.settings = {**account.settings, "stock": direction}
            db.session.commit()

    def _account(self) -> Account:
        account = Account.of(db.session.get_one(Store, self.store_id))
        assert account is not None
        return account

    def _point(self, name: str) -> None:
        if self.kill_at == name:
            # nothing is given back by one who is gone
            self.dead = True
        super()._point(name)

    def _do(self, act: str) -> Any:
        try:
            return super()._do(act)
        finally:
            self.dead = False

    # the shop

    def _sell(self, wanted: dict[str, int], paid: bool, heard: str, given: bool = False) -> None:
        """An order is placed, unless the shop has not enough; one that is given away has nothing to pay."""
        if self.number - 1000 >= MOST_ORDERS:
            return
        number = str(self.number + 1)
        lines = tuple(
            Line(ref=str(at), description=f"Artigo {sku}", quantity=Decimal(pieces), unit_price=PRICE, sku=sku,
                 charged=Decimal(23), kind="service" if sku == "FILE" else "goods")
            for at, (sku, pieces) in enumerate(wanted.items(), 1)
        )  # fmt: skip
        total = PRICE * sum(wanted.values())
        off = total if given else Decimal(0)
        order = an_order(
            number, created_at=self.now, lines=lines, total=total - off, discount=off,
            status="paid" if paid else "open", paid_at=self.now if paid else None,
        )  # fmt: skip
        if not SHOP.shelf.place(order):
            return
        self.number += 1
        SHOP.orders[number] = order
        self._happened(order)
        self._tell(number, "order_paid" if paid else "order_pending_payment", heard)
        for sku in wanted:
            self._hear(sku, heard)

    def _happened(self, order: Order) -> None:
        for line in order.lines:
            self.causes[line.sku] += 1

    def _pay(self, number: str, heard: str) -> None:
        SHOP.orders[number] = replace(SHOP.orders[number], status="paid", paid_at=self.now)
        self._happened(SHOP.orders[number])
        self._tell(number, "order_paid", heard)

    def _call_off(self, number: str, heard: str) -> None:
        order = SHOP.orders[number] = replace(SHOP.orders[number], status="cancelled")
        SHOP.shelf.cancel(number)
        self._happened(order)
        self._tell(number, "order_canceled", heard)
        for line in order.lines:
            self._hear(line.sku, heard)

    def _hear(self, sku: str, heard: str) -> None:
        """The shop tells of a product: at once, twice, late, or never."""
        self._post(lambda more: self.world.heard(sku, more), heard)

    def _tell(self, number: str, event: str, heard: str) -> None:
        self._post(lambda more: self.world.hook(number, event, more=more), heard)

    def _post(self, post: Callable[[str], None], heard: str) -> None:
        def posts() -> None:
            self.told += 1
            with self.app.app_context():
                post(str(self.told))

        if heard == "lost" and not self.deaf:
            heard = "sent"
        if heard == "late":
            self.late.append((self.now + timedelta(seconds=self.random.randrange(1, 200)), "", posts))
        else:
            for _ in range({"lost": 0, "twice": 2}.get(heard, 1)):
                posts()

    # the program

    def _article(self, sku: str) -> Article | None:
        """The article that the SKU began with, whatever it is called by now."""
        return next((one for one in OFFICE.articles.values() if one.code.split("~")[0] == sku), None)

    def _move(self, kind: str) -> Callable[[StockMove], bool]:
        """What the program does with a movement."""

        def act(move: StockMove) -> bool:
            article, depot = OFFICE.named(move.code), OFFICE.depot
            if kind in DOWN:
                raise DOWN[kind]()
            if kind == "refused":
                raise RefusedError("stock-refused", answer="Fechado.")
            if kind == "late":
                after = timedelta(seconds=self.random.randrange(1, SETTLE - CALL))
                self.late.append((self.now + after, "", lambda: depot.make(article, move)))
                raise _uncertain()
            if kind == "lost":
                depot.make(article, move)
                raise _uncertain()
            return True

        return act

    def _goes_wrong(self, verb: str, kind: str) -> None:
        """The next answer to that verb is an odd one."""
        self.causes.update((*FOLLOWED, NEW))
        if verb == "move_stock":
            OFFICE.depot.odd.append(self._move(kind))
        elif verb == "set_stock" and kind == "lost":
            SHOP.answered.append(_lost)
        elif verb == "set_stock":
            SHOP.fail.setdefault(verb, []).append(DOWN.get(kind, DOWN["down"])())
        else:
            side = OFFICE if verb in OF_PROGRAM else SHOP
            side.fail.setdefault(verb, []).append(DOWN["busy" if kind == "busy" else "down"]())

    def _all_is_well(self) -> None:
        SHOP.fail.clear()
        OFFICE.fail.clear()
        SHOP.answered.clear()
        OFFICE.depot.odd.clear()
        OFFICE.next.clear()

    # what there is, and what it should be

    def _put_aside(self, sku: str) -> Decimal:
        """What stands sold of it and no document took off, as the orders themselves say."""
        with self.app.app_context():
            settled = {
                row.order_id
                for row in db.session.query(Document).filter(Document.cause == "sale")
                if row.state in ("issued", "void")
            }
            # given away, and the program came down with the shop: nothing will take it off
            known = {row.order_id for row in db.session.query(Ordered) if not row.goods}
            settled |= {number for number in known if not SHOP.orders[number].total}
            db.session.rollback()
        return sum(
            (
                line.quantity
                for number, order in SHOP.orders.items()
                for line in order.lines
                if number not in settled and order.status in ("open", "paid") and line.sku == sku
            ),
            Decimal(0),
        )

    def unequal(self) -> list[str]:
        """The SKUs and places at which the equation does not hold."""
        found = []
        for sku in (*FOLLOWED, NEW):
            article = self._article(sku)
            for warehouse, location in self.places if article is not None else ():
                first = (warehouse, location) == self.places[0]
                aside = self._put_aside(sku) if first else Decimal(0)
                theirs, ours = OFFICE.depot.level(article, warehouse), SHOP.shelf.level(sku, location)  # type: ignore[arg-type]
                if self.direction == "to-shop" and sku == NEW and theirs <= 0:
                    continue  # made by us, and never counted
                if self.direction == "to-shop":
                    wanted = max(0, int((theirs - aside).to_integral_value(ROUND_FLOOR)))
                    well = ours == wanted
                else:
                    well = theirs == Decimal(ours or 0) + aside
                if not well:
                    found.append(
                        f"{sku} {warehouse}/{location}: shop {ours}, program {theirs}, aside {aside}"
                    )
        return found

    def is_found(self, sku: str) -> bool:
        """Whether the app knows the SKU's article."""
        with self.app.app_context():
            found = db.session.query(Known).filter(Known.sku == sku, Known.article_id != "").count()
            db.session.rollback()
        return bool(found)

    def journal(self) -> list[StockChange]:
        with self.app.app_context():
            rows = db.session.query(StockChange).order_by(StockChange.id).all()
            db.session.expunge_all()
            db.session.rollback()
        return rows

    def followed(self) -> list[Stocked]:
        with self.app.app_context():
            rows = db.session.query(Stocked).order_by(Stocked.id).all()
            db.session.expunge_all()
            db.session.rollback()
        return rows

    def _begin(self, what: str) -> None:
        """The merchant's "do it now"."""
        with self.app.app_context():
            (catalogue if what == "catalogue" else levelling).begin(self._account(), "hand")
            db.session.commit()


def _lost(product_id: str) -> None:
    raise _uncertain()


OF_PROGRAM = ("levels", "changed_levels", "articles", "article", "stock_moved")
__all__ = ["DOWN", "FOLLOWED", "Killed", "POINTS", "SOLD", "Wares"]
