"""The verbs that every platform answers, and the plain values they answer with.

An adapter is built from plain values (addresses, a token giver) and returns plain values; it never sees a row.
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
"""The access token to use; the argument is a token that was just refused, or None."""


@dataclass(frozen=True, slots=True)
class OAuthTokens:
    """What the platform gave for a code or a refresh token; `expires_in` in seconds from receipt."""

    access: str
    refresh: str | None
    expires_in: float


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Whose store the token belongs to, asked of the API with that token."""

    code: str
    name: str
    currency: str
    country: str
    timezone: str
    language: str
    email: str
    url: str
    hooks_token: str
    address: Address = Address()


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified hook, read: what it says happened (a hint, as only the body is signed) and to which order."""

    kind: Literal["paid", "cancelled", "open", "updated", "product", "other"]
    """`open`: placed, not paid yet. `product`: it, its stock or one of its variants changed, or it is gone."""
    order_id: str
    product_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """One row of the platform's order list: enough to see whether a document is missing."""

    order_id: str
    status: OrderStatus
    created_at: datetime
    total: Decimal


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document as it is shown on the order: the kind, the number, and a link that the buyer can open."""

    kind: DocumentKind
    external_id: str
    number: str
    url: str


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
    """One thing that the shop sells under its own SKU: a product without variants, or one variant of a product."""

    product_id: str
    variant_id: str
    """Empty where the product has no variants."""
    sku: str
    """Without blanks around it; empty when it has none."""
    name: str
    """The product's, with the variant's options behind it."""
    kind: LineKind = "goods"
    """`service` for what is not sent (digital), `giftcard` for a voucher."""
    stock: int | None = None
    """Pieces, all places together as the shop shows it; None: unlimited."""
    active: bool = True


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Some of a shop's goods, whole products together, and where to ask on; `after` is empty at the end."""

    items: tuple[CatalogueItem, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Location:
    """A place from which the shop sends; its stock can be told apart."""

    code: str
    name: str
    main: bool = False


class UnreadableWebhook(Exception):
    """A hook whose signature is good and whose content cannot be read; the reason is its text."""


class Platform(ABC):
    """One shop system, opened for one store (or, for authorising, for none)."""

    name: ClassVar[str]
    label: ClassVar[str]
    events: ClassVar[tuple[str, ...]]
    """The hooks that the automatic road needs."""
    unpaid_order_events: ClassVar[tuple[str, ...]] = ()
    """Those that tell of orders before they are paid: needed only for drafts and order notes."""
    product_events: ClassVar[tuple[str, ...]] = ()
    """Those that tell of products and their stock: needed only where stock follows."""
    calls_per_second: ClassVar[float] = 10.0
    """Calls a second for work that nobody waits for: far enough below its limit that documents are not in the way."""

    # authorising
    @abstractmethod
    def authorize_url(self, state: str, challenge: str) -> str:
        """Where the merchant is sent; `challenge` is PKCE's S256."""

    @abstractmethod
    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        """The tokens for an authorisation code. CredentialsError when it is refused."""

    @abstractmethod
    def refresh(self, refresh_token: str) -> OAuthTokens:
        """The next pair. CredentialsError with code `grant-refused` when the old one is no longer good."""

    @abstractmethod
    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        """The origins that may frame us: the store's admin, or the platform's where no store is known."""

    @abstractmethod
    def order_admin_url(self, code: str, order_id: str) -> str:
        """Where the merchant sees the order in his shop's admin."""

    def product_admin_url(self, code: str, product_id: str) -> str:
        """Where the merchant sees the product in his shop's admin; empty where that has no address."""
        return ""

    # with a store's token
    @abstractmethod
    def store_info(self) -> StoreInfo:
        """Whose token this is."""

    @abstractmethod
    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        """What had to be mended ('' when nothing): afterwards exactly one hook per event points to `url`.

        missing, paused, doubled, or foreign (it led to us, but not to this store). With `anew` each is made again,
        whatever the platform says of it: a pause need not show.
        """

    @abstractmethod
    def read_order(self, order_id: str) -> Order:
        """The order as it is now. OrderError `order-missing` when it is gone, or what cannot be read."""

    @abstractmethod
    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        """Paid orders created since then, newest first."""

    @abstractmethod
    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        """Orders created since then that are not paid (open, abandoned, cancelled), newest first."""

    @abstractmethod
    def order_summary(self, order_id: str) -> OrderSummary:
        """The order's row of the list as it is now. OrderError `order-missing` when it is gone."""

    @abstractmethod
    def attach_document(self, order_id: str, document: Attachment) -> None:
        """Nothing; the document is shown on the order. Looks first, so it is safe to repeat."""

    @abstractmethod
    def add_history_entry(self, order_id: str, text: str) -> None:
        """Nothing; a line in the order's history. Looks first, so it is safe to repeat."""

    @abstractmethod
    def taxes(self) -> tuple[ShopTax, ...]:
        """The taxes that the shop is set up with."""

    # products and their stock

    def catalogue_page(self, after: str = "") -> CataloguePage:
        """The next goods of the whole catalogue behind `after`, in an order that does not change meanwhile."""
        raise NotImplementedError

    def items_of_product(self, product_id: str) -> tuple[CatalogueItem, ...]:
        """The product as it is now, all its variants; () when it is gone."""
        raise NotImplementedError

    def locations(self) -> tuple[Location, ...]:
        """The places from which it sends; () where stock is not kept by place."""
        raise NotImplementedError

    def stock_by_location(
        self, items: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        """Pieces by (product, variant, location) of at most fifty (product, variant); unlimited ones are left out."""
        raise NotImplementedError

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        """Nothing; the shop has so many, in all or at that location. Absolute, so safe to repeat.

        RefusedError `goods-gone` when there is no such product or variant, `goods-unlimited` when it keeps no stock,
        `goods-by-place` when the shop took it and yet shows another figure in all.
        """
        raise NotImplementedError

    # hooks
    @staticmethod
    @abstractmethod
    def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """True when the signature over the raw bytes is good; constant time, never raises."""

    @staticmethod
    @abstractmethod
    def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
        """(store code, event) as the unsigned headers claim; empty where absent or absurd."""

    @staticmethod
    @abstractmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        """What a verified body says. UnreadableHook when it cannot be read."""
