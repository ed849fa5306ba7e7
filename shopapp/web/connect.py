"""Connecting a store by its API key: the key is tried at the platform, which alone says whose it is.

The pages are top-level and never framed. The key is never sent back to a page in clear, and nothing is stored before
the platform accepts it and, where the shop is not the one that was typed, before the merchant confirms it by name.
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.shop import platform_names, platform_with, platform_without_store
from shopapp.connections.subscriptions import platforms_without_webhooks
from shopapp.errors import AppError, CredentialsError
from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import message_for
from shopapp.models import db, fold_for_search
from shopapp.platforms.base import StoreInfo, SupportsApiKey
from shopapp.web.form_fields import clean_text, shop_address
from shopapp.web.install import record_store
from shopapp.web.limits import CONNECT, ENTRY
from shopapp.web.sealed_values import seal, unseal
from shopapp.web.session import start_session

bp = Blueprint("connect", __name__, url_prefix="/connect")

CONFIRM_SECONDS = 600
"""How long the question whether this is the right shop may stay open."""


def key_platform(name: str) -> SupportsApiKey:
    """Return that platform; 404 when its stores do not connect by a key."""
    adapter = platform_without_store(name) if name in platform_names() else None
    if not isinstance(adapter, SupportsApiKey):
        abort(404)
    return adapter


@bp.get("/<platform>")
@ENTRY
def show(platform: str) -> ResponseReturnValue:
    """Show the form for the key."""
    own = g.store if g.store is not None and g.store.platform == platform else None
    return _form_page(key_platform(platform), own.name if own else "")


@bp.post("/<platform>")
@CONNECT
def try_key(platform: str) -> ResponseReturnValue:
    """Try the key at the platform, and connect the shop that it opens or ask whether it is the right one. Commits."""
    adapter, typed = key_platform(platform), clean_text(request.form.get("shop", ""), 200)
    key, secret = adapter.clean_key(request.form.get("key", "")), clean_text(request.form.get("secret", ""))
    errors = {} if typed else {"shop": gettext("Escreva o nome ou o endereço da sua loja.")}
    if not key:
        errors["key"] = (
            gettext("Isto não é uma chave do %(platform)s. Copie-a de novo, inteira.", platform=adapter.label)
            if request.form.get("key", "").strip()
            else gettext("Cole aqui a chave da sua loja.")
        )
    if errors:
        return _form_page(adapter, typed, errors), 422
    try:
        found = _shop_of(platform, key)
    except AppError as error:
        return _refused_page(adapter, typed, error)
    if not _is_named(found, typed):
        sealed = seal([_browser(), platform, key, secret, found.code], "connect")
        return render_template(
            "connect_confirm.html", platform=adapter, found=found, typed=typed, sealed=sealed
        )
    return _connect(adapter, found, key, secret)


@bp.post("/<platform>/confirm")
@CONNECT
def confirm(platform: str) -> ResponseReturnValue:
    """Connect the shop that the merchant has seen and confirmed, if the key still opens that very one. Commits."""
    adapter = key_platform(platform)
    content = unseal(request.form.get("sealed", ""), "connect", CONFIRM_SECONDS)
    if not content or not hmac.compare_digest(content[0], _browser()) or content[1] != platform:
        text = gettext("A pergunta esteve aberta demasiado tempo. Nada foi guardado: cole a chave outra vez.")
        return _form_page(adapter, "", {"key": text}), 422
    key, secret, code = content[2:]
    try:
        found = _shop_of(platform, key)
    except AppError as error:
        return _refused_page(adapter, "", error)
    if found.code != code:
        text = gettext("Esta chave já não é da loja que confirmou. Nada foi guardado.")
        return _form_page(adapter, "", {"key": text}), 422
    return _connect(adapter, found, key, secret)


def _shop_of(platform: str, key: str) -> StoreInfo:
    """Ask whose shop the key opens. Ends the transaction first, as no call is made within one."""
    db.session.commit()
    return platform_with(platform, key).store_info()


def _browser() -> str:
    """Return what tells this browser's forms from another's, so that a page copied elsewhere opens nothing."""
    return str(session.get("csrf_token", ""))


def _form_page(
    platform: SupportsApiKey, typed: str, errors: dict[str, str] | None = None, **refusal: Any
) -> str:
    """Return the form; of what was typed, only the shop is sent back."""
    return render_template(
        "connect.html", platform=platform, typed=typed, errors=errors or {}, refusal=refusal,
        polled_without_secret=platform.name in platforms_without_webhooks(),
    )  # fmt: skip


def _refused_page(platform: SupportsApiKey, typed: str, error: AppError) -> ResponseReturnValue:
    db.session.rollback()
    log_event("install-refused", reason=error.code)
    if isinstance(error, CredentialsError):
        return _form_page(platform, typed, refused=True), 422
    message = message_for(error.code, error.detail, platform.label)
    return _form_page(platform, typed, unreachable=True, cause=message.cause), 503


def _is_named(found: StoreInfo, typed: str) -> bool:
    """Return whether what was typed is the shop's name, its code or its address."""
    addresses = {found.code.casefold(), shop_address(found.url)}
    return fold_for_search(typed) == fold_for_search(found.name) or shop_address(typed) in addresses - {""}


def _connect(platform: SupportsApiKey, found: StoreInfo, key: str, secret: str) -> ResponseReturnValue:
    """Store the shop with its key, end its earlier sessions, start one here and go on with the set-up. Commits."""
    store = record_store(platform.name, found, key, secret)
    start_session(store, "key")
    notify_workers()
    flash(gettext("A loja %(shop)s está ligada. Guardámos a chave em segurança.", shop=store.name))
    if not store.email:
        flash(
            gettext(
                "A loja não tem e-mail no %(platform)s, por isso não lhe podemos enviar ligações de entrada: noutro "
                "navegador, cole a chave outra vez.",
                platform=platform.label,
            ),
            "warn",
        )
    return redirect(url_for("home.index"), 303)
