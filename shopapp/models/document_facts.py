"""The payments and warnings of each issued document, copied from its draft so that reports can count them.

The draft itself is encrypted, and thousands of them can't be opened for one page. Neither says anything of the buyer.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, literal_column, or_
from sqlalchemy.orm import Mapped, mapped_column

from shopapp.fiscal.document import Draft
from shopapp.fiscal.money import ZERO

from .base import BigId, Money, db, insert_into
from .document import Document

MAY_BE_DISTANCE_SALE = or_(Document.is_distance_sale, Document.kind == literal_column("'NC'"))
"""The condition that a document may count towards the limit of distance sales: few do, and they have an index."""
Index(
    "ix_document_distance", Document.store_id, Document.issued_on,
    postgresql_where=MAY_BE_DISTANCE_SALE, sqlite_where=MAY_BE_DISTANCE_SALE,
)  # fmt: skip


class DocumentPayment(db.Model):  # type: ignore[name-defined,misc]
    """The amount of one document that was paid by one means of payment."""

    __tablename__ = "document_payment"
    __table_args__ = (UniqueConstraint("document_id", "mechanism"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"))
    mechanism: Mapped[str] = mapped_column(String(2))
    """Its SAF-T code: CC, MB, TB, CO, OU ..."""
    amount: Mapped[Decimal] = mapped_column(Money)


class DocumentWarning(db.Model):  # type: ignore[name-defined,misc]
    """One thing that an issued document warns of."""

    __tablename__ = "document_warning"
    __table_args__ = (UniqueConstraint("document_id", "code"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"))
    code: Mapped[str] = mapped_column(String(40))


def record_facts(document_id: int, draft: Draft) -> None:
    """Store the draft's means of payment and warnings, unless they are stored. Not committed."""
    sums: dict[str, Decimal] = {}
    for means in draft.payments:
        sums[means.mechanism] = sums.get(means.mechanism, ZERO) + means.amount
    rows = [
        *(insert_into(DocumentPayment).values(mechanism=one, amount=sums[one]) for one in sums),
        *(insert_into(DocumentWarning).values(code=one[:40]) for one in dict.fromkeys(draft.warnings)),
    ]
    for row in rows:
        db.session.execute(row.values(document_id=document_id).on_conflict_do_nothing())
