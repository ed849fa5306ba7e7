"""The mails: to the buyer with his document, to the merchant when something waits for him.

Called by `followups` in a worker, in the store's language. Header lines are put on one line by `notices`.
"""

from __future__ import annotations

from flask import current_app
from flask_babel import force_locale

from shopapp import connect
from shopapp.models import Document
from shopapp.web.formats import LANGUAGES, language_of, money
from shopapp.web.tongue import gettext
from shopapp.web.wording import kind_word, say


def worded(kind: str, document: Document) -> tuple[str, str]:
    """(subject, text) of a mail of that kind about the document."""
    with force_locale(LANGUAGES.get(language_of(document.store), "pt_PT")):
        return _to_buyer(document) if kind == "buyer" else _to_merchant(document)


def _to_buyer(document: Document) -> tuple[str, str]:
    facts = {
        "kind": kind_word(document.kind),
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


def _to_merchant(document: Document) -> tuple[str, str]:
    account = document.account
    label = connect.provider_class(account.provider).label if account else ""
    code = f"alarm-{document.alarm}" if document.alarm else document.reason or "internal"
    said = say(code, document.alarm_detail if document.alarm else document.detail, label)
    where = f"{current_app.config['APP_URL']}/documents/{document.id}"
    subject = gettext("Encomenda #%(order)s: %(cause)s", order=document.order_id, cause=said.cause)
    text = gettext(
        "%(cause)s\n\n%(remedy)s\n\nEncomenda #%(order)s, %(total)s.\n%(where)s\n",
        cause=said.cause, remedy=said.remedy, order=document.order_id, total=money(document.total), where=where,
    )  # fmt: skip
    return subject, text
