"""The journal of stock: every level that we altered, from what to what and why, and the way back for one or for a run.

Browsers with a session, each for its own store alone. Undoing takes two steps; the levels are altered by the workers.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import jobs, levelling
from shopapp.fiscal.errors import NotAllowedError
from shopapp.models import Account, Run, StockChange, db, shelf
from shopapp.web.errors import page
from shopapp.web.forms import number_in, typed_in
from shopapp.web.journal import all_told, label_of
from shopapp.web.session import store_required
from shopapp.web.sheet import LARGEST
from shopapp.web.tongue import gettext

bp = Blueprint("changes", __name__, url_prefix="/products/changes")

Answer = Response | str | tuple[str, int]


@bp.get("")
@store_required
def index() -> Answer:
    """The changes, newest first; those of one run where the address names one."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.resume"))
    run = shelf.run(account, number_in(request.args.get("run", "")))
    text = typed_in(request.args.get("q", ""), 100)
    found = shelf.changes(
        account, number_in(request.args.get("antes", "")), number_in(request.args.get("depois", "")), text,
        run.id if run else 0,
    )  # fmt: skip
    return render_template(
        "changes.html", rows=all_told(account, found.rows), found=found, text=text, run=run, here=_here,
        label=label_of(account), standing=shelf.made_by(account, [run.id]).get(run.id, 0) if run else 0,
    )  # fmt: skip


def _here(**changes: str) -> str:
    """The journal's address with these parameters changed, paging forgotten."""
    kept = {name: value for name, value in request.args.items() if name in ("run", "q") and value}
    wanted: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value}
    return url_for("changes.index", **wanted)


def _mine(number: int) -> StockChange:
    """The store's own change of that number; 404 for anybody else's."""
    found = shelf.change(g.account, number) if g.account is not None and number < LARGEST else None
    if found is None:
        abort(404)
    return found


def _my_run(number: int) -> Run:
    """The store's own run of that number; 404 for anybody else's."""
    found = shelf.run(g.account, number) if g.account is not None and number < LARGEST else None
    if found is None:
        abort(404)
    return found


def _too_late() -> tuple[str, int]:
    """409: somebody was faster; nothing was done."""
    return page(
        409, gettext("Esta alteração já não se desfaz"),
        gettext("O stock mudou de novo depois dela, ou já foi desfeita. Nada foi feito; veja como está agora."),
        back=url_for("changes.index"),
    )  # fmt: skip


@bp.get("/<int:number>/undo")
@store_required
def ask(number: int) -> Answer:
    """The page that says what undoing this change means; nothing has happened yet."""
    [change] = all_told(g.account, [_mine(number)])
    if not change.undoable:
        return _too_late()
    return render_template("change_undo.html", change=change, run=None, count=1, label=label_of(g.account))


@bp.post("/<int:number>/undo")
@store_required
def undo(number: int) -> Answer:
    """The level is put back by the workers."""
    change = _mine(number)
    try:
        levelling.undo(change)
    except NotAllowedError:
        return _too_late()
    db.session.commit()
    jobs.ring()
    flash(gettext("Pedido feito: o stock de antes volta dentro de segundos."))
    return redirect(url_for("changes.index"), 303)


@bp.get("/runs/<int:number>/undo")
@store_required
def ask_all(number: int) -> Answer:
    """The page that says what undoing this run means; nothing has happened yet."""
    run = _my_run(number)
    count = shelf.made_by(g.account, [run.id]).get(run.id, 0)
    if not count:
        return _too_late()
    return render_template("change_undo.html", change=None, run=run, count=count, label=label_of(g.account))


@bp.post("/runs/<int:number>/undo")
@store_required
def undo_all(number: int) -> Answer:
    """Every change of the run that nothing came after is undone by the workers, the last first."""
    began = levelling.begin_undo(g.account, _my_run(number))
    db.session.commit()
    jobs.ring()
    if began:
        flash(gettext("Estamos a desfazer as alterações. Pode sair desta página: continua sozinho."))
    else:
        flash(gettext("Já se está a desfazer outra comparação. Espere que acabe e tente de novo."), "warn")
    return redirect(url_for("products.index"), 303)
