"""The list of the merchant's decisions: what was answered, when, for which order, and taking an answer back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_label
from shopapp.documents import merchant_actions
from shopapp.jobs.queue import notify_workers
from shopapp.messages.decisions import answer_label, decision_subject, reading_label
from shopapp.messages.i18n import gettext
from shopapp.models import Account, Decision, db, first_document
from shopapp.models.decision import SETTINGS_FORM
from shopapp.models.queries import documents
from shopapp.models.queries.decisions import list_decisions
from shopapp.web.form_fields import MAX_ROW_ID, clean_text, parse_exchange_rate
from shopapp.web.session import store_required

bp = Blueprint("decisions", __name__, url_prefix="/decisions")

_SUBJECT = re.compile(r"[A-Z]{3} 20[0-9]{2}-(0[1-9]|1[0-2])")
"""Currency and month of an exchange rate."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision of the list, with every text ready to show."""

    revoke_url: str
    about: str
    limit: str
    answer: str
    decided_at: datetime | None
    decided_by: str
    document_id: int | None
    order_id: str
    revoked_at: datetime | None
    reading: str = ""
    """The reading of our figures that the decision is about."""


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """Show all decisions of the store's account, those in force first."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    return _render_page()


def _render_page(wrong_line: str = "") -> str:
    return render_template("decisions.html", rows=decision_rows(g.account), wrong_line=wrong_line)


def decision_rows(account: Account) -> list[DecisionRow]:
    """Return all decisions of the account, those in force first."""
    decided = [_row(*one) for one in list_decisions(account)]
    return sorted([*_reading_rows(account), *decided], key=lambda row: row.revoked_at is not None)


def _row(decision: Decision, order_id: str) -> DecisionRow:
    about, limit = decision_subject(decision.kind, decision.subject)
    name = str(decision.facts.get("line", ""))
    return DecisionRow(
        revoke_url=url_for("decisions.revoke", number=decision.id),
        about=about,
        limit=f"{name} ({limit})" if limit and name and name != limit else limit,
        answer=answer_label(decision.kind, decision.answer),
        decided_at=decision.decided_at,
        decided_by=_decided_by(decision),
        document_id=decision.document_id,
        order_id=order_id,
        revoked_at=decision.revoked_at,
    )


def _reading_rows(account: Account) -> list[DecisionRow]:
    """Return the provider's readings of our figures that the merchant accepted, those in force first, newest first."""
    logged = account.reading_decisions or []
    known = {one["reading"] for one in logged if not one.get("until")}
    unlogged = [{"reading": one} for one in account.accepted_readings or () if one not in known]
    return [_reading_row(account, one) for one in [*reversed(logged), *unlogged]]


def _reading_row(account: Account, one: Mapping[str, Any]) -> DecisionRow:
    label, at, until = provider_label(account), one.get("at"), one.get("until")
    document = documents.find_document(g.store, one["document"]) if one.get("document") else None
    return DecisionRow(
        revoke_url=url_for("decisions.revoke_reading"),
        about=gettext("Valores que vêm do %(provider)s", provider=label),
        limit="",
        answer=reading_label(one["reading"], label),
        decided_at=datetime.fromisoformat(at) if at else None,
        decided_by=gettext("%(store)s, na página do documento", store=g.store.name) if at
        else gettext("Antes de haver registo de quando e por quem"),
        document_id=document.id if document else None,
        order_id=document.order_id if document else "",
        revoked_at=datetime.fromisoformat(until) if until else None,
        reading=one["reading"],
    )  # fmt: skip


def _decided_by(decision: Decision) -> str:
    if decision.decided_at is None:
        return gettext("Antes de haver registo de quando e por quem")
    if decision.decided_by == SETTINGS_FORM:
        return gettext("%(store)s, nas escolhas fiscais", store=g.store.name)
    return gettext("%(store)s, na página da encomenda", store=g.store.name)


@bp.post("/exchange-rates")
@store_required
def upload_rates() -> ResponseReturnValue:
    """Store the rates of an uploaded table as decisions, all or none; 422 names the first wrong line. Commits."""
    if g.account is None:
        return redirect(url_for("setup.start"), 303)
    table = request.files.get("table")
    try:
        text = table.read().decode("utf-8-sig") if table else ""
        rates = _parse_rates(text)
    except ValueError as wrong:
        return _render_page(str(wrong) if str(wrong).isdigit() else "1"), 422
    for subject, answer in rates.items():
        Decision.record(g.account.id, "exchange-rate", subject, answer, SETTINGS_FORM)
    db.session.commit()
    merchant_actions.retry_blocked(g.store, ("currency",))
    notify_workers()
    flash(gettext("Câmbios guardados."))
    return redirect(url_for("decisions.index"), 303)


def _parse_rates(text: str) -> dict[str, str]:
    """Return the answers by subject of a table `USD;2026-11;1,0834;Banco de Portugal`; an empty line is skipped.

    Raises ValueError with the number of the first line that is no rate.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        columns = [clean_text(column, 100) for column in line.split(";")]
        if columns == [""]:
            continue
        rate = parse_exchange_rate(columns[2]) if len(columns) == 4 else None
        if rate is None or not _SUBJECT.fullmatch(f"{columns[0]} {columns[1]}") or not columns[3]:
            raise ValueError(str(number))
        found[f"{columns[0]} {columns[1]}"] = f"{rate} {columns[3]}"
    if not found:
        raise ValueError("1")
    return found


@bp.post("/readings/revoke")
@store_required
def revoke_reading() -> ResponseReturnValue:
    """Take back that a reading of our figures is right: the next document goes alone to be compared. Commits."""
    reading = request.form.get("reading", "")
    if g.account is None or not first_document.take_back_reading(g.account.id, reading):
        db.session.rollback()
        abort(404)
    db.session.commit()
    notify_workers()
    flash(
        gettext(
            "Decisão retirada. O próximo documento sai sozinho, e uma diferença volta a parar a faturação."
        )
    )
    return redirect(url_for("decisions.index"), 303)


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
