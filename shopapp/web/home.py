"""The home page: whether everything works, what the merchant must do, and the reconciliation with the shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp.connections import api_usage
from shopapp.connections.provider import provider_class, provider_label
from shopapp.connections.shop import lost_access_code, platform_without_store
from shopapp.messages.errors import WEBHOOK_PROBLEMS
from shopapp.messages.formats import count_word, midnight, moment, order_count, quantity, today
from shopapp.messages.i18n import N_, gettext, ngettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, ApiUsage, UnreadableOrder, now
from shopapp.models.queries import documents, products, reconciliation
from shopapp.web import period_count
from shopapp.web.documents.figures import figures_notice
from shopapp.web.documents.rows import document_rows
from shopapp.web.session import consent_page
from shopapp.web.setup.check import check_thresholds, finding_row
from shopapp.web.setup.keys import is_ready

bp = Blueprint("home", __name__)

CHART_DAYS = 30
TODO_LIMIT = 25
PLAN_WARNING_PERCENT = 80
"""The used percentage of a plan's calls from which the merchant is warned."""
WEBHOOK_NOTICE_DAYS = 7
"""The number of days for which the page says that the shop's webhooks were repaired."""
LIST_MAX_AGE = timedelta(hours=1)
"""The age of the shop's list from which the page says that the shop did not give it again."""
MISSING_FIELDS = {
    "id": N_("sem número"),
    "date": N_("sem data que se leia"),
    "total": N_("sem valor que se leia"),
    "status": N_("sem estado"),
}
STOPPED_REASONS = ("keys-refused", "keys-missing")


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of the chart, in the chart's units (300 wide, 90 high)."""

    day: datetime
    issued: int
    open: int
    x: str
    issued_y: str
    issued_h: str
    open_y: str
    open_h: str


@bp.get("/")
def index() -> Response | str | tuple[str, int]:
    """Show the home page; until the set-up is done, redirect to it; without a session, show the consent page."""
    if g.store is None:
        return consent_page()
    if g.account is None or not is_ready():
        return redirect(url_for("setup.resume"))
    if g.store.state == "reauthorise" or g.account.refused_at is not None:
        return _render_stopped()
    waiting = documents.list_needing_merchant(g.store, TODO_LIMIT)
    count = len(waiting) if len(waiting) < TODO_LIMIT else documents.count_needing_merchant(g.store)
    by_hand, by_hand_total = documents.waiting_for_merchant(g.store)
    provider_down = _provider_down_notice()
    return render_template(
        "home.html",
        headline=todo_headline(count, by_hand) if count or not provider_down else provider_down,
        count=count,
        by_hand=by_hand,
        by_hand_total=by_hand_total,
        late=documents.count_late(g.store, midnight(today())),
        unreadable_orders=_unreadable_orders(),
        current=now(),
        todo_rows=document_rows(waiting),
        webhook_notice=_webhook_notice(),
        provider_down_notice=provider_down,
        figures_notice=figures_notice(g.account),
        issuing_on_hold=reconciliation.is_issuing_on_hold(),
        plan_notice=_plan_notice(),
        limits=[
            finding_row(one, provider_label(g.account), "")
            for one in check_thresholds(g.store, g.account.chosen, today())
        ],
        products_notice=_products_notice(),
        **_connection_status(),
        **_reconciliation(),
    )


def _webhook_notice() -> tuple[str, datetime] | None:
    """Return the problem with the shop's webhooks in the last days, and when it was repaired."""
    at, store = g.store.hooks_problem_at, g.store
    if at is None or at < now() - timedelta(days=WEBHOOK_NOTICE_DAYS):
        return None
    return gettext(WEBHOOK_PROBLEMS.get(store.hooks_problem, WEBHOOK_PROBLEMS["missing"])), at


def _unreadable_orders() -> list[tuple[UnreadableOrder, str]]:
    """Return the rows of the shop's list that could not be read, each with what is missing in it."""
    rows = UnreadableOrder.list_of_store(g.store.id)
    return [(row, ", ".join(gettext(MISSING_FIELDS[name]) for name in row.fields.split())) for row in rows]


def _products_notice() -> str:
    """Return a sentence with the number of products that need the merchant's attention; empty when there are none."""
    account: Account = g.account
    count = products.count_needing_merchant(account) if account.lists.articles else 0
    if not count:
        return ""
    return ngettext("%(count)s produto precisa de si.", "%(count)s produtos precisam de si.", count,
                    count=quantity(count))  # fmt: skip


def _plan_notice() -> str:
    """Return a sentence with the number of calls used of the merchant's plan; empty while enough are left."""
    allowance = int(g.account.chosen.allowance or 0)
    calls = ApiUsage.calls_in_month(g.account.id, api_usage.current_month()) if allowance else 0
    if not allowance or calls * 100 < allowance * PLAN_WARNING_PERCENT:
        return ""
    label = provider_label(g.account)
    if calls * 100 >= allowance * (100 - api_usage.RESERVED_PERCENT):
        return gettext(
            "Este mês fizemos %(calls)s dos %(allowance)s pedidos ao %(provider)s do seu plano. O resto fica para"
            " emitir: PDF novos, comparações e listas esperam pelo mês que vem, ou por um plano maior nas escolhas.",
            calls=calls, allowance=allowance, provider=label,
        )  # fmt: skip
    return gettext(
        "Este mês fizemos %(calls)s dos %(allowance)s pedidos ao %(provider)s do seu plano.",
        calls=calls, allowance=allowance, provider=label,
    )  # fmt: skip


def _provider_down_notice() -> str:
    """Return a sentence that says since when the provider has not answered; empty while it answers."""
    account: Account = g.account
    if not account.pauses or account.down_since is None:
        return ""
    label = provider_label(account)
    return gettext(
        "O %(provider)s não responde desde %(moment)s", provider=label, moment=moment(account.down_since)
    )


def _render_stopped() -> str:
    """Return the page that says that nothing can be issued: since when, why, and what waits."""
    account = g.account
    waiting_documents = [
        *documents.list_blocked(g.store, STOPPED_REASONS),
        *documents.list_pending(g.store, 200),
    ]
    if g.store.state == "reauthorise":
        message, since = message_for(lost_access_code(g.store)), None
    else:
        label = provider_label(account)
        message, since = message_for(account.refused_code, account.refused_detail, label), account.refused_at
    rows = document_rows(waiting_documents[:20])
    total = sum(
        (document.total or reconciliation.ZERO for document in waiting_documents), reconciliation.ZERO
    )
    return render_template(
        "home_stopped.html", message=message, since=since, rows=rows, waiting_count=len(waiting_documents), total=total,
        answer=str(account.refused_detail.get("answer", ""))[:500], **_connection_status(),
        remedy_url=url_for("session.authorise") if g.store.state == "reauthorise"
        else url_for("setup.keys", name=account.provider),
    )  # fmt: skip


def _connection_status() -> dict[str, Any]:
    """Return the data for the overview of the four connections."""
    last = documents.last_issued(g.store)
    return {
        "platform": platform_without_store(g.store.platform),
        "provider": provider_class(g.account.provider),
        "last_webhook": documents.last_webhook(g.store),
        "last_document": last,
        "unreadable_webhooks": documents.quarantined_webhooks(g.store, now() - timedelta(days=7)),
    }


def _reconciliation() -> dict[str, Any]:
    """Return the count of the chosen day and of its month, and the last thirty days."""
    current, chosen = today(), period_count.chosen_day(request.args.get("dia", ""))
    counts = [period_count.count_day(chosen), period_count.count_month(chosen)]
    day_starts = [midnight(current - timedelta(days=CHART_DAYS - 1 - n)) for n in range(CHART_DAYS + 1)]
    days = reconciliation.daily_counts(g.store, day_starts)
    top = _chart_top(max((day.issued + day.open for day in days), default=0))
    return {
        "today": days[-1],
        "chosen": chosen,
        "last_day": current,
        "counts": counts,
        "verdict": period_count.verdict(counts),
        "known_since": period_count.known_since(),
        "is_list_old": g.store.reconciled_at is None or g.store.reconciled_at < now() - LIST_MAX_AGE,
        "top": top,
        "bars": [_bar(n, day, top) for n, day in enumerate(days)],
        "week": days[:-8:-1],
    }


def _chart_top(most: int) -> int:
    """Return a round upper limit for the chart, at least ten."""
    step = 10 if most <= 100 else 100
    return max(10, -(-most // step) * step)


def _bar(position: int, day: reconciliation.DailyCount, top: int) -> DayBar:
    issued, missing = 90 * day.issued / top, 90 * day.open / top
    gap = 1 if day.issued and day.open else 0
    return DayBar(
        day=day.begins, issued=day.issued, open=day.open, x=f"{1.5 + 10 * position:g}",
        issued_y=f"{90 - issued:.2f}", issued_h=f"{issued:.2f}",
        open_y=f"{90 - issued - missing - gap:.2f}", open_h=f"{missing:.2f}",
    )  # fmt: skip


def todo_headline(count: int, by_hand: int = 0) -> str:
    """Return a sentence with the number of orders that need the merchant, or that wait for their click."""
    if not count and by_hand:
        return ngettext(
            "%(count)s encomenda espera que carregue em Emitir",
            "%(count)s encomendas esperam que carregue em Emitir", by_hand, count=count_word(by_hand),
        )  # fmt: skip
    if not count:
        return gettext("Está tudo em ordem")
    if count == 1:
        return gettext("Uma encomenda precisa de si")
    return gettext("%(orders)s precisam de si", orders=order_count(count))
