"""The options around the document: drafts and notes before the payment, transport beside it, the plan's calls.

Called by `choosing`. Offers what the provider and this account can do and says in words why not the rest; plain values
in, values and sentences about them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, Protocol

from shopapp.web.forms import KINDS, Form, open_series, typed_in
from shopapp.web.tongue import gettext

LOADING = ("street", "postal_code", "city")
LEAVES_AT = "18:00"
_MOST_CALLS = 10_000_000


class Able(Protocol):
    """What a provider says that it is able to do."""

    @property
    def emails(self) -> bool: ...
    @property
    def early_drafts(self) -> bool: ...
    @property
    def notes(self) -> bool: ...
    @property
    def note_drafts(self) -> bool: ...
    @property
    def transport(self) -> bool: ...
    @property
    def metered(self) -> bool: ...


def options_of(can: Able, lists: Mapping[str, Any], provider: str) -> dict[str, str]:
    """The options of this provider, each with why this account can't have it; empty where it can."""
    found: dict[str, str] = {}
    if can.early_drafts:
        usable = any(drafts_in(lists, kind, code) for kind in KINDS for code in open_series(lists, kind))
        found["drafts"] = "" if usable else gettext(
            "Nenhuma das suas séries de faturação permite rascunhos. Permita-os numa, no %(provider)s, e volte aqui.",
            provider=provider,
        )  # fmt: skip
    if can.notes:
        found["notes"] = "" if open_series(lists, "NE") else gettext(
            "A sua conta não tem séries de notas de encomenda: o plano do %(provider)s pode não incluir dossiers"
            " internos.", provider=provider,
        )  # fmt: skip
        if can.note_drafts and not found["notes"]:
            usable = any(drafts_in(lists, "NE", code) for code in open_series(lists, "NE"))
            found["note_drafts"] = "" if usable else gettext("A série não permite rascunhos.")
    if can.transport:
        found["transport"] = ""
        found["guide"] = "" if open_series(lists, "GT") else gettext(
            "A sua conta não tem nenhuma série de guias de transporte aberta.")  # fmt: skip
    if can.metered:
        found["allowance"] = ""
    if can.emails and "no-layout" in lists.get("problems", ()):
        found["email_buyer"] = gettext(
            "O %(provider)s não tem um modelo de impressão para a série: sem ele não há PDF nem e-mail.",
            provider=provider,
        )  # fmt: skip
    return found


def unsuited(lists: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The kinds that the account has and that can't answer a paid order, each with the reason."""
    reasons = {
        "NC": gettext("Corrige uma fatura emitida: emite-se na página dela, ou quando a encomenda é cancelada."),
        "ND": gettext("Só corrige uma fatura para mais. Uma encomenda paga não a pede: emita-a no seu programa."),
        "GT": gettext("Acompanha a mercadoria e não é fatura. Escolha-a mais abaixo, em Transporte."),
        "PF": gettext("Não serve de fatura. Uma encomenda paga exige fatura, por isso não a emitimos."),
    }  # fmt: skip
    return [(kind, reason) for kind, reason in reasons.items() if kind in lists["kinds"]]


def drafts_in(lists: Mapping[str, Any], kind: str, code: str) -> bool:
    """True when that series may hold drafts."""
    return any(one[0] == code and one[1] == kind and len(one) > 4 and one[4] for one in lists["series"])


def add_options(
    form: Form, posted: Mapping[str, str], lists: Mapping[str, Any], can: Mapping[str, str]
) -> None:
    """Nothing; the options as chosen are in the form, and what is wrong with them."""
    values, wrong = form.values, form.wrong
    for name in ("drafts", "notes", "note_drafts", "transport", "guide"):
        values[name] = posted.get(name) == "yes" and can.get(name) == ""
    values["note_drafts"] = values["note_drafts"] and values["notes"]
    kind, series = values["kind"], values["series"]
    if values["drafts"] and series.get(kind) and not drafts_in(lists, kind, series[kind]):
        wrong["drafts"] = gettext(
            "A série que escolheu não permite rascunhos. Escolha outra, ou tire esta marca."
        )
    for name, of in (("notes", "NE"), ("guide", "GT")):
        if values[name] and not series.get(of):
            wrong.setdefault(f"series_{of}", gettext("Escolha a série em que os documentos saem."))
    if values["note_drafts"] and series.get("NE") and not drafts_in(lists, "NE", series["NE"]):
        wrong["note_drafts"] = gettext(
            "A série que escolheu não permite rascunhos. Escolha outra, ou tire esta marca."
        )
    if values.get("email_buyer") and can.get("email_buyer"):
        wrong["email_buyer"] = can["email_buyer"]
    _transport(form, posted, "transport" in can)
    values["allowance"] = typed_in(posted.get("allowance", "")).replace(".", "").replace(" ", "")
    if values["allowance"] and not (
        values["allowance"].isascii()
        and values["allowance"].isdigit()
        and int(values["allowance"]) <= _MOST_CALLS
    ):
        wrong["allowance"] = gettext("Escreva um número inteiro, ou deixe vazio.")


def _transport(form: Form, posted: Mapping[str, str], shown: bool) -> None:
    """Nothing; the place of loading and the hour, asked for only where they are printed."""
    values, wrong = form.values, form.wrong
    if not shown:
        return
    values["loading"] = {name: typed_in(posted.get(f"loading_{name}", ""))[:120] for name in LOADING}
    values["leaves_at"] = typed_in(posted.get("leaves_at", "")) or LEAVES_AT
    if not (values["transport"] or values["guide"]):
        return
    for name in LOADING:
        if not values["loading"][name]:
            wrong[f"loading_{name}"] = gettext("Falta a morada de onde sai a mercadoria.")
    try:
        time.fromisoformat(values["leaves_at"])
    except ValueError:
        wrong["leaves_at"] = gettext("Escreva a hora assim: 18:00.")
