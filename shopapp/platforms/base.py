"""The contract of every shop platform, and the optional contracts that an adapter names in its class head.

The optional ones: `SupportsOAuth` (in `oauth`), `SupportsApiKey`, `SupportsWebhookSecret`, `SupportsOrderDocuments`,
`SupportsOrderHistory`, `SupportsTransportCode`, `SupportsProducts` and `SupportsProductStock`. An adapter must write
the abstract methods of the contracts that it names; the rest of the application asks `isinstance` and never a
platform's name.

An adapter is built from plain values (addresses, a getter of access tokens) and returns plain values; it never sees a
database row or a web request.

Errors mean the same in every verb (shopapp.errors). CredentialsError `store-access`: the store's token was refused for
good. OrderError `order-missing`: there is no such order. TransientError (UnreachableError, ThrottledError): nothing
happened, repeating is safe. UncertainError: a call that writes may have happened; it may be repeated, as every verb
that writes looks first or sets an absolute value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from shopapp.fiscal.document import DocumentKind
from shopapp.fiscal.order import LineKind, Order, OrderStatus
from shopapp.fiscal.party import Address

AccessTokenGetter = Callable[[str | None], str]
"""A function that returns the access token to use; its argument is a token that was just refused, or None."""


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The store that the access token belongs to."""

    code: str
    name: str
    currency: str
    country: str
    timezone: str
    language: str
    email: str
    url: str
    address: Address = Address()


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """One row of the platform's order list: enough to see whether a document is missing.

    A field that cannot be read has no value and is named in `unreadable`: a bad row never hides the others.
    """

    order_id: str
    """Empty when it cannot be read."""
    status: OrderStatus
    created_at: datetime | None
    total: Decimal | None
    """What the buyer paid, gift cards included."""
    currency: str = ""
    paid_at: datetime | None = None
    """When it was paid, where the list says so."""
    unreadable: tuple[str, ...] = ()
    """The names of the fields that cannot be read: `id`, `date`, `total`, `status`."""
    key: str = ""
    """What tells a row that cannot be read from the others: its id, or a hash of its content."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The event that a verified webhook reports, and its order or product.

    Only a hint: often only the body is signed.
    """

    kind: Literal["paid", "cancelled", "open", "updated", "requested", "product", "other"]
    """`open`: placed, not paid yet. `requested`: the merchant asks for the invoice in the shop's back office.
    `product`: the product, its stock or one of its variants changed or was deleted.
    """
    order_id: str
    product_id: str = ""
    summary: OrderSummary | None = None
    """The order as the signed body has it; None where the body has no more than an id."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document to show on the order, with a link that the buyer can open."""

    kind: DocumentKind
    external_id: str
    number: str
    url: str
    pdf: bytes = b""
    """The file itself, where the platform stores files and the provider has no public link."""


@dataclass(frozen=True, slots=True)
class ShopTax:
    """A tax as configured in the shop."""

    name: str
    rate: Decimal
    fixed: bool
    country: str
    region: str
    shipping: bool


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """An item that the shop sells under one SKU: a product without variants, or one variant of a product."""

    product_id: str
    variant_id: str
    """Empty where the product has no variants."""
    sku: str
    """Without spaces around it; empty when it has none."""
    name: str
    """The product's name, followed by the variant's options."""
    kind: LineKind = "goods"
    """`service` for what is not sent (digital), `giftcard` for a voucher."""
    stock: int | None = None
    """Pieces in all locations together, as the shop shows them; None when unlimited."""
    active: bool = True


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """One page of a shop's catalogue; no product is split between two pages."""

    items: tuple[CatalogueItem, ...]
    after: str
    """The cursor of the next page; empty on the last one."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place from which the shop sends, with stock of its own."""

    code: str
    name: str
    main: bool = False


class UnreadableWebhook(Exception):
    """The signature is valid but the content cannot be read; the exception's text says why."""


class Platform(ABC):
    """One shop platform, opened for one store, or for none (to read webhooks and to connect a store).

    `connections.shop` builds it as `Adapter(http, token, redirect_uri, **settings)`: `token` gives the store's access
    token (None without a store), and the settings are those that begin with the adapter's name: JUMPSELLER_API_URL
    becomes the keyword `api_url`.
    """

    name: ClassVar[str]
    """Its key in `PLATFORMS`, in the database and in addresses, and the prefix of its settings."""
    label: ClassVar[str]
    events: ClassVar[tuple[str, ...]]
    """The webhook events that automatic invoicing needs."""
    unpaid_order_events: ClassVar[tuple[str, ...]] = ()
    """The events about unpaid orders; subscribed only for drafts, order notes and stock."""
    invoices_on_request: ClassVar[bool] = False
    """Whether a merchant can ask for an invoice in the shop's back office (the webhook event `requested`)."""
    calls_per_second: ClassVar[float] = 10.0
    """The rate of calls for background work: far enough below the platform's limit that documents are not delayed."""
    calls_per_hour: ClassVar[int | None] = None
    """How many calls a store allows an hour; None where the platform states no such limit."""

    # the store

    @abstractmethod
    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        """Return the origins that may frame us: of this store's admin, or of any admin. Sends nothing."""

    @abstractmethod
    def order_admin_url(self, code: str, order_id: str) -> str:
        """Return the address of the order in the shop's admin. Sends nothing."""

    @abstractmethod
    def store_info(self) -> StoreInfo:
        """Ask whose store the token belongs to. Changes nothing."""

    @abstractmethod
    def taxes(self) -> tuple[ShopTax, ...] | None:
        """Ask for the taxes that are set up in the shop; None where the platform does not tell. Changes nothing."""

    # orders

    @abstractmethod
    def read_order(self, order_id: str) -> Order:
        """Ask for the order as it is now. Changes nothing. Raises OrderError also for what cannot be read."""

    @abstractmethod
    def order_summary(self, order_id: str) -> OrderSummary:
        """Ask for the order's current row of the order list. Changes nothing."""

    @abstractmethod
    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        """Ask for the paid orders created since then; yield them newest first. Changes nothing.

        A row that cannot be read is yielded too; the platform's own filter is not trusted.
        """

    @abstractmethod
    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        """Ask for the orders created since then that are open, abandoned or cancelled; yield them newest first.

        Changes nothing. Rows that cannot be read are yielded as in `paid_orders`.
        """

    # webhooks

    @abstractmethod
    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        """Leave exactly one active webhook per event at `url`; return the problem that was fixed ('' for none).

        The problem is `missing`, `paused`, `doubled`, or `foreign` (it pointed to us, but not to this store). With
        `recreate` every webhook is created again, because the platform may not show that one is paused. Webhooks of
        other applications are left alone.
        """

    @staticmethod
    @abstractmethod
    def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
        """Return (store code, event) as the headers state them; empty where absent or absurd. Never raises."""

    @staticmethod
    @abstractmethod
    def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """Return whether the signature over the raw bytes is valid, in constant time. Never raises.

        `secret` is the store's own where the platform has one (`SupportsWebhookSecret`), else the application's: the
        setting `<NAME>_WEBHOOK_SECRET`.
        """

    @staticmethod
    @abstractmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        """Return the event in a verified body. Raises UnreadableWebhook when it cannot be read."""


class SupportsWebhookSecret(Platform):
    """A platform that signs each store's webhooks with a secret of that store, which can be read by its API."""

    @abstractmethod
    def webhook_secret(self) -> str:
        """Ask for the secret that signs the store's webhooks. Changes nothing."""


class SupportsApiKey(Platform):
    """A platform whose stores connect by a key that the merchant pastes: it is the access token, and never expires."""

    key_path: ClassVar[tuple[str, ...]]
    """Where the merchant finds the key: the words to follow in the shop's back office, as the platform writes them."""

    @staticmethod
    @abstractmethod
    def clean_key(text: str) -> str:
        """Return the key in what was pasted, '' when there is none. Never raises."""


class SupportsOrderDocuments(Platform):
    """A platform that shows documents on an order."""

    stores_files: ClassVar[bool] = False
    """Whether it keeps a document's file; then `Attachment.pdf` may be given beside the link."""
    shows_every_document: ClassVar[bool] = True
    """Whether each document has a place of its own. Where not, only the order's present invoice is attached, in place
    of a former one, and what follows it (a credit note) is said in the order's history.
    """

    @abstractmethod
    def attach_document(self, order_id: str, document: Attachment) -> None:
        """Show the document on the order. Looks first, so it is safe to repeat."""


class SupportsOrderHistory(Platform):
    """A platform that keeps notes in the history of an order."""

    @abstractmethod
    def add_history_entry(self, order_id: str, text: str) -> None:
        """Add a line to the order's history. Looks first, so it is safe to repeat."""


class SupportsTransportCode(Platform):
    """A platform that keeps on an order the code of the tax authority (AT) for its transport document."""

    @abstractmethod
    def set_transport_code(self, order_id: str, code: str) -> None:
        """Write the code on the order. Absolute, so it is safe to repeat."""


class SupportsProducts(Platform):
    """A platform whose products can be read, and whose webhooks report changes of them."""

    product_events: ClassVar[tuple[str, ...]]
    """The webhook events about products and their stock; subscribed only where stock is synced."""

    @abstractmethod
    def product_admin_url(self, code: str, product_id: str) -> str:
        """Return the address of the product in the shop's admin; '' where it has none. Sends nothing."""

    @abstractmethod
    def catalogue_page(self, after: str = "") -> CataloguePage:
        """Ask for the page of the catalogue after that cursor, in an order that stays the same. Changes nothing."""

    @abstractmethod
    def items_of_product(self, product_id: str) -> tuple[CatalogueItem, ...]:
        """Ask for the product with all its variants as it is now; () when it is gone. Changes nothing."""


class SupportsProductStock(SupportsProducts):
    """A platform whose stock can be set, in total or by location."""

    @abstractmethod
    def locations(self) -> tuple[Location, ...]:
        """Ask for the places from which the shop sends; () where stock is not kept by location. Changes nothing."""

    @abstractmethod
    def stock_by_location(
        self, items: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        """Ask for the pieces by (product, variant, location) of at most fifty (product, variant). Changes nothing.

        Unlimited ones are left out.
        """

    @abstractmethod
    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        """Set the number of pieces that the shop has, in total or at that location. Absolute, so it is safe to repeat.

        Raises RefusedError `goods-gone` when there is no such product or variant, `goods-unlimited` when it keeps no
        stock, `goods-by-place` when the shop accepted it and still shows another total.
        """
