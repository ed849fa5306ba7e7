"""Customers and articles: begin, fill in and save."""

from __future__ import annotations

from sandbox.core.portuguese_tax import nif_is_valid

from . import blank_records, inventory
from .blank_records import BLANK_RECORDS, STAMP_FIELDS
from .database import Database
from .program_state import ProgramState, Session
from .sums import json_number, parse_amount
from .wire import Call, Refusal, Row

CONSUMER_NIF = "999999990"
MAX_REF_LENGTH = 18


def new_record(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return a blank article, or a blank customer with the next number and the company's default discounts."""
    entity = call.ws[:-2]
    row = BLANK_RECORDS[entity]() | {"Operation": 1}
    if program.switches["stamp-made"] == "getNewInstance":
        row[STAMP_FIELDS[entity]] = database.new_stamp()
    if entity == "Cl":
        row["no"] = _next_customer_number(database)
        if program.switches["customer-defaults"] == "some":
            row |= database.facts["new_customers"]
    return [row]


def _next_customer_number(database: Database) -> int:
    return max((int(row["no"]) for row in database.rows("Cl")), default=0) + 1


def act_on_record(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Fill in the record as sent and return it; saves nothing."""
    entity = call.ws[:-2]
    return [_fill_record(program, database, entity, call.row("entity"), call)]


def _fill_record(program: ProgramState, database: Database, entity: str, sent: Row, call: Call) -> Row:
    row = known_fields(program, BLANK_RECORDS[entity](), sent)
    if entity == "St":
        if program.switches["article-rate"] == "own":
            row["tabiva"] = blank_records.blank_article()["tabiva"]
        rate = database.rate_of(row["tabiva"])
        if rate is None:
            raise Refusal("messages.Business.Vat.InvalidTable", "A tabela de IVA não existe.")
        row["iva"] = json_number(rate)
        return row
    country = database.find("Country", nome=row["pais"]) or database.find(
        "Country", paisesstamp=row["paisesstamp"]
    )
    if row["paisesstamp"] and not database.find("Country", paisesstamp=row["paisesstamp"]):
        raise Refusal("messages.Business.Country.NotFound", "O país não existe.")
    country = country or database.find("Country", pncont="PT")
    assert country
    row |= {"pais": country["nome"], "paisesstamp": country["paisesstamp"], "pncont": country["pncont"]}
    return row


def known_fields(program: ProgramState, blank: Row, sent: Row) -> Row:
    """Return the blank record with the fields that were sent; the switch decides about unknown ones."""
    policy = program.switches["unknown-fields"]
    unknown = set(sent) - set(blank)
    if unknown and policy == "refused":
        raise Refusal("messages.Rest.UnknownField", f"Campos desconhecidos: {', '.join(sorted(unknown))}.")
    return blank | {name: value for name, value in sent.items() if policy == "kept" or name in blank}


def save_record(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Save or delete the record and return it; Operation 1 inserts, 2 updates, 3 deletes."""
    entity = call.ws[:-2]
    sent = call.row("itemVO")
    known, operation = intended_operation(program, database, entity, sent)
    if operation == 3:
        assert known
        if entity == "St":
            inventory.remove_article(program, database, known, inventory.CALL)
        else:
            database.drop(entity, known[STAMP_FIELDS[entity]])
        return [known]
    row = _fill_record(program, database, entity, (known or {}) | sent, call)
    if entity == "Cl":
        _check_customer(program, database, row, known)
    else:
        check_article(program, database, row)
        return [inventory.save_article(program, database, row | {"Operation": 0}, inventory.CALL)]
    return [database.save(entity, row | {"Operation": 0})]


def intended_operation(
    program: ProgramState, database: Database, entity: str, sent: Row
) -> tuple[Row | None, int]:
    """Return the stored record, if any, and the operation: 1, 2 or 3.

    Raises Refusal when they do not fit together.
    """
    stamp = str(sent.get(STAMP_FIELDS[entity]) or "")
    known = database.get(entity, stamp) if stamp else None
    operation = int(sent.get("Operation") or 0)
    if operation not in (0, 1, 2, 3):
        raise Refusal("messages.Data.InvalidOperation", "A operação não existe.")
    if known is None and operation in (2, 3):
        raise Refusal("messages.Data.NotFound", "O registo não existe.")
    if known and operation == 1 and program.switches["operation-1"] == "refused":
        raise Refusal("messages.Data.DuplicateKey", "O registo já existe.")
    return known, operation or (2 if known else 1)


def _check_customer(program: ProgramState, database: Database, row: Row, known: Row | None) -> None:
    if not str(row["nome"]).strip():
        raise Refusal("messages.Business.Customer.NameRequired", "O nome é obrigatório.")
    nif = str(row["ncont"]).strip()
    is_portuguese = row["pncont"] == "PT"
    if nif and is_portuguese and not nif_is_valid(nif) and program.switches["nif-check"] == "refused":
        raise Refusal("messages.Business.Customer.InvalidTaxNumber", "O NIF não é válido.")
    others = [other for other in database.rows("Cl") if other["clstamp"] != row["clstamp"]]
    if nif and nif != CONSUMER_NIF and program.switches["repeated-nif"] == "refused":
        if any(str(other["ncont"]).strip() == nif for other in others):
            raise Refusal(
                "messages.Business.Customer.RepeatedTaxNumber", "Já existe um cliente com este NIF."
            )
    if any((other["no"], other["estab"]) == (row["no"], row["estab"]) for other in others):
        if known:
            raise Refusal("messages.Data.DuplicateKey", "Já existe um cliente com este número.")
        # Two callers got the same next number: the later one gets another.
        row["no"] = _next_customer_number(database)


def check_article(program: ProgramState, database: Database, row: Row) -> None:
    """Check that the article is possible. Raises Refusal when it is not."""
    ref = str(row["ref"])
    if not ref or not str(row["design"]).strip():
        raise Refusal("messages.Business.Stocks.RefRequired", "A referência e a designação são obrigatórias.")
    if len(ref) > MAX_REF_LENGTH and program.switches["ref-length"] == "refused":
        raise Refusal(
            "messages.Business.Stocks.RefTooLong", f"A referência tem mais de {MAX_REF_LENGTH} caracteres."
        )
    alike = [other["ref"] for other in database.find_indexed("St", ref) if other["ststamp"] != row["ststamp"]]
    if ref in alike or (alike and program.switches["ref-case"] == "refused"):
        raise Refusal("messages.Data.DuplicateKey", "Já existe um artigo com esta referência.")


def create_article_from_line(program: ProgramState, database: Database, line: Row) -> Row:
    """Create the article for a line with an unknown reference and return it."""
    article = blank_records.blank_article() | {"ref": line["ref"], "design": line["design"] or line["ref"]}
    article |= {"epv1": line.get("epv") or line.get("edebito") or 0, "iva1incl": bool(line["ivaincl"])}
    if parse_amount(line.get("iva")):
        article["tabiva"] = database.index_of(parse_amount(line["iva"])) or article["tabiva"]
    return inventory.save_article(program, database, article, inventory.LINE)
