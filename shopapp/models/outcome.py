"""What the provider made of a document: its number, date and totals, and the provider's own word for its state.

Columns of `document`, filled when it is settled.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Money, UtcDateTime


class OutcomeColumns:
    """The columns of a document that only an answer of the provider (or the merchant's word) fills."""

    provider_id: Mapped[str] = mapped_column(String(80), default="")
    number: Mapped[str | None] = mapped_column(String(60))
    series: Mapped[str] = mapped_column(String(40), default="")
    atcud: Mapped[str] = mapped_column(String(60), default="")
    pdf_url: Mapped[str] = mapped_column(String(500), default="")
    issued_on: Mapped[date | None] = mapped_column(Date)
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str] = mapped_column(String(10), default="")
    """provider, search, or merchant: whose word it is that the document exists."""
    net: Mapped[Decimal | None] = mapped_column(Money)
    vat: Mapped[Decimal | None] = mapped_column(Money)
    total: Mapped[Decimal | None] = mapped_column(Money)
    """What we drafted (or the order's paid total while there is no draft)."""
    provider_total: Mapped[Decimal | None] = mapped_column(Money)
    draft_account_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("account.id", name="fk_document_draft_account")
    )
    """At whose account `draft_id` is: that of a waiting order may be another than the present one."""
    calls: Mapped[int] = mapped_column(default=0, server_default="0")
    """Calls to the provider that this document cost so far."""
    provider_state: Mapped[str] = mapped_column(String(40), default="")
    provider_state_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
