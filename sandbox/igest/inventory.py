"""What is done to articles and stock, by the wire or by hand: the rules, and one line in the ledger for each deed.

Called by the wire's methods, the panel and the control routes. Limits of length are those of SAF-T (PT), which
every certified program keeps; the sentences are ours.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.core.ledger import Entry
from sandbox.core.portuguese_tax import EXEMPTIONS

from . import fiscal_tables
from .document_request import Refusal
from .entities import Entity
from .program_state import ProgramState
from .sums import decimal_text

MAX_REFERENCE_LENGTH, MAX_NAME_LENGTH = 60, 200


def create_article(program: ProgramState, entity: Entity, fields: dict[str, str], **by: Any) -> Entry:
    """The ledger's entry of the new article, without stock; Refusal, and nothing written, when it cannot be."""
    with program.lock:
        _check_article(entity, fields)
        if program.index.inventory.article_by_reference(entity.number, fields["ref"]):
            raise Refusal(f"Já existe um artigo com a referência {fields['ref']}.")
        identity = program.index.inventory.next_article_id(entity.number)
        return program.write_entry("article", entity=entity.number, id=identity, **fields, stock="0", **by)


def _check_article(entity: Entity, fields: dict[str, str]) -> None:
    """Nothing, unless the article is not one that the entity may have."""
    if not fields["ref"] or not fields["description"]:
        raise Refusal("Artigo sem referência ou sem descrição.")
    _check_lengths(fields["ref"], fields["description"])
    if fields["type"] not in ("P", "S"):
        raise Refusal(f"Tipo de artigo desconhecido: {fields['type']}")
    try:
        rate = Decimal(fields["rate"])
    except InvalidOperation:
        raise Refusal(f"Valor inválido em taxa: {fields['rate']}") from None
    if not fiscal_tables.is_known_rate(rate, entity.region):
        raise Refusal(f"Taxa desconhecida: {fields['rate']} ({entity.region})")
    if (rate == 0) != bool(fields["exemption"]):
        raise Refusal("Artigo a 0% sem código de isenção, ou com IVA e com código.")
    if fields["exemption"] and fields["exemption"] not in EXEMPTIONS:
        raise Refusal(f"Código de isenção desconhecido: {fields['exemption']}")


def _check_lengths(reference: str, name: str) -> None:
    if len(reference) > MAX_REFERENCE_LENGTH:
        raise Refusal(f"Referência com mais de {MAX_REFERENCE_LENGTH} caracteres.")
    if len(name) > MAX_NAME_LENGTH:
        raise Refusal(f"Descrição com mais de {MAX_NAME_LENGTH} caracteres.")


def rename_article(
    program: ProgramState, entity: Entity, article: Entry, reference: str, name: str
) -> Entry | None:
    """The ledger's entry of the article's new reference and name; None when both are what they were."""
    with program.lock:
        former, former_name = article["ref"], article["description"]
        reference, name = reference.strip() or former, name.strip() or former_name
        if (reference, name) == (former, former_name):
            return None
        _check_lengths(reference, name)
        if reference != former and program.index.inventory.article_by_reference(entity.number, reference):
            raise Refusal(f"Já existe um artigo com a referência {reference}.")
        return program.write_entry(
            "article-renamed", entity=entity.number, article=article["id"], ref=reference, description=name,
            former=former, who="hand",
        )  # fmt: skip


def withdraw_article(program: ProgramState, entity: Entity, article: Entry) -> Entry:
    """The ledger's entry that says that the article is no longer in use; its reference stays taken."""
    return program.write_entry(
        "article-withdrawn", entity=entity.number, article=article["id"], ref=article["ref"], who="hand"
    )


def move_stock(
    program: ProgramState, entity: Entity, reference: str, warehouse: str, quantity: Decimal, **by: Any
) -> Entry:
    """The ledger's entry of one movement; Refusal, and nothing written, when it cannot be."""
    with program.lock:
        article = program.index.active_article(entity.number, reference)
        if article is None:
            raise Refusal(f"Artigo desconhecido: {reference}")
        if article["type"] != "P":
            raise Refusal(f"O artigo {reference} é um serviço e não tem stock.")
        place = _warehouse_code(entity, warehouse)
        if not quantity or not quantity.is_finite():
            raise Refusal("Quantidade inválida.")
        before = program.index.inventory.level_of(entity.number, article, place)
        if quantity < 0 and before + quantity < 0 and program.switches["negative-stock"] == "refused":
            raise Refusal(f"Stock insuficiente: {reference}")
        return program.write_entry(
            "stock", entity=entity.number, article=article["id"], ref=reference, warehouse=place,
            qty=decimal_text(quantity), **by,
        )  # fmt: skip


def set_stock(
    program: ProgramState, entity: Entity, article: Entry, warehouse: str, level: Decimal
) -> Entry | None:
    """The ledger's entry of what a person counted; None when that is what the books say."""
    with program.lock:
        place = _warehouse_code(entity, warehouse)
        difference = level - program.index.inventory.level_of(entity.number, article, place)
        if not difference:
            return None
        return move_stock(program, entity, article["ref"], place, difference, who="hand")


def _parse_quantity(quantity: object) -> Decimal:
    try:
        if (found := Decimal(str(quantity))).is_finite():
            return found
    except InvalidOperation:
        pass
    raise Refusal(f"Quantidade inválida: {quantity}")


def _warehouse_code(entity: Entity, warehouse: str) -> str:
    known = {place.code for place in entity.warehouses}
    if warehouse and not known:
        raise Refusal("A entidade não gere stock por armazém.")
    if warehouse and warehouse not in known:
        raise Refusal(f"Armazém desconhecido: {warehouse}")
    return warehouse or entity.main_warehouse


def load_catalogue(program: ProgramState, entity: Entity, wanted: list[dict[str, Any]]) -> Entry:
    """The one ledger's entry of a whole catalogue; Refusal, and nothing written, when one of it cannot be.

    Each has `ref` and `description`; `stock` is of the main warehouse, or of each by its code.
    """
    with program.lock:
        first = program.index.inventory.next_article_id(entity.number)
        taken: set[str] = set()
        articles = []
        for index, row in enumerate(wanted):
            defaults = {
                "unit": "UN",
                "type": "P",
                "rate": next(iter(fiscal_tables.REGION_RATES[entity.region])),
                "exemption": "",
            }
            article = defaults | {name: str(value) for name, value in row.items() if name != "stock"}
            _check_article(entity, article)
            if article["ref"] in taken or program.index.inventory.article_by_reference(
                entity.number, article["ref"]
            ):
                raise Refusal(f"Já existe um artigo com a referência {article['ref']}.")
            taken.add(article["ref"])
            stock = row.get("stock", 0)
            levels = stock if isinstance(stock, dict) else {"": stock}
            quantities = {
                _warehouse_code(entity, place): decimal_text(_parse_quantity(quantity))
                for place, quantity in levels.items()
            }
            articles.append(
                {"id": first + index, **article, "stock": quantities if article["type"] == "P" else {}}
            )
        return program.write_entry("catalogue", entity=entity.number, articles=articles, who="hand")
