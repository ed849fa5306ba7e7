"""What a person does in the program: signs, annuls, deletes, receives payment, edits series, layouts, articles, stock.

Called by the panel and the control routes, under the office's lock.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from . import documents, goods, records, shapes, signing
from .base import Base
from .completing import BO, FT
from .office import Office
from .sums import amount
from .wire import Call, Refusal, Row

TABLES = {"series": "Td", "dossier_series": "Ts", "layouts": "Layout", "customers": "Cl"}
KEYS = {"Td": "ndoc", "Ts": "ndos", "Layout": "descricao", "Cl": "no"}
NEW: dict[str, Row] = {
    "Td": {"ndoc": 0, "nmdoc": "", "tiposaft": "FT", "inactivo": False, "serie": "", "permiteRascunho": True,
           "assinaImprimir": False, "codigoValidacao": "SBX", "serieImportacao": False},
    "Ts": {"ndos": 0, "nmdos": "", "bdempresas": "CL", "inactivo": False, "permiteRascunho": True,
           "tsProducts": [{"productid": 1}]},
    "Layout": {"repstamp": "", "descricao": "", "enabled": True, "isDefault": True},
}  # fmt: skip


def sign(office: Office, base: Base, stamp: str) -> Row:
    """The document or dossier of that draft."""
    call = Call(base.installation, "", "hand", {"bostamp": stamp})
    if base.get("Bo", stamp):
        return signing.sign_dossier(office, None, base, call)[0]  # type: ignore[arg-type]
    row = _document(base, stamp)
    if not row["draftRecord"]:
        raise Refusal("messages.Business.Document.AlreadySigned", "O documento já está assinado.")
    return signing.sign(office, base, row, "hand", call)


def annul(office: Office, base: Base, stamp: str) -> Row:
    """The document, annulled."""
    row = _document(base, stamp)
    signing.annul(office, base, row)
    return row


def delete(office: Office, base: Base, stamp: str) -> Row:
    """The draft or dossier that is gone now."""
    paper = BO if base.get("Bo", stamp) else FT
    row = base.get(paper.entity, stamp) or _document(base, stamp)
    if paper is FT and not row["draftRecord"]:
        raise Refusal("messages.Business.Document.Locked", "Um documento assinado não pode ser apagado.")
    documents.drop_draft(office, base, paper, row)
    return row


def receipt(office: Office, base: Base, stamp: str) -> Row:
    """The document, paid."""
    row = _document(base, stamp)
    if row["draftRecord"] or row["pago"] or row["anulado"]:
        raise Refusal("messages.Business.Document.NotOpen", "O documento não está por receber.")
    return base.keep("Ft", row | {"pago": True})


def _document(base: Base, stamp: str) -> Row:
    row = base.get("Ft", stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    return row


ACTS: dict[str, Callable[[Office, Base, str], Row]] = {
    "sign": sign, "annul": annul, "delete": delete, "receipt": receipt,
}  # fmt: skip


def put(base: Base, table: str, wanted: Row) -> Row:
    """The row of that number or name as changed, or a new one."""
    entity = TABLES[table]
    key = KEYS[entity]
    if key not in wanted:
        raise Refusal("messages.Rest.MissingParameter", f"{key} is missing")
    known = base.find(entity, **{key: wanted[key]})
    blank = shapes.BLANK[entity]() if entity in shapes.BLANK else copy.deepcopy(NEW[entity])
    if unknown := set(wanted) - set(blank):
        raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
    return base.keep(entity, (known or blank) | wanted)


def article(office: Office, base: Base, wanted: Row) -> Row:
    """The article of that stamp or reference as changed, or a new one.

    `to` is its new reference, `stock` what all of it is in the first warehouse, `removed` that it is to be no more.
    """
    wanted = dict(wanted)
    stock, to, removed = wanted.pop("stock", None), wanted.pop("to", ""), wanted.pop("removed", False)
    known = base.get("St", wanted.get("ststamp", "")) or base.find("St", ref=wanted.get("ref", ""))
    if known is None and not wanted.get("ref"):
        raise Refusal("messages.Rest.MissingParameter", "ref is missing")
    if unknown := set(wanted) - set(shapes.article()):
        raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
    if known and removed:
        goods.remove(office, base, known, goods.HAND)
        return known
    row = (known or shapes.article()) | wanted | ({"ref": to} if to else {})
    records.check_article(office, base, row | {"design": row["design"] or row["ref"]})
    row = goods.keep(office, base, row, goods.HAND)
    if stock is not None:
        first = base.rows("Sz")[0]["no"]
        for place in {int(held["armazem"]) for held in base.alike("Sa", row["ref"])} | {first}:
            goods.put(office, base, row["ref"], place, amount(stock if place == first else 0))
    return base.get("St", row["ststamp"]) or row


def stock(office: Office, base: Base, wanted: Row) -> None:
    """Nothing; a person wrote the level `to` of `ref` in that `warehouse` (the first), or moved `qty` of it."""
    ref, place = str(wanted["ref"]), int(wanted.get("warehouse") or base.rows("Sz")[0]["no"])
    level = amount(wanted["to"]) if "to" in wanted else base.stock(ref, place) + amount(wanted["qty"])
    goods.put(office, base, ref, place, level)


def clear(base: Base, table: str) -> None:
    """Nothing; the table is empty."""
    entity = TABLES[table]
    for row in base.rows(entity):
        base.drop(entity, row[shapes.STAMPS[entity]])
