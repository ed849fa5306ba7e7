"""PHC GO, the invoicing system of PHC Software. Only the class `PhcGo` is used outside this folder."""

from __future__ import annotations

from .adapter import PhcGo

__all__ = ["PhcGo"]
