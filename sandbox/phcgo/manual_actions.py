"""Actions of a person in PHC GO: sign, annul, delete, receive payment, edit series, articles and stock.

Used only while the state's lock is held.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from . import blank_records, documents, inventory, records, signature
from .database import Database
from .program_state import ProgramState
from .record_types import BO, FT
from .sums import parse_amount
from .wire import Call, Refusal, Row

TABLE_ENTITIES = {"series": "Td", "dossier_series": "Ts", "layouts": "Layout", "customers": "Cl"}
KEY_FIELDS = {"Td": "ndoc", "Ts": "ndos", "Layout": "descricao", "Cl": "no"}
NEW_ROWS: dict[str, Row] = {
    "Td": {"ndoc": 0, "nmdoc": "", "tiposaft": "FT", "inactivo": False, "serie": "", "permiteRascunho": True,
           "assinaImprimir": False, "codigoValidacao": "SBX", "serieImportacao": False},
    "Ts": {"ndos": 0, "nmdos": "", "bdempresas": "CL", "inactivo": False, "permiteRascunho": True,
           "tsProducts": [{"productid": 1}]},
    "Layout": {"repstamp": "", "descricao": "", "enabled": True, "isDefault": True},
}  # fmt: skip


def sign(program: ProgramState, database: Database, stamp: str) -> Row:
    """Sign the draft and return the document or dossier."""
    call = Call(database.installation, "", "hand", {"bostamp": stamp})
    if database.get("Bo", stamp):
        return signature.sign_dossier(program, None, database, call)[0]  # type: ignore[arg-type]
    row = _document(database, stamp)
    if not row["draftRecord"]:
        raise Refusal("messages.Business.Document.AlreadySigned", "O documento já está assinado.")
    return signature.sign_draft(program, database, row, "hand", call)


def annul(program: ProgramState, database: Database, stamp: str) -> Row:
    """Annul the document and return it."""
    row = _document(database, stamp)
    signature.annul_document(program, database, row)
    return row


def delete(program: ProgramState, database: Database, stamp: str) -> Row:
    """Delete the draft or dossier and return it."""
    record_type = BO if database.get("Bo", stamp) else FT
    row = database.get(record_type.entity, stamp) or _document(database, stamp)
    if record_type is FT and not row["draftRecord"]:
        raise Refusal("messages.Business.Document.Locked", "Um documento assinado não pode ser apagado.")
    documents.drop_draft(program, database, record_type, row)
    return row


def record_receipt(program: ProgramState, database: Database, stamp: str) -> Row:
    """Mark the document as paid and return it."""
    row = _document(database, stamp)
    if row["draftRecord"] or row["pago"] or row["anulado"]:
        raise Refusal("messages.Business.Document.NotOpen", "O documento não está por receber.")
    return database.save("Ft", row | {"pago": True})


def _document(database: Database, stamp: str) -> Row:
    row = database.get("Ft", stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    return row


ACTIONS: dict[str, Callable[[ProgramState, Database, str], Row]] = {
    "sign": sign, "annul": annul, "delete": delete, "receipt": record_receipt,
}  # fmt: skip


def save_row(database: Database, table: str, wanted: Row) -> Row:
    """Change the row with that number or name, or add it, and return it."""
    entity = TABLE_ENTITIES[table]
    key = KEY_FIELDS[entity]
    if key not in wanted:
        raise Refusal("messages.Rest.MissingParameter", f"{key} is missing")
    known = database.find(entity, **{key: wanted[key]})
    blank = (
        blank_records.BLANK_RECORDS[entity]()
        if entity in blank_records.BLANK_RECORDS
        else copy.deepcopy(NEW_ROWS[entity])
    )
    if unknown := set(wanted) - set(blank):
        raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
    return database.save(entity, (known or blank) | wanted)


def edit_article(program: ProgramState, database: Database, wanted: Row) -> Row:
    """Change the article with that stamp or reference, or add it, and return it.

    `to` is a new reference, `stock` its total stock, in the first warehouse, and `removed` removes it.
    """
    wanted = dict(wanted)
    stock, new_ref, removed = wanted.pop("stock", None), wanted.pop("to", ""), wanted.pop("removed", False)
    known = database.get("St", wanted.get("ststamp", "")) or database.find("St", ref=wanted.get("ref", ""))
    if known is None and not wanted.get("ref"):
        raise Refusal("messages.Rest.MissingParameter", "ref is missing")
    if unknown := set(wanted) - set(blank_records.blank_article()):
        raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
    if known and removed:
        inventory.remove_article(program, database, known, inventory.HAND)
        return known
    row = (known or blank_records.blank_article()) | wanted | ({"ref": new_ref} if new_ref else {})
    records.check_article(program, database, row | {"design": row["design"] or row["ref"]})
    row = inventory.save_article(program, database, row, inventory.HAND)
    if stock is not None:
        first = database.rows("Sz")[0]["no"]
        for place in {int(held["armazem"]) for held in database.find_indexed("Sa", row["ref"])} | {first}:
            inventory.set_stock(
                program, database, row["ref"], place, parse_amount(stock if place == first else 0)
            )
    return database.get("St", row["ststamp"]) or row


def edit_stock(program: ProgramState, database: Database, wanted: Row) -> None:
    """Set the stock of `ref` in `warehouse` (default: the first) to `to`, or add `qty`."""
    ref, place = str(wanted["ref"]), int(wanted.get("warehouse") or database.rows("Sz")[0]["no"])
    level = (
        parse_amount(wanted["to"])
        if "to" in wanted
        else database.stock(ref, place) + parse_amount(wanted["qty"])
    )
    inventory.set_stock(program, database, ref, place, level)


def clear_table(database: Database, table: str) -> None:
    """Remove every row of the table."""
    entity = TABLE_ENTITIES[table]
    for row in database.rows(entity):
        database.drop(entity, row[blank_records.STAMP_FIELDS[entity]])
