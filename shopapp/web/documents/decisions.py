"""What the merchant decides about an issued document: its figures, its number, and what the buyer may open."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from shopapp.documents import merchant_actions
from shopapp.messages.i18n import gettext
from shopapp.models import db, now
from shopapp.web.documents.page import own_document_or_404
from shopapp.web.documents.views import redirect_to_document
from shopapp.web.limits import ACTIONS
from shopapp.web.session import store_required

bp = Blueprint("figures", __name__, url_prefix="/documents")


@bp.post("/<int:number>/figures/accept")
@store_required
@ACTIONS
def accept(number: int) -> Response:
    """Let the account go on: the provider's figures are right. Commits."""
    document = own_document_or_404(number)
    merchant_actions.accept_figures(document)
    return redirect_to_document(document, gettext("Guardado: a faturação continua."))


@bp.post("/<int:number>/figures/again")
@store_required
@ACTIONS
def prove_again(number: int) -> Response:
    """Let one document go alone, because the provider's settings were changed. Commits."""
    document = own_document_or_404(number)
    merchant_actions.prove_figures_again(document)
    return redirect_to_document(
        document, gettext("Sai agora só o próximo documento. Se bater certo, seguem os outros.")
    )


@bp.post("/<int:number>/unlink")
@store_required
@ACTIONS
def take_back_link(number: int) -> Response:
    """Take back the number that the merchant had linked to the order. Commits."""
    document = own_document_or_404(number)
    merchant_actions.take_back_link(document)
    return redirect_to_document(
        document, gettext("Ligação desfeita. Diga-nos agora se o documento desta encomenda existe.")
    )


@bp.post("/<int:number>/sent")
@store_required
@ACTIONS
def mark_as_sent(number: int) -> Response:
    """Record that the merchant sent a document to the buyer whose PDF we do not have. Commits."""
    document = own_document_or_404(number)
    merchant_actions.mark_as_sent(document)
    return redirect_to_document(document, gettext("Marcado como enviado por si."))


@bp.post("/<int:number>/revoke")
@store_required
@ACTIONS
def revoke_link(number: int) -> Response:
    """Revoke the buyer's link. Commits."""
    document = own_document_or_404(number)
    document.link_revoked_at = document.link_revoked_at or now()
    db.session.commit()
    return redirect_to_document(document, gettext("A ligação do cliente foi fechada."))
