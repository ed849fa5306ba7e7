"""What a sentence about a failure is made of: cause, remedy, button, and the page on which the remedy is.

Used by `sentences` and `refusals`, which hold the sentences themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

N_ = str
"""Marks a sentence for the catalogues; it is translated where it is shown."""

# where a remedy is found; `wording.address` knows the pages
KEYS, SETTINGS, ORDER, AUTHORISE = "keys", "settings", "order", "authorise"
DOCUMENT, CHECK, CREDIT = "document", "check", "credit"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What happened, what to do, what the button says and where it leads."""

    cause: str
    remedy: str = ""
    button: str = ""
    remedy_page: str = DOCUMENT


S = Sentence
