"""What is done to articles and stock, by the wire or by hand: the rules, and one line in the ledger for each deed.

Called by the wire's methods, the panel and the control routes. Limits of length are those of SAF-T (PT), which
every certified program keeps; the sentences are ours.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from . import rates
from .asked import Refusal
from .entities import Entity
from .ledger import Entry
from .office import Office
from .sums import text

LONGEST_REFERENCE, LONGEST_NAME = 60, 200


def create(office: Office, entity: Entity, asked: dict[str, str], **by: Any) -> Entry:
    """The ledger's entry of the new article, without stock; Refusal, and nothing written, when it cannot be."""
    with office.lock:
        _good(entity, asked)
        if office.books.stocks.named(entity.number, asked["ref"]):
            raise Refusal(f"Já existe um artigo com a referência {asked['ref']}.")
        identity = office.books.stocks.next_id(entity.number)
        return office.write("article", entity=entity.number, id=identity, **asked, stock="0", **by)


def _good(entity: Entity, asked: dict[str, str]) -> None:
    """Nothing, unless the article is not one that the entity may have."""
    if not asked["ref"] or not asked["description"]:
        raise Refusal("Artigo sem referência ou sem descrição.")
    _fits(asked["ref"], asked["description"])
    if asked["type"] not in ("P", "S"):
        raise Refusal(f"Tipo de artigo desconhecido: {asked['type']}")
    try:
        rate = Decimal(asked["rate"])
    except InvalidOperation:
        raise Refusal(f"Valor inválido em taxa: {asked['rate']}") from None
    if not rates.known(rate, entity.region):
        raise Refusal(f"Taxa desconhecida: {asked['rate']} ({entity.region})")
    if (rate == 0) != bool(asked["exemption"]):
        raise Refusal("Artigo a 0% sem código de isenção, ou com IVA e com código.")
    if asked["exemption"] and asked["exemption"] not in rates.EXEMPTIONS:
        raise Refusal(f"Código de isenção desconhecido: {asked['exemption']}")


def _fits(reference: str, name: str) -> None:
    if len(reference) > LONGEST_REFERENCE:
        raise Refusal(f"Referência com mais de {LONGEST_REFERENCE} caracteres.")
    if len(name) > LONGEST_NAME:
        raise Refusal(f"Descrição com mais de {LONGEST_NAME} caracteres.")


def rename(office: Office, entity: Entity, article: Entry, reference: str, name: str) -> Entry | None:
    """The ledger's entry of the article's new reference and name; None when both are what they were."""
    with office.lock:
        former, former_name = article["ref"], article["description"]
        reference, name = reference.strip() or former, name.strip() or former_name
        if (reference, name) == (former, former_name):
            return None
        _fits(reference, name)
        if reference != former and office.books.stocks.named(entity.number, reference):
            raise Refusal(f"Já existe um artigo com a referência {reference}.")
        return office.write(
            "article-renamed", entity=entity.number, article=article["id"], ref=reference, description=name,
            former=former, who="hand",
        )  # fmt: skip


def withdraw(office: Office, entity: Entity, article: Entry) -> Entry:
    """The ledger's entry that says that the article is no longer in use; its reference stays taken."""
    return office.write(
        "article-withdrawn", entity=entity.number, article=article["id"], ref=article["ref"], who="hand"
    )


def move(
    office: Office, entity: Entity, reference: str, warehouse: str, quantity: Decimal, **by: Any
) -> Entry:
    """The ledger's entry of one movement; Refusal, and nothing written, when it cannot be."""
    with office.lock:
        article = office.books.article(entity.number, reference)
        if article is None:
            raise Refusal(f"Artigo desconhecido: {reference}")
        if article["type"] != "P":
            raise Refusal(f"O artigo {reference} é um serviço e não tem stock.")
        place = _place(entity, warehouse)
        if not quantity or not quantity.is_finite():
            raise Refusal("Quantidade inválida.")
        before = office.books.stocks.level(entity.number, article, place)
        if quantity < 0 and before + quantity < 0 and office.switches["negative-stock"] == "refused":
            raise Refusal(f"Stock insuficiente: {reference}")
        return office.write(
            "stock", entity=entity.number, article=article["id"], ref=reference, warehouse=place,
            qty=text(quantity), **by,
        )  # fmt: skip


def put(office: Office, entity: Entity, article: Entry, warehouse: str, level: Decimal) -> Entry | None:
    """The ledger's entry of what a person counted; None when that is what the books say."""
    with office.lock:
        place = _place(entity, warehouse)
        more = level - office.books.stocks.level(entity.number, article, place)
        if not more:
            return None
        return move(office, entity, article["ref"], place, more, who="hand")


def _finite(quantity: object) -> Decimal:
    try:
        if (found := Decimal(str(quantity))).is_finite():
            return found
    except InvalidOperation:
        pass
    raise Refusal(f"Quantidade inválida: {quantity}")


def _place(entity: Entity, warehouse: str) -> str:
    known = {place.code for place in entity.warehouses}
    if warehouse and not known:
        raise Refusal("A entidade não gere stock por armazém.")
    if warehouse and warehouse not in known:
        raise Refusal(f"Armazém desconhecido: {warehouse}")
    return warehouse or entity.main_warehouse


def load(office: Office, entity: Entity, wanted: list[dict[str, Any]]) -> Entry:
    """The one ledger's entry of a whole catalogue; Refusal, and nothing written, when one of it cannot be.

    Each has `ref` and `description`; `stock` is of the main warehouse, or of each by its code.
    """
    with office.lock:
        first = office.books.stocks.next_id(entity.number)
        taken: set[str] = set()
        articles = []
        for index, row in enumerate(wanted):
            plain = {
                "unit": "UN",
                "type": "P",
                "rate": next(iter(rates.REGIONS[entity.region])),
                "exemption": "",
            }
            article = plain | {name: str(value) for name, value in row.items() if name != "stock"}
            _good(entity, article)
            if article["ref"] in taken or office.books.stocks.named(entity.number, article["ref"]):
                raise Refusal(f"Já existe um artigo com a referência {article['ref']}.")
            taken.add(article["ref"])
            stock = row.get("stock", 0)
            levels = stock if isinstance(stock, dict) else {"": stock}
            told = {_place(entity, place): text(_finite(quantity)) for place, quantity in levels.items()}
            articles.append({"id": first + index, **article, "stock": told if article["type"] == "P" else {}})
        return office.write("catalogue", entity=entity.number, articles=articles, who="hand")
