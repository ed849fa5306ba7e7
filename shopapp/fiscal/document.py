"""The fiscal content of a document: what the merchant chose, the draft, and what a provider issued.

Built by drafting, frozen by `issuing` (bytes and hash), translated by `providers/`. Holds no rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from .money import round_to_cents
from .party import Address

DocumentKind = Literal["FT", "FR", "FS", "NC", "ND", "GT", "PF", "NE"]
RoundingLevel = Literal["rate_group", "document", "line"]
Regime = Literal["normal", "art53_exempt"]
INVOICE_KINDS: tuple[DocumentKind, ...] = ("FR", "FT", "FS")
"""Invoice-receipt, invoice and simplified invoice: what a sale can get and a credit note can correct; default first."""
REGIMES: tuple[Regime, ...] = get_args(Regime)
_AMOUNT_LIMIT = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class FiscalSettings:
    """What the merchant chose, as far as it decides the content of a document."""

    kind: DocumentKind = "FR"
    series: Mapping[str, str] = field(default_factory=dict)
    """Series code per kind, `{"FR": "2026FR", ...}`."""
    ship_from: str = "PT"
    """PT, PT-MA or PT-AC: where the goods leave from (rule VAT1)."""
    regime: Regime = "normal"
    oss_registered: bool = False
    threshold_exceeded: bool = False
    retailer: bool = True
    exemption: str = ""
    """M code for lines at zero that have none of their own; empty: block and ask."""
    exceptions: Mapping[str, str] = field(default_factory=dict)
    """Per SKU: an M code or a VAT category."""
    gift_cards: Literal["", "multi-purpose"] = ""
    """How gift cards sold are treated; empty: not chosen yet, such a sale waits."""
    on_tax_difference: Mapping[str, Literal["follow-law", "stop"]] = field(default_factory=dict)
    """The merchant's choice per cause where the shop charged another rate than the law (`tax-differs`)."""
    warehouse: str = ""
    moves_stock: bool = False
    no_sku: Literal["", "generic", "block"] = ""
    """A product without SKU: its line names no article, or `generic_article`, or there is no document."""
    generic_article: str = ""
    rounding_level: RoundingLevel = "rate_group"
    """At which level the provider rounds; declared by its adapter."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer as the document names him; `tax_id` 999999990 when none was given (then not printed)."""

    tax_id: str
    name: str
    print_tax_id: bool = False
    country: str = "PT"
    address: Address | None = None
    email: str = ""
    name_and_address_required: bool = False
    """Whether the law wants the customer named on an FT or FR (rules ID3, ID4)."""

    def as_buyer(self) -> dict[str, Any]:
        """The customer as a document's row keeps him and its page shows him; no tax id that is not printed."""
        at = self.address
        return {
            "name": self.name,
            "tax_id": self.tax_id if self.print_tax_id else "",
            "address": [at.street, f"{at.postal_code} {at.city}".strip(), at.country] if at else None,
            "email": self.email,
        }


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of the document: net, vat and gross in cents; price and discount with six decimals."""

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
    """The provider's own reference of the article that is sold, once it was looked up (`Draft.matched`)."""


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """The sum of one region, rate and exemption."""

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
    """Where the goods are loaded and unloaded, and when they leave: local time, whole minutes."""

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
    """Sentences in Portuguese to print on the document (payment day, gift card used, other currency)."""
    rules: tuple[str, ...] = ()
    """Names of the rules that decided (VAT1, DOC1, NUM1, ...), for the page that explains."""
    warnings: tuple[str, ...] = ()
    rounding: RoundingLevel = "rate_group"
    """The level at which the shop rounded, as found."""
    transport: Transport | None = None
    """Only when the merchant wants it printed."""
    follows: str = ""
    """The provider's id of the order note that this is made out of; its content is this draft's all the same."""
    matched: bool = False
    """Whether the lines' articles were looked up: then a line without one names none, whatever its SKU."""

    def article_code_of(self, line: DraftLine) -> str:
        """What the provider is to know the line's article by; empty where it is to know none."""
        return line.article if self.matched else line.sku

    def to_bytes(self) -> bytes:
        """The draft as canonical JSON: equal drafts give equal bytes."""
        return json.dumps(
            asdict(self), default=str, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()

    def digest(self) -> str:
        """SHA-256 of `to_bytes`, in hex: what a claim names."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Draft:
        """The draft that was frozen with `to_bytes`."""
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
class Issued:
    """A provider's answer: the document exists over there."""

    provider_id: str
    number: str
    series: str = ""
    date: date | None = None
    total: Decimal | None = None
    """What the provider says the document adds up to; None when it does not say."""
    vat: Decimal | None = None
    atcud: str = ""
    pdf_url: str = ""
    provider_state: str = ""
    """The provider's own word for the document's state (paid, annulled), for display."""

    @property
    def storable_total(self) -> Decimal | None:
        """The total in whole cents, as a row holds it; None where the program tells none, or a figure of no sale.

        Whatever it tells, the document exists, and must be recorded.
        """
        total = self.total
        return round_to_cents(total) if total is not None and abs(total) < _AMOUNT_LIMIT else None
