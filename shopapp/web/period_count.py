"""The count on the home page: what the shop says is paid in a day and its month, what was issued, why they differ.

Everything in it is words and groups of `queries.reconciliation` and `queries.discrepancies`; no figure is made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from flask import g, url_for

from shopapp.connections.shop import platform_without_store
from shopapp.messages.formats import day, figure, midnight, month, order_count, today
from shopapp.messages.i18n import N_, gettext
from shopapp.models import Document
from shopapp.models.queries import reconciliation
from shopapp.models.queries.discrepancies import UNEXPLAINED, UNREAD, Discrepancy, list_discrepancies
from shopapp.web.documents.rows import DocumentRow, document_rows

SHOWN_ORDERS = 25
"""How many orders of one cause are named on the page; the list of documents has all of them."""
KNOWN_DAYS = 31
"""How far back before the installation the shop's list is read."""

CAUSE_LABELS = {
    UNREAD: N_("Não conseguimos ler"),
    UNEXPLAINED: N_("Por explicar"),
    "stopped": N_("Precisam de si"),
    "cancelled": N_("Canceladas na loja e ainda faturadas"),
    "annulled": N_("Documento anulado no programa de faturação"),
    "changed": N_("A loja e o documento têm totais diferentes"),
    "credited": N_("Com nota de crédito"),
    "currency": N_("Noutra moeda"),
    "by-hand": N_("À espera que carregue em Emitir"),
    "under-way": N_("Ainda por emitir"),
    "other-period": N_("Pagas, faturadas ou creditadas noutra data"),
    "set-aside": N_("Postas de parte"),
    "older": N_("Anteriores à data de início"),
    "free": N_("Grátis"),
}
_ASK_MERCHANT = ("stopped", "cancelled", "annulled", "changed", "currency", "by-hand")
_SAID_BY_LABEL = ("by-hand", "set-aside", "older", "free")
_TABS = {"stopped": "espera", "cancelled": "espera", "by-hand": "por-emitir", "under-way": "por-emitir"}


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """One order of a cause, with the address at which it can be looked at."""

    order_id: str
    url: str
    text: str
    amount: Decimal | None
    """None where nobody could read it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The orders that differ for one cause, and their sum."""

    cause: str
    label: str
    count: int
    total: Decimal
    orders: Sequence[ExplainedOrder]
    all_url: str


@dataclass(frozen=True, slots=True)
class PeriodCount:
    """One period: its totals, and the explanations of the difference."""

    name: str
    totals: reconciliation.PeriodTotals
    explanations: Sequence[Explanation]

    @property
    def orders(self) -> int:
        """How many orders explain the difference."""
        return sum(one.count for one in self.explanations)


def chosen_day(text: str) -> date:
    """Return the day in the address; today for none, for one that is none and for one to come."""
    try:
        return min(date.fromisoformat(text), today()) if text else today()
    except ValueError:
        return today()


def count_day(chosen: date) -> PeriodCount:
    """Return the count of one day."""
    name = gettext("Hoje") if chosen == today() else day(chosen)
    return _count(name, midnight(chosen), midnight(chosen + timedelta(days=1)))


def count_month(chosen: date) -> PeriodCount:
    """Return the count of the month of that day."""
    first = chosen.replace(day=1)
    return _count(month(first), midnight(first), midnight((first + timedelta(days=31)).replace(day=1)))


def known_since() -> date:
    """Return the first day whose orders we know, as the shop's list was read from there on."""
    since: datetime = g.store.installed_at - timedelta(days=KNOWN_DAYS)
    return since.date()


def verdict(counts: Sequence[PeriodCount]) -> tuple[str, str, str]:
    """Return CSS class, word and sentence about the differences of these periods, the last being the longest."""
    causes = {one.cause for count in counts for one in count.explanations}
    orders = order_count(counts[-1].orders or counts[0].orders).lower()
    if UNREAD in causes:
        return (
            "st-stop", gettext("Diferença por explicar"),
            gettext("há encomendas pagas que não conseguimos ler. Estão contadas em baixo."),
        )  # fmt: skip
    if UNEXPLAINED in causes:
        return "st-decide", gettext("Diferença por explicar"), ""
    if not causes:
        return "st-ok", gettext("Tudo faturado"), ""
    css_class = "st-decide" if causes.intersection(_ASK_MERCHANT) else "st-ok"
    return css_class, gettext("Diferença explicada"), gettext("até ao cêntimo: %(orders)s.", orders=orders)


def _count(name: str, begins: datetime, ends: datetime) -> PeriodCount:
    totals = reconciliation.period_totals(g.store, begins, ends)
    grouped = groupby(list_discrepancies(g.store, begins, ends), key=lambda gap: gap.cause)
    return PeriodCount(name, totals, [_explanation(cause, list(gaps)) for cause, gaps in grouped])


def _explanation(cause: str, gaps: Sequence[Discrepancy]) -> Explanation:
    shown = gaps[:SHOWN_ORDERS]
    rows = {row.id: row for row in document_rows([gap.document for gap in shown if gap.document])}
    return Explanation(
        cause=cause,
        label=gettext(CAUSE_LABELS[cause]),
        count=len(gaps),
        total=sum((gap.amount for gap in gaps), reconciliation.ZERO),
        orders=[_explained(gap, rows.get(gap.document.id) if gap.document else None) for gap in shown],
        all_url=url_for("documents.index", estado=_TABS.get(cause, "")) if len(gaps) > len(shown) else "",
    )


def _explained(gap: Discrepancy, row: DocumentRow | None) -> ExplainedOrder:
    if gap.document is not None:
        url = url_for("documents.one", number=gap.document.id)
    else:
        platform = platform_without_store(g.store.platform)
        url = platform.order_admin_url(g.store.code, gap.order_id) if gap.order_id else ""
    is_unknown = gap.cause == UNREAD and not gap.amount
    return ExplainedOrder(gap.order_id, url, _explained_text(gap, row), None if is_unknown else gap.amount)


def _explained_text(gap: Discrepancy, row: DocumentRow | None) -> str:
    """Return what is to be said of this order beside the words of its cause."""
    sale, document = gap.sale, gap.document
    if gap.cause == "currency" and sale is not None:
        return f"{figure(sale.total)} {sale.currency}"
    if gap.cause == "other-period" and document is not None:
        return _dates_of(document, sale.paid_at if sale is not None else None)
    return row.cause if row is not None and gap.cause not in _SAID_BY_LABEL else ""


def _dates_of(document: Document, paid_at: datetime | None) -> str:
    number = document.number or ""
    if paid_at is None:
        return number
    return gettext(
        "paga a %(paid)s; %(number)s de %(issued)s", paid=day(paid_at), number=number,
        issued=day(document.issued_on or document.issued_at),
    )  # fmt: skip
