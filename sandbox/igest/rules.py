"""The business rules of the stand-in: what makes a document impossible, one small function for each reason.

Called by issuing, in the order of `RULES`, with the office locked. A rule raises Refusal with the sentence
that the caller reads; it changes nothing. Basis: certified Portuguese invoicing programs, not iGEST's own
documentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.web import Switches

from . import rates
from .asked import Asked, Refusal
from .books import Books
from .entities import Entity
from .ledger import Entry
from .sums import Sums, text

FINAL_CONSUMER = "999999990"
FS_RETAIL, FS_OTHER = Decimal(1000), Decimal(100)


@dataclass(frozen=True)
class Case:
    """One document to be judged, with all that a rule may look at."""

    entity: Entity
    asked: Asked
    sums: Sums
    books: Books
    switches: Switches
    series: list[tuple[str, str, bool]]
    today: date


def permission(case: Case) -> None:
    """Nothing, unless the key may not use the document type or the series."""
    if case.asked.kind in case.entity.forbidden:
        raise Refusal(f"Sem permissão para o tipo de documento {case.asked.kind}.")
    if case.asked.series in case.entity.forbidden:
        raise Refusal(f"Sem permissão para a série {case.asked.series}.")


def series(case: Case) -> None:
    """Nothing, unless the series is unknown, closed or of another type."""
    found = {code: (kind, open_) for code, kind, open_ in case.series}
    if case.asked.series not in found:
        raise Refusal(f"Série desconhecida: {case.asked.series}")
    kind, is_open = found[case.asked.series]
    if kind != case.asked.kind:
        raise Refusal(f"A série {case.asked.series} não é do tipo {case.asked.kind}.")
    if not is_open:
        raise Refusal(f"Série inativa: {case.asked.series}")


def chronology(case: Case) -> None:
    """Nothing, unless the date lies in the future or before the last document of the series."""
    if case.asked.day > case.today:
        raise Refusal("Data futura não permitida.")
    last = case.books.last(case.entity.number, case.asked.series, case.asked.kind)
    if last and case.asked.day < date.fromisoformat(last["date"]):
        raise Refusal(f"Data anterior ao último documento da série ({last['date']}).")


def customer(case: Case) -> None:
    """Nothing, unless a Portuguese number has a wrong check digit, or a buyer with a number has no name."""
    buyer = case.asked.customer
    if buyer.nif == FINAL_CONSUMER:
        return
    if buyer.country == "PT" and not rates.nif_is_valid(buyer.nif):
        raise Refusal("NIF do cliente inválido.")
    if len(buyer.nif) > 20 or not buyer.nif.isascii() or not buyer.nif.isalnum():
        raise Refusal("NIF do cliente inválido.")
    if not buyer.name:
        raise Refusal("Nome do cliente em falta.")


def payment(case: Case) -> None:
    """Nothing, unless an invoice-receipt lacks its means of payment or one is unknown."""
    if not case.asked.payment and case.asked.kind == "FR":
        raise Refusal("Modo de pagamento em falta.")
    if case.asked.payment and case.asked.payment not in rates.PAYMENTS:
        raise Refusal(f"Modo de pagamento desconhecido: {case.asked.payment}")


def amounts(case: Case) -> None:
    """Nothing, unless a quantity is zero or a discount above the whole."""
    for line in case.asked.lines:
        if line.quantity <= 0:
            raise Refusal("Quantidade inválida.")
        if line.discount > 100:
            raise Refusal("Desconto inválido.")


def known_rates(case: Case) -> None:
    """Nothing, unless a rate is not in the table of its region, or the region not one of the entity's."""
    for line in case.asked.lines:
        at_home = line.region in rates.REGIONS
        if not at_home and line.region not in rates.ABROAD:
            raise Refusal(f"Região desconhecida: {line.region}")
        if at_home and line.region != case.entity.region and case.switches["other-regions"] == "refused":
            raise Refusal(
                f"Taxa desconhecida: {text(line.rate)} ({line.region}) não consta da tabela da entidade."
            )
        if not rates.known(line.rate, line.region):
            raise Refusal(f"Taxa desconhecida: {text(line.rate)} ({line.region})")


def exemptions(case: Case) -> None:
    """Nothing, unless a line at zero lacks a good code or a taxed line carries one."""
    for line in case.asked.lines:
        if line.rate == 0 and not line.exemption:
            raise Refusal("Linha a 0% sem código de isenção.")
        if line.rate == 0 and line.exemption not in rates.EXEMPTIONS:
            raise Refusal(f"Código de isenção desconhecido: {line.exemption}")
        if line.rate > 0 and line.exemption and case.switches["code-on-taxed-line"] == "refused":
            raise Refusal("Código de isenção numa linha com IVA.")


def articles(case: Case) -> None:
    """Nothing, unless an article is no longer in use, or unknown and none is made on the fly."""
    for line in case.asked.lines:
        if not line.reference:
            continue
        found = case.books.stocks.named(case.entity.number, line.reference)
        if found and not found["active"]:
            raise Refusal(f"Artigo inativo: {line.reference}")
        if not found and case.switches["unknown-article"] == "refused":
            raise Refusal(f"Artigo desconhecido: {line.reference}")


def warehouses(case: Case) -> None:
    """Nothing, unless a warehouse is unknown or the entity has none at all."""
    known = {place.code for place in case.entity.warehouses}
    for line in case.asked.lines:
        if line.warehouse and not known:
            raise Refusal("A entidade não gere stock por armazém.")
        if line.warehouse and line.warehouse not in known:
            raise Refusal(f"Armazém desconhecido: {line.warehouse}")


def stock(case: Case) -> None:
    """Nothing, unless stock may not go below zero and would."""
    if case.switches["negative-stock"] == "accepted":
        return
    left: dict[tuple[str, str], Decimal] = {}
    for move in moves(case.entity, case.asked, case.books, case.switches):
        at = (move["ref"], move["warehouse"])
        article = case.books.article(case.entity.number, move["ref"])
        if article and at not in left:
            left[at] = case.books.stocks.level(case.entity.number, article, move["warehouse"])
        left[at] = left.get(at, Decimal(0)) + Decimal(move["qty"])
        if left[at] < 0 and case.asked.kind != "NC":
            raise Refusal(f"Stock insuficiente: {move['ref']}")


def moves(entity: Entity, asked: Asked, books: Books, switches: Switches) -> list[dict[str, str]]:
    """The movements of stock that the document makes, one for each line of a product."""
    policy = switches["stock-on-issue"]
    back = asked.kind == "NC"
    if policy == "never" or (policy == "as-asked" and not asked.moves_stock):
        return []
    if back and switches["credit-restores-stock"] == "off":
        return []
    found = []
    for line in asked.lines:
        article = books.article(entity.number, line.reference)
        # one that is made on the fly is a product, of which there is nothing yet
        if line.reference and (article is None or article["type"] == "P"):
            quantity = line.quantity if back else -line.quantity
            place = line.warehouse or entity.main_warehouse
            found.append({"ref": line.reference, "warehouse": place, "qty": text(quantity)})
    return found


def simplified(case: Case) -> None:
    """Nothing, unless a simplified invoice is over its cap or outside its territory (CIVA art. 40)."""
    if case.asked.kind != "FS":
        return
    lines = case.asked.lines
    if any(line.region not in rates.REGIONS or line.exemption in ("M05", "M16") for line in lines):
        raise Refusal("Fatura simplificada não permitida para este território.")
    if all(line.exemption == "M10" for line in lines):
        return
    cap = FS_OTHER if _is_business(case.asked.customer.nif) or _has_service(case) else FS_RETAIL
    if case.sums.total.gross > cap:
        raise Refusal(f"Fatura simplificada acima do limite ({cap} €).")


def _is_business(nif: str) -> bool:
    return nif != FINAL_CONSUMER and (nif[0] in "5679" or not nif.isdecimal())


def _has_service(case: Case) -> bool:
    found = [case.books.article(case.entity.number, line.reference) for line in case.asked.lines]
    return any(article and article["type"] == "S" for article in found)


def credit(case: Case) -> None:
    """Nothing, unless a credit note lacks a good original or reason, or another type names one."""
    asked = case.asked
    if asked.kind != "NC":
        if asked.origin or asked.reason:
            raise Refusal("Documento de origem só em notas de crédito.")
        return
    if not asked.reason or len(asked.reason) > 50:
        raise Refusal("Motivo da nota de crédito em falta ou com mais de 50 caracteres.")
    origin = case.books.numbered(case.entity.number, asked.origin)
    if origin is None:
        raise Refusal(f"Documento de origem desconhecido: {asked.origin}")
    if origin["type"] == "NC":
        raise Refusal("Não é possível creditar uma nota de crédito.")
    if case.books.annulled(origin):
        raise Refusal("O documento de origem está anulado.")
    if origin["customer"]["nif"] != asked.customer.nif:
        raise Refusal("O cliente não é o do documento de origem.")
    if asked.day < date.fromisoformat(origin["date"]):
        raise Refusal("Data anterior à do documento de origem.")
    _quantities_left(case, origin)
    _values_left(case, origin)


def _quantities_left(case: Case, origin: Entry) -> None:
    left: Counter[str] = Counter()
    for sign, entry in [(1, origin), *((-1, note) for note in case.books.credits(origin))]:
        for line in entry["lines"]:
            left[line["ref"]] += sign * Decimal(line["qty"])  # type: ignore[assignment]
    for line in case.asked.lines:
        left[line.reference] -= line.quantity  # type: ignore[assignment]
        if line.reference and left[line.reference] < 0:
            raise Refusal(f"Quantidade superior à que resta creditar: {line.reference}")


def _values_left(case: Case, origin: Entry) -> None:
    left: dict[tuple[str, str, str], Decimal] = {}
    for sign, entry in [(1, origin), *((-1, note) for note in case.books.credits(origin))]:
        for group in entry["groups"]:
            key = (group["region"], group["rate"], group["exemption"])
            left[key] = left.get(key, Decimal(0)) + sign * Decimal(group["gross"])
    for key, group_sums in case.sums.groups.items():
        if group_sums.gross > left.get(key, Decimal(0)):
            raise Refusal(f"Valor superior ao que resta creditar à taxa {key[1]}% ({key[0]}).")


def repeated(case: Case) -> None:
    """Nothing, unless references may not come twice and this one did."""
    if case.switches["repeated-reference"] != "refused" or not case.asked.reference:
        return
    if case.books.referring(case.entity.number, case.asked.reference):
        raise Refusal("Documento já existe.")


RULES: tuple[Callable[[Case], None], ...] = (
    permission,
    repeated,
    series,
    chronology,
    customer,
    payment,
    amounts,
    known_rates,
    exemptions,
    articles,
    warehouses,
    stock,
    simplified,
    credit,
)
