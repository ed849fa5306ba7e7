"""What the merchant chose for an account, typed: `Account.settings` is stored as JSON and decoded here alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shopapp.fiscal.document import DocumentKind, ShippingTax


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The choices of the settings form; a key that is not stored has the default of its field.

    The fields have the names of the stored keys. Keys that no field has are ignored here and stay stored.
    """

    # the fiscal settings
    kind: str = ""
    series: Mapping[DocumentKind, str] = field(default_factory=dict)
    """The series of each document kind."""
    exemption: str = ""
    regime: str = ""
    oss_registered: bool = False
    threshold_exceeded: bool = False
    ship_from: str = ""
    """The VAT region that the products leave from."""
    shipping_tax: ShippingTax = "follow-goods"
    # what is issued automatically, and who is notified
    automatic: bool = True
    alert: bool = True
    alert_email: str = ""
    credit_cancelled: bool = False
    """Whether a cancelled order is credited without a click."""
    email_buyer: bool = False
    # the document options
    drafts: bool = False
    """Whether an order that is not paid gets a provider draft."""
    notes: bool = False
    """Whether an order that is not paid gets an order note."""
    note_drafts: bool = False
    transport: bool = False
    guide: bool = False
    loading: Mapping[str, str] = field(default_factory=dict)
    """Where the products are loaded: street, postal_code, city."""
    leaves_at: str = ""
    allowance: str = ""
    """Calls a month that the provider's plan includes, as typed; empty when unknown."""
    # products and stock
    warehouse: str = ""
    no_sku: str = ""
    stock: str = ""
    """`to-shop`, `to-provider`, or empty where stock is not synced."""
    stock_places: tuple[tuple[str, str], ...] = ()
    """Pairs of warehouse and shop location; '' where a side has only one."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> AccountSettings:
        """Return the settings as stored; a null value counts as absent."""
        stored = stored or {}
        known = {one.name: stored[one.name] for one in fields(cls) if stored.get(one.name) is not None}
        places = known.get("stock_places", ())
        known["stock_places"] = tuple((str(warehouse), str(location)) for warehouse, location in places)
        return cls(**known)
