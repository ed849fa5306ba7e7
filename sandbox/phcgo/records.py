"""Customers and articles: begun, completed and saved.

Called by the service, and by `completing` for the article that a line makes.
"""

from __future__ import annotations

from sandbox.igest.rates import nif_is_valid

from . import goods, shapes
from .base import Base
from .office import Office, Session
from .shapes import BLANK, STAMPS
from .sums import amount, wire
from .wire import Call, Refusal, Row

CONSUMER_NIF = "999999990"
LONGEST_REF = 18


def new(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """A blank customer (with the next number and the company's own discounts) or article."""
    entity = call.ws[:-2]
    row = BLANK[entity]() | {"Operation": 1}
    if office.switches["stamp-made"] == "getNewInstance":
        row[STAMPS[entity]] = base.stamp()
    if entity == "Cl":
        row["no"] = _next_number(base)
        if office.switches["customer-defaults"] == "some":
            row |= base.facts["new_customers"]
    return [row]


def _next_number(base: Base) -> int:
    return max((int(row["no"]) for row in base.rows("Cl")), default=0) + 1


def act(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The record as sent, completed; nothing is saved."""
    entity = call.ws[:-2]
    return [_completed(office, base, entity, call.row("entity"), call)]


def _completed(office: Office, base: Base, entity: str, sent: Row, call: Call) -> Row:
    row = known_fields(office, BLANK[entity](), sent)
    if entity == "St":
        if office.switches["article-rate"] == "own":
            row["tabiva"] = shapes.article()["tabiva"]
        rate = base.rate_of(row["tabiva"])
        if rate is None:
            raise Refusal("messages.Business.Vat.InvalidTable", "A tabela de IVA não existe.")
        row["iva"] = wire(rate)
        return row
    country = base.find("Country", nome=row["pais"]) or base.find("Country", paisesstamp=row["paisesstamp"])
    if row["paisesstamp"] and not base.find("Country", paisesstamp=row["paisesstamp"]):
        raise Refusal("messages.Business.Country.NotFound", "O país não existe.")
    country = country or base.find("Country", pncont="PT")
    assert country
    row |= {"pais": country["nome"], "paisesstamp": country["paisesstamp"], "pncont": country["pncont"]}
    return row


def known_fields(office: Office, blank: Row, sent: Row) -> Row:
    """The blank record overlaid with what was sent; what no source names goes by the switch."""
    policy = office.switches["unknown-fields"]
    unknown = set(sent) - set(blank)
    if unknown and policy == "refused":
        raise Refusal("messages.Rest.UnknownField", f"Campos desconhecidos: {', '.join(sorted(unknown))}.")
    return blank | {name: value for name, value in sent.items() if policy == "kept" or name in blank}


def save(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The record as saved; Operation 1 inserts, 2 updates, 3 deletes."""
    entity = call.ws[:-2]
    sent = call.row("itemVO")
    known, operation = intended(office, base, entity, sent)
    if operation == 3:
        assert known
        if entity == "St":
            goods.remove(office, base, known, goods.CALL)
        else:
            base.drop(entity, known[STAMPS[entity]])
        return [known]
    row = _completed(office, base, entity, (known or {}) | sent, call)
    if entity == "Cl":
        _check_customer(office, base, row, known)
    else:
        check_article(office, base, row)
        return [goods.keep(office, base, row | {"Operation": 0}, goods.CALL)]
    return [base.keep(entity, row | {"Operation": 0})]


def intended(office: Office, base: Base, entity: str, sent: Row) -> tuple[Row | None, int]:
    """(the record that stands there already, 1, 2 or 3); Refusal when both don't go together."""
    stamp = str(sent.get(STAMPS[entity]) or "")
    known = base.get(entity, stamp) if stamp else None
    operation = int(sent.get("Operation") or 0)
    if operation not in (0, 1, 2, 3):
        raise Refusal("messages.Data.InvalidOperation", "A operação não existe.")
    if known is None and operation in (2, 3):
        raise Refusal("messages.Data.NotFound", "O registo não existe.")
    if known and operation == 1 and office.switches["operation-1"] == "refused":
        raise Refusal("messages.Data.DuplicateKey", "O registo já existe.")
    return known, operation or (2 if known else 1)


def _check_customer(office: Office, base: Base, row: Row, known: Row | None) -> None:
    if not str(row["nome"]).strip():
        raise Refusal("messages.Business.Customer.NameRequired", "O nome é obrigatório.")
    nif = str(row["ncont"]).strip()
    is_portuguese = row["pncont"] == "PT"
    if nif and is_portuguese and not nif_is_valid(nif) and office.switches["nif-check"] == "refused":
        raise Refusal("messages.Business.Customer.InvalidTaxNumber", "O NIF não é válido.")
    others = [other for other in base.rows("Cl") if other["clstamp"] != row["clstamp"]]
    if nif and nif != CONSUMER_NIF and office.switches["repeated-nif"] == "refused":
        if any(str(other["ncont"]).strip() == nif for other in others):
            raise Refusal(
                "messages.Business.Customer.RepeatedTaxNumber", "Já existe um cliente com este NIF."
            )
    if any((other["no"], other["estab"]) == (row["no"], row["estab"]) for other in others):
        if known:
            raise Refusal("messages.Data.DuplicateKey", "Já existe um cliente com este número.")
        # two callers were told the same next number: the later one gets another
        row["no"] = _next_number(base)


def check_article(office: Office, base: Base, row: Row) -> None:
    """Nothing; Refusal when there can be no such article."""
    ref = str(row["ref"])
    if not ref or not str(row["design"]).strip():
        raise Refusal("messages.Business.Stocks.RefRequired", "A referência e a designação são obrigatórias.")
    if len(ref) > LONGEST_REF and office.switches["ref-length"] == "refused":
        raise Refusal(
            "messages.Business.Stocks.RefTooLong", f"A referência tem mais de {LONGEST_REF} caracteres."
        )
    alike = [other["ref"] for other in base.alike("St", ref) if other["ststamp"] != row["ststamp"]]
    if ref in alike or (alike and office.switches["ref-case"] == "refused"):
        raise Refusal("messages.Data.DuplicateKey", "Já existe um artigo com esta referência.")


def made_by_line(office: Office, base: Base, line: Row) -> Row:
    """The article that a line with an unknown reference made."""
    article = shapes.article() | {"ref": line["ref"], "design": line["design"] or line["ref"]}
    article |= {"epv1": line.get("epv") or line.get("edebito") or 0, "iva1incl": bool(line["ivaincl"])}
    if amount(line.get("iva")):
        article["tabiva"] = base.index_of(amount(line["iva"])) or article["tabiva"]
    return goods.keep(office, base, article, goods.LINE)
