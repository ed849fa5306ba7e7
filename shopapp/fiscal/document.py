"""The fiscal content of a document: the merchant's settings, the draft, and what a provider issued.

Plain data without rules. A draft is frozen as JSON (`to_bytes`) before it is sent, so its field names are stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from .decisions import Decisions
from .money import round_to_cents
from .party import Address

DocumentKind = Literal["FT", "FR", "FS", "NC", "ND", "GT", "PF", "NE"]
RoundingLevel = Literal["rate_group", "document", "line"]
ShippingTax = Literal["follow-goods", "as-charged"]
Regime = Literal["normal", "art53_exempt"]
INVOICE_KINDS: tuple[DocumentKind, ...] = ("FR", "FT", "FS")
"""Invoice-receipt, invoice and simplified invoice: issued for a sale and corrected by a credit note; default first."""
REDUCTION, UNSTOCKED = "reduction", "unstocked"
"""Kinds of a credit note's lines: money given back for a line whose pieces stay with the customer; and pieces that came
back and are not put into stock. Neither names an article.
"""
REGIMES: tuple[Regime, ...] = get_args(Regime)
SHIPPING_TAXES: tuple[ShippingTax, ...] = get_args(ShippingTax)
_AMOUNT_LIMIT = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class FiscalSettings:
    """The merchant's choices that decide the content of a document."""

    kind: DocumentKind = "FR"
    series: Mapping[str, str] = field(default_factory=dict)
    """Series code by kind, `{"FR": "2026FR", ...}`."""
    ship_from: str = "PT"
    """PT, PT-MA or PT-AC: the region that the goods leave from (VAT1)."""
    regime: Regime = "normal"
    oss_registered: bool = False
    threshold_exceeded: bool = False
    retailer: bool = True
    exemption: str = ""
    """M code for lines at rate zero of products that are untaxed for every buyer; empty when not chosen."""
    decisions: Decisions = Decisions()
    """What the merchant was asked once and answered."""
    shipping_tax: ShippingTax = "follow-goods"
    """Whether shipping has the tax of the goods (VAT4), or the rate that the shop charged on it where it charged one.
    """
    warehouse: str = ""
    moves_stock: bool = False
    no_sku: Literal["", "generic", "block"] = ""
    """What happens to a product without SKU: its line names no article or `generic_article`, or the order is blocked.
    """
    generic_article: str = ""
    rounding_level: RoundingLevel = "rate_group"
    """The level at which the provider rounds, as its adapter declares."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer as the document names them; `tax_id` is 999999990, not printed, when none was given."""

    tax_id: str
    name: str
    print_tax_id: bool = False
    country: str = "PT"
    address: Address | None = None
    email: str = ""
    name_and_address_required: bool = False
    """Whether the law requires the customer's name and address on an FT or FR (ID3, ID4)."""

    def as_buyer(self) -> dict[str, Any]:
        """Return the customer as stored and shown with the document, without a tax id that is not printed."""
        address = self.address
        return {
            "name": self.name,
            "tax_id": self.tax_id if self.print_tax_id else "",
            "address": [address.street, f"{address.postal_code} {address.city}".strip(), address.country]
            if address
            else None,
            "email": self.email,
        }


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of the document: net, VAT and gross in cents; price and discount with six decimals."""

    ref: str
    description: str
    quantity: Decimal
    unit_price_net: Decimal
    discount_percent: Decimal
    region: str
    vat_rate: Decimal
    tax_code: str
    """SAF-T: RED, INT, NOR, ISE, OUT."""
    net: Decimal
    vat: Decimal
    gross: Decimal
    sku: str = ""
    kind: str = "goods"
    exemption_code: str = ""
    exemption_mention: str = ""
    charged: Decimal | None = None
    article: str = ""
    """The provider's own code of the article that is sold, once it was looked up (`Draft.matched`)."""


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """The sums of one region, rate and exemption."""

    region: str
    vat_rate: Decimal
    tax_code: str
    net: Decimal
    vat: Decimal
    gross: Decimal
    exemption_code: str = ""


@dataclass(frozen=True, slots=True)
class PaymentMeans:
    """A means of payment by its SAF-T code (CC, MB, TB, CO, OU, ...)."""

    mechanism: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reference:
    """The document that a credit note corrects, and why (at most 50 characters)."""

    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transport:
    """Where the goods are loaded and unloaded, and when they leave: local time in whole minutes."""

    loading: Address
    unloading: Address
    leaves_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """The lawful document, not yet issued; every amount in euros."""

    kind: DocumentKind
    date: date
    customer: Customer
    lines: tuple[DraftLine, ...]
    summary: tuple[TaxGroup, ...]
    net: Decimal
    vat: Decimal
    gross: Decimal
    series: str = ""
    warehouse: str = ""
    moves_stock: bool = False
    payments: tuple[PaymentMeans, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences in Portuguese to print on the document (payment day, gift card, other currency)."""
    rules: tuple[str, ...] = ()
    """Names of the rules that decided (VAT1, DOC1, NUM1, ...), for the page that explains the document."""
    warnings: tuple[str, ...] = ()
    rounding: RoundingLevel = "rate_group"
    """The level at which the shop rounded."""
    transport: Transport | None = None
    """Present only when the merchant wants it printed."""
    follows: str = ""
    """The provider's id of the order note that this document is made from; its content still comes from this draft."""
    matched: bool = False
    """Whether the lines' articles were looked up. If so, a line without one names no article, whatever its SKU."""

    def article_code_of(self, line: DraftLine) -> str:
        """Return the code by which the provider knows the line's article; empty when the line names none."""
        return line.article if self.matched else line.sku

    def to_bytes(self) -> bytes:
        """Return the draft as canonical JSON: equal drafts give equal bytes."""
        return json.dumps(
            asdict(self), default=str, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()

    def digest(self) -> str:
        """Return the SHA-256 of `to_bytes` in hex, which a claim names."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Draft:
        """Read a draft that was frozen with `to_bytes`."""
        d: dict[str, Any] = json.loads(raw)
        customer = d["customer"]
        address, transport = customer["address"], d.get("transport")
        money = ("net", "vat", "gross")
        return cls(
            **{
                **d,
                **{k: Decimal(d[k]) for k in money},
                "date": date.fromisoformat(d["date"]),
                "customer": Customer(**{**customer, "address": Address(**address) if address else None}),
                "lines": tuple(DraftLine(**_with_decimals(x, _LINE_DECIMALS)) for x in d["lines"]),
                "summary": tuple(TaxGroup(**_with_decimals(x, ("vat_rate", *money))) for x in d["summary"]),
                "payments": tuple(PaymentMeans(x["mechanism"], Decimal(x["amount"])) for x in d["payments"]),
                "references": tuple(Reference(**x) for x in d["references"]),
                "transport": _transport_from(transport) if transport else None,
                "notes": tuple(d["notes"]),
                "rules": tuple(d["rules"]),
                "warnings": tuple(d["warnings"]),
            }
        )


_LINE_DECIMALS = (
    "quantity",
    "unit_price_net",
    "discount_percent",
    "vat_rate",
    "net",
    "vat",
    "gross",
    "charged",
)


def _transport_from(values: dict[str, Any]) -> Transport:
    loading, unloading = Address(**values["loading"]), Address(**values["unloading"])
    return Transport(loading, unloading, datetime.fromisoformat(values["leaves_at"]))


def _with_decimals(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {k: Decimal(v) if k in names and v is not None else v for k, v in values.items()}


@dataclass(frozen=True, slots=True)
class IssuedTax:
    """One tax of an issued document as the provider states it; None or an empty text where it does not say."""

    rate: Decimal
    vat: Decimal | None = None
    region: str = ""
    exemption_code: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """The provider's answer about a document that exists there."""

    provider_id: str
    number: str
    series: str = ""
    date: date | None = None
    total: Decimal | None = None
    """The total that the provider states; None when it states none."""
    vat: Decimal | None = None
    taxes: tuple[IssuedTax, ...] = ()
    """Its taxes, once or once for each line; empty when the provider states none."""
    line_count: int | None = None
    """Its lines, without those that only print a text."""
    buyer_tax_id: str | None = None
    atcud: str = ""
    pdf_url: str = ""
    at_code: str = ""
    """The tax authority's code of a transport document; empty where the provider does not tell it."""
    provider_state: str = ""
    """The provider's own word for the document's state (paid, annulled), for display."""

    @property
    def storable_total(self) -> Decimal | None:
        """The total in whole cents; None when the provider states none, or one that is too large for the column.

        Whatever it states, the document exists and must be recorded.
        """
        return _storable(self.total)

    @property
    def storable_vat(self) -> Decimal | None:
        """The VAT in whole cents, on the same terms."""
        return _storable(self.vat)


def _storable(amount: Decimal | None) -> Decimal | None:
    return round_to_cents(amount) if amount is not None and abs(amount) < _AMOUNT_LIMIT else None
