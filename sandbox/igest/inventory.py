"""Create, rename and withdraw articles and move stock; each act is one ledger entry.

Maximum lengths are those of SAF-T (PT), which every certified program respects; the sentences are ours. A
Refusal means that nothing was written.
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
from .rules import warehouse_code
from .sums import decimal_text

MAX_REFERENCE_LENGTH, MAX_NAME_LENGTH = 60, 200


def create_article(program: ProgramState, entity: Entity, fields: dict[str, str], **by: Any) -> Entry:
    """Write the new article, without stock, to the ledger and return its entry.

    Raises Refusal when the entity may not have such an article or has its reference already.
    """
    with program.lock:
        _check_article(entity, fields)
        if program.index.inventory.article_by_reference(entity.number, fields["ref"]):
            raise Refusal(f"Já existe um artigo com a referência {fields['ref']}.")
        identity = program.index.inventory.next_article_id(entity.number)
        return program.write_entry("article", entity=entity.number, id=identity, **fields, stock="0", **by)


def _check_article(entity: Entity, fields: dict[str, str]) -> None:
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
    """Write the article's new reference and name and return the entry; None when nothing changes."""
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
    """Withdraw the article and return the ledger entry; its reference stays taken."""
    return program.write_entry(
        "article-withdrawn", entity=entity.number, article=article["id"], ref=article["ref"], who="hand"
    )


def move_stock(
    program: ProgramState, entity: Entity, reference: str, warehouse: str, quantity: Decimal, **by: Any
) -> Entry:
    """Write one stock movement to the ledger and return its entry.

    Raises Refusal for an unknown article or warehouse, a service, a zero quantity or, by its switch, too
    little stock.
    """
    with program.lock:
        article = program.index.active_article(entity.number, reference)
        if article is None:
            raise Refusal(f"Artigo desconhecido: {reference}")
        if article["type"] != "P":
            raise Refusal(f"O artigo {reference} é um serviço e não tem stock.")
        place = warehouse_code(entity, warehouse)
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
    """Move the stock to the level that a person counted and return the entry.

    Return None when it was at that level already.
    """
    with program.lock:
        place = warehouse_code(entity, warehouse)
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


def load_catalogue(program: ProgramState, entity: Entity, wanted: list[dict[str, Any]]) -> Entry:
    """Write a whole catalogue as one ledger entry and return it.

    Each row has `ref` and `description`; `stock` is that of the main warehouse, or a mapping by warehouse
    code. Raises Refusal when one row cannot be accepted.
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
                warehouse_code(entity, place): decimal_text(_parse_quantity(quantity))
                for place, quantity in levels.items()
            }
            articles.append(
                {"id": first + index, **article, "stock": quantities if article["type"] == "P" else {}}
            )
        return program.write_entry("catalogue", entity=entity.number, articles=articles, who="hand")
