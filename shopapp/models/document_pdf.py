"""PDFs of issued documents as the provider printed them, kept encrypted: an issued document never changes.

So a buyer who opens their link again costs the merchant's plan nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from sqlalchemy import ColumnElement, ForeignKey, LargeBinary, String, UniqueConstraint, and_, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, SealedBytes, UidModel, UtcDateTime, db, db_now, execute_update, insert_into
from .document import Document

KEEP_SECONDS = 180 * 86400.0
"""How long a copy is kept after it was fetched; after that it is fetched again when somebody reads it."""
MAX_KEPT_BYTES = 2 * 1024 * 1024
"""A larger PDF is fetched for each reader."""
AS_ISSUED, ANNULLED = "issued", "annulled"
_DELETE_BATCH = 500


class DocumentPdf(UidModel):
    """One copy of a document; a provider may print it differently once it was annulled there."""

    __tablename__ = "document_pdf"
    __table_args__ = (UniqueConstraint("document_id", "copy"),)

    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"))
    copy: Mapped[str] = mapped_column(String(10))
    """AS_ISSUED or ANNULLED."""
    number: Mapped[str] = mapped_column(String(60))
    """The number of the document that was printed: the row may be linked to another one later."""
    kept_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary)

    content = SealedBytes()

    @staticmethod
    def copy_of(document: Document) -> str:
        """Return which copy shows the document as it is at the provider now."""
        return ANNULLED if document.provider_state == "annulled" else AS_ISSUED

    @classmethod
    def find(cls, document: Document, copy: str) -> Self | None:
        """Return that copy of the document with its present number."""
        return db.session.scalar(select(cls).where(cls._is_copy(document, copy)))

    @classmethod
    def exists(cls, document: Document) -> bool:
        """Return whether the document can be shown as it is now without asking the provider."""
        known = select(cls.id).where(cls._is_copy(document, cls.copy_of(document)))
        return db.session.scalar(known) is not None

    @classmethod
    def _is_copy(cls, document: Document, copy: str) -> ColumnElement[bool]:
        return and_(cls.document_id == document.id, cls.copy == copy, cls.number == (document.number or ""))

    @classmethod
    def keep(cls, document: Document, copy: str, content: bytes) -> None:
        """Keep the copy unless another reader was first; one of another number is replaced. Not committed."""
        number = document.number or ""
        execute_update(
            delete(cls).where(cls.document_id == document.id, cls.copy == copy, cls.number != number)
        )
        made = cls(document_id=document.id, copy=copy, number=number, content=content)
        db.session.execute(
            insert_into(cls)
            .values(
                uid=made.uid, document_id=document.id, copy=copy, number=number, kept_at=db_now(),
                content_sealed=made.content_sealed,
            )
            .on_conflict_do_nothing()
        )  # fmt: skip

    @classmethod
    def delete_old(cls) -> None:
        """Delete copies that were kept for KEEP_SECONDS, some hundreds at a time. Not committed."""
        old = select(cls.id).where(cls.kept_at < db_now(-KEEP_SECONDS)).order_by(cls.kept_at)
        execute_update(delete(cls).where(cls.id.in_(old.limit(_DELETE_BATCH))))
