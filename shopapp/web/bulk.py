"""Several documents at once: a page that lists them and asks, then one move each.

Browsers with a session only. Every document is one of the store's own, or the whole request is 404.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import deciding, jobs
from shopapp.fiscal.errors import NotAllowedError
from shopapp.models import Document, db, listing
from shopapp.models.states import BLOCKED, ISSUED, PENDING, VOID, WAITING
from shopapp.web.forms import email_in, euros_in
from shopapp.web.session import store_required
from shopapp.web.showing import rows_of
from shopapp.web.tongue import ngettext

bp = Blueprint("bulk", __name__, url_prefix="/documents/bulk")

Answer = Response | str | tuple[str, int]


def _buyers_mail(document: Document) -> str:
    return email_in(str((document.buyer or {}).get("email", "")))


ACTS: Mapping[str, Callable[[Document], None]] = {
    "issue": deciding.issue,
    "email": lambda document: deciding.mail_again(document, _buyers_mail(document)),
    "aside": deciding.set_aside,
}
FITTING: Mapping[str, Callable[[Document], bool]] = {
    "issue": lambda d: d.state in (BLOCKED, WAITING) or (d.state == VOID and d.reason == "set-aside"),
    "email": lambda d: d.state == ISSUED and bool(_buyers_mail(d)),
    "aside": lambda d: d.state in (BLOCKED, WAITING, PENDING),
}


def _chosen(numbers: Sequence[str]) -> list[Document]:
    """The store's documents of these numbers; 404 when one of them is not its own."""
    wanted = {int(n) if n.isascii() and n.isdigit() and len(n) < 19 else abort(404) for n in numbers[:200]}
    found = listing.some_of_store(g.store, sorted(wanted))
    if len(found) != len(wanted):
        abort(404)
    return found


@bp.get("")
@store_required
def ask() -> Answer:
    """The page that lists what was chosen and what will happen; nothing has happened yet."""
    act = request.args.get("do", "")
    if act not in ACTS:
        abort(404)
    chosen = _chosen(request.args.getlist("id"))
    fitting = [document for document in chosen if FITTING[act](document)]
    left_out = [document for document in chosen if not FITTING[act](document)]
    total = sum((d.total for d in fitting if d.total is not None), start=euros_in("0") or 0)
    return render_template(
        "bulk.html", act=act, rows=rows_of(fitting), left_out=rows_of(left_out), total=total
    )


@bp.post("")
@store_required
def do() -> Answer:
    """One move for each, from the oldest; one that moved meanwhile is left as it is."""
    act = request.form.get("do", "")
    if act not in ACTS:
        abort(404)
    done = left = refused = 0
    for document in _chosen(request.form.getlist("id")):
        try:
            if not FITTING[act](document):
                raise deciding.AlreadyMoved
            ACTS[act](document)
            done += 1
        except deciding.AlreadyMoved:
            db.session.rollback()
            left += 1
        except NotAllowedError:
            db.session.rollback()
            refused += 1
    jobs.ring()
    flash(ngettext("Feito para %(num)d encomenda.", "Feito para %(num)d encomendas.", done))
    if left:
        flash(
            ngettext(
                "%(num)d mudou entretanto e ficou como estava.",
                "%(num)d mudaram entretanto e ficaram como estavam.",
                left,
            ),
            "warn",
        )
    if refused:
        flash(
            ngettext(
                "%(num)d não se pode fazer agora e ficou como estava: tente na página do documento, que diz porquê.",
                "%(num)d não se podem fazer agora e ficaram como estavam: tente na página de cada um, que diz porquê.",
                refused,
            ),
            "warn",
        )
    return redirect(url_for("documents.index"), 303)
