"""What of a document may have been sent: its frozen draft, the provider's own draft of it, and by which promise.

Columns of `document`, written at the claim; what is frozen is sent again byte for byte, or not at all.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shopapp.fiscal.document import Draft

from .base import SealedText, UtcDateTime


class DraftColumns:
    """The columns of a document that its attempts stand on."""

    draft_text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    draft_hash: Mapped[str] = mapped_column(String(64), default="")
    frozen: Mapped[bool] = mapped_column(default=False)
    """An attempt with this draft may have arrived: these bytes are sent or nothing."""
    draft_id: Mapped[str | None] = mapped_column(String(80))
    """The provider's own draft of it, where it promises by drafts: the only one that is ever finalised."""
    promise: Mapped[str] = mapped_column(String(10), default="")
    """How the provider promised one document when this was claimed (providers.base.Once)."""
    doubted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    draft_text = SealedText()

    @property
    def draft(self) -> Draft | None:
        """The draft that was frozen, or None."""
        return Draft.from_bytes(self.draft_text.encode()) if self.draft_text else None
