"""How a document is found by its buyer: keyed hashes of the tax id and of the beginnings of the name, and their link.

Nobody can read a name in them without the key; whoever has the database alone sees which names of one store begin
alike.
"""

from __future__ import annotations

from typing import Any

from shopapp import encryption

from .base import db, fold_for_search, stored_hash

SHORTEST, LONGEST = 2, 10
"""Letters of a word by which it can be found: more than LONGEST are not compared, one alone finds nothing."""
_MOST_WORDS = 12
_HASH_CHARS = 6


def tax_id_mark(tax_id: str) -> str:
    """Return the mark of a tax id as it is stored; empty for none."""
    plain = plain_tax_id(tax_id)
    return encryption.marks_of(plain)[0] if plain else ""


def plain_tax_id(tax_id: str) -> str:
    """Return the tax id without spaces, signs and the Portuguese prefix."""
    return "".join(c for c in tax_id.upper() if c.isalnum()).removeprefix("PT")


def name_marks(store_id: int, name: str) -> str:
    """Return the newest key's id, then a hash for each beginning of each word; empty for no name."""
    words = fold_for_search(name).split()[:_MOST_WORDS]
    beginnings = {word[:length] for word in words for length in range(SHORTEST, min(len(word), LONGEST) + 1)}
    if not beginnings:
        return ""
    found = {_word_hashes(store_id, one)[0][1] for one in beginnings}
    return " ".join((encryption.key_ids()[0], *sorted(found)))


def word_marks(store_id: int, word: str) -> list[str]:
    """Return what `name_marks` holds, by any of our keys, when a word of the name begins with this one."""
    if len(word) < SHORTEST:
        return []
    return [f" {found}" for _, found in _word_hashes(store_id, word[:LONGEST])]


def _word_hashes(store_id: int, beginning: str) -> list[tuple[str, str]]:
    hashes = encryption.keyed_hashes(f"name.{store_id}.{beginning}")
    return [(key_id, found[:_HASH_CHARS]) for key_id, found in hashes]


class MarkedByBuyer:
    """What a document does with its buyer: it stores them encrypted, and the marks by which it is found."""

    store_id: Any
    original_id: Any
    buyer: Any
    buyer_sealed: Any
    buyer_folded: Any
    buyer_marks: Any
    tax_id_mark: Any
    link_token: Any
    link_hash: Any

    marked_from = (
        "uid",
        "buyer_sealed",
        "store_id",
        "original_id",
        "link_token",
        "link_hash",
        "buyer_folded",
    )
    """What `make_marks` reads, or sets beside the marks."""

    def set_buyer(self, buyer: dict[str, Any]) -> None:
        """Store the buyer and the marks. Not committed."""
        self.buyer = buyer
        self.make_marks()

    def make_marks(self) -> None:
        """Make the marks again with the newest key, from the buyer (of the original where it has none itself)."""
        is_alone = self.buyer_sealed or not self.original_id
        original = None if is_alone else db.session.get(type(self), self.original_id)
        buyer = (original or self).buyer or {}
        self.tax_id_mark = tax_id_mark(buyer.get("tax_id") or "")
        self.buyer_marks = name_marks(self.store_id, buyer.get("name") or "")
        self.buyer_folded = ""
        self.link_hash = stored_hash(self.link_token)
