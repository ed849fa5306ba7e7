"""iGEST, the invoicing program of ACIN: one class, `IGest`. Its parts are nobody else's business."""

from __future__ import annotations

from .adapter import IGest

__all__ = ["IGest"]
