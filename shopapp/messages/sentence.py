"""What a sentence about a failure consists of: cause, remedy, button, and the page on which the remedy is."""

from __future__ import annotations

from dataclasses import dataclass

# the page on which the remedy is found; `web` knows the addresses
KEYS, SETTINGS, ORDER, AUTHORISE = "keys", "settings", "order", "authorise"
DOCUMENT, CHECK, CREDIT, SHOP = "document", "check", "credit", "shop"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A failure in words: what happened, what to do, what the button says and where it leads."""

    cause: str
    remedy: str = ""
    button: str = ""
    remedy_page: str = DOCUMENT
