"""The story of one document: what the shop said, what we did, what the provider answered, what came after, by time.

Called by the document's page. Built from hooks, moves, attempts and follow-ups; words only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopapp import connect
from shopapp.models import Attempt, Document, FollowUp, Hook, Move, listing
from shopapp.models.followup import DONE, DUE
from shopapp.web.formats import clock, money, quantity
from shopapp.web.tongue import gettext, ngettext
from shopapp.web.wording import kind_word, say


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the story; `mark` is a state's class where it decided something."""

    at: datetime
    text: str
    small: str = ""
    mark: str = ""
    strong: bool = False


def story_of(document: Document, label: str) -> list[Event]:
    """The whole story, oldest first."""
    hooks = listing.hooks_of(document)
    events = [
        *_heard(document, hooks),
        *(event for move in document.moves for event in _moved(document, move, label, bool(hooks))),
        *(event for attempt in document.attempts for event in _tried(document, attempt, label)),
        *(_followed(owed) for owed in listing.follow_ups_of(document) if owed.kind != "state"),
    ]
    return sorted(events, key=lambda event: event.at)


def _heard(document: Document, hooks: list[Hook]) -> Iterator[Event]:
    for hook in hooks:
        kind = connect.hook_kind(document.store.platform, hook.event, hook.body or b"")
        if document.cause.startswith("credit:") and kind != "cancelled":
            continue
        text = {
            "paid": gettext("A loja avisou: encomenda #%(order)s paga.", order=document.order_id),
            "cancelled": gettext("A loja avisou: encomenda #%(order)s cancelada.", order=document.order_id),
        }.get(kind, gettext("A loja avisou que a encomenda mudou."))
        small = ""
        if hook.copies > 1:
            small = ngettext(
                "A loja avisou %(num)d vez.",
                "A loja avisou %(num)d vezes; conta como um só aviso.",
                hook.copies,
            )
        yield Event(hook.received_at, text, small)


def _moved(document: Document, move: Move, label: str, heard: bool) -> Iterator[Event]:
    mine = move.by == "merchant"
    if not move.old:
        if document.cause.startswith("credit:"):
            yield Event(move.at, gettext("Ficou pedida a nota de crédito."))
        elif document.cause.startswith("reissue:"):
            yield Event(
                move.at,
                gettext("A nota de crédito saiu: a venda leva um novo documento, com os dados corrigidos."),
            )
        elif document.cause == "dossier":
            yield Event(
                move.at, gettext("A encomenda foi feita e ainda não está paga: leva uma nota de encomenda.")
            )
        elif document.cause == "transport":
            yield Event(move.at, gettext("A fatura saiu: leva uma guia de transporte."))
        elif not heard:
            yield Event(move.at, gettext("Encontrámos a encomenda paga na loja, sem aviso dela."))
        return
    if move.new == "issued" and move.old != "issued":
        yield _issued(document, move, label, mine)
    elif move.reason == "alarm-seen":
        yield Event(move.at, gettext("Marcou o aviso como tratado."))
    elif move.old == move.new == "issued" or move.reason == "duplicate":
        said = say(f"alarm-{move.reason}", move.detail, label)
        yield Event(move.at, said.cause, mark="st-decide", strong=True)
    elif move.new == "blocked":
        said = say(move.reason, move.detail, label)
        yield Event(move.at, gettext("Parámos antes de emitir."), said.cause, "st-stop", True)
    elif move.new == "in_doubt":
        yield Event(move.at, gettext("Ficámos sem resposta."), say(move.reason, move.detail, label).cause,
                    "st-doubt", True)  # fmt: skip
    elif move.new == "review":
        yield Event(move.at, gettext("À espera da sua resposta."), mark="st-decide", strong=True)
    elif move.new == "void":
        yield Event(move.at, say(move.reason, move.detail, label).cause, _other(move), "st-void", True)
    elif move.new == "waiting":
        yield Event(move.at, say(move.reason, move.detail, label).cause, mark="st-wait")
    elif move.new == "pending":
        yield from _again(move, label, mine)


def _other(move: Move) -> str:
    other = str(move.detail.get("other", ""))
    return gettext("Documento que já existe: %(number)s", number=other) if other else ""


def _again(move: Move, label: str, mine: bool) -> Iterator[Event]:
    if move.reason == "absent":
        yield Event(
            move.at, gettext("Disse-nos que o documento não existe. Enviamos o mesmo pedido outra vez.")
        )
    elif mine:
        yield Event(move.at, gettext("Pediu para emitir."))
    elif move.reason:
        said = say(move.reason, move.detail, label)
        yield Event(move.at, said.cause, said.remedy)
    elif move.old == "waiting":
        yield Event(move.at, gettext("A encomenda voltou à fila."))


def _issued(document: Document, move: Move, label: str, mine: bool) -> Event:
    number = str(move.detail.get("number", document.number or ""))
    if mine:
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
    return Event(move.at, text, small.strip(), "st-ok", True)


def _tried(document: Document, attempt: Attempt, label: str) -> Iterator[Event]:
    kind = kind_word(document.kind)
    if attempt.number == 1:
        lines = len(document.draft.lines) if document.draft else 0
        small = ngettext(
            "%(num)d linha, %(total)s.", "%(num)d linhas, %(total)s.", lines, total=money(document.total)
        )
        text = gettext("Lemos a encomenda na loja e preparámos a %(kind)s.", kind=kind)
        if document.cause.startswith("credit:"):
            text = gettext("Preparámos a nota de crédito com as linhas do documento emitido.")
        yield Event(attempt.started_at, text, small if lines else "")
    yield Event(
        attempt.started_at, gettext("Enviámos ao %(provider)s.", provider=label), _outcome(attempt, label)
    )


def _outcome(attempt: Attempt, label: str) -> str:
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
    return say(attempt.code, attempt.detail, label).cause if attempt.code else ""


def _followed(owed: FollowUp) -> Event:
    done = {
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
    owing = {
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
    to: Any = owed.detail.get("to")
    if owed.state == DONE:
        return Event(owed.ended_at or owed.owed_at, done.get(owed.kind, gettext("Feito.")), str(to or ""))
    small = say(owed.reason, {"to": to or "…", **owed.detail}).cause if owed.reason else ""
    if owed.state == DUE:
        if owed.reason:
            small += " " + gettext("Tentamos de novo às %(time)s.", time=clock(owed.not_before))
        return Event(owed.owed_at, owing.get(owed.kind, gettext("Por fazer.")), small.strip())
    return Event(owed.ended_at or owed.owed_at, owing.get(owed.kind, gettext("Por fazer.")),
                 small + " " + gettext("Desistimos."), "st-stop")  # fmt: skip
