"""The page of a month or quarter: its sums by rate, kind and payment, what to look at, and what was sold abroad.

Every figure is a link to the documents behind it, and every table adds up to the total above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_label
from shopapp.messages.fiscal_rules import payment_means_label
from shopapp.messages.formats import today
from shopapp.messages.i18n import gettext
from shopapp.models.queries import reports, reports_abroad, thresholds
from shopapp.models.queries.reports import Dated, Period, Sums, TaxKey
from shopapp.models.queries.reports_abroad import EXPORT, OssKey
from shopapp.web.decisions import decision_rows
from shopapp.web.reports import chart, notices
from shopapp.web.reports import period as periods
from shopapp.web.reports.labels import Row, kind_label, region_label, tax_label, tax_note
from shopapp.web.session import accountant_allowed, store_required

bp = Blueprint("reports", __name__, url_prefix="/reports")


@dataclass(frozen=True, slots=True)
class OssRow:
    """One row of the OSS return in words."""

    country: str
    rate: Decimal
    corrects: str
    """The quarter that it corrects, in words; empty for a sale of this one."""
    sums: Sums
    url: str


@dataclass(frozen=True, slots=True)
class Counter:
    """A yearly limit of the law, and how much of it is reached."""

    label: str
    total: Decimal
    limit: Decimal

    @property
    def percent(self) -> int:
        """How much of it is reached, at most 100."""
        return max(0, min(100, int(self.total * 100 / self.limit)))


@bp.get("")
@accountant_allowed
@store_required
def index() -> ResponseReturnValue:
    """Show the figures of a month or quarter."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    period = periods.requested_period()
    documents = reports.documents_of(g.store, period)
    by_tax = reports.sums_by_tax(g.store, period)
    bars, top = chart.daily_bars(documents, period)
    earlier, later = periods.neighbours(period)
    return render_template(
        "reports/month.html",
        period=period,
        written=periods.written(period),
        title=periods.title(period),
        choices=periods.period_choices(),
        period_url=periods.period_url,
        earlier=earlier,
        later=later,
        total=reports.total(one.sums for one in documents),
        tax_rows=tax_rows(documents, by_tax, period),
        kind_rows=kind_rows(documents, period),
        payments=_payment_rows(period),
        bars=bars,
        top=top,
        provider_label=provider_label(g.account),
        choices_made=[row for row in decision_rows(g.account) if row.revoked_at is None],
        counters=_counters(),
        **_abroad(period),
        **notices.notices(period, documents, by_tax),
    )


def tax_rows(
    documents: Sequence[Dated], by_tax: Mapping[tuple[str, TaxKey], Sums], period: Period
) -> list[Row]:
    """Return the sums by region and rate, and what the provider states otherwise than the lines."""
    rows = [
        Row(
            tax_label(key), " · ".join(filter(None, (region_label(key.region), tax_note(key)))), sums,
            documents_url(period, regiao=key.region, taxa=f"{key.rate.normalize():f}", motivo=key.exemption),
        )
        for key, sums in reports.by_tax(dict(by_tax)).items()
    ]  # fmt: skip
    rest = reports.not_in_lines(documents, dict(by_tax))
    if not rest.is_zero:
        label = gettext("Sem taxa conhecida, ou indicado de outra forma pelo programa")
        rows.append(Row(label, "", rest, documents_url(period, so="diferem")))
    return rows


def kind_rows(documents: Sequence[Dated], period: Period) -> list[Row]:
    """Return the sums by kind of document."""
    return [
        Row(kind_label(kind), kind, sums, documents_url(period, tipo=kind))
        for kind, sums in reports.sums_by_kind(documents).items()
    ]


def _payment_rows(period: Period) -> list[tuple[str, int, Decimal, str]]:
    return [
        (payment_means_label(mechanism), count, amount, documents_url(period, meio=mechanism))
        for mechanism, (count, amount) in reports.sums_by_payment(g.store, period).items()
    ]


def documents_url(period: Period, **filters: str) -> str:
    """Return the address of the documents behind a figure."""
    return periods.period_url("report_documents.index", period, **filters)


def _abroad(period: Period) -> dict[str, Any]:
    """Return what was sold abroad in the period, and the vouchers."""
    quarter = periods.quarter_around(period.first)
    return {
        "quarter": periods.title(quarter),
        "oss_rows": [
            _oss_row(key, sums, quarter) for key, sums in reports_abroad.oss_rows(g.store, quarter).items()
        ],
        "recapitulative": reports_abroad.recapitulative_rows(g.store, period),
        "exports": reports_abroad.export_rows(g.store, period),
        "vouchers": reports_abroad.vouchers(g.store, period),
        "vouchers_ever": reports_abroad.vouchers(g.store),
        "export_code": EXPORT,
    }


def _oss_row(key: OssKey, sums: Sums, quarter: Period) -> OssRow:
    year, _, number = key.corrects.partition("-")
    corrects = periods.quarter_title(int(year), int(number)) if number else ""
    kind = "NC" if corrects else ""
    rate = f"{key.rate.normalize():f}"
    url = documents_url(quarter, so="oss", regiao=key.country, taxa=rate, tipo=kind)
    return OssRow(region_label(key.country), key.rate, corrects, sums, url)


def _counters() -> list[Counter]:
    """Return the yearly limits that matter to the store, counted from the documents that we issued."""
    settings, year = g.account.chosen, today().year
    if settings.regime == "art53_exempt":
        sold = thresholds.yearly_net(g.store, year)
        return [Counter(gettext("Volume de negócios (artigo 53.º)"), sold, thresholds.SMALL_BUSINESS)]
    sold = thresholds.yearly_net(g.store, year, distance=True)
    return [Counter(gettext("Vendas a consumidores da União"), sold, thresholds.DISTANCE_SALES)]
