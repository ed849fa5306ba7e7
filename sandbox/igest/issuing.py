"""The moment of issue: rules, sums, the next number, one line in the ledger; and annulling by hand.

Called by the methods (a document that the wire asks for) and by the panel (annul, receipt). Nothing else
here makes a fiscal number, and none is made before every rule has agreed.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from . import rates
from .asked import Asked, Refusal
from .entities import Entity
from .ledger import Entry
from .office import Office
from .rules import RULES, Case, moves
from .sums import Sums, add_up, text

FIRST_ID = 500_001


def issue(office: Office, entity: Entity, asked: Asked, request: int) -> Entry:
    """The ledger's entry of the document; Refusal, and nothing written, when a rule forbids it."""
    with office.lock:
        if office.switches["repeated-reference"] == "same" and asked.reference:
            if same := office.books.referring(entity.number, asked.reference):
                return same
        sums = add_up(asked.lines, office.switches["rounding"], office.switches["prices"])
        case = Case(
            entity, asked, sums, office.books, office.switches, office.series(entity), office.clock.today()
        )
        for rule in RULES:
            rule(case)
        _make_articles(office, entity, asked)
        return office.write(
            "document",
            **_numbered(office, entity, asked),
            **_content(office, entity, asked, sums),
            request=request,
        )


def _make_articles(office: Office, entity: Entity, asked: Asked) -> None:
    for line in asked.lines:
        if line.reference and not office.books.article(entity.number, line.reference):
            office.write(
                "article",
                entity=entity.number,
                id=office.books.stocks.next_id(entity.number),
                ref=line.reference,
                description=line.description,
                unit=line.unit,
                type="P",
                rate=text(line.rate) if line.region == entity.region else "",
                exemption=line.exemption,
                stock="0",
                who="document",
            )


def _numbered(office: Office, entity: Entity, asked: Asked) -> dict[str, Any]:
    last = office.books.last(entity.number, asked.series, asked.kind)
    running = last["running"] + 1 if last else 1
    number = f"{asked.kind} {asked.series}/{running}"
    series_code = (
        hashlib.sha1(f"{office.seed}/{entity.number}/{asked.series}".encode()).hexdigest()[:8].upper()
    )
    chain = (last["hash"] if last else "") + f"{entity.number};{number};{asked.day}"
    return {
        "entity": entity.number,
        "id": FIRST_ID + len(office.books.documents),
        "number": number,
        "type": asked.kind,
        "series": asked.series,
        "running": running,
        "date": asked.day.isoformat(),
        "atcud": f"{series_code}-{running}",
        "hash": base64.b64encode(hashlib.sha1(chain.encode()).digest()).decode(),
    }


def _content(office: Office, entity: Entity, asked: Asked, sums: Sums) -> dict[str, Any]:
    return {
        "customer": vars(asked.customer).copy(),
        "lines": [
            {
                "ref": line.reference,
                "description": line.description,
                "unit": line.unit,
                "qty": text(line.quantity),
                "price": text(line.price),
                "discount": text(line.discount),
                "rate": text(line.rate),
                "region": line.region,
                "exemption": line.exemption if line.rate == 0 else "",
                "mention": (line.mention or rates.EXEMPTIONS[line.exemption]) if line.rate == 0 else "",
                "warehouse": line.warehouse or entity.main_warehouse,
            }
            | amounts.texts()
            for line, amounts in zip(asked.lines, sums.lines, strict=True)
        ],
        "groups": [
            {"region": region, "rate": rate, "exemption": exemption} | amounts.texts()
            for (region, rate, exemption), amounts in sums.groups.items()
        ],
        "totals": sums.total.texts(),
        "payment": asked.payment,
        "observacoes": asked.notes,
        "reference": asked.reference,
        "asked_stock": asked.moves_stock,
        "stock": moves(entity, asked, office.books, office.switches),
        "origin": asked.origin,
        "reason": asked.reason,
    }


def annul(office: Office, entity: Entity, entry: Entry, reason: str) -> Entry:
    """The annulment's own entry (stock goes back); Refusal when a credit note stands on the document."""
    with office.lock:
        if office.books.annulled(entry):
            raise Refusal("O documento já está anulado.")
        if office.books.credits(entry):
            raise Refusal("Anule primeiro as notas de crédito deste documento.")
        if not reason:
            raise Refusal("Indique o motivo da anulação.")
        return office.write(
            "annulment",
            entity=entity.number,
            id=entry["id"],
            number=entry["number"],
            reason=reason,
            stock=office.books.stocks.taken_back(entry["id"]),
        )


def settle(office: Office, entity: Entity, entry: Entry) -> Entry:
    """The receipt's own entry; Refusal when there is nothing to receive."""
    with office.lock:
        if office.books.state(entry) != "Por pagar":
            raise Refusal("O documento não está por pagar.")
        return office.write("receipt", entity=entity.number, id=entry["id"], number=entry["number"])
