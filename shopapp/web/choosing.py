"""The fiscal choices: what the provider offers, what the merchant chose of it, and what goes on because of that.

Browsers with a session only. The provider's lists are kept with their time, so that the form works while it is down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import connect, counting, deciding, jobs
from shopapp.fiscal import place
from shopapp.fiscal.errors import AppError
from shopapp.models import Account, Usage, db, now
from shopapp.web.following import GENERIC, Offer, add_following, offer_of
from shopapp.web.formats import zone
from shopapp.web.forms import KINDS, Form, choices_form, open_series, series_named
from shopapp.web.options import LEAVES_AT, add_options, options_of, unsuited
from shopapp.web.session import store_required, writes
from shopapp.web.tongue import gettext
from shopapp.web.wording import say

bp = Blueprint("choosing", __name__, url_prefix="/setup")

FRESH_SECONDS = 60
EMPTY: dict[str, Any] = {
    "kinds": [], "series": [], "exemptions": [], "warehouses": [], "rates": [], "problems": [], "searches": False,
    "articles": False, "stock_changes": False, "locations": [],
}  # fmt: skip
MENDED_BY_CHOICES = (
    "exemption-missing", "exemption-withdrawn", "exemption-not-lawful", "exception-unknown", "series-missing",
    "kind-unsupported", "kind-not-an-invoice", "gift-card-undecided", "tax-differs", "reverse-charge-needs-business",
    "loading-missing", "sku-missing",
)  # fmt: skip

Answer = Response | str | tuple[str, int]


def today() -> date:
    """Today where the store dates its documents."""
    return now().astimezone(zone()).date()


def lists_of(account: Account) -> dict[str, Any]:
    """The provider's lists as last read."""
    return {**EMPTY, **(account.choices or {})}


def read_lists(account: Account) -> str:
    """Nothing when the lists are fresh, else the sentence that says why they are not. Commits; asks the provider."""
    read_at = (account.choices or {}).get("at")
    if read_at and (now() - datetime.fromisoformat(read_at)).total_seconds() < FRESH_SECONDS:
        return ""
    label = connect.provider_class(account.provider).label
    try:
        provider = connect.provider_of(account)
        db.session.commit()
        found = provider.choices()
    except AppError as error:
        db.session.rollback()
        return say(error.code, error.detail, label).cause
    account.choices = {
        "at": now().isoformat(),
        "kinds": list(found.kinds),
        "series": [[one.code, one.kind, one.open, one.label, one.drafts] for one in found.series],
        "exemptions": [[one.code, one.label, one.default] for one in found.exemptions],
        "warehouses": [[one.code, one.label, one.default] for one in found.warehouses],
        "rates": [str(rate) for rate in found.rates],
        "problems": list(found.problems),
        "searches": found.searches,
        "articles": found.articles,
        "stock_changes": found.stock_changes,
        "locations": _locations(account),
    }
    db.session.commit()
    return ""


def _locations(account: Account) -> list[list[str]]:
    """The shop's places as code and name; as last read where the shop does not answer, none where it can't matter."""
    if not connect.provider_class(account.provider).capabilities.reads_stock:
        return []
    former: list[list[str]] = lists_of(account)["locations"]
    try:
        platform = connect.platform_of(g.store)
        db.session.commit()
        places = sorted(platform.locations(), key=lambda one: not one.main)
        return [[one.code, one.name] for one in places]
    except NotImplementedError:
        return []
    except AppError:
        db.session.rollback()
        return former


@bp.get("/choices")
@store_required
@writes
def choices() -> Answer:
    """The form, with the lists of the account; it appears only after good keys."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"))
    stale = read_lists(account)
    values = account.settings or _proposed(account)
    if "transport" in offered(account) and not any((values.get("loading") or {}).values()):
        values = {**values, "loading": _shop_address()}
    return _page(account, Form(values), stale)


def offered(account: Account) -> dict[str, str]:
    """The options that the account's provider has, and why this account can't have some."""
    provider = connect.provider_class(account.provider)
    return options_of(provider.capabilities, lists_of(account), provider.label)


def following(account: Account) -> Offer:
    """What this account can have of products and stock."""
    provider = connect.provider_class(account.provider)
    return offer_of(provider.capabilities, lists_of(account), account.facts or {}, provider.label)


def _add_following(account: Account, form: Form, former: Mapping[str, Any]) -> None:
    """Nothing; what was chosen of products and stock is in the form; a new generic article is looked for first."""
    label = connect.provider_class(account.provider).label
    add_following(form, request.form, following(account), former, label)
    code = form.values.get("generic_article", "")
    if form.wrong or form.values.get("no_sku") != GENERIC or code == former.get("generic_article"):
        return
    if why := _no_such_article(account, code):
        form.wrong["generic_article"] = why


def _no_such_article(account: Account, code: str) -> str:
    """Nothing when the account has this article, else the sentence that says so or why nobody could look."""
    label = connect.provider_class(account.provider).label
    try:
        provider = connect.provider_of(account)
        db.session.commit()
        found = provider.articles([code])
    except AppError as error:
        db.session.rollback()
        return say(error.code, error.detail, label).cause
    if code in found:
        return ""
    return gettext("O %(provider)s não tem nenhum artigo com esta referência.", provider=label)


def _shop_address() -> dict[str, str]:
    """Where the shop says that it is, for the form; empty when it does not say."""
    try:
        platform = connect.platform_of(g.store)
        db.session.commit()
        at = platform.store_info().address
    except AppError:
        db.session.rollback()
        return {}
    return {"street": at.street, "postal_code": at.postal_code, "city": at.city}


def _proposed(account: Account) -> dict[str, Any]:
    """What the form shows the first time: the usual, nothing decided that only the merchant can decide."""
    lists = lists_of(account)
    series = {kind: (open_series(lists, kind) or [""])[0] for kind in lists["kinds"]}
    kinds = [kind for kind in KINDS if kind in lists["kinds"]]
    return {
        "kind": next((kind for kind in kinds if series.get(kind)), kinds[0] if kinds else ""),
        "series": series,
        "exemption": "",
        "warehouse": next((code for code, _, default in lists["warehouses"] if default), ""),
        "ship_from": account.facts.get("region") or "PT",
        "regime": "normal",
        "retailer": True,
        "automatic": True,
        "alert": True,
        "alert_email": g.store.email,
        "starts_on": today().isoformat(),
        "gift_cards": "",
    }


def _page(account: Account, form: Form, stale: str = "", status: int = 200) -> tuple[str, int]:
    lists, follow = lists_of(account), following(account)
    kept = form.values.get("stock_places") or []
    page = render_template(
        "setup_choices.html", lists=lists, values=form.values, wrong=form.wrong, stale=stale,
        provider=connect.provider_class(account.provider), today=today(), series_named=series_named,
        offered=offered(account), unsuited=unsuited(lists), leaves_at=LEAVES_AT, follow=follow,
        paired=follow.paired(kept, form.values.get("warehouse", "")),
        calls=Usage.of(account.id, counting.month()),
        read_at=datetime.fromisoformat(lists["at"]) if lists.get("at") else None,
    )  # fmt: skip
    return page, status


@bp.post("/choices")
@store_required
def save() -> Answer:
    """The choices kept; from the start date on paid orders are issued, and what waited for a choice goes on."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"), 303)
    if not lists_of(account)["kinds"]:
        read_lists(account)
    form = choices_form(request.form, lists_of(account), account.settings or {}, today())
    former = account.settings or {}
    add_options(form, request.form, lists_of(account), offered(account))
    _add_following(account, form, former)
    if form.wrong:
        return _page(account, form, status=422)
    was_early = account.is_early
    account.settings = {**former, **form.values}
    if account.is_early != was_early or form.values.get("stock", "") != former.get("stock", ""):
        # the shop is to tell of orders before they are paid, or of products, or no longer
        g.store.hooks_checked_at = None
    if g.store.ready_at is None or form.values["starts_on"] != former.get("starts_on"):
        g.store.ready_at = _begins(date.fromisoformat(form.values["starts_on"]), form.values["ship_from"])
    db.session.commit()
    deciding.retry_blocked(g.store, MENDED_BY_CHOICES)
    deciding.draft_again(g.store)
    jobs.ring()
    flash(gettext("Escolhas guardadas."))
    return redirect(url_for("setup.check"), 303)


def _begins(day: date, ship_from: str) -> datetime:
    """The instant from which paid orders are ours: now for today, else midnight where the store is."""
    local = ZoneInfo(place.zone(ship_from))
    if day <= now().astimezone(local).date():
        # platforms tell whole seconds: an order of this very second is ours
        return now().replace(microsecond=0)
    return datetime.combine(day, time(), local)


def choose_law(cause: str) -> None:
    """Nothing; from now on this difference of tax follows the law, the total unchanged. Commits."""
    account: Account = g.account
    chosen = {**account.settings.get("on_tax_difference", {}), cause: "follow-law"}
    account.settings = {**account.settings, "on_tax_difference": chosen}
    db.session.commit()
    deciding.retry_blocked(g.store, ("tax-differs",))
