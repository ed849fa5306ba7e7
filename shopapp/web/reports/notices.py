"""What a month should be looked at for, in words, each with the documents that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import g

from shopapp.connections.provider import provider_label
from shopapp.messages.formats import money, today
from shopapp.messages.i18n import gettext, ngettext
from shopapp.messages.wording import warning_text
from shopapp.models.queries import reports, reports_checks
from shopapp.models.queries.reports import Dated, Period, Sums, TaxKey
from shopapp.web.reports import period as periods
from shopapp.web.setup.check import check_thresholds, finding_row

DECIDE, LOOK = "st-decide", "st-wait"


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence: whether it asks for something, what it is, what to do about it, and where."""

    mark: str
    text: str
    remedy: str = ""
    url: str = ""

    @property
    def word(self) -> str:
        """The word beside the mark."""
        return gettext("A tratar") if self.mark == DECIDE else gettext("A rever")


def notices(
    period: Period, documents: Sequence[Dated], by_tax: Mapping[tuple[str, TaxKey], Sums]
) -> dict[str, Any]:
    """Return what the page shows of the month's warnings."""
    found = [
        *_missing(period),
        *_wrong(period),
        *_differing(period, documents, by_tax),
        *_gaps(period),
        *_late(period, documents),
        *_limits(),
        *_warned(period),
    ]
    return {"notices": sorted(found, key=lambda one: one.mark != DECIDE)}


def behind_url(period: Period, **filters: str) -> str:
    """Return the address of the documents that a notice is about."""
    return periods.period_url("report_documents.index", period, **filters)


def _missing(period: Period) -> list[Notice]:
    count = reports_checks.count_missing(g.store, period)
    if not count:
        return []
    text = ngettext(
        "%(num)d encomenda paga neste período ainda não tem documento.",
        "%(num)d encomendas pagas neste período ainda não têm documento.", count,
    )  # fmt: skip
    return [Notice(DECIDE, text, "", behind_url(period, so="faltam"))]


def _wrong(period: Period) -> list[Notice]:
    annulled, alarmed = reports_checks.count_alarmed(g.store, period)
    label = provider_label(g.account)
    found = []
    if alarmed:
        text = ngettext(
            "%(num)d documento emitido espera por uma decisão sua.",
            "%(num)d documentos emitidos esperam por uma decisão sua.", alarmed,
        )  # fmt: skip
        found.append(Notice(DECIDE, text, gettext("Contam nas somas."), behind_url(period, so="alarme")))
    if annulled:
        text = ngettext(
            "%(num)d documento foi anulado no %(provider)s ou já lá não está.",
            "%(num)d documentos foram anulados no %(provider)s ou já lá não estão.", annulled, provider=label,
        )  # fmt: skip
        found.append(Notice(LOOK, text, gettext("Não contam nas somas."), behind_url(period, so="anulados")))
    return found


def _differing(
    period: Period, documents: Sequence[Dated], by_tax: Mapping[tuple[str, TaxKey], Sums]
) -> list[Notice]:
    rest = reports.not_in_lines(documents, dict(by_tax))
    if rest.is_zero:
        return []
    text = gettext(
        "O %(provider)s indica mais %(gross)s, dos quais %(vat)s de IVA, do que somam as linhas dos documentos.",
        provider=provider_label(g.account), gross=money(rest.gross), vat=money(rest.vat),
    )  # fmt: skip
    return [Notice(LOOK, text, gettext("O total é o do programa."), behind_url(period, so="diferem"))]


def _gaps(period: Period) -> list[Notice]:
    found = []
    for prefix, gaps in groupby(reports_checks.series_gaps(g.store, period), key=lambda one: one.prefix):
        mine = list(gaps)
        text = ngettext(
            "Na série %(series)s há %(num)d número que não é nosso: %(numbers)s.",
            "Na série %(series)s há %(num)d números que não são nossos: %(numbers)s.",
            sum(one.count for one in mine), series=prefix.rstrip("/ "), numbers=reports_checks.as_ranges(mine),
        )  # fmt: skip
        remedy = gettext(
            "Foram emitidos à mão ou por outro programa, ou não existem. Confirme no %(provider)s, ou com o SAF-T.",
            provider=provider_label(g.account),
        )
        found.append(Notice(LOOK, text, remedy))
    return found


def _late(period: Period, documents: Sequence[Dated]) -> list[Notice]:
    count = sum(one.sums.documents for one in reports_checks.late_documents(documents, period))
    if not count:
        return []
    text = ngettext(
        "%(num)d fatura tem data posterior à do pagamento.",
        "%(num)d faturas têm data posterior à do pagamento.", count,
    )  # fmt: skip
    law = gettext("O dia do pagamento está escrito na fatura (CIVA, artigo 36.º, n.º 1).")
    return [Notice(LOOK, text, law, behind_url(period, so="tarde"))]


def _limits() -> list[Notice]:
    rows = [
        finding_row(one, provider_label(g.account), "")
        for one in check_thresholds(g.store, g.account.chosen, today())
    ]
    return [Notice(DECIDE, row.cause, row.remedy) for row in rows]


def _warned(period: Period) -> list[Notice]:
    found = []
    for code, count in reports.counts_by_warning(g.store, period).items():
        text = warning_text(code)
        if text:
            how_many = ngettext("%(num)d documento", "%(num)d documentos", count)
            found.append(Notice(LOOK, text, how_many, behind_url(period, aviso=code)))
    return found
