"""What was sold, as plain data: the one shape into which every platform's order is read.

Amounts are Decimals in the order's currency, as the shop states them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from .money import ZERO
from .party import Address, Party
from .tax_tables import VatCategory

LineKind = Literal["goods", "service", "giftcard", "shipping", "fee"]
OrderStatus = Literal["open", "paid", "cancelled", "abandoned"]

ANCILLARY_KINDS: tuple[LineKind, ...] = ("shipping", "fee")
"""Kinds of line that have no rate of their own: they follow the goods (VAT4)."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line; `discount` is for the whole line, with or without VAT as `unit_price` is.

    A line with a negative price is a discount over the other lines (DIS1).
    """

    ref: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    kind: LineKind = "goods"
    sku: str = ""
    """Without surrounding spaces, so that every look-up finds the same one."""
    discount: Decimal = ZERO
    fixed_charge: Decimal = ZERO
    """A charge (ecovalor) that the shop added to the price, for each piece or once; it is not in `unit_price`."""
    category: VatCategory | None = None
    """The category that the shop states; None where only `charged` shows it.

    No platform states it yet; the fiscal cases do.
    """
    charged: Decimal | None = None
    """The percentage that the shop charged; None when it charged no tax on the line."""
    parts: tuple[VatCategory, ...] = ()
    """The categories of goods sold together as one product: the highest rate holds (VAT7).

    No platform states them yet; the fiscal cases do.
    """

    @property
    def value(self) -> Decimal:
        """The price of all pieces less the line's own discount, as the shop states prices."""
        return self.quantity * self.unit_price - self.discount

    @property
    def is_negative(self) -> bool:
        """Whether the line is a discount over the others."""
        return self.unit_price < ZERO


@dataclass(frozen=True, slots=True)
class Payment:
    """One means of payment by our own name for it (`card`, `multibanco`, `gift_card`, ...), and its amount."""

    method: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """A shop's order as just read; `total` is what was left to pay after gift cards."""

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
    """The source of `paid_at`: `platform`, `history`, `hook` (a webhook), `completed_at`; empty when unknown."""
    discount: Decimal = ZERO
    """A coupon over the whole order that is not yet on its lines, with or without VAT as the prices are."""
    gift_cards: Decimal = ZERO
    """The amount paid with gift cards: a means of payment, not a discount (VOU2)."""
    ship_to: Address | None = None
    payments: tuple[Payment, ...] = ()
    exchange_rate: Decimal | None = None
    """Units of `currency` for one euro (CUR1). No platform states it yet; the fiscal cases do."""
    goods_made_available: datetime | None = None
    """When unpaid goods were handed over (DOC3). No platform states it yet; the fiscal cases do."""
    has_left: bool = False
    """Whether the shop may have sent goods to the buyer already: then only a person knows if they come back."""
    is_returned: bool = False
    """Whether the shop says that goods came back, all or some: what to credit only the merchant knows."""
    shown_invoice: str = ""
    """The address of the invoice that the shop shows on the order already, whoever issued it; empty for none."""
    note: str = ""

    @property
    def paid_euros(self) -> Decimal | None:
        """What the buyer paid, where it was paid in euros; None of an order that is still to be converted (CUR1)."""
        return self.paid_total if self.currency == "EUR" else None

    @property
    def paid_total(self) -> Decimal:
        """What the buyer paid for the order, gift cards included (NUM1, VOU2)."""
        return self.total + self.gift_cards
