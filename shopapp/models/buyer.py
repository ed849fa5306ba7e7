"""Whom a document names: in a sealed block, folded for the search by name, marked for the search by tax id.

Columns of `document`, and the link under which the buyer opens his PDF.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shopapp import encryption

from .base import SealedJson, UtcDateTime


class BuyerColumns:
    """The columns of a document that are about a person, or for him."""

    buyer_folded: Mapped[str] = mapped_column(String(200), default="")
    tax_id_mark: Mapped[str] = mapped_column(String(32), default="")
    buyer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    link_token: Mapped[str] = mapped_column(String(32), unique=True)
    """The end of the address under which the buyer opens the PDF."""
    link_revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    buyer = SealedJson()
    """`{"name", "tax_id", "address", "email"}` as on the document."""

    @staticmethod
    def hash_tax_id(tax_id: str) -> str:
        """The keyed hash under which a tax id is kept for exact search."""
        return encryption.keyed_hashes(tax_id)[0]
