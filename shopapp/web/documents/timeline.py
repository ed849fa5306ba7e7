"""The story of one document: what the shop said, what we did, what the provider answered, what came after, by time.

Called by the document's page. Built from hooks, moves, attempts and follow-ups; words only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopapp.connections.subscriptions import webhook_kind
from shopapp.messages.formats import clock, money, quantity
from shopapp.messages.i18n import gettext, ngettext
from shopapp.messages.wording import kind_name, message_for
from shopapp.models import Attempt, Document, FollowUp, Transition, Webhook
from shopapp.models.followup import DONE, DUE
from shopapp.models.queries import documents


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One line of the story; `mark` is a state's class where it decided something."""

    at: datetime
    text: str
    detail: str = ""
    state_class: str = ""
    important: bool = False


def build_timeline(document: Document, label: str) -> list[TimelineEvent]:
    """The whole story, oldest first."""
    webhooks = documents.webhooks_of(document)
    events = [
        *_webhook_events(document, webhooks),
        *(
            event
            for transition in document.transitions
            for event in _transition_events(document, transition, label, bool(webhooks))
        ),
        *(event for attempt in document.attempts for event in _attempt_events(document, attempt, label)),
        *(
            _followup_event(followup)
            for followup in documents.follow_ups_of(document)
            if followup.kind != "state"
        ),
    ]
    return sorted(events, key=lambda event: event.at)


def _webhook_events(document: Document, webhooks: list[Webhook]) -> Iterator[TimelineEvent]:
    for webhook in webhooks:
        kind = webhook_kind(document.store.platform, webhook.event, webhook.body or b"")
        if document.cause.startswith("credit:") and kind != "cancelled":
            continue
        text = {
            "paid": gettext("A loja avisou: encomenda #%(order)s paga.", order=document.order_id),
            "cancelled": gettext("A loja avisou: encomenda #%(order)s cancelada.", order=document.order_id),
        }.get(kind, gettext("A loja avisou que a encomenda mudou."))
        small = ""
        if webhook.copies > 1:
            small = ngettext(
                "A loja avisou %(num)d vez.",
                "A loja avisou %(num)d vezes; conta como um só aviso.",
                webhook.copies,
            )
        yield TimelineEvent(webhook.received_at, text, small)


def _transition_events(
    document: Document, transition: Transition, label: str, has_webhook: bool
) -> Iterator[TimelineEvent]:
    by_merchant = transition.by == "merchant"
    if not transition.old:
        if document.cause.startswith("credit:"):
            yield TimelineEvent(transition.at, gettext("Ficou pedida a nota de crédito."))
        elif document.cause.startswith("reissue:"):
            yield TimelineEvent(
                transition.at,
                gettext("A nota de crédito saiu: a venda leva um novo documento, com os dados corrigidos."),
            )
        elif document.cause == "dossier":
            yield TimelineEvent(
                transition.at,
                gettext("A encomenda foi feita e ainda não está paga: leva uma nota de encomenda."),
            )
        elif document.cause == "transport":
            yield TimelineEvent(transition.at, gettext("A fatura saiu: leva uma guia de transporte."))
        elif not has_webhook:
            yield TimelineEvent(
                transition.at, gettext("Encontrámos a encomenda paga na loja, sem aviso dela.")
            )
        return
    if transition.new == "issued" and transition.old != "issued":
        yield _issued_event(document, transition, label, by_merchant)
    elif transition.reason == "alarm-seen":
        yield TimelineEvent(transition.at, gettext("Marcou o aviso como tratado."))
    elif transition.old == transition.new == "issued" or transition.reason == "duplicate":
        message = message_for(f"alarm-{transition.reason}", transition.detail, label)
        yield TimelineEvent(transition.at, message.cause, state_class="st-decide", important=True)
    elif transition.new == "blocked":
        message = message_for(transition.reason, transition.detail, label)
        yield TimelineEvent(
            transition.at, gettext("Parámos antes de emitir."), message.cause, "st-stop", True
        )
    elif transition.new == "in_doubt":
        yield TimelineEvent(
            transition.at,
            gettext("Ficámos sem resposta."),
            message_for(transition.reason, transition.detail, label).cause,
            "st-doubt",
            True,
        )
    elif transition.new == "review":
        yield TimelineEvent(
            transition.at, gettext("À espera da sua resposta."), state_class="st-decide", important=True
        )
    elif transition.new == "void":
        yield TimelineEvent(
            transition.at,
            message_for(transition.reason, transition.detail, label).cause,
            _other_document(transition),
            "st-void",
            True,
        )
    elif transition.new == "waiting":
        yield TimelineEvent(
            transition.at,
            message_for(transition.reason, transition.detail, label).cause,
            state_class="st-wait",
        )
    elif transition.new == "pending":
        yield from _requeued_events(transition, label, by_merchant)


def _other_document(transition: Transition) -> str:
    other = str(transition.detail.get("other", ""))
    return gettext("Documento que já existe: %(number)s", number=other) if other else ""


def _requeued_events(transition: Transition, label: str, by_merchant: bool) -> Iterator[TimelineEvent]:
    if transition.reason == "absent":
        yield TimelineEvent(
            transition.at, gettext("Disse-nos que o documento não existe. Enviamos o mesmo pedido outra vez.")
        )
    elif by_merchant:
        yield TimelineEvent(transition.at, gettext("Pediu para emitir."))
    elif transition.reason:
        message = message_for(transition.reason, transition.detail, label)
        yield TimelineEvent(transition.at, message.cause, message.remedy)
    elif transition.old == "waiting":
        yield TimelineEvent(transition.at, gettext("A encomenda voltou à fila."))


def _issued_event(document: Document, transition: Transition, label: str, by_merchant: bool) -> TimelineEvent:
    number = str(transition.detail.get("number", document.number or ""))
    if by_merchant:
        text = gettext("Disse-nos que existe, com o número %(number)s.", number=number)
    else:
        text = gettext("O %(provider)s emitiu a %(number)s.", provider=label, number=number)
    total, small = document.provider_total, ""
    if total is not None and total == document.total:
        small = gettext("Total devolvido: %(total)s, igual ao enviado.", total=money(total))
    elif total is not None:
        small = gettext("Total devolvido: %(theirs)s; enviado: %(ours)s.",
                        theirs=money(total), ours=money(document.total))  # fmt: skip
    if document.atcud:
        small += " " + gettext("ATCUD %(atcud)s.", atcud=document.atcud)
    return TimelineEvent(transition.at, text, small.strip(), "st-ok", True)


def _attempt_events(document: Document, attempt: Attempt, label: str) -> Iterator[TimelineEvent]:
    kind = kind_name(document.kind)
    if attempt.number == 1:
        lines = len(document.draft.lines) if document.draft else 0
        small = ngettext(
            "%(num)d linha, %(total)s.", "%(num)d linhas, %(total)s.", lines, total=money(document.total)
        )
        text = gettext("Lemos a encomenda na loja e preparámos a %(kind)s.", kind=kind)
        if document.cause.startswith("credit:"):
            text = gettext("Preparámos a nota de crédito com as linhas do documento emitido.")
        yield TimelineEvent(attempt.started_at, text, small if lines else "")
    yield TimelineEvent(
        attempt.started_at,
        gettext("Enviámos ao %(provider)s.", provider=label),
        _attempt_outcome(attempt, label),
    )


def _attempt_outcome(attempt: Attempt, label: str) -> str:
    if attempt.ended_at is None:
        return ""
    seconds = quantity(f"{(attempt.ended_at - attempt.started_at).total_seconds():.1f}")
    answer = str(attempt.detail.get("answer", ""))[:500]
    if attempt.outcome == "issued":
        return gettext("Respondeu em %(seconds)s segundos.", seconds=seconds)
    if answer:
        return gettext("Resposta do %(provider)s: «%(answer)s»", provider=label, answer=answer)
    if attempt.outcome == "unknown":
        return gettext("Sem resposta ao fim de %(seconds)s segundos.", seconds=seconds)
    return message_for(attempt.code, attempt.detail, label).cause if attempt.code else ""


def _followup_event(followup: FollowUp) -> TimelineEvent:
    done_texts = {
        "attach": gettext("Documento junto à encomenda, no painel da loja."),
        "history": gettext("Linha escrita no histórico da encomenda."),
        "email": gettext("PDF enviado por e-mail ao cliente."),
        "notice": gettext("Avisámos por e-mail."),
        "stock": gettext("Stock acertado no programa de faturação."),
        "draft": gettext("Rascunho em dia."),
        "note": gettext("Nota de encomenda fechada."),
        "spare": gettext("Rascunho apagado no programa anterior."),
        "tidy": gettext("Rascunhos a mais apagados."),
    }
    pending_texts = {
        "attach": gettext("Falta juntar o documento à encomenda."),
        "history": gettext("Falta escrever no histórico da encomenda."),
        "email": gettext("Falta enviar o PDF ao cliente."),
        "notice": gettext("Falta avisar por e-mail."),
        "stock": gettext("Falta acertar o stock no programa de faturação."),
        "draft": gettext("Falta pôr o rascunho em dia."),
        "note": gettext("Falta fechar a nota de encomenda."),
        "spare": gettext("Falta apagar o rascunho no programa anterior."),
        "tidy": gettext("Falta apagar rascunhos a mais."),
    }
    to: Any = followup.detail.get("to")
    if followup.state == DONE:
        return TimelineEvent(
            followup.ended_at or followup.owed_at,
            done_texts.get(followup.kind, gettext("Feito.")),
            str(to or ""),
        )
    small = (
        message_for(followup.reason, {"to": to or "…", **followup.detail}).cause if followup.reason else ""
    )
    if followup.state == DUE:
        if followup.reason:
            small += " " + gettext("Tentamos de novo às %(time)s.", time=clock(followup.not_before))
        return TimelineEvent(
            followup.owed_at, pending_texts.get(followup.kind, gettext("Por fazer.")), small.strip()
        )
    return TimelineEvent(followup.ended_at or followup.owed_at, pending_texts.get(followup.kind, gettext("Por fazer.")),
                 small + " " + gettext("Desistimos."), "st-stop")  # fmt: skip
