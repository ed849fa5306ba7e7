"""The PDF of a document and the address at which it may be fetched, by the switch in force."""

from __future__ import annotations

import hashlib
import hmac

from sandbox.core.ledger import Entry
from sandbox.core.pdf import paragraph_text, render_page, to_cp1252

from .entities import Entity
from .program_state import ProgramState

LINK_SECONDS = 600
DOCUMENT_NAMES = {"FT": "Fatura", "FR": "Fatura-recibo", "FS": "Fatura simplificada", "NC": "Nota de crédito"}


def pdf_url(program: ProgramState, entry: Entry) -> str:
    """Return the PDF's address as `url_pdf` has it."""
    plain = f"{program.public}/documentos/{entry['id']}.pdf"
    policy = program.switches["pdf-url"]
    if policy == "public":
        return plain
    until = str(int(program.clock.now().timestamp()) + LINK_SECONDS) if policy == "expires" else ""
    return f"{plain}?ate={until}&sig={_signature(program, entry['id'], until)}"


def may_fetch(program: ProgramState, number: int, until: str, signature: str) -> bool:
    """Return whether the address may be opened now, by the switch in force."""
    policy = program.switches["pdf-url"]
    if policy == "public":
        return True
    good = hmac.compare_digest(signature.encode(), _signature(program, number, until).encode())
    if policy == "signed":
        return good
    return good and until.isdecimal() and program.clock.now().timestamp() <= int(until)


def _signature(program: ProgramState, number: int, until: str) -> str:
    return hmac.new(program.seed.encode(), f"{number}/{until}".encode(), hashlib.sha256).hexdigest()[:32]


def render_pdf(entity: Entity, entry: Entry, annulled: bool) -> bytes:
    """Return the document as PDF, the same bytes each time."""
    return render_page(
        f"{DOCUMENT_NAMES[entry['type']]} {entry['number']}",
        entry["number"],
        entity.name,
        _head(entity, entry, annulled),
        (_line_rows(entry), _total_rows(entry)),
        _foot(entry),
    )


def _head(entity: Entity, entry: Entry, annulled: bool) -> list[str]:
    buyer = entry["customer"]
    rows = ["<b>ANULADO</b>"] if annulled else []
    rows += [
        f"<b>{paragraph_text(entity.name)}</b>, NIF {entity.nif}",
        paragraph_text(f"{entity.address}, {entity.postal_code} {entity.city}"),
        f"Data: {entry['date']}",
        f"ATCUD:{entry['atcud']}",
        f"Cliente: {paragraph_text(buyer['name'] or 'Consumidor final')}",
    ]
    if buyer["nif"] != "999999990":
        rows.append(f"NIF do cliente: {paragraph_text(buyer['nif'])}")
    place = " ".join(
        part for part in (buyer["address"], buyer["postal_code"], buyer["city"], buyer["country"]) if part
    )
    rows.append(paragraph_text(place))
    if entry["origin"]:
        rows.append(paragraph_text(f"Documento de origem: {entry['origin']}. Motivo: {entry['reason']}"))
    return rows


def _line_rows(entry: Entry) -> list[list[str]]:
    rows = [["Artigo", "Descrição", "Quant.", "Preço", "Desc. %", "IVA %", "Total"]]
    for line in entry["lines"]:
        cells = (
            line["description"][:45],
            line["qty"],
            line["price"],
            line["discount"],
            line["rate"],
            line["net"],
        )
        rows.append([to_cp1252(line["ref"]), to_cp1252(cells[0]), *cells[1:]])
    return rows


def _total_rows(entry: Entry) -> list[list[str]]:
    rows = [["Taxa", "Região", "Incidência", "IVA"]]
    rows += [[f"{g['rate']}%", g["region"], g["net"], g["vat"]] for g in entry["groups"]]
    totals = entry["totals"]
    return [
        *rows,
        ["Total", "", totals["net"], totals["vat"]],
        ["Total a pagar", "", "", f"{totals['gross']} EUR"],
    ]


def _foot(entry: Entry) -> list[str]:
    mentions = {f"{line['exemption']}: {line['mention']}" for line in entry["lines"] if line["exemption"]}
    rows = [paragraph_text(text) for text in sorted(mentions)]
    if entry["payment"]:
        rows.append(f"Modo de pagamento: {entry['payment']}")
    rows += [paragraph_text(entry["observacoes"]), f"{entry['hash'][0::10][:4]}-Sandbox, sem valor fiscal"]
    return rows
