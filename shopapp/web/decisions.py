"""The list of the merchant's decisions: what was answered, when, for which order, and taking an answer back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shopapp.messages.decisions import answer_label, decision_subject
from shopapp.messages.i18n import gettext
from shopapp.models import Decision, db
from shopapp.models.decision import SETTINGS_FORM
from shopapp.models.queries.decisions import list_decisions
from shopapp.web.form_fields import MAX_ROW_ID
from shopapp.web.session import store_required

bp = Blueprint("decisions", __name__, url_prefix="/decisions")


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision of the list, with every text ready to show."""

    id: int
    about: str
    limit: str
    answer: str
    decided_at: datetime | None
    decided_by: str
    document_id: int | None
    order_id: str
    revoked_at: datetime | None


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """Show all decisions of the store's account, those in force first."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    return render_template("decisions.html", rows=[_row(*one) for one in list_decisions(g.account)])


def _row(decision: Decision, order_id: str) -> DecisionRow:
    about, limit = decision_subject(decision.kind, decision.subject)
    name = str(decision.facts.get("line", ""))
    return DecisionRow(
        id=decision.id,
        about=about,
        limit=f"{name} ({limit})" if limit and name and name != limit else limit,
        answer=answer_label(decision.kind, decision.answer),
        decided_at=decision.decided_at,
        decided_by=_decided_by(decision),
        document_id=decision.document_id,
        order_id=order_id,
        revoked_at=decision.revoked_at,
    )


def _decided_by(decision: Decision) -> str:
    if decision.decided_at is None:
        return gettext("Antes de haver registo de quando e por quem")
    if decision.decided_by == SETTINGS_FORM:
        return gettext("%(store)s, nas escolhas fiscais", store=g.store.name)
    return gettext("%(store)s, na página da encomenda", store=g.store.name)


@bp.post("/<int:number>/revoke")
@store_required
def revoke(number: int) -> ResponseReturnValue:
    """Take the decision back: the next order that needs it stops and asks. Commits."""
    if g.account is None or number >= MAX_ROW_ID or not Decision.revoke(g.account.id, number):
        db.session.rollback()
        abort(404)
    db.session.commit()
    flash(
        gettext(
            "Decisão retirada. A próxima encomenda deste género para e pergunta; as já emitidas não mudam."
        )
    )
    return redirect(url_for("decisions.index"), 303)
