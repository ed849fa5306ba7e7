"""The help pages, open to everyone: for merchants what each state means, for accountants how documents are made."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, g, render_template

from shopapp.connections.provider import provider_class
from shopapp.messages.i18n import N_, gettext
from shopapp.messages.wording import state_label
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, PENDING, REVIEW, VOID, WAITING
from shopapp.providers.base import Provider

bp = Blueprint("help", __name__)

STATE_HELP: Mapping[str, tuple[str, str]] = {
    WAITING: (
        N_("Espera por si ou pela loja: ainda não está paga, a emissão é manual, ou é anterior à data de início."),
        N_("A linha diz porquê. Se quiser que saia já, carregue em Emitir."),
    ),
    PENDING: (N_("Está paga e sai sozinha."), N_("Nada.")),
    ISSUING: (N_("Estamos a enviar o documento neste momento."), N_("Nada.")),
    ISSUED: (N_("O documento existe e tem número."), N_("Nada. Para o corrigir, use a nota de crédito.")),
    IN_DOUBT: (N_("A resposta não voltou e estamos a procurar o documento no seu programa."), N_("Nada, por agora.")),
    REVIEW: (
        N_("A resposta não voltou e não há maneira de perguntarmos."),
        N_("Procure o documento no seu programa e diga-nos se existe."),
    ),
    BLOCKED: (N_("Sabemos que não foi emitido, e algo tem de ser corrigido."), N_("A linha diz o quê, e leva-o lá.")),
    VOID: (N_("Não vai sair: foi cancelada, ou pô-la de parte."), N_("Nada.")),
}  # fmt: skip


@bp.get("/help")
def page() -> str:
    """Show the help page."""
    states = [
        (*state_label(name), gettext(meaning), gettext(remedy))
        for name, (meaning, remedy) in STATE_HELP.items()
    ]
    return render_template("help.html", states=states, provider=_provider())


@bp.get("/help/contabilista")
def accountant() -> str:
    """Show how documents are made, what is chosen where, and what the app does not do."""
    return render_template("help_accountant.html", provider=_provider())


def _provider() -> type[Provider] | None:
    return provider_class(g.account.provider) if g.account is not None else None
