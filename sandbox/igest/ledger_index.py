"""The documents, credit notes and e-mails that follow from the ledger's entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sandbox.core.ledger import Entry

from .entities import Entity
from .inventory_index import InventoryIndex


class LedgerIndex:
    """The state that follows from the entries so far; it never writes to the ledger."""

    def __init__(self, entities: Iterable[Entity], entries: Iterable[Entry]) -> None:
        self.documents: dict[int, Entry] = {}
        self.mails: list[Entry] = []
        self._annulled: dict[int, str] = {}
        self._paid: set[int] = set()
        self._by_number: dict[tuple[str, str], Entry] = {}
        self._by_reference: dict[tuple[str, str], Entry] = {}
        self._last: dict[tuple[str, str, str], Entry] = {}
        self._credits: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self.inventory = InventoryIndex()
        for entity in entities:
            self.add_entity(entity)
        for entry in entries:
            self.add_entry(entry)

    def add_entity(self, entity: Entity) -> None:
        """Add the entity's first articles and their stock."""
        self.inventory.add_entity(entity)

    def add_entry(self, entry: Entry) -> None:
        """Apply a ledger entry."""
        kind = entry["kind"]
        self.inventory.add_entry(entry)
        if kind == "document":
            self._add_document(entry)
        elif kind == "annulment":
            self._annulled[entry["id"]] = entry["reason"]
        elif kind == "receipt":
            self._paid.add(entry["id"])
        elif kind == "mail":
            self.mails.append(entry)

    def _add_document(self, entry: Entry) -> None:
        entity = entry["entity"]
        self.documents[entry["id"]] = entry
        self._by_number[entity, entry["number"]] = entry
        self._last[entity, entry["series"], entry["type"]] = entry
        if entry["reference"]:
            self._by_reference.setdefault((entity, entry["reference"]), entry)
        if entry["origin"]:
            self._credits[entity, entry["origin"]].append(entry)

    def documents_of(self, entity: str) -> list[Entry]:
        """Return the entity's documents, newest first."""
        return [entry for entry in reversed(self.documents.values()) if entry["entity"] == entity]

    def document(self, entity: str, number: str | int) -> Entry | None:
        """Return the entity's document with that id."""
        found = self.documents.get(int(number)) if str(number).isdecimal() else None
        return found if found and found["entity"] == entity else None

    def document_by_number(self, entity: str, number: str) -> Entry | None:
        """Return the entity's document with that printed number (`FR 2026FR/12`)."""
        return self._by_number.get((entity, number))

    def document_by_reference(self, entity: str, reference: str) -> Entry | None:
        """Return the entity's first document with the caller's reference."""
        return self._by_reference.get((entity, reference))

    def documents_mentioning(self, entity: str, words: str) -> list[Entry]:
        """Return the entity's documents whose `observacoes` contain the text, newest first."""
        return [entry for entry in self.documents_of(entity) if words in entry["observacoes"]]

    def last_document(self, entity: str, series: str, kind: str) -> Entry | None:
        """Return the last document of the series and type."""
        return self._last.get((entity, series, kind))

    def credit_notes(self, entry: Entry) -> list[Entry]:
        """Return the document's credit notes that are not annulled."""
        notes = self._credits.get((entry["entity"], entry["number"]), [])
        return [note for note in notes if not self.is_annulled(note)]

    def is_annulled(self, entry: Entry) -> bool:
        return entry["id"] in self._annulled

    def document_status(self, entry: Entry) -> str:
        """Return the status in the listing: Pago, Por pagar or Anulado."""
        if self.is_annulled(entry):
            return "Anulado"
        return "Por pagar" if entry["type"] == "FT" and entry["id"] not in self._paid else "Pago"

    def active_article(self, entity: str, reference: str) -> Entry | None:
        """Return the entity's article in use with that reference."""
        found = self.inventory.article_by_reference(entity, reference)
        return found if found and found["active"] else None
