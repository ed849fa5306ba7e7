"""What a sentence about a failure is made of: cause, remedy, button, and the page on which the remedy is.

Used by `sentences` and `refusals`, which hold the sentences themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

# the page on which the remedy is found; `web` knows the addresses
KEYS, SETTINGS, ORDER, AUTHORISE = "keys", "settings", "order", "authorise"
DOCUMENT, CHECK, CREDIT, SHOP = "document", "check", "credit", "shop"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What happened, what to do, what the button says and where it leads."""

    cause: str
    remedy: str = ""
    button: str = ""
    remedy_page: str = DOCUMENT
