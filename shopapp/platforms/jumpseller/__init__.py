"""Jumpseller, the shop platform: its words into ours. Outside only the class is used.

Sources: Jumpseller's published API description and webhook page as gathered in docs/jumpseller.md, read 2026-11-20.
"""

from .adapter import Jumpseller

__all__ = ["Jumpseller"]
