"""A shop platform and an invoicing provider in memory, behind the contracts of the real ones.

The fake provider's ledger says which documents exist. `World` connects both to the rows of a store that is set
up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp.errors import OrderError, RefusedError
from shopapp.fiscal.decisions import ALL
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.order import Order, OrderLine
from shopapp.fiscal.party import Address, Party
from shopapp.inventory import catalogue, stock_runs
from shopapp.jobs.worker import drain_due_work
from shopapp.models import (
    Account,
    Decision,
    Document,
    FollowUp,
    Product,
    StockChange,
    StockReservation,
    Store,
    SyncedSku,
    SyncRun,
    Webhook,
    db,
    now,
    set_clock,
)
from shopapp.models.decision import SETTINGS_FORM
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import (
    Attachment,
    CatalogueItem,
    CataloguePage,
    Location,
    OrderSummary,
    ShopTax,
    StoreInfo,
    SupportsOrderDocuments,
    SupportsOrderHistory,
    SupportsProductStock,
    SupportsTransportCode,
    SupportsWebhookSecret,
    UnreadableWebhook,
    WebhookEvent,
)
from shopapp.platforms.oauth import OAuthTokens, SupportsOAuth
from shopapp.providers import PROVIDERS
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.base import (
    AccountInfo,
    Capabilities,
    Choices,
    HelpPaths,
    IssueGuarantee,
    SupportsDocumentState,
    SupportsListing,
    SupportsSearch,
)
from shopapp.providers.drafts import ProviderDraft, SupportsDrafts
from shopapp.providers.stock import (
    StockLevel,
    StockLevelPage,
    StockMovement,
    SupportsStock,
    SupportsStockMovements,
)
from tests.fake_stock import ProviderStock, ShopStock


def paid_order(number: str = "1001", **changes: Any) -> Order:
    """Return a paid order of one mug at 23 %, 12.30 euros, to a consumer without NIF."""
    created = changes.pop("created_at", datetime.now(UTC))
    values: dict[str, Any] = {
        "id": number,
        "status": "paid",
        "created_at": created,
        "currency": "EUR",
        "prices_include_tax": True,
        "lines": (
            OrderLine(ref="1", description="Caneca", quantity=Decimal(1), unit_price=Decimal("12.30"),
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


def atcud_of(number: str) -> str:
    """Return the ATCUD that a document with this number has."""
    return f"JFX4RT2K-{number.rpartition('/')[2]}"


@dataclass
class PlatformState:
    """The platform's data; `errors` are raised by its next answers, by method."""

    orders: dict[str, Order] = field(default_factory=dict)
    odd_rows: list[OrderSummary] = field(default_factory=list)
    """Rows that the list of paid orders has before the orders."""
    attachments: dict[str, list[Attachment]] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    transport_codes: dict[str, str] = field(default_factory=dict)
    webhooks: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refresh_count: int = 0
    stock: ShopStock = field(default_factory=ShopStock)
    after_set_stock: list[Callable[[str], object]] = field(default_factory=list)
    """Called after the next levels are set and before the answer, for example to set another level or lose the
    answer.
    """

    def record_call(self, verb: str) -> None:
        self.calls.append(verb)
        if self.errors.get(verb):
            raise self.errors[verb].pop(0)


PLATFORM_STATE = PlatformState()


EVENT_KINDS: dict[str, Any] = {
    "order_canceled": "cancelled", "order_pending_payment": "open", "order_updated": "updated",
    "order_invoice": "requested",
    "product_updated": "product",
}  # fmt: skip


class FakeSecretlessPlatform(
    SupportsOAuth, SupportsOrderDocuments, SupportsOrderHistory, SupportsTransportCode, SupportsProductStock
):
    """The platform's methods, working on `PLATFORM_STATE`; it tells nobody the secret of its webhooks."""

    name, label, events = "fakeshop", "Fake", ("order_paid", "order_canceled")
    unpaid_order_events = ("order_pending_payment", "order_updated")
    product_events = ("product_updated",)
    calls_per_second = 1e9

    def __init__(self, wire: Any, token: Any, redirect: str) -> None:
        self._http, self._token = wire, token

    def _ask(self, verb: str) -> None:
        self._http.before_call()
        if self._token:
            self._token(None)
        self._http.before_call()
        PLATFORM_STATE.record_call(verb)

    def authorize_url(self, state: str, challenge: str) -> str:
        return f"http://shop.localhost/authorize?state={state}"

    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        return OAuthTokens("access", "refresh", 3600)

    def refresh(self, refresh_token: str) -> OAuthTokens:
        self._http.before_call()
        PLATFORM_STATE.record_call("refresh")
        PLATFORM_STATE.refresh_count += 1
        return OAuthTokens(
            f"access-{PLATFORM_STATE.refresh_count}", f"refresh-{PLATFORM_STATE.refresh_count}", 3600
        )

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return ("http://admin.localhost",)

    def order_admin_url(self, code: str, order_id: str) -> str:
        return f"http://admin.localhost/orders/{order_id}"

    def store_info(self) -> StoreInfo:
        self._ask("store_info")
        return StoreInfo("fake", "Fake", "EUR", "PT", "Europe/Lisbon", "pt", "loja@example.pt", "")

    def product_admin_url(self, code: str, product_id: str) -> str:
        return ""

    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        self._ask("listen again" if recreate else "listen")
        missing = [(event, url) for event in events if (event, url) not in PLATFORM_STATE.webhooks]
        PLATFORM_STATE.webhooks += missing
        return "missing" if missing else ""

    def read_order(self, order_id: str) -> Order:
        self._ask("order")
        if order_id not in PLATFORM_STATE.orders:
            raise OrderError("order-missing")
        return PLATFORM_STATE.orders[order_id]

    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        self._ask("paid_orders")
        yield from PLATFORM_STATE.odd_rows
        for order in sorted(PLATFORM_STATE.orders.values(), key=lambda order: int(order.id), reverse=True):
            if order.status == "paid" and order.created_at >= since:
                yield OrderSummary(order.id, order.status, order.created_at, order.paid_total)

    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        self._ask("other_orders")
        for order in sorted(PLATFORM_STATE.orders.values(), key=lambda order: int(order.id), reverse=True):
            if order.status != "paid" and order.created_at >= since:
                yield OrderSummary(order.id, order.status, order.created_at, order.total)

    def order_summary(self, order_id: str) -> OrderSummary:
        self._ask("sale")
        if order_id not in PLATFORM_STATE.orders:
            raise OrderError("order-missing")
        order = PLATFORM_STATE.orders[order_id]
        return OrderSummary(order.id, order.status, order.created_at, order.total)

    def attach_document(self, order_id: str, document: Attachment) -> None:
        self._ask("attach")
        known = PLATFORM_STATE.attachments.setdefault(order_id, [])
        if all(one.external_id != document.external_id for one in known):
            known.append(document)

    def add_history_entry(self, order_id: str, text: str) -> None:
        self._ask("note")
        if (order_id, text) not in PLATFORM_STATE.notes:
            PLATFORM_STATE.notes.append((order_id, text))

    def set_transport_code(self, order_id: str, code: str) -> None:
        self._ask("transport_code")
        PLATFORM_STATE.transport_codes[order_id] = code

    def taxes(self) -> tuple[ShopTax, ...]:
        self._ask("taxes")
        return ()

    def catalogue_page(self, after: str = "") -> CataloguePage:
        self._ask("goods")
        return PLATFORM_STATE.stock.list_page(after)

    def items_of_product(self, product_id: str) -> tuple[CatalogueItem, ...]:
        self._ask("goods_of")
        return PLATFORM_STATE.stock.items_of(product_id)

    def locations(self) -> tuple[Location, ...]:
        self._ask("locations")
        return PLATFORM_STATE.stock.locations

    def stock_by_location(
        self, items: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        self._ask("stock_at")
        return PLATFORM_STATE.stock.levels(items, locations)

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        self._ask("set_stock")
        PLATFORM_STATE.stock.write_level(product_id, variant_id, pieces, location)
        if PLATFORM_STATE.after_set_stock:
            PLATFORM_STATE.after_set_stock.pop(0)(product_id)

    @staticmethod
    def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return headers.get("Signature") == secret

    @staticmethod
    def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
        return "", headers.get("Event", "order_paid")

    @staticmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        kind, about = EVENT_KINDS.get(event, "paid"), "product" if event == "product_updated" else "order"
        try:
            number = str(json.loads(body)[about]["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableWebhook("not-json") from error
        if kind == "product":
            return WebhookEvent(kind, "", number)
        placed = json.loads(body)[about].get("created_at")
        summary = OrderSummary(number, "paid", datetime.fromisoformat(placed), None) if placed else None
        return WebhookEvent(kind, number, summary=summary)


class FakePlatform(FakeSecretlessPlatform, SupportsWebhookSecret):
    """The platform whose API tells each store's secret."""

    def webhook_secret(self) -> str:
        self._ask("webhook_secret")
        return "hooks-token"


@dataclass
class ProviderState:
    """The invoicing system's data: `ledger` has every document ever issued, `drafts` the documents not yet issued."""

    ledger: list[tuple[str, Draft]] = field(default_factory=list)
    drafts: dict[str, tuple[str, Draft]] = field(default_factory=dict)
    issued: dict[str, Issued] = field(default_factory=dict)
    """The document issued for each key or draft."""
    hidden_references: set[str] = field(default_factory=set)
    """References that a search does not show yet, as at a provider whose search lags."""
    planned_issues: list[Callable[[Draft, str], Issued | None]] = field(default_factory=list)
    """Functions called by the next calls to issue or finalise, in place of a good answer. One that returns None
    lets the call succeed.
    """
    planned_drafts: list[Callable[[Draft, str], None]] = field(default_factory=list)
    """Functions called by the next calls that open a draft; the draft is stored in any case."""
    planned_deletions: list[Callable[[str], object]] = field(default_factory=list)
    """Functions called first by the next calls that delete a draft."""
    drafts_opened: int = 0
    check_errors: list[Exception] = field(default_factory=list)
    guarantee: IssueGuarantee = IssueGuarantee.MANUAL
    search_errors: list[Exception] = field(default_factory=list)
    lists_documents: bool = False
    """Whether the provider lists all of its documents with their references."""
    provider_states: dict[str, str] = field(default_factory=dict)
    """The state that the provider shows for a document (paid, annulled), by document number."""
    deleted_numbers: set[str] = field(default_factory=set)
    articles: dict[str, ProviderArticle] = field(default_factory=dict)
    """The articles in use, by id."""
    article_count: int = 0
    created_articles: list[NewArticle] = field(default_factory=list)
    article_lookups: list[tuple[str, ...]] = field(default_factory=list)
    """The references of each look-up, or its one article id."""
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    """Errors that the provider's next answers about articles raise, by method; such a call has changed nothing."""
    planned_articles: list[Callable[[NewArticle], object]] = field(default_factory=list)
    """Functions called after the next articles are created and before the answer."""
    stock: ProviderStock = field(default_factory=ProviderStock)

    def raise_planned(self, verb: str) -> None:
        if self.errors.get(verb):
            raise self.errors[verb].pop(0)

    def add_article(self, code: str, name: str = "Artigo", goods: bool = True) -> ProviderArticle:
        """Add an article as a person would at the provider."""
        self.article_count += 1
        article = ProviderArticle(f"st-{self.article_count}", code, name, goods)
        self.articles[article.article_id] = article
        return article

    def create_article(self, new: NewArticle) -> ProviderArticle:
        self.raise_planned("create_article")
        self.created_articles.append(new)
        article = self.add_article(new.code, new.name, new.goods)
        if self.planned_articles:
            self.planned_articles.pop(0)(new)
        return article

    def issue(self, draft: Draft, reference: str) -> Issued:
        if self.planned_issues:
            odd = self.planned_issues.pop(0)(draft, reference)
            if odd is not None:
                return odd
        return self.record_document(draft, reference)

    def record_document(self, draft: Draft, reference: str) -> Issued:
        if self.guarantee is IssueGuarantee.IDEMPOTENT and reference in self.issued:
            return self.issued[reference]
        self.ledger.append((reference, draft))
        if self.stock.documents_move:
            self._take_stock(draft)
        number = f"{draft.kind} 2026{draft.kind}/{len(self.ledger)}"
        issued = Issued(
            f"id-{len(self.ledger)}", number, draft.series, draft.date, draft.gross, pdf_url="http://x/pdf"
        )
        self.issued.setdefault(reference, issued)
        return issued

    def article_by_code(self, code: str) -> ProviderArticle | None:
        """Return the article with that reference."""
        return next((one for one in self.articles.values() if one.code == code), None)

    def _take_stock(self, draft: Draft) -> None:
        for line in draft.lines:
            article = self.article_by_code(draft.article_code_of(line))
            if article is not None and article.goods and line.kind == "goods":
                pieces = line.quantity if draft.kind == "NC" else -line.quantity
                self.stock.add(article, pieces, draft.warehouse or self.stock.warehouses[0])

    def move_stock(self, move: StockMovement) -> None:
        self.raise_planned("move_stock")
        if not self.stock.planned_movements or self.stock.planned_movements.pop(0)(move):
            self.stock.record_movement(self.article_by_code(move.code), move)

    def listed_documents(self) -> list[tuple[str, Issued]]:
        """Return every document that still exists, with its reference and state."""
        rows = [
            (reference, f"{draft.kind} 2026{draft.kind}/{at}", draft.gross, f"id-{at}")
            for at, (reference, draft) in enumerate(self.ledger, 1)
        ]
        return [
            (reference, Issued(key, number, total=total, provider_state=self.provider_states.get(number, "")))
            for reference, number, total, key in rows
            if number not in self.deleted_numbers
        ]

    def open_draft(self, draft: Draft, reference: str) -> str:
        self.drafts_opened += 1
        draft_id = f"draft-{self.drafts_opened}"
        self.drafts[draft_id] = (reference, draft)
        if self.planned_drafts:
            self.planned_drafts.pop(0)(draft, reference)
        return draft_id

    def finalise(self, draft_id: str) -> Issued:
        if draft_id in self.issued:
            return self.issued[draft_id]
        if draft_id not in self.drafts:
            raise RefusedError("draft-gone")
        reference, draft = self.drafts[draft_id]
        if self.planned_issues:
            odd = self.planned_issues.pop(0)(draft, draft_id)
            if odd is not None:
                return odd
        return self.issued.setdefault(draft_id, self.record_document(draft, reference))

    def drop_draft(self, draft_id: str) -> Issued | None:
        if self.planned_deletions:
            self.planned_deletions.pop(0)(draft_id)
        if draft_id not in self.issued:
            self.drafts.pop(draft_id, None)
        return self.issued.get(draft_id)


PROVIDER_STATE = ProviderState()


class FakeInvoicing(SupportsDrafts, SupportsSearch, SupportsListing):
    """A provider over `PROVIDER_STATE` that can give every guarantee and has no articles."""

    name, label, support = "fakebooks", "Fake Books", "help@example.pt"
    credential_fields = ()
    capabilities = Capabilities(credit_notes=True, calls_per_second=1e9)
    help_paths = HelpPaths()

    def __init__(self, credentials: Mapping[str, str], wire: Any, now: Callable[[], datetime]) -> None:
        self._http = wire

    @property
    def guarantee(self) -> IssueGuarantee:
        return PROVIDER_STATE.guarantee

    def check(self) -> AccountInfo:
        if PROVIDER_STATE.check_errors:
            raise PROVIDER_STATE.check_errors.pop(0)
        return AccountInfo("fake-1", "Olaria Exemplo, Lda.", "509999990", "PT", False)

    def choices(self) -> Choices:
        return Choices(("FR", "FT"), (), (), (), ())

    def issue(self, draft: Draft, reference: str) -> Issued:
        self._http.before_call()
        return PROVIDER_STATE.issue(draft, reference)

    def find_by_reference(self, reference: str, draft: Draft) -> list[Issued]:
        self._http.before_call()
        if PROVIDER_STATE.search_errors:
            raise PROVIDER_STATE.search_errors.pop(0)
        rows = [(at, one) for at, (known, one) in enumerate(PROVIDER_STATE.ledger, 1) if known == reference]
        shown = [] if reference in PROVIDER_STATE.hidden_references else rows
        return [Issued(f"id-{at}", f"{one.kind} 2026{one.kind}/{at}", total=one.gross) for at, one in shown]

    def open_draft(self, draft: Draft, reference: str) -> ProviderDraft:
        self._http.before_call()
        return ProviderDraft(PROVIDER_STATE.open_draft(draft, reference), draft.gross)

    def finalise(self, draft_id: str) -> Issued:
        self._http.before_call()
        return PROVIDER_STATE.finalise(draft_id)

    def finalised_document(self, draft_id: str) -> Issued | None:
        self._http.before_call()
        return PROVIDER_STATE.issued.get(draft_id)

    def drop_draft(self, draft_id: str) -> Issued | None:
        self._http.before_call()
        return PROVIDER_STATE.drop_draft(draft_id)

    def drop_drafts(self, reference: str) -> int:
        self._http.before_call()
        spare = [
            key
            for key, (known, _) in PROVIDER_STATE.drafts.items()
            if known == reference and key not in PROVIDER_STATE.issued
        ]
        for key in spare:
            del PROVIDER_STATE.drafts[key]
        return len(spare)

    def list_by_reference_prefix(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        self._http.before_call()
        return iter(PROVIDER_STATE.listed_documents()) if PROVIDER_STATE.lists_documents else None

    def pdf(self, issued: Issued) -> bytes:
        self._http.before_call()
        return b"%PDF-1.4 fake\n%%EOF\n"


class FakeStockReader(FakeInvoicing, SupportsStock):
    """A provider that also has articles and reports their stock."""

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        self._http.before_call()
        PROVIDER_STATE.article_lookups.append(tuple(codes))
        PROVIDER_STATE.raise_planned("articles")
        assert 0 < len(codes) <= 50
        return {one.code: one for one in PROVIDER_STATE.articles.values() if one.code in codes}

    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        self._http.before_call()
        PROVIDER_STATE.article_lookups.append((article_id,))
        PROVIDER_STATE.raise_planned("article")
        return PROVIDER_STATE.articles.get(article_id)

    def create_article(self, new: NewArticle) -> ProviderArticle:
        self._http.before_call()
        return PROVIDER_STATE.create_article(new)

    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        self._http.before_call()
        PROVIDER_STATE.raise_planned("levels")
        assert 0 < len(codes) <= 50
        return PROVIDER_STATE.stock.levels(
            [one for one in PROVIDER_STATE.articles.values() if one.code in codes]
        )

    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        self._http.before_call()
        PROVIDER_STATE.raise_planned("changed_levels")
        return PROVIDER_STATE.stock.changes_page(list(PROVIDER_STATE.articles.values()), sync_token, after)


class FakeProvider(FakeStockReader, SupportsStockMovements):
    """A provider that also accepts stock movements."""

    def move_stock(self, movement: StockMovement) -> None:
        self._http.before_call()
        PROVIDER_STATE.move_stock(movement)

    def has_stock_movement(self, reference: str) -> bool | None:
        self._http.before_call()
        PROVIDER_STATE.raise_planned("stock_moved")
        return PROVIDER_STATE.stock.has_movement(reference)


class FakeReadableProvider(FakeProvider, SupportsDocumentState):
    """A provider that can also report the present state of a document."""

    def read_document(self, provider_id: str) -> Issued:
        self._http.before_call()
        PLATFORM_STATE.calls.append("read")
        found = [
            issued for _, issued in PROVIDER_STATE.listed_documents() if issued.provider_id == provider_id
        ]
        if not found:
            raise RefusedError("document-gone")
        return found[0]


class World:
    """A store that is set up, with its shop and its invoicing system, and the events that happen to them."""

    def __init__(self) -> None:
        PLATFORM_STATE.__init__()  # type: ignore[misc]
        PROVIDER_STATE.__init__()  # type: ignore[misc]
        self.shop, self.provider = PLATFORM_STATE, PROVIDER_STATE
        self.store = self.add_store("fake")
        self.account = self.add_account(self.store)

    def add_store(self, code: str) -> Store:
        store = Store.install("fakeshop", code, name=code, language="pt")
        store.hooks_token = "hooks-token"
        store.set_tokens("access", "refresh", 3600)
        store.hooks_checked_at = store.reconciled_at = now()
        store.ready_at = now() - timedelta(minutes=5)
        db.session.commit()
        return store

    def add_account(self, store: Store) -> Account:
        account = Account.connect(store, "fakebooks", f"fake-{store.code}")
        account.credentials = {"key": "secret"}
        account.settings = {"kind": "FR", "series": {"FR": "2026FR"}, "automatic": True}
        # as after its first documents: figures at the usual rate have been compared
        account.proved, account.proved_at = ["FR 2026FR", "FR 2026FR PT 23"], now()
        db.session.flush()
        Decision.record(account.id, "gift-card-use", ALL, "multi-purpose", SETTINGS_FORM)
        db.session.commit()
        return account

    def pay_order(self, number: str = "1001", store: Store | None = None, **changes: Any) -> None:
        """Pay an order and receive its webhook."""
        self.shop.orders[number] = paid_order(number, **changes)
        self.shop.stock.place_order(self.shop.orders[number])
        self.receive_webhook(number, store=store)

    def cancel_order(self, number: str = "1001", more: str = "") -> None:
        """Cancel an order and receive its webhook."""
        self.shop.orders[number] = replace(self.shop.orders[number], status="cancelled")
        self.receive_webhook(number, "order_canceled", more=more)

    def receive_webhook(
        self,
        number: str,
        event: str = "order_paid",
        store: Store | None = None,
        more: str = "",
        **content: Any,
    ) -> None:
        body = json.dumps({"order": {"id": int(number), "more": more, **content}}).encode()
        store_id = (store or self.store).id
        db.session.commit()
        Webhook.record(store_id, event, str(hash((number, event, more))), body)

    def request_invoice(self, number: str = "1001", placed: datetime | None = None) -> None:
        """Ask for the order's invoice in the shop's back office; `placed` is what the webhook says of its date."""
        placed = placed or self.shop.orders[number].created_at
        self.receive_webhook(number, "order_invoice", created_at=placed.isoformat())

    def run_due_work(self) -> None:
        """Do all due work, as a worker does."""
        db.session.commit()
        drain_due_work(time.monotonic() + 20)
        db.session.rollback()

    def document(self, number: str = "1001", store: Store | None = None) -> Document:
        db.session.rollback()
        db.session.expire_all()
        found = Document.find((store or self.store).id, number)
        assert found is not None, f"no row for order {number}"
        return found

    def enable_articles(self, **chosen: Any) -> None:
        """Give the account access to its articles; `more` are further settings."""
        self.account.choices = {**(self.account.choices or {}), "articles": True}
        self.account.settings = {**self.account.settings, **chosen}
        db.session.commit()

    def enable_stock_sync(self, direction: str, **chosen: Any) -> None:
        """Sync stock in that direction from now on."""
        self.account.choices = {
            **(self.account.choices or {}),
            "stock_changes": self.provider.stock.reports_changes,
        }
        self.enable_articles(stock=direction, moves_stock=self.provider.stock.documents_move, **chosen)

    def add_synced_product(self, sku: str, ours: int | None, theirs: int, **more: Any) -> ProviderArticle:
        """Add a product that the shop sells and the provider has as an article, with these levels."""
        self.shop.stock.add_item(sku, ours, **more)
        article = self.provider.add_article(sku, f"Artigo {sku}")
        self.provider.stock.set_level(article, theirs)
        return article

    def receive_product_webhook(self, sku: str, more: str = "") -> None:
        """Receive the webhook of a changed product."""
        number = self.shop.stock.item(sku).product_id
        body, store_id = json.dumps({"product": {"id": int(number), "more": more}}).encode(), self.store.id
        db.session.commit()
        Webhook.record(store_id, "product_updated", str(hash((sku, more))), body)

    def run_full_sync(self, clock: FakeClock) -> None:
        """Read the shop's whole list and the provider's levels, and do all due work."""
        clock.advance(1)
        catalogue.start_catalogue_run(self.account, "hand")
        stock_runs.start_stock_run(self.account, "hand")
        self.run_until_idle(clock)

    def run_until_idle(self, clock: FakeClock) -> None:
        """Do all work that becomes due within a few minutes, as workers do; the clock moves only by `advance`."""
        for _ in range(25):
            self.run_due_work()
            due = [
                SyncedSku.query.filter(SyncedSku.due_at.is_not(None)),
                StockReservation.query.filter(StockReservation.state == "unread"),
                FollowUp.query.filter(FollowUp.state == "due"),
                SyncRun.query.filter(SyncRun.state == "open"),
                Product.query.filter(Product.stale_at.is_not(None)),
            ]
            if not any(rows.count() for rows in due):
                break
            clock.advance(20)
        db.session.rollback()
        db.session.expire_all()

    def stock_levels(self, sku: str, place: str = "") -> tuple[int | None, Decimal]:
        """Return the shop's and the provider's quantity, in total or of the warehouse and location of that name."""
        article = next(one for one in self.provider.articles.values() if one.name == f"Artigo {sku}")
        return self.shop.stock.level(sku, place), self.provider.stock.level(article, place or None)

    def synced_sku(self, sku: str) -> SyncedSku:
        """Return the SyncedSku row of the SKU."""
        db.session.rollback()
        db.session.expire_all()
        return SyncedSku.query.filter(SyncedSku.sku == sku).one()

    def stock_changes(self) -> list[tuple[Any, ...]]:
        """Return each change: SKU, side, before, after, cause, state."""
        db.session.rollback()
        db.session.expire_all()
        rows = StockChange.query.order_by(StockChange.id)
        return [(row.sku, row.side, int(row.before), int(row.after), row.cause, row.state) for row in rows]

    def issued_references(self) -> list[str]:
        return [reference for reference, _ in self.provider.ledger]


class FakeClock:
    """A clock that moves only when the test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Advance the time."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """Return a clock that stands still until the test advances it."""
    told = FakeClock()
    set_clock(told)
    yield told
    set_clock(None)


@pytest.fixture
def world(db: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world on an empty database."""
    monkeypatch.setitem(PLATFORMS, "fakeshop", FakePlatform)
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeProvider)
    return World()
