"""The timeline of one document: webhooks, transitions, attempts and follow-ups as texts, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopapp.connections.subscriptions import webhook_kind
from shopapp.messages.formats import amount, clock, money, quantity
from shopapp.messages.i18n import N_, gettext, ngettext
from shopapp.messages.wording import kind_name, message_for, state_label
from shopapp.models import Attempt, Document, FollowUp, Transition, Webhook
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, PENDING, REVIEW, VOID, WAITING
from shopapp.models.followup import DONE, DUE
from shopapp.models.queries import documents

# why a document was created, by the first word of its cause; the sale itself is the webhook's event
_CREATED_TEXTS = {
    "credit": N_("Ficou pedida a nota de crédito."),
    "reissue": N_("A nota de crédito saiu: a venda leva um novo documento, com os dados corrigidos."),
    "dossier": N_("A encomenda foi feita e ainda não está paga: leva uma nota de encomenda."),
    "transport": N_("A fatura saiu: leva uma guia de transporte."),
}
# what ended an alarm of an issued document
_ENDED_ALARM_TEXTS = {
    "still-valid": N_("A encomenda voltou a ser paga: o documento vale para este pagamento."),
    "restored": N_("A encomenda voltou a estar como foi faturada."),
    "alarm-seen": N_("Marcou o aviso como tratado."),
    "sent-by-hand": N_("Disse-nos que enviou o documento ao cliente."),
    "figures-accepted": N_("Disse-nos que os valores estão certos: a faturação continua."),
    "figures-again": N_("Disse-nos que mudou as definições: o próximo documento sai sozinho, para conferir."),
}
_UNDONE = {
    "link-undone": N_("Disse-nos que a ligação ao número %(number)s estava errada: desfizemo-la."),
    "number-of-other": N_(
        "O %(provider)s disse que o número %(number)s é o da encomenda #%(order)s: desfizemos a ligação."
    ),
}
# by kind of follow-up: the text once it is done, and the text before that
_FOLLOWUP_TEXTS = {
    "attach": (
        N_("Documento junto à encomenda, no painel da loja."), N_("Falta juntar o documento à encomenda.")),
    "history": (
        N_("Linha escrita no histórico da encomenda."), N_("Falta escrever no histórico da encomenda.")),
    "at-code": (
        N_("Código AT do transporte escrito na encomenda."), N_("Falta escrever o código AT na encomenda.")),
    "email": (N_("PDF enviado por e-mail ao cliente."), N_("Falta enviar o PDF ao cliente.")),
    "notice": (N_("Avisámos por e-mail."), N_("Falta avisar por e-mail.")),
    "stock": (
        N_("Stock acertado no programa de faturação."), N_("Falta acertar o stock no programa de faturação.")),
    "return": (N_("Artigos devolvidos repostos em stock."), N_("Falta repor em stock os artigos devolvidos.")),
    "draft": (N_("Rascunho em dia."), N_("Falta pôr o rascunho em dia.")),
    "note": (N_("Nota de encomenda fechada."), N_("Falta fechar a nota de encomenda.")),
    "spare": (
        N_("Rascunho apagado no programa anterior."), N_("Falta apagar o rascunho no programa anterior.")),
    "tidy": (N_("Rascunhos a mais apagados."), N_("Falta apagar rascunhos a mais.")),
}  # fmt: skip
_SILENT_FOLLOWUPS = ("state", "order")
"""The follow-ups that only read; what they find is told by a transition."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One line of the timeline; `state_class` marks the events that decided something."""

    at: datetime
    text: str
    detail: str = ""
    state_class: str = ""
    important: bool = False


def build_timeline(document: Document, label: str) -> list[TimelineEvent]:
    """Return everything that happened to the document, oldest first; `label` is the provider's name."""
    webhooks = documents.webhooks_of(document)
    transition_events = [
        _transition_event(document, transition, label, bool(webhooks)) for transition in document.transitions
    ]
    events = [
        *_webhook_events(document, webhooks),
        *(event for event in transition_events if event is not None),
        *(event for attempt in document.attempts for event in _attempt_events(document, attempt, label)),
        *(_followup_event(one) for one in documents.follow_ups_of(document) if _is_shown(one)),
        *(_credit_event(note) for note in documents.credit_notes_of(document) if note.issued_at is not None),
    ]
    return sorted(events, key=lambda event: event.at)


def _credit_event(note: Document) -> TimelineEvent:
    text = gettext("Saiu a nota de crédito %(number)s.", number=note.number)
    return TimelineEvent(note.issued_at or note.created_at, text, money(note.total), state_label(ISSUED)[0])


def _webhook_events(document: Document, webhooks: list[Webhook]) -> Iterator[TimelineEvent]:
    for webhook in webhooks:
        kind = webhook_kind(document.store.platform, webhook.event, webhook.body or b"")
        if document.is_credit_note and kind != "cancelled":
            continue
        text = {
            "paid": gettext("A loja avisou: encomenda #%(order)s paga.", order=document.order_id),
            "cancelled": gettext("A loja avisou: encomenda #%(order)s cancelada.", order=document.order_id),
            "requested": gettext(
                "A loja avisou: pediu lá a fatura da encomenda #%(order)s.", order=document.order_id
            ),
        }.get(kind, gettext("A loja avisou que a encomenda mudou."))
        detail = ""
        if webhook.copies > 1:
            detail = ngettext(
                "A loja avisou %(num)d vez.",
                "A loja avisou %(num)d vezes; conta como um só aviso.",
                webhook.copies,
            )
        yield TimelineEvent(webhook.received_at, text, detail)


def _transition_event(
    document: Document, transition: Transition, label: str, has_webhook: bool
) -> TimelineEvent | None:
    old, new = transition.old, transition.new
    if not old:
        return _created_event(document, transition, has_webhook)
    if new == ISSUED and old != ISSUED:
        return _issued_event(document, transition, label)
    if transition.reason in _UNDONE:
        text = gettext(_UNDONE[transition.reason], provider=label, **transition.detail)
        return TimelineEvent(transition.at, text, "", state_label(REVIEW)[0], True)
    if transition.reason in _ENDED_ALARM_TEXTS:
        return TimelineEvent(transition.at, gettext(_ENDED_ALARM_TEXTS[transition.reason]))
    if old == new == ISSUED or transition.reason in ("duplicate", "number-held"):
        alarm = message_for(f"alarm-{transition.reason}", transition.detail, label)
        return TimelineEvent(transition.at, alarm.cause, "", state_label(REVIEW)[0], True)
    if new == PENDING:
        return _requeued_event(transition, label)
    return _stopped_event(transition, label)


def _created_event(document: Document, transition: Transition, has_webhook: bool) -> TimelineEvent | None:
    cause = document.cause.partition(":")[0]
    if cause in _CREATED_TEXTS:
        return TimelineEvent(transition.at, gettext(_CREATED_TEXTS[cause]))
    if has_webhook:
        return None
    return TimelineEvent(transition.at, gettext("Encontrámos a encomenda paga na loja, sem aviso dela."))


def _stopped_event(transition: Transition, label: str) -> TimelineEvent | None:
    """Return the event of a document that stopped; None when there is nothing to say."""
    cause = message_for(transition.reason, transition.detail, label).cause if transition.reason else ""
    text, detail = {
        BLOCKED: (_blocked_text(transition, label), cause),
        IN_DOUBT: (gettext("Ficámos sem resposta."), cause),
        REVIEW: (gettext("À espera da sua resposta."), ""),
        VOID: (cause, _other_document(transition)),
        WAITING: (cause, ""),
    }.get(transition.new, ("", ""))
    if not text:
        return None
    state_class, _ = state_label(transition.new)
    return TimelineEvent(transition.at, text, detail, state_class, transition.new != WAITING)


def _blocked_text(transition: Transition, label: str) -> str:
    """Return where a document was stopped: before anything was sent, or by the provider's answer."""
    if transition.old == ISSUING:
        return gettext("O %(provider)s não o emitiu.", provider=label)
    return gettext("Parámos antes de emitir.")


def _other_document(transition: Transition) -> str:
    other = str(transition.detail.get("other", ""))
    return gettext("Documento que já existe: %(number)s", number=other) if other else ""


def _requeued_event(transition: Transition, label: str) -> TimelineEvent | None:
    if transition.reason == "absent":
        text = gettext("Disse-nos que o documento não existe.")
        return TimelineEvent(transition.at, text)
    if transition.by == "merchant" and not transition.reason:
        return TimelineEvent(transition.at, gettext("Pediu para emitir."))
    if transition.reason:
        message = message_for(transition.reason, transition.detail, label)
        return TimelineEvent(transition.at, message.cause, message.remedy)
    if transition.old == WAITING:
        return TimelineEvent(transition.at, gettext("A encomenda voltou à fila."))
    return None


def _issued_event(document: Document, transition: Transition, label: str) -> TimelineEvent:
    number = str(transition.detail.get("number", document.number or ""))
    if transition.by == "merchant":
        text = gettext("Disse-nos que existe, com o número %(number)s.", number=number)
    else:
        text = gettext("O %(provider)s emitiu a %(number)s.", provider=label, number=number)
    total, detail = amount(transition.detail.get("total") or None), ""
    if total is not None and transition.by == "merchant":
        detail = gettext("Total que escreveu: %(total)s.", total=money(total))
    elif total is not None and total == document.total:
        detail = gettext("Total devolvido: %(total)s, igual ao enviado.", total=money(total))
    elif total is not None:
        detail = gettext("Total devolvido: %(theirs)s; enviado: %(ours)s.",
                         theirs=money(total), ours=money(document.total))  # fmt: skip
    if atcud := str(transition.detail.get("atcud", document.atcud)):
        detail += " " + gettext("ATCUD %(atcud)s.", atcud=atcud)
    return TimelineEvent(transition.at, text, detail.strip(), state_label(ISSUED)[0], True)


def _attempt_events(document: Document, attempt: Attempt, label: str) -> Iterator[TimelineEvent]:
    kind = kind_name(document.kind)
    if attempt.number == 1:
        lines = len(document.draft.lines) if document.draft else 0
        detail = ngettext(
            "%(num)d linha, %(total)s.", "%(num)d linhas, %(total)s.", lines, total=money(document.total)
        )
        text = gettext("Lemos a encomenda na loja e preparámos a %(kind)s.", kind=kind)
        if document.is_credit_note:
            text = gettext("Preparámos a nota de crédito com as linhas do documento emitido.")
        yield TimelineEvent(attempt.started_at, text, detail if lines else "")
    yield TimelineEvent(
        attempt.started_at,
        gettext("Enviámos ao %(provider)s.", provider=label),
        _attempt_outcome(attempt, label),
    )


def _attempt_outcome(attempt: Attempt, label: str) -> str:
    if attempt.ended_at is None:
        return ""
    waited = (attempt.ended_at - attempt.started_at).total_seconds()
    seconds = quantity(f"{waited:.1f}")
    answer = str(attempt.detail.get("answer", ""))[:500]
    if attempt.outcome == "issued":
        return gettext("Respondeu em %(seconds)s segundos.", seconds=seconds) if waited >= 0.1 else ""
    if answer:
        return gettext("Resposta do %(provider)s: «%(answer)s»", provider=label, answer=answer)
    if attempt.outcome == "unknown" and attempt.code == "outcome-unknown":
        return _unknown_outcome(attempt)
    return message_for(attempt.code, attempt.detail, label).cause if attempt.code else ""


def _unknown_outcome(attempt: Attempt) -> str:
    """Return how the answer was lost; only a call that was waited for has a duration."""
    how, waited = attempt.detail.get("how", ""), amount(attempt.detail.get("seconds", ""))
    if how == "cut":
        return gettext("A ligação caiu antes da resposta.")
    if how and how != "timeout":
        return gettext("A resposta não se percebe.")
    if how == "timeout" and waited:
        return gettext("Sem resposta ao fim de %(seconds)s segundos.", seconds=quantity(waited))
    return gettext("Sem resposta.")


def _is_shown(followup: FollowUp) -> bool:
    # one that ended without having anything to do did nothing that a person could look for
    return followup.kind not in _SILENT_FOLLOWUPS and not (followup.state == DONE and followup.reason)


def _returned_pieces(followup: FollowUp) -> str:
    names = {line.ref: line.description for line in followup.document.lines}
    pieces = followup.detail.get("pieces", {})
    return ", ".join(f"{quantity(count)} × {names.get(ref, ref)}" for ref, count in pieces.items())


def _followup_event(followup: FollowUp) -> TimelineEvent:
    done_text, pending_text = map(
        gettext, _FOLLOWUP_TEXTS.get(followup.kind, (N_("Feito."), N_("Por fazer.")))
    )
    to: Any = followup.detail.get("to")
    if to and to != (followup.document.buyer or {}).get("email"):
        done_text, pending_text = (
            gettext("PDF enviado por e-mail."),
            gettext("Falta enviar o PDF por e-mail."),
        )
    if followup.state == DONE:
        return TimelineEvent(
            followup.ended_at or followup.owed_at, done_text, str(to or "") or _returned_pieces(followup)
        )
    detail = ""
    if followup.reason:
        detail = message_for(followup.reason, {"to": to or "…", **followup.detail}).cause
    if followup.state == DUE:
        if followup.reason:
            detail += " " + gettext("Tentamos de novo às %(time)s.", time=clock(followup.not_before))
        return TimelineEvent(followup.owed_at, pending_text, detail.strip())
    detail += " " + gettext("Desistimos.")
    return TimelineEvent(followup.ended_at or followup.owed_at, pending_text, detail, "st-stop")
