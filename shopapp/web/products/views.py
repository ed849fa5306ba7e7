"""The list of products: which are matched, which need the merchant's attention, and the progress of sync runs.

Comparing both sides and creating many articles is left to the workers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from shopapp.connections.provider import provider_label
from shopapp.inventory import bulk_create, catalogue, line_articles, stock_runs
from shopapp.jobs.queue import notify_workers
from shopapp.messages.formats import moment, quantity
from shopapp.messages.i18n import gettext, ngettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, SyncedSku, SyncRun, db, now
from shopapp.models.queries import products
from shopapp.models.sync_run import CATALOGUE_RUN, CREATE_RUN, DONE, FAILED, OPEN, STOCK_RUN, UNDO_RUN
from shopapp.web.form_fields import clean_text, parse_row_id
from shopapp.web.limits import RUNS
from shopapp.web.products.page import tax_treatments
from shopapp.web.products.rows import ProductSummary, RunProgress, product_summaries, run_progress
from shopapp.web.session import polled, store_required
from shopapp.web.setup.keys import is_ready
from shopapp.web.setup.settings import account_stock_options

bp = Blueprint("products", __name__, url_prefix="/products")

TODO_LIMIT = 5
"""The most products in need of attention to show above the list."""


def requested_filters() -> products.ProductFilters:
    """Return the filters in the URL; invalid ones are left out."""
    tab = request.args.get("estado", "")
    return products.ProductFilters(
        tab=tab if tab in products.TABS else "",
        text=clean_text(request.args.get("q", ""), 100),
        after=parse_row_id(request.args.get("depois", "")),
        before=parse_row_id(request.args.get("antes", "")),
    )


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """Show the store's products by name; above them those that need the merchant's attention."""
    account: Account | None = g.account
    if account is None or not is_ready():
        return redirect(url_for("setup.resume"))
    if not line_articles.supports_articles(account):
        return render_template("products_none.html", reason=_no_articles_reason(account))
    filters, counts = requested_filters(), products.count_products(account)
    found = products.list_products(account, filters)
    todo_rows: list[ProductSummary] = []
    if not filters.tab and not filters.text and not found.before:
        todo_rows = product_summaries(
            account, products.list_products(account, products.ProductFilters(tab="espera"), TODO_LIMIT).rows
        )
    runs = _open_runs(account)
    return render_template(
        "products.html",
        rows=product_summaries(account, found.rows),
        found=found,
        filters=filters,
        counts=counts,
        todo_rows=todo_rows,
        sync_direction=_sync_direction(account),
        matched_text=_matched_text(counts),
        runs=runs,
        current_url=_current_url,
        label=provider_label(account),
        last_comparison=None if runs else _last_comparison(account),
        next_comparison_at=_next_comparison_at(account),
        last_failure=None if runs else _last_failure(account),
    )


def _no_articles_reason(account: Account) -> str:
    """Return the reason why articles cannot be matched with this account."""
    options = account_stock_options(account)
    return options.articles_problem or gettext(
        "O %(provider)s não nos deixa ligar artigos.", provider=provider_label(account)
    )


def _current_url(**changes: str) -> str:
    """Return the URL of the list with these parameters changed, on its first page."""
    kept = {name: value for name, value in request.args.items() if name in ("estado", "q") and value}
    wanted: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value}
    return url_for("products.index", **wanted)


def _matched_text(counts: products.ProductCounts) -> str:
    count = counts.of(products.MATCHED, products.BY_HAND)
    return ngettext("%(count)s produto ligado pelo SKU.", "%(count)s produtos ligados pelo SKU.", count,
                    count=quantity(count))  # fmt: skip


def _sync_direction(account: Account) -> str:
    """Return a sentence that says which side follows the other."""
    label = provider_label(account)
    names = {str(code): str(name) for code, name, *_ in account.lists.warehouses}
    codes = [warehouse for warehouse, _ in account.stock_places]
    place = names.get(codes[0], codes[0]) if len(codes) == 1 and len(names) > 1 else ""
    known = {"provider": label, "place": place}
    if account.stock_direction == "to-shop":
        if place:
            return gettext("O stock segue do %(provider)s (armazém %(place)s) para a loja.", **known)
        return gettext("O stock segue do %(provider)s para a loja.", **known)
    if account.stock_direction == "to-provider":
        if place:
            return gettext("O stock segue da loja para o %(provider)s (armazém %(place)s).", **known)
        return gettext("O stock segue da loja para o %(provider)s.", **known)
    return gettext("O stock não segue: cada lado conta o seu.")


def _open_runs(account: Account) -> list[RunProgress]:
    """Return the progress of the open runs."""
    last = [SyncRun.last(account.id, kind, OPEN) for kind in (CATALOGUE_RUN, CREATE_RUN, STOCK_RUN, UNDO_RUN)]
    return [run_progress(run, SyncedSku.count_unchecked(run.id)) for run in last if run is not None]


def _last_comparison(account: Account) -> SyncRun | None:
    return SyncRun.last(account.id, STOCK_RUN if account.stock_direction else CATALOGUE_RUN, DONE)


def _next_comparison_at(account: Account) -> datetime | None:
    """Return the time of the next stock comparison; None when stock is not synced, or when one is due already."""
    at = (
        stock_runs.next_stock_run_at(account)
        if account.stock_direction and account.refused_at is None
        else None
    )
    return at if at is not None and at > now() else None


def _last_failure(account: Account) -> tuple[str, str] | None:
    """Return the reason and the time when the last run failed; None when it did not."""
    last = [SyncRun.last(account.id, kind) for kind in (CATALOGUE_RUN, STOCK_RUN)]
    failed_runs = [run for run in last if run is not None and run.state == FAILED and run.reason != "off"]
    if not failed_runs:
        return None
    run = max(failed_runs, key=lambda one: one.id)
    return message_for(run.reason or "internal", run.detail, provider_label(account)).cause, moment(
        run.ended_at
    )


@bp.get("/now")
@polled
@store_required
def progress() -> ResponseReturnValue:
    """Send the progress of the open runs, for progress.js; 204 when there is none."""
    runs = _open_runs(g.account) if g.account is not None else []
    if not runs:
        return Response(status=204)
    return render_template("_run_progress.html", runs=runs)


@bp.post("/compare")
@store_required
@RUNS
def compare() -> ResponseReturnValue:
    """Start a comparison of both sides now. Commits."""
    account: Account | None = g.account
    if account is None or not line_articles.supports_articles(account):
        return redirect(url_for("products.index"), 303)
    catalogue.start_catalogue_run(account, "hand")
    if account.stock_direction:
        stock_runs.start_stock_run(account, "hand")
    db.session.commit()
    notify_workers()
    flash(gettext("Estamos a comparar. Pode sair desta página: continua sozinho."))
    return redirect(url_for("products.index"), 303)


@bp.get("/missing")
@store_required
def missing() -> ResponseReturnValue:
    """Show the number of articles that would be created, and ask for their rate; nothing has happened yet."""
    account: Account | None = g.account
    if account is None or not line_articles.supports_articles(account):
        return redirect(url_for("products.index"))
    return _render_missing(account)


def _render_missing(account: Account, error: str = "", status: int = 200) -> tuple[str, int]:
    page = render_template(
        "products_missing.html",
        label=provider_label(account),
        count=products.count_without_article(account),
        examples=product_summaries(account, products.list_without_article(account, TODO_LIMIT)),
        tax_treatments=tax_treatments(account),
        error=error,
    )
    return page, status


@bp.post("/missing")
@store_required
@RUNS
def create_missing() -> ResponseReturnValue:
    """Start a run that creates every missing article at the chosen rate. Commits."""
    account: Account | None = g.account
    if account is None or not line_articles.supports_articles(account):
        return redirect(url_for("products.index"), 303)
    chosen = request.form.get("treatment", "")
    if chosen not in dict(tax_treatments(account)):
        return _render_missing(account, gettext("Escolha a taxa de IVA."), 422)
    bulk_create.start_bulk_create(account, chosen)
    db.session.commit()
    notify_workers()
    flash(gettext("Estamos a criar os artigos. Pode sair desta página: continua sozinho."))
    return redirect(url_for("products.index"), 303)
