"""The first steps of set-up: which invoicing program, its keys, the small check, and taking it apart again.

Browsers with a session only. Waits on the network where a person waits: checking keys, reading the shop's taxes.
The fiscal choices have a room of their own (`choosing`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import checking, connect, deciding, jobs
from shopapp.fiscal.errors import AppError, CredentialsError, TransientError
from shopapp.models import Account, db, now
from shopapp.web.choosing import lists_of, read_lists, today
from shopapp.web.findings import check_headline, finding_told, shop_address
from shopapp.web.forms import Form, keys_form
from shopapp.web.session import store_required, writes
from shopapp.web.tongue import gettext
from shopapp.web.wording import say

bp = Blueprint("setup", __name__, url_prefix="/setup")

Answer = Response | str | tuple[str, int]


def is_ready() -> bool:
    """True when this store may issue: keys accepted and choices made."""
    return bool(g.account and g.account.settings and g.store.ready_at)


@bp.get("")
@store_required
def start() -> Answer:
    """The store is authorised; which invoicing program is it to be?"""
    names = connect.provider_names()
    offered = [(name, connect.provider_class(name)) for name in names]
    return render_template("setup_start.html", offered=offered, ready=is_ready())


@bp.get("/resume")
@store_required
def resume() -> Answer:
    """The step at which set-up was left."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    return redirect(url_for("setup.start" if is_ready() else "choosing.choices"))


@bp.get("/keys")
@store_required
def chosen() -> Answer:
    """The keys form of the program chosen on the page before, or of the present one."""
    name = request.args.get("provider", "") or (
        g.account.provider if g.account else connect.provider_names()[0]
    )
    return redirect(url_for("setup.keys", name=name if name in connect.provider_names() else abort(404)))


@bp.get("/keys/<name>")
@store_required
def keys(name: str) -> Answer:
    """The keys form; what is secret is never shown again."""
    _known(name)
    kept = _kept(name)
    values = {
        f.name: kept.get(f.name, "") for f in connect.provider_class(name).credential_fields if not f.secret
    }
    if not values.get("nif") and "nif" in values and g.account:
        values["nif"] = g.account.nif
    return _keys_page(name, Form(values))


def _known(name: str) -> None:
    if name not in connect.provider_names():
        abort(404)


def _kept(name: str) -> dict[str, str]:
    account = g.account
    return (account.credentials or {}) if account is not None and account.provider == name else {}


def _keys_page(name: str, form: Form, status: int = 200, **refusal: Any) -> tuple[str, int]:
    provider = connect.provider_class(name)
    tails = g.account.tails if g.account is not None and g.account.provider == name else {}
    # a secret is not sent back, not even the one just typed
    shown = {f.name: form.values.get(f.name, "") for f in provider.credential_fields if not f.secret}
    page = render_template(
        "setup_keys.html", provider=provider, values=shown, wrong=form.wrong, tails=tails, refusal=refusal
    )
    return page, status


@bp.post("/keys/<name>")
@store_required
def save_keys(name: str) -> Answer:
    """The keys tried at the provider; good ones are sealed and everything that waited for them goes on."""
    _known(name)
    fields = connect.provider_class(name).credential_fields
    form = keys_form(fields, request.form, _kept(name))
    if form.wrong:
        return _keys_page(name, form, 422)
    provider = connect.provider_with(name, form.values)
    try:
        connect.may_log_in(g.store, name)
        facts = provider.check()
    except CredentialsError as error:
        said = say(error.code, error.detail, provider.label)
        field = str(error.detail.get("field", ""))
        if field in form.values:
            form.wrong[field] = gettext("O %(provider)s recusou este valor.", provider=provider.label)
        return _keys_page(name, form, 422, cause=said.cause, remedy=said.remedy, field=field,
                          answer=str(error.detail.get("answer", ""))[:500])  # fmt: skip
    except TransientError as error:
        bounded = error.code == "log-in-bounded"
        if not bounded:
            connect.logged_in(g.store, name, heard=False)
        said = say(error.code, error.detail, provider.label)
        return _keys_page(name, form, 429 if bounded else 503, cause=said.cause, remedy=said.remedy,
                          waiting=bounded, unreachable=not bounded)  # fmt: skip
    connect.logged_in(g.store, name)
    account = _connected(name, form.values, asdict(facts))
    deciding.resume(account)
    deciding.draft_again(g.store)
    jobs.ring()
    flash(gettext("O %(provider)s aceitou as chaves. Nada foi emitido.", provider=provider.label))
    return redirect(url_for("choosing.choices"), 303)


def _connected(name: str, credentials: dict[str, str], facts: dict[str, Any]) -> Account:
    """The account of these credentials, present and sealed. Commits."""
    account = Account.connected(g.store, name, facts["fingerprint"])
    former = account.credentials or {}
    tails = dict(account.tails or {})
    for field in connect.provider_class(name).credential_fields:
        value = credentials.get(field.name, "")
        if field.secret and value and (value != former.get(field.name) or field.name not in tails):
            tails[field.name] = [value[-4:], today().isoformat()]
    account.tails = tails
    account.credentials = credentials
    account.label, account.nif, account.facts = facts["name"][:200], facts["nif"][:20], facts
    account.checked_at = now()
    db.session.commit()
    g.account = account
    return account


@bp.get("/check")
@store_required
@writes
def check() -> Answer:
    """The small check: what will fail, what deserves a look, what is in order."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"))
    if not account.settings:
        return redirect(url_for("choosing.choices"))
    read_lists(account)
    provider = connect.provider_class(account.provider)
    try:
        found = checking.first_check(g.store, account, lists_of(account), today())
    except AppError as error:
        db.session.rollback()
        said = say(error.code, error.detail, provider.label)
        return render_template("setup_check.html", provider=provider, findings=[], unread=said, at=now())
    shop = shop_address()
    return render_template(
        "setup_check.html", provider=provider, unread=None, at=now(), headline=check_headline(found),
        findings=[finding_told(one, provider.label, shop) for one in found],
    )  # fmt: skip


@bp.post("/disconnect")
@store_required
def disconnect() -> Answer:
    """The account closed; what is in flight stays with it, nothing new begins."""
    account: Account | None = g.account
    if request.form.get("sure") != "yes":
        flash(gettext("Para desligar, marque primeiro a caixa."), "warn")
        return redirect(url_for("setup.start"), 303)
    if account is not None:
        account.active_until = now()
        db.session.commit()
        deciding.draft_again(g.store)
        jobs.ring()
        label = connect.provider_class(account.provider).label
        flash(
            gettext(
                "O %(provider)s está desligado. As encomendas pagas esperam até ligar outro.", provider=label
            )
        )
    return redirect(url_for("setup.start"), 303)
