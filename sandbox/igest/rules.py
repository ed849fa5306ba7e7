"""The business rules that can refuse a document, one function per reason, applied in the order of `RULES`.

A rule raises Refusal with the sentence for the caller, and changes nothing. They follow certified Portuguese
invoicing programs in general, not iGEST's own documentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.core.ledger import Entry
from sandbox.core.portuguese_tax import EXEMPTIONS, nif_is_valid
from sandbox.core.switches import Switches

from . import fiscal_tables
from .document_request import DocumentRequest, Refusal
from .document_stock import stock_movements
from .entities import Entity
from .ledger_index import LedgerIndex
from .sums import Sums, decimal_text

FINAL_CONSUMER = "999999990"
FS_RETAIL_LIMIT, FS_OTHER_LIMIT = Decimal(1000), Decimal(100)


@dataclass(frozen=True)
class RuleContext:
    """The requested document with all data that a rule may need."""

    entity: Entity
    requested: DocumentRequest
    sums: Sums
    index: LedgerIndex
    switches: Switches
    series: list[tuple[str, str, bool]]
    today: date


def check_permission(context: RuleContext) -> None:
    """Refuse a document type or series that the key may not use."""
    if context.requested.kind in context.entity.forbidden:
        raise Refusal(f"Sem permissão para o tipo de documento {context.requested.kind}.")
    if context.requested.series in context.entity.forbidden:
        raise Refusal(f"Sem permissão para a série {context.requested.series}.")


def check_series(context: RuleContext) -> None:
    """Refuse a series that is unknown, closed or of another type."""
    found = {code: (kind, open_) for code, kind, open_ in context.series}
    if context.requested.series not in found:
        raise Refusal(f"Série desconhecida: {context.requested.series}")
    kind, is_open = found[context.requested.series]
    if kind != context.requested.kind:
        raise Refusal(f"A série {context.requested.series} não é do tipo {context.requested.kind}.")
    if not is_open:
        raise Refusal(f"Série inativa: {context.requested.series}")


def check_chronology(context: RuleContext) -> None:
    """Refuse a date in the future or before the last document of the series."""
    if context.requested.day > context.today:
        raise Refusal("Data futura não permitida.")
    last = context.index.last_document(
        context.entity.number, context.requested.series, context.requested.kind
    )
    if last and context.requested.day < date.fromisoformat(last["date"]):
        raise Refusal(f"Data anterior ao último documento da série ({last['date']}).")


def check_customer(context: RuleContext) -> None:
    """Refuse an invalid NIF, and a buyer with a NIF but no name."""
    buyer = context.requested.customer
    if buyer.nif == FINAL_CONSUMER:
        return
    if buyer.country == "PT" and not nif_is_valid(buyer.nif):
        raise Refusal("NIF do cliente inválido.")
    if len(buyer.nif) > 20 or not buyer.nif.isascii() or not buyer.nif.isalnum():
        raise Refusal("NIF do cliente inválido.")
    if not buyer.name:
        raise Refusal("Nome do cliente em falta.")


def check_payment(context: RuleContext) -> None:
    """Refuse an unknown means of payment, and an invoice-receipt without one."""
    if not context.requested.payment and context.requested.kind == "FR":
        raise Refusal("Modo de pagamento em falta.")
    if context.requested.payment and context.requested.payment not in fiscal_tables.PAYMENT_CODES:
        raise Refusal(f"Modo de pagamento desconhecido: {context.requested.payment}")


def check_amounts(context: RuleContext) -> None:
    """Refuse a quantity of zero and a discount above 100 %."""
    for line in context.requested.lines:
        if line.quantity <= 0:
            raise Refusal("Quantidade inválida.")
        if line.discount > 100:
            raise Refusal("Desconto inválido.")


def check_rates(context: RuleContext) -> None:
    """Refuse a region other than the entity's (by its switch) and a rate that its region does not have."""
    for line in context.requested.lines:
        is_portuguese = line.region in fiscal_tables.REGION_RATES
        if not is_portuguese and line.region not in fiscal_tables.OSS_RATES:
            raise Refusal(f"Região desconhecida: {line.region}")
        if (
            is_portuguese
            and line.region != context.entity.region
            and context.switches["other-regions"] == "refused"
        ):
            raise Refusal(
                f"Taxa desconhecida: {decimal_text(line.rate)} ({line.region}) não consta da tabela da entidade."
            )
        if not fiscal_tables.is_known_rate(line.rate, line.region):
            raise Refusal(f"Taxa desconhecida: {decimal_text(line.rate)} ({line.region})")


def check_exemptions(context: RuleContext) -> None:
    """Refuse a zero-rated line without a known exemption code, and (by its switch) a taxed line with one."""
    for line in context.requested.lines:
        if line.rate == 0 and not line.exemption:
            raise Refusal("Linha a 0% sem código de isenção.")
        if line.rate == 0 and line.exemption not in EXEMPTIONS:
            raise Refusal(f"Código de isenção desconhecido: {line.exemption}")
        if line.rate > 0 and line.exemption and context.switches["code-on-taxed-line"] == "refused":
            raise Refusal("Código de isenção numa linha com IVA.")


def check_articles(context: RuleContext) -> None:
    """Refuse a withdrawn article and (by its switch) an unknown one."""
    for line in context.requested.lines:
        if not line.reference:
            continue
        found = context.index.inventory.article_by_reference(context.entity.number, line.reference)
        if found and not found["active"]:
            raise Refusal(f"Artigo inativo: {line.reference}")
        if not found and context.switches["unknown-article"] == "refused":
            raise Refusal(f"Artigo desconhecido: {line.reference}")


def check_warehouses(context: RuleContext) -> None:
    """Refuse a warehouse that the entity does not have."""
    for line in context.requested.lines:
        warehouse_code(context.entity, line.warehouse)


def warehouse_code(entity: Entity, requested: str) -> str:
    """Return the requested warehouse, or the entity's main one. Raises Refusal for an unknown one."""
    known = {place.code for place in entity.warehouses}
    if requested and not known:
        raise Refusal("A entidade não gere stock por armazém.")
    if requested and requested not in known:
        raise Refusal(f"Armazém desconhecido: {requested}")
    return requested or entity.main_warehouse


def check_stock(context: RuleContext) -> None:
    """Refuse, by its switch, a document that takes stock below zero."""
    if context.switches["negative-stock"] == "accepted":
        return
    remaining: dict[tuple[str, str], Decimal] = {}
    for move in stock_movements(context.entity, context.requested, context.index, context.switches):
        at = (move["ref"], move["warehouse"])
        article = context.index.active_article(context.entity.number, move["ref"])
        if article and at not in remaining:
            remaining[at] = context.index.inventory.level_of(
                context.entity.number, article, move["warehouse"]
            )
        remaining[at] = remaining.get(at, Decimal(0)) + Decimal(move["qty"])
        if remaining[at] < 0 and context.requested.kind != "NC":
            raise Refusal(f"Stock insuficiente: {move['ref']}")


def check_simplified_invoice(context: RuleContext) -> None:
    """Refuse a simplified invoice over its limit or outside the Portuguese territory (CIVA art. 40)."""
    if context.requested.kind != "FS":
        return
    lines = context.requested.lines
    if any(
        line.region not in fiscal_tables.REGION_RATES or line.exemption in ("M05", "M16") for line in lines
    ):
        raise Refusal("Fatura simplificada não permitida para este território.")
    if all(line.exemption == "M10" for line in lines):
        return
    cap = (
        FS_OTHER_LIMIT
        if _is_business(context.requested.customer.nif) or _has_service(context)
        else FS_RETAIL_LIMIT
    )
    if context.sums.total.gross > cap:
        raise Refusal(f"Fatura simplificada acima do limite ({cap} €).")


def _is_business(nif: str) -> bool:
    return nif != FINAL_CONSUMER and (nif[0] in "5679" or not nif.isdecimal())


def _has_service(context: RuleContext) -> bool:
    found = [
        context.index.active_article(context.entity.number, line.reference)
        for line in context.requested.lines
    ]
    return any(article and article["type"] == "S" for article in found)


def check_credit_note(context: RuleContext) -> None:
    """Refuse a credit note without a valid original and reason, and an original on any other type."""
    requested = context.requested
    if requested.kind != "NC":
        if requested.origin or requested.reason:
            raise Refusal("Documento de origem só em notas de crédito.")
        return
    if not requested.reason or len(requested.reason) > 50:
        raise Refusal("Motivo da nota de crédito em falta ou com mais de 50 caracteres.")
    origin = context.index.document_by_number(context.entity.number, requested.origin)
    if origin is None:
        raise Refusal(f"Documento de origem desconhecido: {requested.origin}")
    if origin["type"] == "NC":
        raise Refusal("Não é possível creditar uma nota de crédito.")
    if context.index.is_annulled(origin):
        raise Refusal("O documento de origem está anulado.")
    if origin["customer"]["nif"] != requested.customer.nif:
        raise Refusal("O cliente não é o do documento de origem.")
    if requested.day < date.fromisoformat(origin["date"]):
        raise Refusal("Data anterior à do documento de origem.")
    _check_creditable_quantities(context, origin)
    _check_creditable_amounts(context, origin)


def _check_creditable_quantities(context: RuleContext, origin: Entry) -> None:
    left: Counter[str] = Counter()
    for sign, entry in [(1, origin), *((-1, note) for note in context.index.credit_notes(origin))]:
        for line in entry["lines"]:
            left[line["ref"]] += sign * Decimal(line["qty"])  # type: ignore[assignment]
    for line in context.requested.lines:
        left[line.reference] -= line.quantity  # type: ignore[assignment]
        if line.reference and left[line.reference] < 0:
            raise Refusal(f"Quantidade superior à que resta creditar: {line.reference}")


def _check_creditable_amounts(context: RuleContext, origin: Entry) -> None:
    left: dict[tuple[str, str, str], Decimal] = {}
    for sign, entry in [(1, origin), *((-1, note) for note in context.index.credit_notes(origin))]:
        for group in entry["groups"]:
            key = (group["region"], group["rate"], group["exemption"])
            left[key] = left.get(key, Decimal(0)) + sign * Decimal(group["gross"])
    for key, group_sums in context.sums.groups.items():
        if group_sums.gross > left.get(key, Decimal(0)):
            raise Refusal(f"Valor superior ao que resta creditar à taxa {key[1]}% ({key[0]}).")


def check_repeated_reference(context: RuleContext) -> None:
    """Refuse, by its switch, a reference that a document already has."""
    if context.switches["repeated-reference"] != "refused" or not context.requested.reference:
        return
    if context.index.document_by_reference(context.entity.number, context.requested.reference):
        raise Refusal("Documento já existe.")


RULES: tuple[Callable[[RuleContext], None], ...] = (
    check_permission,
    check_repeated_reference,
    check_series,
    check_chronology,
    check_customer,
    check_payment,
    check_amounts,
    check_rates,
    check_exemptions,
    check_articles,
    check_warehouses,
    check_stock,
    check_simplified_invoice,
    check_credit_note,
)
