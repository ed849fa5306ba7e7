"""The error pages: never a traceback or a code; a known failure becomes its sentence, any other a reference."""

from __future__ import annotations

import logging
import math
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, render_template, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shopapp.errors import AppError, MerchantError
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext, ngettext
from shopapp.messages.wording import message_for
from shopapp.models import db, now
from shopapp.web.limits import seconds_left
from shopapp.web.session import CODE_ALPHABET

BUYER_PATH = "/d/"
"""Where the links that buyers open begin: nobody has a session there."""

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the pages for every kind of failure."""
    app.register_error_handler(HTTPException, http_error_page)
    app.register_error_handler(CSRFError, _csrf_error_page)
    app.register_error_handler(RateLimitExceeded, _too_many_page)
    app.register_error_handler(AppError, app_error_page)
    for away in (OperationalError, PoolTimeoutError):
        app.register_error_handler(away, _database_away_page)
    app.register_error_handler(Exception, _unexpected_error_page)


def error_page(
    status: int,
    title: str,
    text: str,
    can_retry: bool = False,
    reference: str = "",
    back_url: str = "",
    **more: Any,
) -> tuple[str, int]:
    """Return the error page with these texts; a buyer's has no way into the app. Rolls back."""
    g.setdefault("store", None)
    g.setdefault("account", None)
    shown = render_template(
        "buyer_message.html" if request.path.startswith(BUYER_PATH) else "error.html",
        title=title,
        text=text,
        can_retry=can_retry,
        reference=reference,
        at=_moment(),
        back_url=back_url,
        **more,
    )
    db.session.rollback()
    return shown, status


def _moment() -> datetime:
    """Return the time, by our own clock while the database, whose time we use, is away."""
    try:
        return now()
    except SQLAlchemyError:
        db.session.rollback()
        return datetime.now(UTC)


def http_error_page(error: HTTPException) -> tuple[str, int] | Response:
    """Return the page for an HTTP error."""
    status = error.code or 500
    if status == 404 and g.get("store") is not None and (request.view_args or request.blueprint == "bulk"):
        log_event("row-refused", page=request.endpoint)
    if status < 400:
        return error.get_response()
    titles = {
        401: (
            gettext("É preciso abrir sessão"),
            gettext("Abra a aplicação no painel da loja, ou peça uma ligação de entrada."),
        ),
        403: (
            gettext("Não foi possível fazer este pedido"),
            gettext("Com a ligação do contabilista só se pode ler. Nada foi feito.")
            if g.get("read_only")
            else gettext(
                "Não veio de uma página nossa, por isso nada foi feito. Abra a aplicação e tente de novo."
            ),
        ),
        404: (
            gettext("Esta página não existe"),
            gettext("O endereço pode estar incompleto, ou não é desta loja."),
        ),
        405: (
            gettext("Esta página não existe"),
            gettext("O endereço não aceita este pedido. Nada foi feito."),
        ),
        413: (
            gettext("O pedido é demasiado grande"),
            gettext("O ficheiro tem mais de 5 MB. Comprima-o em ZIP e envie-o de novo.")
            if request.blueprint == "report_saft"
            else gettext("Nada foi guardado."),
        ),
    }
    title, text = titles.get(
        status, (gettext("Não foi possível fazer este pedido"), gettext("Nada foi feito."))
    )
    return error_page(status, title, text)


_NEVER_REPEATED = ("setup.", "session.", "connect.", "sign_in.")
"""Blueprints whose forms hold secrets: nothing that was typed there is sent back."""


def _too_many_page(error: RateLimitExceeded) -> tuple[str, int, dict[str, str]]:
    """Return the page that says what was done too often and when it may be done again; a form can be sent again."""
    seconds = seconds_left()
    minutes = max(1, math.ceil((seconds - 1) / 60))  # a window of a minute may end in its 61st second
    log_event("rate-limited", page=request.endpoint)
    is_form = request.method == "POST" and not (request.endpoint or "").startswith(_NEVER_REPEATED)
    typed = [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]
    shown, status = error_page(
        429,
        gettext("Foram demasiados pedidos seguidos"),
        f"{error.description} "
        + ngettext(
            "Pode tentar de novo dentro de um minuto.",
            "Pode tentar de novo dentro de %(num)d minutos.",
            minutes,
        )
        + " "
        + (gettext("Este pedido não foi feito, e o que escreveu não se perdeu.") if is_form else ""),
        can_retry=request.method == "GET",
        typed=typed if is_form else None,
    )
    return shown, status, {"Retry-After": str(seconds)}


def _csrf_error_page(error: CSRFError) -> tuple[str, int]:
    log_event("form-refused", reason="csrf-token")
    return error_page(
        403,
        gettext("Esta página esteve aberta demasiado tempo"),
        gettext("Nada foi feito. Volte atrás, atualize a página e tente de novo."),
    )


def app_error_page(error: AppError) -> tuple[str, int]:
    """Return the page for a failure that has a sentence. Rolls back."""
    db.session.rollback()
    message = message_for(error.code, error.detail)
    return error_page(
        409 if isinstance(error, MerchantError) else 503, message.cause, message.remedy, can_retry=True
    )


def _database_away_page(error: SQLAlchemyError) -> tuple[str, int]:
    db.session.rollback()
    log.warning(
        "%s %s: the database is busy or away: %s", request.method, request.endpoint, type(error).__name__
    )
    return error_page(
        503,
        gettext("Não conseguimos abrir esta página"),
        gettext("Espere um minuto e tente de novo. Nada foi perdido."),
        can_retry=request.method == "GET",
    )


def _unexpected_error_page(error: Exception) -> tuple[str, int]:
    db.session.rollback()
    plain = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    reference = f"{plain[:4]}-{plain[4:]}"
    log.error("%s: %s %s", reference, request.method, request.endpoint, exc_info=error)
    return error_page(
        500,
        gettext("Não conseguimos abrir esta página"),
        gettext(
            "A falha é nossa e já ficou registada. As suas faturas não são afetadas: as encomendas pagas continuam a "
            "ser tratadas."
        ),
        can_retry=request.method == "GET",
        reference=reference,
    )
