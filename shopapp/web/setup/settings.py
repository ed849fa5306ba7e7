"""The settings form: the provider's lists, the merchant's choices, and retrying the documents that these unblock.

The lists are stored with their time, so that the form works while the provider is down.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from shopapp.connections import api_usage
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_class, provider_label, provider_of
from shopapp.connections.shop import platform_class, platform_of
from shopapp.connections.subscriptions import lacks_webhooks
from shopapp.documents import merchant_actions
from shopapp.documents.prepare import DEFAULT_DEPARTURE_TIME
from shopapp.errors import AppError
from shopapp.fiscal import place_of_supply
from shopapp.fiscal.decisions import ALL, DecisionKind
from shopapp.fiscal.document import INVOICE_KINDS
from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.messages.formats import today
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, ApiUsage, Decision, db, now
from shopapp.models.decision import SETTINGS_FORM
from shopapp.models.provider_lists import ListedChoice, ListedSeries, ProviderLists
from shopapp.platforms.base import SupportsProductStock
from shopapp.providers.articles import SupportsArticles
from shopapp.providers.base import SupportsEmail
from shopapp.providers.stock import SupportsStock
from shopapp.web.limits import LISTS
from shopapp.web.session import store_required, writes_database
from shopapp.web.setup.document_options import (
    document_options_for,
    parse_document_options,
    unusable_kinds,
)
from shopapp.web.setup.forms import (
    CASH_VAT,
    Form,
    merge_forms,
    open_series,
    parse_fiscal_settings,
    series_choices,
)
from shopapp.web.setup.stock_options import GENERIC, StockOptions, parse_stock_options, stock_options_for

bp = Blueprint("settings", __name__, url_prefix="/setup")

LISTS_FRESH_SECONDS = 60
FIXED_BY_SETTINGS = (
    "exemption-missing", "exemption-withdrawn", "exemption-not-lawful", "exception-unknown", "series-missing",
    "kind-unsupported", "kind-not-an-invoice", "gift-card-undecided", "tax-differs", "reverse-charge-needs-business",
    "loading-missing", "sku-missing", "exemption-unconfirmed", "gift-card-use-undecided",
    "exempt-merchant-exports", "exempt-merchant-abroad",
)  # fmt: skip


_GIFT_CARD_FIELDS: dict[DecisionKind, str] = {"gift-card": "gift_cards", "gift-card-use": "gift_card_use"}


def refresh_provider_lists(account: Account) -> str:
    """Read the lists again when they are older than a minute; return the error, or an empty text. Commits."""
    read_at = account.lists.read_at
    if read_at and (now() - read_at).total_seconds() < LISTS_FRESH_SECONDS:
        return ""
    label = provider_label(account)
    try:
        provider = provider_of(account, "comfort")
        db.session.commit()
        found = provider.choices()
    except AppError as error:
        db.session.rollback()
        return message_for(error.code, error.detail, label).cause
    lists = ProviderLists(
        read_at=now(),
        kinds=tuple(found.kinds),
        series=tuple(
            ListedSeries(one.code, one.kind, one.open, one.label, one.drafts) for one in found.series
        ),
        exemptions=tuple(ListedChoice(one.code, one.label, one.default) for one in found.exemptions),
        warehouses=tuple(ListedChoice(one.code, one.label, one.default) for one in found.warehouses),
        rates=tuple(found.rates),
        problems=tuple(found.problems),
        searches=found.searches,
        articles=found.articles,
        stock_changes=found.stock_changes,
        locations=_shop_locations(account),
    )
    account.choices = lists.to_json()
    db.session.commit()
    return ""


def _shop_locations(account: Account) -> tuple[ListedChoice, ...]:
    """Return the shop's locations as code and name; as last read when the shop does not answer."""
    if not issubclass(provider_class(account.provider), SupportsStock):
        return ()
    former = account.lists.locations
    try:
        platform = platform_of(g.store)
        db.session.commit()
        if not isinstance(platform, SupportsProductStock):
            return ()
        places = sorted(platform.locations(), key=lambda one: not one.main)
        return tuple(ListedChoice(one.code, one.name) for one in places)
    except AppError:
        db.session.rollback()
        return former


@bp.get("/choices")
@store_required
@LISTS
@writes_database
def edit() -> ResponseReturnValue:
    """Show the form with the provider's lists, which are read again. Commits."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"))
    lists_error = refresh_provider_lists(account)
    values = {**(account.settings or _default_settings(account)), **_decided_values(account)}
    if "transport" in account_document_options(account) and not any((values.get("loading") or {}).values()):
        values = {**values, "loading": _shop_postal_address()}
    return _render_page(account, Form(values), lists_error)


def account_document_options(account: Account) -> dict[str, str]:
    """Return the document options of the account, each with the reason when it is not available."""
    return document_options_for(provider_class(account.provider), account.lists)


def account_stock_options(account: Account) -> StockOptions:
    """Return the stock options of the account."""
    return stock_options_for(
        provider_class(account.provider),
        platform_class(g.store.platform),
        account.lists,
        account.facts or {},
    )


def _parse_settings(account: Account, posted: MultiDict[str, str]) -> Form:
    """Return the settings of all sections of the form. Asks the provider for a new generic article."""
    former, lists = {**(account.settings or {}), **_decided_values(account)}, account.lists
    fiscal = parse_fiscal_settings(posted, lists, former, today())
    document_options = parse_document_options(
        posted, lists, account_document_options(account), fiscal.values["kind"], fiscal.values["series"]
    )
    stock_options = parse_stock_options(
        posted, account_stock_options(account), former, fiscal.values["warehouse"], provider_label(account)
    )
    form = merge_forms(fiscal, document_options, stock_options)
    article = form.values.get("generic_article", "")
    is_new = form.values.get("no_sku") == GENERIC and article != former.get("generic_article")
    if is_new and not form.errors and (error := _article_error(account, article)):
        form.errors["generic_article"] = error
    return form


def _decided_values(account: Account) -> dict[str, Any]:
    """Return the decisions that the form shows as if they were settings."""
    decided = Decision.in_force(account.id).answers
    gift_cards = {name: decided[kind].get(ALL, "") for kind, name in _GIFT_CARD_FIELDS.items()}
    return {"exceptions": decided["product-tax"], **gift_cards}


def _save_decisions(account: Account, values: dict[str, Any], shown: list[str]) -> None:
    """Take the decisions out of the form's values and store what changed. Not committed."""
    Decision.apply_form(account.id, "product-tax", values.pop("exceptions"), shown, SETTINGS_FORM)
    for kind, name in _GIFT_CARD_FIELDS.items():
        chosen = values.pop(name)
        Decision.apply_form(account.id, kind, {ALL: chosen} if chosen else {}, [ALL], SETTINGS_FORM)


def _article_error(account: Account, code: str) -> str:
    """Return an empty text when the provider has the article, else the error. Ends the transaction."""
    label = provider_label(account)
    try:
        provider = require(provider_of(account, "comfort"), SupportsArticles)
        db.session.commit()
        found = provider.articles_by_code([code])
    except AppError as error:
        db.session.rollback()
        return message_for(error.code, error.detail, label).cause
    if code in found:
        return ""
    return gettext("O %(provider)s não tem nenhum artigo com esta referência.", provider=label)


def _shop_postal_address() -> dict[str, str]:
    """Return the shop's postal address for the form; empty when the shop does not answer."""
    try:
        platform = platform_of(g.store)
        db.session.commit()
        at = platform.store_info().address
    except AppError:
        db.session.rollback()
        return {}
    return {"street": at.street, "postal_code": at.postal_code, "city": at.city}


def _default_settings(account: Account) -> dict[str, Any]:
    """Return the initial values of the form: the usual ones, and none that only the merchant can decide."""
    lists = account.lists
    series = {kind: (open_series(lists, kind) or [""])[0] for kind in lists.kinds}
    kinds = [kind for kind in INVOICE_KINDS if kind in lists.kinds]
    return {
        "kind": next((kind for kind in kinds if series.get(kind)), kinds[0] if kinds else ""),
        "series": series,
        "exemption": "",
        "warehouse": next((code for code, _, default in lists.warehouses if default), ""),
        "ship_from": account.facts.get("region") or "PT",
        "regime": "normal",
        "retailer": True,
        "automatic": True,
        "alert": True,
        "alert_email": g.store.email,
        "starts_on": today().isoformat(),
    }


def _render_page(account: Account, form: Form, lists_error: str = "", status: int = 200) -> tuple[str, int]:
    lists, stock_options = account.lists, account_stock_options(account)
    kept = form.values.get("stock_places") or []
    page = render_template(
        "setup_settings.html",
        lists=lists,
        values=form.values,
        errors=form.errors,
        decided=_decided_values(account)["exceptions"],
        lists_error=lists_error,
        provider=provider_class(account.provider),
        today=today(),
        series_choices=series_choices,
        document_options=account_document_options(account),
        unusable_kinds=unusable_kinds(lists),
        default_departure_time=DEFAULT_DEPARTURE_TIME,
        stock_options=stock_options,
        warehouse_by_location=stock_options.warehouse_by_location(kept, form.values.get("warehouse", "")),
        provider_emails=issubclass(provider_class(account.provider), SupportsEmail),
        invoices_on_request=platform_class(g.store.platform).invoices_on_request
        and not lacks_webhooks(g.store),
        calls=ApiUsage.calls_in_month(account.id, api_usage.current_month()),
        read_at=lists.read_at,
    )
    return page, status


@bp.post("/choices")
@store_required
@LISTS
def save() -> ResponseReturnValue:
    """Store the settings and retry the documents that waited for them. Commits."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"), 303)
    if not account.lists.kinds:
        refresh_provider_lists(account)
    former, shown_today = account.settings or {}, today()
    form = _parse_settings(account, request.form)
    if form.values.get("regime") == CASH_VAT and g.store.ready_at is not None:
        _stop_issuing(account, form)
    if form.errors:
        return _render_page(account, form, status=422)
    _save_decisions(account, form.values, request.form.getlist("decided"))
    had_drafts = account.handles_unpaid_orders
    account.settings = {**former, **form.values}
    if account.handles_unpaid_orders != had_drafts or form.values.get("stock", "") != former.get("stock", ""):
        # other webhooks are needed now (unpaid orders, products): have the subscriptions checked again
        g.store.hooks_checked_at = None
    if g.store.ready_at is None or form.values["starts_on"] != former.get("starts_on"):
        g.store.ready_at = _start_instant(
            date.fromisoformat(form.values["starts_on"]), shown_today, form.values["ship_from"]
        )
    db.session.commit()
    log_event("settings-changed")
    merchant_actions.retry_blocked(g.store, FIXED_BY_SETTINGS)
    merchant_actions.refresh_drafts(g.store)
    notify_workers()
    flash(gettext("Escolhas guardadas."))
    return redirect(url_for("setup.check"), 303)


def _stop_issuing(account: Account, form: Form) -> None:
    """Issue nothing by ourselves any more, as our documents are not those of the merchant's regime. Commits."""
    account.settings = {**(account.settings or {}), "automatic": False}
    db.session.commit()
    form.values["automatic"] = False
    form.errors["regime"] += " " + gettext(
        "Parámos a emissão automática: nada sai sem um clique seu. Mostre ao seu contabilista os documentos que já"
        " saíram."
    )


def _start_instant(day: date, shown_today: date, ship_from: str) -> datetime:
    """Return the instant from which paid orders are issued: now for today, else local midnight.

    The page's today may be an hour ahead of the day where the goods are sent from, and means now as well.
    """
    local = ZoneInfo(place_of_supply.time_zone_of(ship_from))
    if day <= max(shown_today, now().astimezone(local).date()):
        # platforms report whole seconds: an order of this second must count
        return now().replace(microsecond=0)
    return datetime.combine(day, time(), local)
