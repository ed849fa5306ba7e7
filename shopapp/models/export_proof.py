"""The proof that exported goods left the Union, as the merchant or their accountant wrote it down.

CIVA art. 29 n.º 8: the exemption of an export (M05) is proved by the customs documents.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, insert_into

MAX_REFERENCE_LENGTH = 60


class ExportProof(db.Model):  # type: ignore[name-defined,misc]
    """The proof of one exported document."""

    __tablename__ = "export_proof"

    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(String(MAX_REFERENCE_LENGTH))
    """The number of the export declaration, or of the certificate of exit."""
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def record(cls, document_id: int, reference: str) -> None:
        """Store the reference in place of the one before; an empty one says that there is none. Commits."""
        proof = {"reference": reference, "recorded_at": db_now()}
        new = insert_into(cls).values(document_id=document_id, **proof)
        db.session.execute(new.on_conflict_do_update(index_elements=[cls.document_id], set_=proof))
        db.session.commit()
