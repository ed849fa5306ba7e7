"""A shop and an invoicing program in memory, behind the same verbs as the real ones; the program's ledger is the judge.

Used by the tests of the moves: `World` joins both to rows of a store that is set up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp import catalogue, jobs, levelling
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import OrderError, RefusedError
from shopapp.fiscal.order import Line, Order
from shopapp.fiscal.party import Address, Party
from shopapp.models import (
    Account,
    Document,
    FollowUp,
    Hook,
    Ordered,
    Product,
    Run,
    StockChange,
    Stocked,
    Store,
    db,
    now,
    set_clock,
)
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import (
    Attachment,
    Event,
    Goods,
    GoodsPage,
    Location,
    Platform,
    SaleSummary,
    ShopTax,
    StoreInfo,
    Tokens,
    UnreadableHook,
)
from shopapp.providers import PROVIDERS
from shopapp.providers.base import (
    AccountFacts,
    Article,
    Capabilities,
    Choices,
    Guide,
    LevelsPage,
    NewArticle,
    Once,
    Opened,
    Provider,
    StockLevel,
    StockMove,
)
from tests.wares import Depot, Shelf


def an_order(number: str = "1001", **changes: Any) -> Order:
    """A paid order of one mug at 23 %, 12.30 euros, to a consumer without NIF."""
    created = changes.pop("created_at", datetime.now(UTC))
    values: dict[str, Any] = {
        "id": number,
        "status": "paid",
        "created_at": created,
        "currency": "EUR",
        "prices_include_tax": True,
        "lines": (
            Line(ref="1", description="Caneca", quantity=Decimal(1), unit_price=Decimal("12.30"),
                 sku="CAN-1", charged=Decimal(23)),
        ),
        "total": Decimal("12.30"),
        "buyer": Party(name="Ana Exemplo", email="ana@example.pt",
                       address=Address("Rua do Exemplo 1", "1000-100", "Lisboa", "PT")),
        "paid_at": created,
        "paid_source": "completed_at",
        "ship_to": Address("Rua do Exemplo 1", "1000-100", "Lisboa", "PT"),
    }  # fmt: skip
    return Order(**{**values, **changes})


@dataclass
class Shop:
    """What the platform knows; `fail` holds errors that its next answers are, by verb."""

    orders: dict[str, Order] = field(default_factory=dict)
    shown: dict[str, list[Attachment]] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    hooks: list[tuple[str, str]] = field(default_factory=list)
    fail: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refreshed: int = 0
    shelf: Shelf = field(default_factory=Shelf)
    answered: list[Callable[[str], object]] = field(default_factory=list)
    """What happens once the next levels are set, before that is answered: another level, a lost answer."""

    def called(self, verb: str) -> None:
        self.calls.append(verb)
        if self.fail.get(verb):
            raise self.fail[verb].pop(0)


SHOP = Shop()


KINDS: dict[str, Any] = {
    "order_canceled": "cancelled", "order_pending_payment": "open", "order_updated": "updated",
    "product_updated": "product",
}  # fmt: skip


class FakeShop(Platform):
    """The platform's verbs over `SHOP`."""

    name, label, events = "fakeshop", "Fake", ("order_paid", "order_canceled")
    early_events = ("order_pending_payment", "order_updated")
    product_events = ("product_updated",)
    pace = 1e9

    def __init__(self, wire: Any, token: Any, redirect: str) -> None:
        self._wire, self._token = wire, token

    def _ask(self, verb: str) -> None:
        self._wire.before()
        if self._token:
            self._token(None)
        self._wire.before()
        SHOP.called(verb)

    def authorize_url(self, state: str, challenge: str) -> str:
        return f"http://shop.localhost/authorize?state={state}"

    def exchange(self, code: str, verifier: str) -> Tokens:
        return Tokens("access", "refresh", 3600)

    def refresh(self, refresh_token: str) -> Tokens:
        self._wire.before()
        SHOP.called("refresh")
        SHOP.refreshed += 1
        return Tokens(f"access-{SHOP.refreshed}", f"refresh-{SHOP.refreshed}", 3600)

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return ("http://admin.localhost",)

    def order_admin_url(self, code: str, order_id: str) -> str:
        return f"http://admin.localhost/orders/{order_id}"

    def store_info(self) -> StoreInfo:
        self._ask("store_info")
        return StoreInfo(
            "fake", "Fake", "EUR", "PT", "Europe/Lisbon", "pt", "loja@example.pt", "", "hooks-token"
        )

    def listen(self, url: str, events: tuple[str, ...], anew: bool = False) -> str:
        self._ask("listen anew" if anew else "listen")
        missing = [(event, url) for event in events if (event, url) not in SHOP.hooks]
        SHOP.hooks += missing
        return "missing" if missing else ""

    def order(self, order_id: str) -> Order:
        self._ask("order")
        if order_id not in SHOP.orders:
            raise OrderError("order-missing")
        return SHOP.orders[order_id]

    def paid_orders(self, since: datetime) -> Iterator[SaleSummary]:
        self._ask("paid_orders")
        for order in sorted(SHOP.orders.values(), key=lambda order: int(order.id), reverse=True):
            if order.status == "paid" and order.created_at >= since:
                yield SaleSummary(order.id, order.status, order.created_at, order.total)

    def other_orders(self, since: datetime) -> Iterator[SaleSummary]:
        self._ask("other_orders")
        for order in sorted(SHOP.orders.values(), key=lambda order: int(order.id), reverse=True):
            if order.status != "paid" and order.created_at >= since:
                yield SaleSummary(order.id, order.status, order.created_at, order.total)

    def sale(self, order_id: str) -> SaleSummary:
        self._ask("sale")
        if order_id not in SHOP.orders:
            raise OrderError("order-missing")
        order = SHOP.orders[order_id]
        return SaleSummary(order.id, order.status, order.created_at, order.total)

    def attach(self, order_id: str, document: Attachment) -> None:
        self._ask("attach")
        known = SHOP.shown.setdefault(order_id, [])
        if all(one.external_id != document.external_id for one in known):
            known.append(document)

    def note(self, order_id: str, text: str) -> None:
        self._ask("note")
        if (order_id, text) not in SHOP.notes:
            SHOP.notes.append((order_id, text))

    def taxes(self) -> tuple[ShopTax, ...]:
        self._ask("taxes")
        return ()

    def goods(self, after: str = "") -> GoodsPage:
        self._ask("goods")
        return SHOP.shelf.listed(after)

    def goods_of(self, product_id: str) -> tuple[Goods, ...]:
        self._ask("goods_of")
        return SHOP.shelf.product(product_id)

    def locations(self) -> tuple[Location, ...]:
        self._ask("locations")
        return SHOP.shelf.locations

    def stock_at(
        self, goods: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        self._ask("stock_at")
        return SHOP.shelf.levels(goods, locations)

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        self._ask("set_stock")
        SHOP.shelf.write(product_id, variant_id, pieces, location)
        if SHOP.answered:
            SHOP.answered.pop(0)(product_id)

    @staticmethod
    def signed(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return headers.get("Signature") == secret

    @staticmethod
    def hook_claims(headers: Mapping[str, str]) -> tuple[str, str]:
        return "", headers.get("Event", "order_paid")

    @staticmethod
    def read_hook(event: str, body: bytes) -> Event:
        kind, about = KINDS.get(event, "paid"), "product" if event == "product_updated" else "order"
        try:
            number = str(json.loads(body)[about]["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableHook("not-json") from error
        return Event(kind, "", number) if kind == "product" else Event(kind, number)


@dataclass
class Office:
    """What the invoicing program knows: `ledger` is all that it ever issued, `drafts` what it merely keeps."""

    ledger: list[tuple[str, Draft]] = field(default_factory=list)
    drafts: dict[str, tuple[str, Draft]] = field(default_factory=dict)
    made: dict[str, Issued] = field(default_factory=dict)
    """The document made of each key or draft."""
    hidden: set[str] = field(default_factory=set)
    """References that a search does not show yet (it lags)."""
    next: list[Callable[[Draft, str], Issued | None]] = field(default_factory=list)
    """What the next calls to issue (or finalise) do instead of answering well; None: go on to answer well."""
    openings: list[Callable[[Draft, str], None]] = field(default_factory=list)
    """The same for the next drafts that are opened; they are kept all the same."""
    drops: list[Callable[[str], object]] = field(default_factory=list)
    """What happens first when the next drafts are to be removed."""
    opened: int = 0
    checks: list[Exception] = field(default_factory=list)
    promise: Once = Once.BY_PERSON
    searches: list[Exception] = field(default_factory=list)
    lists: bool = False
    """Whether it tells all of its documents with their references."""
    words: dict[str, str] = field(default_factory=dict)
    """The program's own word for a document, by number: paid, annulled."""
    vanished: set[str] = field(default_factory=set)
    articles: dict[str, Article] = field(default_factory=dict)
    """The articles in use, by id."""
    numbered: int = 0
    created: list[NewArticle] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """The references of each look-up, or the one id."""
    fail: dict[str, list[Exception]] = field(default_factory=dict)
    """Errors that its next answers about articles are, by verb; nothing was done then."""
    creations: list[Callable[[NewArticle], object]] = field(default_factory=list)
    """What happens once the next articles are made, before that is answered."""
    depot: Depot = field(default_factory=Depot)

    def failing(self, verb: str) -> None:
        if self.fail.get(verb):
            raise self.fail[verb].pop(0)

    def keeps(self, code: str, name: str = "Artigo", goods: bool = True) -> Article:
        """An article that somebody made over there."""
        self.numbered += 1
        article = Article(f"st-{self.numbered}", code, name, goods)
        self.articles[article.article_id] = article
        return article

    def make(self, new: NewArticle) -> Article:
        self.failing("create_article")
        self.created.append(new)
        article = self.keeps(new.code, new.name, new.goods)
        if self.creations:
            self.creations.pop(0)(new)
        return article

    def issue(self, draft: Draft, reference: str) -> Issued:
        if self.next:
            odd = self.next.pop(0)(draft, reference)
            if odd is not None:
                return odd
        return self.book(draft, reference)

    def book(self, draft: Draft, reference: str) -> Issued:
        if self.promise is Once.BY_KEY and reference in self.made:
            return self.made[reference]
        self.ledger.append((reference, draft))
        if self.depot.documents_move:
            self._moved(draft)
        number = f"{draft.kind} 2026{draft.kind}/{len(self.ledger)}"
        issued = Issued(
            f"id-{len(self.ledger)}", number, draft.series, draft.date, draft.gross, pdf_url="http://x/pdf"
        )
        self.made.setdefault(reference, issued)
        return issued

    def named(self, code: str) -> Article | None:
        """The article with that reference."""
        return next((one for one in self.articles.values() if one.code == code), None)

    def _moved(self, draft: Draft) -> None:
        for line in draft.lines:
            article = self.named(draft.code_of(line))
            if article is not None and article.goods and line.kind == "goods":
                pieces = line.quantity if draft.kind == "NC" else -line.quantity
                self.depot.add(article, pieces, draft.warehouse or self.depot.warehouses[0])

    def move(self, move: StockMove) -> None:
        self.failing("move_stock")
        if not self.depot.odd or self.depot.odd.pop(0)(move):
            self.depot.make(self.named(move.code), move)

    def listed(self) -> list[tuple[str, Issued]]:
        """Every document that is still there, with its reference and what became of it."""
        rows = [
            (reference, f"{draft.kind} 2026{draft.kind}/{at}", draft.gross, f"id-{at}")
            for at, (reference, draft) in enumerate(self.ledger, 1)
        ]
        return [
            (reference, Issued(key, number, total=total, provider_state=self.words.get(number, "")))
            for reference, number, total, key in rows
            if number not in self.vanished
        ]

    def open(self, draft: Draft, reference: str) -> str:
        self.opened += 1
        draft_id = f"draft-{self.opened}"
        self.drafts[draft_id] = (reference, draft)
        if self.openings:
            self.openings.pop(0)(draft, reference)
        return draft_id

    def finalise(self, draft_id: str) -> Issued:
        if draft_id in self.made:
            return self.made[draft_id]
        if draft_id not in self.drafts:
            raise RefusedError("draft-gone")
        reference, draft = self.drafts[draft_id]
        if self.next:
            odd = self.next.pop(0)(draft, draft_id)
            if odd is not None:
                return odd
        return self.made.setdefault(draft_id, self.book(draft, reference))

    def drop(self, draft_id: str) -> Issued | None:
        if self.drops:
            self.drops.pop(0)(draft_id)
        if draft_id not in self.made:
            self.drafts.pop(draft_id, None)
        return self.made.get(draft_id)


OFFICE = Office()


class FakeBooks(Provider):
    """The provider's verbs over `OFFICE`."""

    name, label, support = "fakebooks", "Fake Books", "help@example.pt"
    credential_fields = ()
    capabilities = Capabilities(
        credit_notes=True, articles=True, reads_stock=True, moves_stock=True, pace=1e9
    )
    guide = Guide()

    def __init__(self, credentials: Mapping[str, str], wire: Any, now: Callable[[], datetime]) -> None:
        self._wire = wire

    @property
    def once(self) -> Once:
        return OFFICE.promise

    def check(self) -> AccountFacts:
        if OFFICE.checks:
            raise OFFICE.checks.pop(0)
        return AccountFacts("fake-1", "Olaria Exemplo, Lda.", "509999990", "PT", False)

    def choices(self) -> Choices:
        return Choices(("FR", "FT"), (), (), (), ())

    def issue(self, draft: Draft, reference: str) -> Issued:
        self._wire.before()
        return OFFICE.issue(draft, reference)

    def find(self, reference: str, draft: Draft) -> list[Issued]:
        self._wire.before()
        if OFFICE.searches:
            raise OFFICE.searches.pop(0)
        rows = [(at, one) for at, (known, one) in enumerate(OFFICE.ledger, 1) if known == reference]
        shown = [] if reference in OFFICE.hidden else rows
        return [Issued(f"id-{at}", f"{one.kind} 2026{one.kind}/{at}", total=one.gross) for at, one in shown]

    def open_draft(self, draft: Draft, reference: str) -> Opened:
        self._wire.before()
        return Opened(OFFICE.open(draft, reference), draft.gross)

    def finalise(self, draft_id: str) -> Issued:
        self._wire.before()
        return OFFICE.finalise(draft_id)

    def finalised(self, draft_id: str) -> Issued | None:
        self._wire.before()
        return OFFICE.made.get(draft_id)

    def drop_draft(self, draft_id: str) -> Issued | None:
        self._wire.before()
        return OFFICE.drop(draft_id)

    def drop_drafts(self, reference: str) -> int:
        self._wire.before()
        spare = [
            key for key, (known, _) in OFFICE.drafts.items() if known == reference and key not in OFFICE.made
        ]
        for key in spare:
            del OFFICE.drafts[key]
        return len(spare)

    def read(self, provider_id: str) -> Issued:
        self._wire.before()
        SHOP.calls.append("read")
        found = [issued for _, issued in OFFICE.listed() if issued.provider_id == provider_id]
        if not found:
            raise RefusedError("document-gone")
        return found[0]

    def bearing(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        self._wire.before()
        return iter(OFFICE.listed()) if OFFICE.lists else None

    def articles(self, codes: Sequence[str]) -> Mapping[str, Article]:
        self._wire.before()
        OFFICE.asked.append(tuple(codes))
        OFFICE.failing("articles")
        assert 0 < len(codes) <= 50
        return {one.code: one for one in OFFICE.articles.values() if one.code in codes}

    def article(self, article_id: str) -> Article | None:
        self._wire.before()
        OFFICE.asked.append((article_id,))
        OFFICE.failing("article")
        return OFFICE.articles.get(article_id)

    def create_article(self, new: NewArticle) -> Article:
        self._wire.before()
        return OFFICE.make(new)

    def levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        self._wire.before()
        OFFICE.failing("levels")
        assert 0 < len(codes) <= 50
        return OFFICE.depot.levels([one for one in OFFICE.articles.values() if one.code in codes])

    def changed_levels(self, mark: str = "", after: str = "") -> LevelsPage:
        self._wire.before()
        OFFICE.failing("changed_levels")
        return OFFICE.depot.changed(list(OFFICE.articles.values()), mark, after)

    def move_stock(self, move: StockMove) -> None:
        self._wire.before()
        OFFICE.move(move)

    def stock_moved(self, reference: str) -> bool | None:
        self._wire.before()
        OFFICE.failing("stock_moved")
        return OFFICE.depot.has(reference)

    def pdf(self, issued: Issued) -> bytes:
        self._wire.before()
        return b"%PDF-1.4 fake"


class World:
    """A store that is set up, its shop and its office, and what happens to them."""

    def __init__(self) -> None:
        SHOP.__init__()  # type: ignore[misc]
        OFFICE.__init__()  # type: ignore[misc]
        self.shop, self.office = SHOP, OFFICE
        self.store = self.add_store("fake")
        self.account = self.add_account(self.store)

    def add_store(self, code: str) -> Store:
        store = Store.installed("fakeshop", code, name=code, language="pt")
        store.hooks_token = "hooks-token"
        store.keep_tokens("access", "refresh", 3600)
        store.hooks_checked_at = store.reconciled_at = now()
        store.ready_at = now() - timedelta(minutes=5)
        db.session.commit()
        return store

    def add_account(self, store: Store) -> Account:
        account = Account.connected(store, "fakebooks", f"fake-{store.code}")
        account.credentials = {"key": "secret"}
        account.settings = {"kind": "FR", "series": {"FR": "2026FR"}, "automatic": True}
        db.session.commit()
        return account

    def paid(self, number: str = "1001", store: Store | None = None, **changes: Any) -> None:
        """An order is paid, and its hook arrives."""
        self.shop.orders[number] = an_order(number, **changes)
        self.shop.shelf.place(self.shop.orders[number])
        self.hook(number, store=store)

    def hook(
        self, number: str, event: str = "order_paid", store: Store | None = None, more: str = ""
    ) -> None:
        body = json.dumps({"order": {"id": int(number), "more": more}}).encode()
        store_id = (store or self.store).id
        db.session.commit()
        Hook.keep(store_id, event, str(hash((number, event, more))), body)

    def work(self) -> None:
        """Everything due is done, as a worker would."""
        db.session.commit()
        jobs.loop(time.monotonic() + 20)
        db.session.rollback()

    def document(self, number: str = "1001", store: Store | None = None) -> Document:
        db.session.rollback()
        db.session.expire_all()
        found = Document.of((store or self.store).id, number)
        assert found is not None, f"no row for order {number}"
        return found

    def looks_up(self, **chosen: Any) -> None:
        """From now on the account's articles can be looked up; more of what the merchant chose."""
        self.account.choices = {**(self.account.choices or {}), "articles": True}
        self.account.settings = {**self.account.settings, **chosen}
        db.session.commit()

    def follows(self, direction: str, **chosen: Any) -> None:
        """From now on stock follows, in that direction."""
        self.account.choices = {
            **(self.account.choices or {}),
            "stock_changes": self.office.depot.tells_changes,
        }
        self.looks_up(stock=direction, moves_stock=self.office.depot.documents_move, **chosen)

    def stocked(self, sku: str, ours: int | None, theirs: int, **more: Any) -> Article:
        """Something that the shop sells and the program has an article of, with these levels."""
        self.shop.shelf.sells(sku, ours, **more)
        article = self.office.keeps(sku, f"Artigo {sku}")
        self.office.depot.put(article, theirs)
        return article

    def heard(self, sku: str, more: str = "") -> None:
        """The shop tells that a product changed."""
        number = self.shop.shelf.of(sku).product_id
        body, store_id = json.dumps({"product": {"id": int(number), "more": more}}).encode(), self.store.id
        db.session.commit()
        Hook.keep(store_id, "product_updated", str(hash((sku, more))), body)

    def compares(self, clock: Clock) -> None:
        """The shop's whole list and the program's levels are read, and everything due is done."""
        clock.passes(1)
        catalogue.begin(self.account, "hand")
        levelling.begin(self.account, "hand")
        self.rests(clock)

    def rests(self, clock: Clock) -> None:
        """Everything that comes due within some minutes is done, as by workers; no clock beats."""
        for _ in range(25):
            self.work()
            due = [
                Stocked.query.filter(Stocked.due_at.is_not(None)),
                Ordered.query.filter(Ordered.state == "unread"),
                FollowUp.query.filter(FollowUp.state == "due"),
                Run.query.filter(Run.state == "open"),
                Product.query.filter(Product.stale_at.is_not(None)),
            ]
            if not any(rows.count() for rows in due):
                break
            clock.passes(20)
        db.session.rollback()
        db.session.expire_all()

    def level(self, sku: str, place: str = "") -> tuple[int | None, Decimal]:
        """How much of it the shop has, and the program: of a warehouse and the location of that name."""
        article = next(one for one in self.office.articles.values() if one.name == f"Artigo {sku}")
        return self.shop.shelf.level(sku, place), self.office.depot.level(article, place or None)

    def stock_of(self, sku: str) -> Stocked:
        """The followed row of the SKU."""
        db.session.rollback()
        db.session.expire_all()
        return Stocked.query.filter(Stocked.sku == sku).one()

    def journal(self) -> list[tuple[Any, ...]]:
        """Each alteration: SKU, side, before, after, cause, state."""
        db.session.rollback()
        db.session.expire_all()
        rows = StockChange.query.order_by(StockChange.id)
        return [(row.sku, row.side, int(row.before), int(row.after), row.cause, row.state) for row in rows]

    def references(self) -> list[str]:
        return [reference for reference, _ in self.office.ledger]


class Clock:
    """A time that is told."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        """So much later."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """From now on time stands still until it is told to pass."""
    told = Clock()
    set_clock(told)
    yield told
    set_clock(None)


@pytest.fixture
def world(db: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world on an empty database."""
    monkeypatch.setitem(PLATFORMS, "fakeshop", FakeShop)
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeBooks)
    return World()
