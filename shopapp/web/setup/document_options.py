"""The document options of the settings form: drafts, order notes, transport, e-mail and the plan's calls.

An option that the provider has but this account cannot use is shown with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from shopapp.documents.prepare import DEFAULT_DEPARTURE_TIME
from shopapp.fiscal.document import INVOICE_KINDS
from shopapp.messages.i18n import gettext
from shopapp.models.provider_lists import ProviderLists
from shopapp.providers.base import Provider, SupportsEmail
from shopapp.web.form_fields import clean_text
from shopapp.web.setup.forms import Form, merge_forms, open_series

LOADING_FIELDS = ("street", "postal_code", "city")
_MAX_CALLS = 10_000_000


def document_options_for(adapter: type[Provider], lists: ProviderLists) -> dict[str, str]:
    """Return the provider's options, each with the reason why this account can't have it, or empty."""
    capabilities, provider = adapter.capabilities, adapter.label
    found: dict[str, str] = {}
    if capabilities.drafts_before_payment:
        usable = any(
            allows_drafts(lists, kind, code) for kind in INVOICE_KINDS for code in open_series(lists, kind)
        )
        found["drafts"] = "" if usable else gettext(
            "Nenhuma das suas séries de faturação permite rascunhos. Permita-os numa, no %(provider)s, e volte aqui.",
            provider=provider,
        )  # fmt: skip
    if capabilities.order_notes:
        found["notes"] = "" if open_series(lists, "NE") else gettext(
            "A sua conta não tem séries de notas de encomenda: o plano do %(provider)s pode não incluir dossiers"
            " internos.", provider=provider,
        )  # fmt: skip
        if capabilities.order_note_drafts and not found["notes"]:
            usable = any(allows_drafts(lists, "NE", code) for code in open_series(lists, "NE"))
            found["note_drafts"] = "" if usable else gettext("A série não permite rascunhos.")
    if capabilities.transport:
        found["transport"] = ""
        found["guide"] = "" if open_series(lists, "GT") else gettext(
            "A sua conta não tem nenhuma série de guias de transporte aberta.")  # fmt: skip
    if capabilities.metered:
        found["allowance"] = ""
    if issubclass(adapter, SupportsEmail) and "no-layout" in lists.problems:
        found["email_buyer"] = gettext(
            "O %(provider)s não tem um modelo de impressão para a série: sem ele não há PDF nem e-mail.",
            provider=provider,
        )  # fmt: skip
    return found


def unusable_kinds(lists: ProviderLists) -> list[tuple[str, str]]:
    """Return the account's kinds that can't be issued for a paid order, each with the reason."""
    reasons = {
        "NC": gettext("Corrige uma fatura emitida: emite-se na página dela, ou quando a encomenda é cancelada."),
        "ND": gettext("Só corrige uma fatura para mais. Uma encomenda paga não a pede: emita-a no seu programa."),
        "GT": gettext("Acompanha a mercadoria e não é fatura. Escolha-a mais abaixo, em Transporte."),
        "PF": gettext("Não serve de fatura. Uma encomenda paga exige fatura, por isso não a emitimos."),
    }  # fmt: skip
    return [(kind, reason) for kind, reason in reasons.items() if kind in lists.kinds]


def allows_drafts(lists: ProviderLists, kind: str, code: str) -> bool:
    """Return whether that series may hold drafts."""
    series = lists.find_series(kind, code)
    return series is not None and series.drafts


def parse_document_options(
    posted: Mapping[str, str],
    lists: ProviderLists,
    options: Mapping[str, str],
    kind: str,
    series: Mapping[str, str],
) -> Form:
    """Return the chosen options; `kind` and `series` are those chosen on the same form."""
    switches = _parse_switches(posted, lists, options, kind, series)
    is_printed = switches.values["transport"] or switches.values["guide"]
    transport = _parse_transport(posted, is_printed) if "transport" in options else Form()
    return merge_forms(switches, transport, _parse_allowance(posted))


def _parse_switches(
    posted: Mapping[str, str],
    lists: ProviderLists,
    options: Mapping[str, str],
    kind: str,
    series: Mapping[str, str],
) -> Form:
    form = Form()
    values, errors = form.values, form.errors
    for name in ("drafts", "notes", "note_drafts", "transport", "guide"):
        values[name] = posted.get(name) == "yes" and options.get(name) == ""
    values["note_drafts"] = values["note_drafts"] and values["notes"]
    if values["drafts"] and series.get(kind) and not allows_drafts(lists, kind, series[kind]):
        errors["drafts"] = gettext(
            "A série que escolheu não permite rascunhos. Escolha outra, ou tire esta marca."
        )
    for name, numbered_kind in (("notes", "NE"), ("guide", "GT")):
        if values[name] and not series.get(numbered_kind):
            errors[f"series_{numbered_kind}"] = gettext("Escolha a série em que os documentos saem.")
    if values["note_drafts"] and series.get("NE") and not allows_drafts(lists, "NE", series["NE"]):
        errors["note_drafts"] = gettext(
            "A série que escolheu não permite rascunhos. Escolha outra, ou tire esta marca."
        )
    values["email_buyer"] = posted.get("email_buyer") == "yes"
    if values["email_buyer"] and options.get("email_buyer"):
        errors["email_buyer"] = options["email_buyer"]
    return form


def _parse_transport(posted: Mapping[str, str], is_printed: bool) -> Form:
    """Return the place of loading and the hour; they are required only when a document prints them."""
    loading = {name: clean_text(posted.get(f"loading_{name}", ""))[:120] for name in LOADING_FIELDS}
    leaves_at = clean_text(posted.get("leaves_at", "")) or DEFAULT_DEPARTURE_TIME
    form = Form({"loading": loading, "leaves_at": leaves_at})
    if not is_printed:
        return form
    for name in LOADING_FIELDS:
        if not loading[name]:
            form.errors[f"loading_{name}"] = gettext("Falta a morada de onde sai a mercadoria.")
    try:
        time.fromisoformat(leaves_at)
    except ValueError:
        form.errors["leaves_at"] = gettext("Escreva a hora assim: 18:00.")
    return form


def _parse_allowance(posted: Mapping[str, str]) -> Form:
    text = clean_text(posted.get("allowance", "")).replace(".", "").replace(" ", "")
    form = Form({"allowance": text})
    if text and not (text.isascii() and text.isdigit() and int(text) <= _MAX_CALLS):
        form.errors["allowance"] = gettext("Escreva um número inteiro, ou deixe vazio.")
    return form
