"""iGEST, the invoicing system of ACIN. Only the class `IGest` is used outside this folder."""

from __future__ import annotations

from .adapter import IGest

__all__ = ["IGest"]
