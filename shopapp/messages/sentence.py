"""The parts of a sentence about a failure: cause, remedy, button, and the page on which the remedy is."""

from __future__ import annotations

from dataclasses import dataclass

# the page on which the remedy is found; `web` knows its address
KEYS, SETTINGS, ORDER, AUTHORISE = "keys", "settings", "order", "authorise"
DOCUMENT, CHECK, CREDIT, SHOP, FIGURES, SETUP = "document", "check", "credit", "shop", "figures", "setup"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A failure in words: the cause, what to do, the button's text and the page that it leads to."""

    cause: str
    remedy: str = ""
    button: str = ""
    remedy_page: str = DOCUMENT
