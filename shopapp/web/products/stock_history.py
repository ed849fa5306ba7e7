"""The stock history: every level that we changed and why, and undo for one change or for a whole run.

Undo asks for confirmation first; the workers then change the levels.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_label
from shopapp.errors import NotAllowedError
from shopapp.inventory import stock_runs
from shopapp.jobs.queue import notify_workers
from shopapp.messages.i18n import gettext
from shopapp.models import Account, StockChange, SyncRun, db
from shopapp.models.queries import products
from shopapp.web.errors import error_page
from shopapp.web.form_fields import MAX_ROW_ID, clean_text, parse_row_id
from shopapp.web.limits import RUNS
from shopapp.web.products.history_rows import stock_change_rows
from shopapp.web.session import store_required

bp = Blueprint("stock_history", __name__, url_prefix="/products/changes")


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """Show the changes, newest first; only those of one run when the URL names it."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.resume"))
    run = products.find_run(account, parse_row_id(request.args.get("run", "")))
    text = clean_text(request.args.get("q", ""), 100)
    found = products.list_stock_changes(
        account, parse_row_id(request.args.get("antes", "")), parse_row_id(request.args.get("depois", "")), text,
        run.id if run else 0,
    )  # fmt: skip
    return render_template(
        "stock_history.html",
        rows=stock_change_rows(account, found.rows),
        found=found,
        text=text,
        run=run,
        current_url=_current_url,
        label=provider_label(account),
        undoable_count=products.count_undoable_changes(account, [run.id]).get(run.id, 0) if run else 0,
    )


def _current_url(**changes: str) -> str:
    """Return the URL of the history with these parameters changed, on its first page."""
    kept = {name: value for name, value in request.args.items() if name in ("run", "q") and value}
    wanted: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value}
    return url_for("stock_history.index", **wanted)


def _own_change_or_404(number: int) -> StockChange:
    """Return the store's own change with that id; 404 for any other."""
    found = (
        products.find_stock_change(g.account, number)
        if g.account is not None and number < MAX_ROW_ID
        else None
    )
    if found is None:
        abort(404)
    return found


def _own_run_or_404(number: int) -> SyncRun:
    """Return the store's own run with that id; 404 for any other."""
    found = products.find_run(g.account, number) if g.account is not None and number < MAX_ROW_ID else None
    if found is None:
        abort(404)
    return found


def _conflict_page() -> tuple[str, int]:
    """Return 409: the stock changed before this action, and nothing was done."""
    return error_page(
        409, gettext("Esta alteração já não se desfaz"),
        gettext("O stock mudou de novo depois dela, ou já foi desfeita. Nada foi feito; veja como está agora."),
        back_url=url_for("stock_history.index"),
    )  # fmt: skip


@bp.get("/<int:number>/undo")
@store_required
def confirm_undo(number: int) -> ResponseReturnValue:
    """Show the effect of undoing this change; nothing has happened yet."""
    [change] = stock_change_rows(g.account, [_own_change_or_404(number)])
    if not change.undoable:
        return _conflict_page()
    return render_template(
        "stock_history_undo.html", change=change, run=None, count=1, label=provider_label(g.account)
    )


@bp.post("/<int:number>/undo")
@store_required
def undo(number: int) -> ResponseReturnValue:
    """Queue the undo of this change. Commits."""
    change = _own_change_or_404(number)
    try:
        stock_runs.undo_change(change)
    except NotAllowedError:
        return _conflict_page()
    db.session.commit()
    notify_workers()
    flash(gettext("Pedido feito: o stock de antes volta dentro de segundos."))
    return redirect(url_for("stock_history.index"), 303)


@bp.get("/runs/<int:number>/undo")
@store_required
def confirm_undo_run(number: int) -> ResponseReturnValue:
    """Show the effect of undoing this run; nothing has happened yet."""
    run = _own_run_or_404(number)
    count = products.count_undoable_changes(g.account, [run.id]).get(run.id, 0)
    if not count:
        return _conflict_page()
    return render_template(
        "stock_history_undo.html", change=None, run=run, count=count, label=provider_label(g.account)
    )


@bp.post("/runs/<int:number>/undo")
@store_required
@RUNS
def undo_run(number: int) -> ResponseReturnValue:
    """Start a run that undoes every change of this run without a later one, newest first. Commits."""
    has_started = stock_runs.start_undo_run(g.account, _own_run_or_404(number))
    db.session.commit()
    notify_workers()
    if has_started:
        flash(gettext("Estamos a desfazer as alterações. Pode sair desta página: continua sozinho."))
    else:
        flash(gettext("Já se está a desfazer outra comparação. Espere que acabe e tente de novo."), "warn")
    return redirect(url_for("products.index"), 303)
