"""The products: which are matched and which need the merchant, what follows what, and how far a run is.

Browsers with a session, each for its own store alone. Reads rows only; comparing and making many articles is left to
the workers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import catalogue, jobs, levelling, making, matching
from shopapp.models import Account, Run, Stocked, db, now, shelf
from shopapp.models.run import CATALOGUE, CREATE, DONE, FAILED, OPEN, STOCK, UNDO
from shopapp.web.choosing import following
from shopapp.web.formats import moment, quantity
from shopapp.web.forms import number_in, typed_in
from shopapp.web.journal import label_of
from shopapp.web.product import treatments
from shopapp.web.session import store_required
from shopapp.web.setup import is_ready
from shopapp.web.shelving import Going, Shown, going, shown
from shopapp.web.tongue import gettext, ngettext
from shopapp.web.wording import say

bp = Blueprint("products", __name__, url_prefix="/products")

Answer = Response | str | tuple[str, int]
FIRST = 5
"""How many of those that need the merchant stand above the whole list."""


def asked() -> shelf.Filters:
    """What the address asks to see; what it cannot mean is left out."""
    tab = request.args.get("estado", "")
    return shelf.Filters(
        tab=tab if tab in shelf.TABS else "",
        text=typed_in(request.args.get("q", ""), 100),
        after=number_in(request.args.get("depois", "")),
        before=number_in(request.args.get("antes", "")),
    )


@bp.get("")
@store_required
def index() -> Answer:
    """The store's goods by name; above them those that need the merchant."""
    account: Account | None = g.account
    if account is None or not is_ready():
        return redirect(url_for("setup.resume"))
    if not matching.looks_up(account):
        return render_template("products_none.html", why=_why_none(account))
    filters, counted = asked(), shelf.counts(account)
    found = shelf.page(account, filters)
    first: list[Shown] = []
    if not filters.tab and not filters.text and not found.before:
        first = shown(account, shelf.page(account, shelf.Filters(tab="espera"), FIRST).rows)
    runs = _runs(account)
    return render_template(
        "products.html", rows=shown(account, found.rows), found=found, filters=filters, counted=counted, first=first,
        headline=_follows(account), matched=_matched(counted), runs=runs, here=_here, label=label_of(account),
        compared=None if runs else _compared(account), next=_next(account), failed=None if runs else _failed(account),
    )  # fmt: skip


def _why_none(account: Account) -> str:
    """Why nothing is matched with this account."""
    offer = following(account)
    return offer.articles or gettext(
        "O %(provider)s não nos deixa ligar artigos.", provider=label_of(account)
    )


def _here(**changes: str) -> str:
    """The list's address with these parameters changed, paging forgotten."""
    kept = {name: value for name, value in request.args.items() if name in ("estado", "q") and value}
    wanted: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value}
    return url_for("products.index", **wanted)


def _matched(counted: shelf.Counts) -> str:
    count = counted.of(shelf.MATCHED, shelf.BY_HAND)
    return ngettext("%(count)s produto ligado pelo SKU.", "%(count)s produtos ligados pelo SKU.", count,
                    count=quantity(count))  # fmt: skip


def _follows(account: Account) -> str:
    """Which side follows which, in a sentence."""
    label = label_of(account)
    names = {str(code): str(name) for code, name, *_ in (account.choices or {}).get("warehouses", ())}
    codes = [warehouse for warehouse, _ in account.places]
    place = names.get(codes[0], codes[0]) if len(codes) == 1 and len(names) > 1 else ""
    known = {"provider": label, "place": place}
    if account.follows == "to-shop":
        if place:
            return gettext("O stock segue do %(provider)s (armazém %(place)s) para a loja.", **known)
        return gettext("O stock segue do %(provider)s para a loja.", **known)
    if account.follows == "to-provider":
        if place:
            return gettext("O stock segue da loja para o %(provider)s (armazém %(place)s).", **known)
        return gettext("O stock segue da loja para o %(provider)s.", **known)
    return gettext("O stock não segue: cada lado conta o seu.")


def _runs(account: Account) -> list[Going]:
    """How far the open runs are."""
    last = [Run.last(account.id, kind, OPEN) for kind in (CATALOGUE, CREATE, STOCK, UNDO)]
    return [going(run, Stocked.left_of(run.id)) for run in last if run is not None]


def _compared(account: Account) -> Run | None:
    return Run.last(account.id, STOCK if account.follows else CATALOGUE, DONE)


def _next(account: Account) -> datetime | None:
    """When stock is compared again by itself; None where it does not follow, and where that is due already."""
    at = levelling.next_at(account) if account.follows and account.refused_at is None else None
    return at if at is not None and at > now() else None


def _failed(account: Account) -> tuple[str, str] | None:
    """Why the last run did not end, and when; None where it did."""
    last = [Run.last(account.id, kind) for kind in (CATALOGUE, STOCK)]
    wrong = [run for run in last if run is not None and run.state == FAILED and run.reason != "off"]
    if not wrong:
        return None
    run = max(wrong, key=lambda one: one.id)
    return say(run.reason or "internal", run.detail, label_of(account)).cause, moment(run.ended_at)


@bp.get("/now")
@store_required
def progress() -> Answer:
    """How far the open runs are, for the script that keeps the bar fresh; 204 when there is none."""
    runs = _runs(g.account) if g.account is not None else []
    if not runs:
        return Response(status=204)
    return render_template("_runs.html", runs=runs)


@bp.post("/compare")
@store_required
def compare() -> Answer:
    """Both sides are read and compared now, whatever the hour."""
    account: Account | None = g.account
    if account is None or not matching.looks_up(account):
        return redirect(url_for("products.index"), 303)
    catalogue.begin(account, "hand")
    if account.follows:
        levelling.begin(account, "hand")
    db.session.commit()
    jobs.ring()
    flash(gettext("Estamos a comparar. Pode sair desta página: continua sozinho."))
    return redirect(url_for("products.index"), 303)


@bp.get("/missing")
@store_required
def missing() -> Answer:
    """The page that says how many articles would be made, and asks at which rate; nothing has happened yet."""
    account: Account | None = g.account
    if account is None or not matching.looks_up(account):
        return redirect(url_for("products.index"))
    return _missing(account)


def _missing(account: Account, wrong: str = "", status: int = 200) -> tuple[str, int]:
    page = render_template(
        "products_missing.html", label=label_of(account), count=shelf.count_missing(account),
        some=shown(account, shelf.missing(account, FIRST)), treatments=treatments(account), wrong=wrong,
    )  # fmt: skip
    return page, status


@bp.post("/missing")
@store_required
def make() -> Answer:
    """Every article that is missing is made by the workers, at the rate that was chosen."""
    account: Account | None = g.account
    if account is None or not matching.looks_up(account):
        return redirect(url_for("products.index"), 303)
    chosen = request.form.get("treatment", "")
    if chosen not in dict(treatments(account)):
        return _missing(account, gettext("Escolha a taxa de IVA."), 422)
    making.begin(account, chosen)
    db.session.commit()
    jobs.ring()
    flash(gettext("Estamos a criar os artigos. Pode sair desta página: continua sozinho."))
    return redirect(url_for("products.index"), 303)
