"""Shopkit (shopk.it, also as Lojas Online CTT), the shop platform. Outside this folder only `Shopkit` is used.

Sources: Shopkit's API text of 2025-09-26 and webhook page of 2025-04-08 (GitHub Shopkit/docs), its public themes of
2026-03-06 (Shopkit/Themes), all read 2026-12-01; docs/shopkit.md says what each of them confirms.
"""

from .adapter import Shopkit

__all__ = ["Shopkit"]
