"""What was sold, as plain data: the one shape into which every platform's order is read.

Built by `platforms/`, read by drafting. Amounts are Decimals in the order's currency, as the shop states them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from .party import Address, Party
from .tax_tables import VatCategory

LineKind = Literal["goods", "service", "giftcard", "shipping", "fee"]
OrderStatus = Literal["open", "paid", "cancelled", "abandoned"]

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line; `discount` is for the whole line, in the same basis (with or without VAT) as `unit_price`."""

    ref: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    kind: LineKind = "goods"
    sku: str = ""
    """Without blanks around it, so that it is the same one wherever it is looked up."""
    discount: Decimal = ZERO
    category: VatCategory | None = None
    """What the shop says the goods are; None where only the charged rate tells."""
    charged: Decimal | None = None
    """The percentage that the shop charged; None when it charged no tax at all on the line."""
    parts: tuple[VatCategory, ...] = ()
    """The categories of goods sold together as this one product: the highest rate holds (rule VAT7)."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One means of payment in the shop's word (`card`, `multibanco`, `gift_card`, ...) and its amount."""

    method: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """A shop's order, read just now; `total` is what was left to pay after gift cards."""

    id: str
    status: OrderStatus
    created_at: datetime
    currency: str
    prices_include_tax: bool
    lines: tuple[OrderLine, ...]
    total: Decimal
    buyer: Party
    paid_at: datetime | None = None
    paid_source: str = ""
    """How `paid_at` is known: `platform`, `history`, `hook`, `completed_at`; empty when unknown."""
    discount: Decimal = ZERO
    """A coupon over the whole order, not yet on its lines, same basis as the prices."""
    gift_cards: Decimal = ZERO
    """Paid with gift cards: a means of payment, not a discount (rule VOU2)."""
    ship_to: Address | None = None
    payments: tuple[Payment, ...] = ()
    exchange_rate: Decimal | None = None
    """Units of `currency` per euro, when the platform gives one."""
    goods_made_available: datetime | None = None
    note: str = ""
    warnings: tuple[str, ...] = field(default=())
    """Codes of what was odd in the shop's figures though it could be read (`all-untaxed`, ...)."""

    @property
    def paid_total(self) -> Decimal:
        """What the buyer gave for the goods, gift cards included (rulings section 8)."""
        return self.total + self.gift_cards
