"""The credentials form and the fiscal settings form: plain values in, values and error texts out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from werkzeug.datastructures import MultiDict

from shopapp.fiscal.document import INVOICE_KINDS, REGIMES, SHIPPING_TAXES
from shopapp.fiscal.tax_tables import VAT_CATEGORIES, VAT_REGIONS
from shopapp.messages.i18n import gettext
from shopapp.models.provider_lists import ProviderLists
from shopapp.web.form_fields import clean_text, parse_email

FLAGS = ("oss_registered", "threshold_exceeded", "retailer", "alert", "credit_cancelled")
CASH_VAT = "cash"
GIFT_CARD_CHOICES = {
    "gift_cards": ("", "multi-purpose", "single-purpose"),
    "gift_card_use": ("", "multi-purpose", "single-purpose", "given"),
}
MAX_EXCEPTIONS = 500
_MAX_KEY_LENGTH = 4000


class CredentialFieldSpec(Protocol):
    """A provider's declaration of one value of its credentials form."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def secret(self) -> bool: ...
    @property
    def digits(self) -> bool: ...
    @property
    def pattern(self) -> str: ...
    @property
    def length(self) -> int: ...
    @property
    def optional(self) -> bool: ...


@dataclass(slots=True)
class Form:
    """The values of a form, and the errors in them by field."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def merge_forms(*forms: Form) -> Form:
    """Return the values and errors of all forms in one; of two errors for a field the first counts."""
    merged = Form()
    for form in forms:
        merged.values.update(form.values)
        for name, error in form.errors.items():
            merged.errors.setdefault(name, error)
    return merged


def parse_credentials(
    fields: Sequence[CredentialFieldSpec], posted: Mapping[str, str], kept: Mapping[str, str]
) -> Form:
    """Return the credentials as typed; a secret left blank keeps the stored one."""
    form = Form()
    for one in fields:
        value = clean_text(posted.get(one.name, ""), _MAX_KEY_LENGTH)
        if one.digits or (one.pattern and " " not in one.pattern):
            value = re.sub(r"\s", "", value)
        if not value and one.secret:
            value = kept.get(one.name, "")
        form.values[one.name] = value
        if not value and not one.optional:
            form.errors[one.name] = gettext("Falta preencher este campo.")
        elif value and one.pattern and not re.fullmatch(one.pattern, value):
            form.errors[one.name] = _format_error(one)
    return form


def _format_error(field: CredentialFieldSpec) -> str:
    if field.length and field.digits:
        return gettext("São %(count)s algarismos.", count=field.length)
    if field.length:
        return gettext("São %(count)s letras e algarismos; copie o valor inteiro.", count=field.length)
    return gettext("Só algarismos.") if field.digits else gettext("Este valor não tem a forma esperada.")


def parse_fiscal_settings(
    posted: MultiDict[str, str], lists: ProviderLists, former: Mapping[str, Any], today: date
) -> Form:
    """Return the fiscal settings chosen from the provider's lists; `former` are the present ones.

    `exceptions`, `gift_cards` and `gift_card_use` are decisions (`save_decisions`).
    """
    form = Form()
    values, errors = form.values, form.errors
    values["kind"] = _check_choice(
        posted.get("kind", ""), [k for k in INVOICE_KINDS if k in lists.kinds], "kind", errors
    )
    values["series"] = _parse_series(posted, lists, values["kind"], errors)
    values["exemption"] = posted.get("exemption", "")
    if values["exemption"] not in ["", *(code for code, *_ in lists.exemptions)]:
        errors["exemption"] = gettext("Escolha um motivo da lista.")
    values["warehouse"] = posted.get("warehouse", "")
    if lists.warehouses:
        _check_choice(values["warehouse"], [code for code, *_ in lists.warehouses], "warehouse", errors)
    else:
        values["warehouse"] = ""
    values["ship_from"] = _check_choice(posted.get("ship_from", ""), VAT_REGIONS, "ship_from", errors)
    values["regime"] = _parse_regime(posted.get("regime", ""), errors)
    values["shipping_tax"] = _check_choice(
        posted.get("shipping_tax", "follow-goods"), SHIPPING_TAXES, "shipping_tax", errors
    )
    for name, allowed in GIFT_CARD_CHOICES.items():
        values[name] = _check_choice(posted.get(name, ""), allowed, name, errors)
    values["automatic"] = posted.get("automatic", "yes") == "yes"
    for flag in FLAGS:
        values[flag] = posted.get(flag) == "yes"
    values["alert_email"] = clean_text(posted.get("alert_email", ""))
    if values["alert"] and not parse_email(values["alert_email"]):
        errors["alert_email"] = gettext("Escreva o endereço para onde avisamos.")
    values["starts_on"] = _parse_start_date(
        posted.get("starts_on", ""), former.get("starts_on", ""), today, errors
    )
    values["exceptions"] = _parse_exceptions(posted, lists, former.get("exceptions", {}), errors)
    return form


def _parse_regime(value: str, errors: dict[str, str]) -> str:
    """Return the VAT regime; cash VAT is refused, as no provider makes its documents (DL 71/2013 art. 6)."""
    if value == CASH_VAT:
        errors["regime"] = gettext(
            "No IVA de caixa as faturas têm série própria e a menção «IVA - regime de caixa», e cada pagamento leva"
            " recibo. Daqui isso não se faz: continue a faturar no seu programa, e não deixe esta aplicação emitir."
        )
        return value
    return _check_choice(value, REGIMES, "regime", errors)


def _parse_exceptions(
    posted: Mapping[str, str], lists: ProviderLists, former: Mapping[str, str], errors: dict[str, str]
) -> dict[str, str]:
    """Return an exemption code or a VAT category by SKU; a row whose SKU was emptied is removed."""
    allowed = {*VAT_CATEGORIES, *(code for code, *_ in lists.exemptions), *former.values()}
    found: dict[str, str] = {}
    for row in range(1, MAX_EXCEPTIONS + 1):
        sku, chosen = clean_text(posted.get(f"sku_{row}", "")), posted.get(f"treatment_{row}", "")
        if not sku:
            continue
        if sku in found:
            errors[f"sku_{row}"] = gettext("Este SKU está em duas linhas.")
        elif chosen not in allowed:
            errors[f"sku_{row}"] = gettext("Escolha como tratar o SKU %(sku)s.", sku=sku)
            chosen = ""
        found.setdefault(sku, chosen)
    return found


def _check_choice(value: str, allowed: Sequence[str], name: str, errors: dict[str, str]) -> str:
    if value not in allowed:
        errors[name] = gettext("Escolha uma das opções.")
    return value


def _parse_series(
    posted: Mapping[str, str], lists: ProviderLists, chosen: str, errors: dict[str, str]
) -> dict[str, str]:
    """Return the series by kind: from the lists, or as typed when the provider lists none."""
    found: dict[str, str] = {}
    for kind in lists.kinds:
        name = f"series_{kind}"
        value = clean_text(posted.get(name, ""))[:40]
        allowed = open_series(lists, kind)
        if value and (not lists.series or value in allowed):
            found[kind] = value
        elif value:
            errors[name] = gettext("Esta série não está aberta para este tipo de documento.")
        elif kind == chosen:
            errors[name] = gettext("Escolha a série em que os documentos saem.")
    return found


def open_series(lists: ProviderLists, kind: str) -> list[str]:
    """Return the open series that number this kind."""
    return [one.code for one in lists.series if one.kind == kind and one.open]


def series_choices(lists: ProviderLists, kind: str) -> list[tuple[str, str]]:
    """Return the open series of this kind as (code, label)."""
    series = [one for one in lists.series if one.kind == kind and one.open]
    return [(one.code, f"{one.code}: {one.label}" if one.label else one.code) for one in series]


def _parse_start_date(text: str, former: str, today: date, errors: dict[str, str]) -> str:
    """Return the start date as ISO text; it must be today or later, or the stored one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors["starts_on"] = gettext("Escolha uma data.")
        return former
    if day < today and text != former:
        errors["starts_on"] = gettext(
            "A data já passou. Escolha hoje ou depois; as encomendas anteriores emitem-se uma a uma."
        )
    return text
