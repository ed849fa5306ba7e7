"""Jumpseller, the shop platform. Only the class `Jumpseller` is used outside this folder.

Sources: Jumpseller's published API description and webhook page, read 2026-11-20 (docs/jumpseller.md).
"""

from .adapter import Jumpseller

__all__ = ["Jumpseller"]
