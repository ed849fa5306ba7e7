"""Issue, annul and mark as paid: the only code that creates a fiscal number, after every rule has passed."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from sandbox.core.ledger import Entry
from sandbox.core.portuguese_tax import EXEMPTIONS

from .document_request import DocumentRequest, Refusal
from .document_stock import stock_movements
from .entities import Entity
from .program_state import ProgramState
from .rules import RULES, RuleContext
from .sums import Sums, add_up_lines, decimal_text

FIRST_ID = 500_001


def issue_document(program: ProgramState, entity: Entity, requested: DocumentRequest, request: int) -> Entry:
    """Write the document to the ledger and return its entry.

    Raises Refusal, with nothing written, when a rule forbids it.
    """
    with program.lock:
        if program.switches["repeated-reference"] == "same" and requested.reference:
            if same := program.index.document_by_reference(entity.number, requested.reference):
                return same
        sums = add_up_lines(requested.lines, program.switches["rounding"], program.switches["prices"])
        context = RuleContext(
            entity,
            requested,
            sums,
            program.index,
            program.switches,
            program.series(entity),
            program.clock.today(),
        )
        for rule in RULES:
            rule(context)
        _create_articles(program, entity, requested)
        return program.write_entry(
            "document",
            **_numbering(program, entity, requested),
            **_content(program, entity, requested, sums),
            request=request,
        )


def _create_articles(program: ProgramState, entity: Entity, requested: DocumentRequest) -> None:
    for line in requested.lines:
        if line.reference and not program.index.active_article(entity.number, line.reference):
            program.write_entry(
                "article",
                entity=entity.number,
                id=program.index.inventory.next_article_id(entity.number),
                ref=line.reference,
                description=line.description,
                unit=line.unit,
                type="P",
                rate=decimal_text(line.rate) if line.region == entity.region else "",
                exemption=line.exemption,
                stock="0",
                who="document",
            )


def _numbering(program: ProgramState, entity: Entity, requested: DocumentRequest) -> dict[str, Any]:
    last = program.index.last_document(entity.number, requested.series, requested.kind)
    running = last["running"] + 1 if last else 1
    number = f"{requested.kind} {requested.series}/{running}"
    series_code = (
        hashlib.sha1(f"{program.seed}/{entity.number}/{requested.series}".encode()).hexdigest()[:8].upper()
    )
    chain = (last["hash"] if last else "") + f"{entity.number};{number};{requested.day}"
    return {
        "entity": entity.number,
        "id": FIRST_ID + len(program.index.documents),
        "number": number,
        "type": requested.kind,
        "series": requested.series,
        "running": running,
        "date": requested.day.isoformat(),
        "atcud": f"{series_code}-{running}",
        "hash": base64.b64encode(hashlib.sha1(chain.encode()).digest()).decode(),
    }


def _content(program: ProgramState, entity: Entity, requested: DocumentRequest, sums: Sums) -> dict[str, Any]:
    return {
        "customer": vars(requested.customer).copy(),
        "lines": [
            {
                "ref": line.reference,
                "description": line.description,
                "unit": line.unit,
                "qty": decimal_text(line.quantity),
                "price": decimal_text(line.price),
                "discount": decimal_text(line.discount),
                "rate": decimal_text(line.rate),
                "region": line.region,
                "exemption": line.exemption if line.rate == 0 else "",
                "mention": (line.mention or EXEMPTIONS[line.exemption]) if line.rate == 0 else "",
                "warehouse": line.warehouse or entity.main_warehouse,
            }
            | amounts.texts()
            for line, amounts in zip(requested.lines, sums.lines, strict=True)
        ],
        "groups": [
            {"region": region, "rate": rate, "exemption": exemption} | amounts.texts()
            for (region, rate, exemption), amounts in sums.groups.items()
        ],
        "totals": sums.total.texts(),
        "payment": requested.payment,
        "observacoes": requested.notes,
        "reference": requested.reference,
        "asked_stock": requested.moves_stock,
        "stock": stock_movements(entity, requested, program.index, program.switches),
        "origin": requested.origin,
        "reason": requested.reason,
    }


def annul_document(program: ProgramState, entity: Entity, entry: Entry, reason: str) -> Entry:
    """Write the annulment, which returns the stock, and return its entry.

    Raises Refusal when the document is annulled already or has a credit note, or without a reason.
    """
    with program.lock:
        if program.index.is_annulled(entry):
            raise Refusal("O documento já está anulado.")
        if program.index.credit_notes(entry):
            raise Refusal("Anule primeiro as notas de crédito deste documento.")
        if not reason:
            raise Refusal("Indique o motivo da anulação.")
        return program.write_entry(
            "annulment",
            entity=entity.number,
            id=entry["id"],
            number=entry["number"],
            reason=reason,
            stock=program.index.inventory.reversal_of(entry["id"]),
        )


def record_receipt(program: ProgramState, entity: Entity, entry: Entry) -> Entry:
    """Write the receipt of an unpaid invoice and return its entry.

    Raises Refusal when the document needs no payment.
    """
    with program.lock:
        if program.index.document_status(entry) != "Por pagar":
            raise Refusal("O documento não está por pagar.")
        return program.write_entry("receipt", entity=entity.number, id=entry["id"], number=entry["number"])
