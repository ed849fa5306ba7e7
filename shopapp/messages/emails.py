"""The e-mails: to the buyer with their document; to the merchant when something needs them, and to sign in."""

from __future__ import annotations

from flask import current_app
from flask_babel import force_locale

from shopapp.connections.provider import provider_label
from shopapp.connections.shop import lost_access_code
from shopapp.messages.formats import moment, money
from shopapp.messages.i18n import gettext, locale_of
from shopapp.messages.wording import kind_name, message_for
from shopapp.models import Document, SignInRequest, Store


def compose_email(kind: str, document: Document) -> tuple[str, str]:
    """Return subject and text of the e-mail about the document, in the store's language."""
    with force_locale(locale_of(document.store)):
        return _compose_buyer_email(document) if kind == "buyer" else _compose_merchant_email(document)


def _compose_buyer_email(document: Document) -> tuple[str, str]:
    facts = {
        "kind": kind_name(document.kind),
        "number": document.number or "",
        "order": document.order_id,
        "shop": document.store.name,
        "total": money(document.total),
    }
    subject = gettext("%(shop)s: %(kind)s %(number)s", **facts)
    text = gettext(
        "Bom dia,\n\n"
        "Segue em anexo a %(kind)s %(number)s da encomenda #%(order)s, no valor de %(total)s.\n\n"
        "Obrigado pela sua compra,\n%(shop)s\n",
        **facts,
    )
    return subject, text


def _compose_merchant_email(document: Document) -> tuple[str, str]:
    label = provider_label(document.account)
    code = f"alarm-{document.alarm}" if document.alarm else document.reason or "internal"
    detail = document.alarm_detail if document.alarm else document.detail
    if code == "store-access":
        code = lost_access_code(document.store)
    message = message_for(code, detail, label)
    document_url = f"{current_app.config['APP_URL']}/documents/{document.id}"
    subject = gettext("Encomenda #%(order)s: %(cause)s", order=document.order_id, cause=message.cause)
    remedy = message.remedy
    if document.account is not None and document.account.differs_document_id == document.id:
        remedy += " " + gettext("Parámos a faturação: as outras encomendas esperam pela sua decisão.")
    text = gettext(
        "%(cause)s\n\n%(remedy)s\n\nEncomenda #%(order)s, %(total)s.\n%(where)s\n",
        cause=message.cause,
        remedy=remedy,
        order=document.order_id,
        total=money(document.total),
        where=document_url,
    )
    return subject, text


def compose_sign_in_email(store: Store, asked: SignInRequest, code: str) -> tuple[str, str]:
    """Return subject and text of the e-mail whose link signs in to the store, in the store's language."""
    with force_locale(locale_of(store)):
        subject = gettext("Entrar no Quick Invoice: %(shop)s", shop=store.name)
        text = gettext(
            "Bom dia,\n\n"
            "Pediram para entrar no Quick Invoice da loja %(shop)s (%(moment)s, %(browser)s). Se foi você, abra "
            "esta ligação no mesmo navegador e carregue em «Entrar»:\n\n%(link)s\n\n"
            "Se ela não abrir lá, escreva nessa página o código %(code)s.\n\n"
            "Vale quinze minutos e uma só vez. Se não foi você, não faça nada: sem este e-mail ninguém entra.\n",
            shop=store.name,
            moment=moment(asked.asked_at),
            browser=asked.browser or gettext("navegador desconhecido"),
            link=f"{current_app.config['APP_URL']}/sign-in/{store.platform}/code#{code}",
            code=code,
        )
        return subject, text
