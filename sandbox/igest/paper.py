"""The paper of a document: its address by the switch in force, and a one-page PDF.

Called by the methods (the address) and the app (the bytes). Only issued documents have one.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from sandbox.paper import latin, printable, table

from .entities import Entity
from .ledger import Entry
from .office import Office

LIFETIME = 600
NAMES = {"FT": "Fatura", "FR": "Fatura-recibo", "FS": "Fatura simplificada", "NC": "Nota de crédito"}


def address(office: Office, entry: Entry) -> str:
    """The PDF's URL as `url_pdf` tells it."""
    plain = f"{office.public}/documentos/{entry['id']}.pdf"
    policy = office.switches["pdf-url"]
    if policy == "public":
        return plain
    until = str(int(office.clock.now().timestamp()) + LIFETIME) if policy == "expires" else ""
    return f"{plain}?ate={until}&sig={_signature(office, entry['id'], until)}"


def may_open(office: Office, number: int, until: str, signature: str) -> bool:
    """Whether the address may be opened now, under the switch in force."""
    policy = office.switches["pdf-url"]
    if policy == "public":
        return True
    good = hmac.compare_digest(signature.encode(), _signature(office, number, until).encode())
    if policy == "signed":
        return good
    return good and until.isdecimal() and office.clock.now().timestamp() <= int(until)


def _signature(office: Office, number: int, until: str) -> str:
    return hmac.new(office.seed.encode(), f"{number}/{until}".encode(), hashlib.sha256).hexdigest()[:32]


def pdf(entity: Entity, entry: Entry, annulled: bool) -> bytes:
    """The document as PDF, the same bytes each time."""
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph(f"{NAMES[entry['type']]} {printable(entry['number'])}", styles["Title"])]
    story += [Paragraph(text, styles["Normal"]) for text in _head(entity, entry, annulled)]
    story += [Spacer(1, 5 * mm), table(_line_rows(entry)), Spacer(1, 5 * mm), table(_sum_rows(entry))]
    story += [Spacer(1, 5 * mm)] + [Paragraph(text, styles["Normal"]) for text in _foot(entry)]
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, title=entry["number"], author=printable(entity.name), margin=15 * mm, invariant=1
    )
    page.build(story)
    return out.getvalue()


def _head(entity: Entity, entry: Entry, annulled: bool) -> list[str]:
    buyer = entry["customer"]
    rows = ["<b>ANULADO</b>"] if annulled else []
    rows += [
        f"<b>{printable(entity.name)}</b>, NIF {entity.nif}",
        printable(f"{entity.address}, {entity.postal_code} {entity.city}"),
        f"Data: {entry['date']}",
        f"ATCUD:{entry['atcud']}",
        f"Cliente: {printable(buyer['name'] or 'Consumidor final')}",
    ]
    if buyer["nif"] != "999999990":
        rows.append(f"NIF do cliente: {printable(buyer['nif'])}")
    place = " ".join(
        part for part in (buyer["address"], buyer["postal_code"], buyer["city"], buyer["country"]) if part
    )
    rows.append(printable(place))
    if entry["origin"]:
        rows.append(printable(f"Documento de origem: {entry['origin']}. Motivo: {entry['reason']}"))
    return rows


def _line_rows(entry: Entry) -> list[list[str]]:
    rows = [["Artigo", "Descrição", "Quant.", "Preço", "Desc. %", "IVA %", "Total"]]
    for line in entry["lines"]:
        what = (
            line["description"][:45],
            line["qty"],
            line["price"],
            line["discount"],
            line["rate"],
            line["net"],
        )
        rows.append([latin(line["ref"]), latin(what[0]), *what[1:]])
    return rows


def _sum_rows(entry: Entry) -> list[list[str]]:
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
    rows = [printable(text) for text in sorted(mentions)]
    if entry["payment"]:
        rows.append(f"Modo de pagamento: {entry['payment']}")
    rows += [printable(entry["observacoes"]), f"{entry['hash'][0::10][:4]}-Sandbox, sem valor fiscal"]
    return rows
