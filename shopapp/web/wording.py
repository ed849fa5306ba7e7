"""The words for what happened: one sentence and one remedy for each code, states, kinds, the provider's name.

Called by pages and mails, in a language that Flask-Babel has chosen. Never decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopapp.web.formats import grouped, money, percent
from shopapp.web.sentences import ALL, WARNINGS
from shopapp.web.tongue import gettext

N_ = str
_MONEY = (
    "ours",
    "theirs",
    "paid",
    "lines",
    "asked",
    "left",
    "discount",
    "total",
    "amount",
    "vat",
    "vat_charged",
)
_RATES = ("rate", "charged", "lawful")


@dataclass(frozen=True, slots=True)
class Said:
    """A failure in the reader's language: cause, remedy, the button's name, and the name of the page it leads to."""

    cause: str
    remedy: str
    button: str
    where: str


class _Facts(dict[str, str]):
    """The facts of a sentence; one that is not known is an ellipsis, never a failure of the page."""

    def __missing__(self, name: str) -> str:
        return "…"


def _facts(detail: Mapping[str, Any], provider: str) -> _Facts:
    found = _Facts(provider=provider or gettext("programa de faturação"))
    for name, value in detail.items():
        if name in _MONEY:
            found[name] = money(value) or str(value)
        elif name in _RATES:
            found[name] = percent(value) or str(value)
        else:
            found[name] = grouped(str(value)) if name == "nif" else str(value)
    return found


def say(code: str, detail: Mapping[str, Any] | None = None, provider: str = "") -> Said:
    """The words for a code; an unknown one is our fault and says so."""
    detail = detail or {}
    if code == "keys-refused" and f"keys-{detail.get('kind')}" in ALL:
        code = f"keys-{detail['kind']}"
    found = ALL.get(code, ALL["internal"])
    facts = _facts(detail, provider)

    def worded(text: str) -> str:
        return gettext(text) % facts if text else ""

    return Said(worded(found.cause), worded(found.remedy), worded(found.button), found.where)


def warned(code: str) -> str:
    """The sentence for something the merchant should know; empty for a code without one."""
    text = WARNINGS.get(code, "")
    return gettext(text) if text else ""


# state: the mark's class and its word
_STATES = {
    "waiting": ("st-wait", N_("À espera")),
    "pending": ("st-wait", N_("Por emitir")),
    "issuing": ("st-busy", N_("A emitir")),
    "issued": ("st-ok", N_("Emitido")),
    "in_doubt": ("st-doubt", N_("A confirmar")),
    "review": ("st-decide", N_("Por decidir")),
    "blocked": ("st-stop", N_("Bloqueado")),
    "void": ("st-void", N_("Sem efeito")),
}
_KINDS = {
    "FT": (N_("fatura"), N_("Fatura")),
    "FR": (N_("fatura-recibo"), N_("Fatura-recibo")),
    "FS": (N_("fatura simplificada"), N_("Fatura simplificada")),
    "NC": (N_("nota de crédito"), N_("Nota de crédito")),
    "ND": (N_("nota de débito"), N_("Nota de débito")),
    "GT": (N_("guia de transporte"), N_("Guia de transporte")),
    "PF": (N_("fatura pró-forma"), N_("Fatura pró-forma")),
    "NE": (N_("nota de encomenda"), N_("Nota de encomenda")),
}
_PLURALS = {
    "FT": N_("faturas"), "FR": N_("faturas-recibo"), "FS": N_("faturas simplificadas"), "NC": N_("notas de crédito"),
    "NE": N_("notas de encomenda"), "GT": N_("guias de transporte"),
}  # fmt: skip
_AT_PROVIDER = {
    "paid": N_("pago"),
    "annulled": N_("anulado"),
    "open": N_("por pagar"),
    "draft": N_("rascunho"),
}
_REGIONS = {"PT": N_("Continente"), "PT-MA": N_("Madeira"), "PT-AC": N_("Açores")}


def state_words(name: str) -> tuple[str, str]:
    """(class, word) of a document's state."""
    mark, word = _STATES[name]
    return mark, gettext(word)


def kind_word(code: str) -> str:
    """`fatura-recibo`; a plain `documento` while the kind is not known."""
    return gettext(_KINDS[code][0]) if code in _KINDS else gettext("documento")


def kind_title(code: str) -> str:
    """The same at the beginning of a sentence."""
    return gettext(_KINDS[code][1]) if code in _KINDS else gettext("Documento")


def kinds_word(code: str) -> str:
    """`faturas-recibo`."""
    return gettext(_PLURALS.get(code, N_("documentos")))


def provider_state(code: str) -> str:
    """What the program says of a document, in our words where we know its own."""
    return gettext(_AT_PROVIDER[code]) if code in _AT_PROVIDER else code


def region_name(code: str) -> str:
    """`Continente`."""
    return gettext(_REGIONS.get(code, code))


def declared(text: str) -> str:
    """A label or help that a provider declares; it is a Portuguese message id of ours."""
    return gettext(text) if text else ""
