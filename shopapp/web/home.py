"""The first page: does it work, what must I do, can I trust the figures.

Browsers with a session; anyone else gets the page that asks to authorise. Reads our rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from shopapp import connect, counting
from shopapp.models import Account, Usage, ledger, listing, now, shelf
from shopapp.web.formats import moment, orders, quantity, zone
from shopapp.web.sentences import HOOKS
from shopapp.web.session import consent_page
from shopapp.web.setup import is_ready
from shopapp.web.showing import rows_of
from shopapp.web.tongue import gettext, ngettext
from shopapp.web.wording import say

bp = Blueprint("home", __name__)

DAYS = 30
TODO = 25
SCARCE = 80
"""Percent of a plan's calls from which on the merchant is told."""
HOOK_DAYS = 7
"""How long the merchant reads that the shop's hooks were mended."""
STOPPED = ("keys-refused", "keys-missing")


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in the chart's own units (300 wide, 90 high)."""

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
    """The page that says whether all is well; set-up while that is not done; consent without a session."""
    if g.store is None:
        return consent_page()
    if g.account is None or not is_ready():
        return redirect(url_for("setup.resume"))
    if g.store.state == "reauthorise" or g.account.refused_at is not None:
        return _stopped()
    waiting = listing.waiting_for_merchant(g.store, TODO)
    count, down = len(waiting) if len(waiting) < TODO else listing.count_waiting(g.store), _down()
    return render_template(
        "home.html", headline=headline(count) if count or not down else down, count=count, current=now(),
        todo_rows=rows_of(waiting), hooks_said=_hooks_said(), down_said=down, held=ledger.held(),
        plan_said=_plan(), goods_said=_goods(), **_links(), **_figures()
    )  # fmt: skip


def _hooks_said() -> tuple[str, datetime] | None:
    """What was wrong with the shop's hooks in the last days, and when it was mended."""
    at, store = g.store.hooks_problem_at, g.store
    if at is None or at < now() - timedelta(days=HOOK_DAYS):
        return None
    return gettext(HOOKS.get(store.hooks_problem, HOOKS["missing"])), at


def _goods() -> str:
    """How many products need the merchant, as a sentence; empty while none does."""
    account: Account = g.account
    count = shelf.count_waiting(account) if (account.choices or {}).get("articles") else 0
    if not count:
        return ""
    return ngettext("%(count)s produto precisa de si.", "%(count)s produtos precisam de si.", count,
                    count=quantity(count))  # fmt: skip


def _plan() -> str:
    """How many of the calls of the merchant's plan are used up this month; empty while there are plenty left."""
    allowance = int(g.account.settings.get("allowance") or 0)
    calls = Usage.of(g.account.id, counting.month()) if allowance else 0
    if not allowance or calls * 100 < allowance * SCARCE:
        return ""
    label = connect.provider_class(g.account.provider).label
    return gettext(
        "Este mês fizemos %(calls)s dos %(allowance)s pedidos ao %(provider)s do seu plano.",
        calls=calls, allowance=allowance, provider=label,
    )  # fmt: skip


def _down() -> str:
    """Since when the provider is known not to answer, as a sentence; empty while it answers."""
    account: Account = g.account
    if not account.pauses or account.down_since is None:
        return ""
    label = connect.provider_class(account.provider).label
    return gettext(
        "O %(provider)s não responde desde %(moment)s", provider=label, moment=moment(account.down_since)
    )


def _stopped() -> str:
    """The page while nothing can be issued: since when, why, what waits."""
    account = g.account
    held = [*listing.stopped(g.store, STOPPED), *listing.on_the_way(g.store, 200)]
    if g.store.state == "reauthorise":
        said, since = say("store-access"), None
    else:
        label = connect.provider_class(account.provider).label
        said, since = say(account.refused_code, account.refused_detail, label), account.refused_at
    rows = rows_of(held[:20])
    total = sum((document.total or ledger.ZERO for document in held), ledger.ZERO)
    return render_template(
        "home_stopped.html", said=said, since=since, rows=rows, held=len(held), total=total,
        answer=str(account.refused_detail.get("answer", ""))[:500], **_links(),
        remedy=url_for("session.authorise") if g.store.state == "reauthorise"
        else url_for("setup.keys", name=account.provider),
    )  # fmt: skip


def _links() -> dict[str, Any]:
    """The four connections at a glance."""
    last = listing.last_issued(g.store)
    return {
        "platform": connect.platform(g.store.platform),
        "provider": connect.provider_class(g.account.provider),
        "last_hook": listing.last_hook(g.store),
        "last_document": last,
        "unread": listing.quarantined(g.store, now() - timedelta(days=7)),
    }


def midnight(day: date) -> datetime:
    """The instant at which that day begins where the store is."""
    return datetime.combine(day, time(), zone())


def _figures() -> dict[str, Any]:
    """Today's and this month's comparison, what explains the difference, and the last thirty days."""
    today = now().astimezone(zone()).date()
    tomorrow, first = midnight(today + timedelta(days=1)), midnight(today.replace(day=1))
    month = ledger.sums(g.store, first, tomorrow)
    gaps = ledger.gaps(g.store, first, tomorrow)
    known = {shown.id: shown for shown in rows_of([gap.document for gap in gaps if gap.document])}
    edges = [midnight(today - timedelta(days=DAYS - 1 - n)) for n in range(DAYS + 1)]
    days = ledger.days(g.store, edges)
    top = _rounded(max((day.issued + day.open for day in days), default=0))
    return {
        "today": ledger.sums(g.store, midnight(today), tomorrow),
        "month": month,
        "gaps": [(gap, known.get(gap.document.id) if gap.document else None) for gap in gaps],
        "explained": sum((gap.amount for gap in gaps), ledger.ZERO) == month.difference,
        "explaining": orders(len(gaps)),
        "top": top,
        "bars": [_bar(n, day, top) for n, day in enumerate(days)],
        "week": days[:-8:-1],
    }


def _rounded(most: int) -> int:
    """A round top for the chart: even, at least ten."""
    step = 10 if most <= 100 else 100
    return max(10, -(-most // step) * step)


def _bar(position: int, day: ledger.Day, top: int) -> Bar:
    issued, missing = 90 * day.issued / top, 90 * day.open / top
    gap = 1 if day.issued and day.open else 0
    return Bar(
        day=day.begins, issued=day.issued, open=day.open, x=f"{1.5 + 10 * position:g}",
        issued_y=f"{90 - issued:.2f}", issued_h=f"{issued:.2f}",
        open_y=f"{90 - issued - missing - gap:.2f}", open_h=f"{missing:.2f}",
    )  # fmt: skip


def headline(count: int) -> str:
    """How many orders need the merchant, as a sentence."""
    if not count:
        return gettext("Está tudo em ordem")
    if count == 1:
        return gettext("Uma encomenda precisa de si")
    return gettext("%(orders)s precisam de si", orders=orders(count))
