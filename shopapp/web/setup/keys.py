"""Set-up: choosing a provider, its credentials, the setup check, and disconnecting.

The pages wait for the network when they check credentials and read the shop's taxes. The settings form is
in `settings`.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import (
    check_login_rate,
    provider_class,
    provider_label,
    provider_names,
    provider_with,
    reset_login_rate,
)
from shopapp.connections.subscriptions import lacks_webhooks, unsubscribe_webhooks
from shopapp.documents import merchant_actions
from shopapp.errors import AppError, CredentialsError, TransientError
from shopapp.jobs.offboarding import uninstall_store
from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.messages.formats import today
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, db, now
from shopapp.web.limits import CHECKS, KEYS
from shopapp.web.session import connects_by_key, store_required, writes_database
from shopapp.web.setup.check import check_headline, check_setup, finding_row, shop_admin_url
from shopapp.web.setup.forms import Form, parse_credentials
from shopapp.web.setup.settings import refresh_provider_lists

log = logging.getLogger(__name__)

bp = Blueprint("setup", __name__, url_prefix="/setup")


def is_ready() -> bool:
    """Return whether this store may issue: its credentials were accepted and its settings chosen."""
    return bool(g.account and g.account.settings and g.store.ready_at)


@bp.get("")
@store_required
def start() -> ResponseReturnValue:
    """Show the providers to choose from."""
    names = provider_names()
    offered = [(name, provider_class(name)) for name in names]
    return render_template(
        "setup_start.html", providers=offered, ready=is_ready(), without_webhooks=lacks_webhooks(g.store)
    )


@bp.get("/resume")
@store_required
def resume() -> ResponseReturnValue:
    """Redirect to the step at which the set-up was left."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    return redirect(url_for("setup.start" if is_ready() else "settings.edit"))


@bp.get("/keys")
@store_required
def choose_provider() -> ResponseReturnValue:
    """Redirect to the credentials form of the chosen provider, or of the current one."""
    name = request.args.get("provider", "") or (g.account.provider if g.account else provider_names()[0])
    return redirect(url_for("setup.keys", name=name if name in provider_names() else abort(404)))


@bp.get("/keys/<name>")
@store_required
def keys(name: str) -> ResponseReturnValue:
    """Show the credentials form; a secret is never shown again."""
    _check_provider_name(name)
    kept = _stored_credentials(name)
    values = {f.name: kept.get(f.name, "") for f in provider_class(name).credential_fields if not f.secret}
    if not values.get("nif") and "nif" in values and g.account:
        values["nif"] = g.account.nif
    return _render_keys(name, Form(values))


def _check_provider_name(name: str) -> None:
    if name not in provider_names():
        abort(404)


def _stored_credentials(name: str) -> dict[str, str]:
    account = g.account
    return (account.credentials or {}) if account is not None and account.provider == name else {}


def _render_keys(name: str, form: Form, status: int = 200, **refusal: Any) -> tuple[str, int]:
    provider = provider_class(name)
    tails = g.account.tails if g.account is not None and g.account.provider == name else {}
    # a secret is never sent back, not even the one just typed
    shown = {f.name: form.values.get(f.name, "") for f in provider.credential_fields if not f.secret}
    page = render_template(
        "setup_keys.html", provider=provider, values=shown, errors=form.errors, tails=tails, refusal=refusal
    )
    return page, status


@bp.post("/keys/<name>")
@store_required
@KEYS
def save_keys(name: str) -> ResponseReturnValue:
    """Check the credentials at the provider, store accepted ones and resume the documents that waited. Commits."""
    _check_provider_name(name)
    fields = provider_class(name).credential_fields
    form = parse_credentials(fields, request.form, _stored_credentials(name))
    if form.errors:
        return _render_keys(name, form, 422)
    provider = provider_with(name, form.values)
    try:
        check_login_rate(g.store, name)
        facts = provider.check()
    except CredentialsError as error:
        log_event("keys-refused", provider=name)
        message = message_for(error.code, error.detail, provider.label)
        field = str(error.detail.get("field", ""))
        if field in form.values:
            form.errors[field] = gettext("O %(provider)s recusou este valor.", provider=provider.label)
        return _render_keys(name, form, 422, cause=message.cause, remedy=message.remedy, field=field,
                          answer=str(error.detail.get("answer", ""))[:500])  # fmt: skip
    except TransientError as error:
        is_rate_limited = error.code == "log-in-bounded"
        if not is_rate_limited:
            reset_login_rate(g.store, name, answered=False)
        message = message_for(error.code, error.detail, provider.label)
        return _render_keys(name, form, 429 if is_rate_limited else 503, cause=message.cause, remedy=message.remedy,
                          waiting=is_rate_limited, unreachable=not is_rate_limited)  # fmt: skip
    reset_login_rate(g.store, name)
    account = _connect_account(name, form.values, asdict(facts))
    log_event("keys-changed", provider=name)
    merchant_actions.resume_account(account)
    merchant_actions.refresh_drafts(g.store)
    notify_workers()
    flash(gettext("O %(provider)s aceitou as chaves. Nada foi emitido.", provider=provider.label))
    return redirect(url_for("settings.edit"), 303)


def _connect_account(name: str, credentials: dict[str, str], facts: dict[str, Any]) -> Account:
    """Return the store's account with these credentials, which are stored encrypted. Commits."""
    account = Account.connect(g.store, name, facts["fingerprint"])
    former = account.credentials or {}
    tails = dict(account.tails or {})
    for field in provider_class(name).credential_fields:
        value = credentials.get(field.name, "")
        if field.secret and value and (value != former.get(field.name) or field.name not in tails):
            # of what people choose themselves, such as a password, four characters are too much to show
            tails[field.name] = [value[-4:] if field.length else "", today().isoformat()]
    account.tails = tails
    account.credentials = credentials
    account.label, account.nif, account.facts = facts["name"][:200], facts["nif"][:20], facts
    account.checked_at = now()
    db.session.commit()
    g.account = account
    return account


@bp.get("/check")
@store_required
@CHECKS
@writes_database
def check() -> ResponseReturnValue:
    """Show what will fail, what deserves a look and what is in order. Asks provider and platform."""
    account: Account | None = g.account
    if account is None:
        return redirect(url_for("setup.start"))
    if not account.settings:
        return redirect(url_for("settings.edit"))
    refresh_provider_lists(account)
    provider = provider_class(account.provider)
    try:
        found = check_setup(g.store, account, account.lists, today())
    except AppError as error:
        db.session.rollback()
        message = message_for(error.code, error.detail, provider.label)
        return render_template(
            "setup_check.html", provider=provider, findings=[], read_error=message, at=now()
        )
    shop_url = shop_admin_url()
    return render_template(
        "setup_check.html", provider=provider, read_error=None, at=now(), headline=check_headline(found),
        findings=[finding_row(one, provider.label, shop_url) for one in found],
    )  # fmt: skip


@bp.post("/disconnect")
@store_required
def disconnect() -> ResponseReturnValue:
    """Close the account; documents already sent stay with it, nothing new is issued. Commits."""
    account: Account | None = g.account
    if request.form.get("sure") != "yes":
        flash(gettext("Para desligar, marque primeiro a caixa."), "warn")
        return redirect(url_for("setup.start"), 303)
    if account is not None:
        account.active_until = account.disconnected_at = now()
        db.session.commit()
        log_event("provider-disconnected", provider=account.provider)
        merchant_actions.refresh_drafts(g.store)
        notify_workers()
        label = provider_label(account)
        flash(
            gettext(
                "O %(provider)s está desligado. As encomendas pagas esperam até ligar outro.", provider=label
            )
        )
    return redirect(url_for("setup.start"), 303)


@bp.post("/disconnect-store")
@store_required
def disconnect_store() -> ResponseReturnValue:
    """Forget the key of a store that connects by one, and end all its sessions; 404 for any other store. Commits."""
    store = g.store
    if not connects_by_key(store.platform):
        abort(404)
    if request.form.get("sure") != "yes":
        flash(gettext("Para desligar, marque primeiro a caixa."), "warn")
        return redirect(url_for("setup.start"), 303)
    try:
        unsubscribe_webhooks(store)
    except AppError as error:
        # the key may be refused already: a webhook that stays is answered 401, and the platform suspends it
        db.session.rollback()
        log.warning("webhooks of a store that leaves stay: %s", error.code)
    uninstall_store(store)
    notify_workers()
    session.clear()
    flash(gettext("A loja %(shop)s está desligada e a chave foi esquecida.", shop=store.name))
    return redirect(url_for("home.index"), 303)
