"""The words for codes, states and kinds, in the language that Flask-Babel has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopapp.messages.errors import SENTENCES, WARNINGS
from shopapp.messages.formats import money, percent, quantity, spaced_tax_id
from shopapp.messages.i18n import N_, gettext

_MONEY_FACTS = (
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
_RATE_FACTS = ("rate", "charged", "lawful")
_QUANTITY_FACTS = ("pieces", "pieces_left")


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A failure in the reader's language: cause, remedy, the button's text and the page that it leads to."""

    cause: str
    remedy: str
    button: str
    remedy_page: str


class _Facts(dict[str, str]):
    """The facts of a sentence; an unknown one is shown as an ellipsis, so that it never breaks the page."""

    def __missing__(self, name: str) -> str:
        return "…"


def _facts(detail: Mapping[str, Any], provider: str) -> _Facts:
    found = _Facts(provider=provider or gettext("programa de faturação"))
    for name, value in detail.items():
        if name in _MONEY_FACTS:
            found[name] = money(value) or str(value)
        elif name in _RATE_FACTS:
            found[name] = percent(value) or str(value)
        elif name in _QUANTITY_FACTS:
            found[name] = quantity(value)
        else:
            found[name] = spaced_tax_id(str(value)) if name == "nif" else str(value)
    return found


def message_for(code: str, detail: Mapping[str, Any] | None = None, provider: str = "") -> StatusMessage:
    """Return the words for a code; an unknown code is shown as an internal failure."""
    detail = detail or {}
    if code == "keys-refused" and f"keys-{detail.get('kind')}" in SENTENCES:
        code = f"keys-{detail['kind']}"
    if code == "outcome-unknown" and (how := detail.get("how", "timeout")) != "timeout":
        code = "outcome-cut" if how == "cut" else "outcome-unreadable"
    found = SENTENCES.get(code, SENTENCES["internal"])
    facts = _facts(detail, provider)

    def fill(text: str) -> str:
        return gettext(text) % facts if text else ""

    return StatusMessage(fill(found.cause), fill(found.remedy), fill(found.button), found.remedy_page)


def warning_text(code: str) -> str:
    """Return the sentence for a warning on a draft; empty when the code has none."""
    text = WARNINGS.get(code, "")
    return gettext(text) if text else ""


# by state: CSS class and word
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
_PROVIDER_STATES = {
    "paid": N_("pago"),
    "annulled": N_("anulado"),
    "open": N_("por pagar"),
    "draft": N_("rascunho"),
}
_REGIONS = {"PT": N_("Continente"), "PT-MA": N_("Madeira"), "PT-AC": N_("Açores")}


def state_label(name: str) -> tuple[str, str]:
    """Return CSS class and word of a document's state."""
    state_class, label = _STATES[name]
    return state_class, gettext(label)


def kind_name(code: str) -> str:
    """Return the name of the kind, such as `fatura-recibo`; `documento` while the kind is not known."""
    return gettext(_KINDS[code][0]) if code in _KINDS else gettext("documento")


def kind_title(code: str) -> str:
    """Return the name of the kind with a capital, such as `Fatura-recibo`; `Documento` while it is not known."""
    return gettext(_KINDS[code][1]) if code in _KINDS else gettext("Documento")


def kind_plural(code: str) -> str:
    """Return the plural of the kind, such as `faturas-recibo`."""
    return gettext(_PLURALS.get(code, N_("documentos")))


def provider_state(code: str) -> str:
    """Return our words for the provider's own state of a document; an unknown state unchanged."""
    return gettext(_PROVIDER_STATES[code]) if code in _PROVIDER_STATES else code


def region_name(code: str) -> str:
    """Return the name of the region, such as `Continente`."""
    return gettext(_REGIONS.get(code, code))


def translated(text: str) -> str:
    """Return a provider's label or help, which is a message id, in the reader's language."""
    return gettext(text) if text else ""
