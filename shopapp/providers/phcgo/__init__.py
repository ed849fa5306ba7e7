"""PHC GO, the invoicing program of PHC Software: one class, `PhcGo`. Its parts are nobody else's business."""

from __future__ import annotations

from .adapter import PhcGo

__all__ = ["PhcGo"]
