"""Forms drawn from what a provider declares: which keys it asks for, and what a merchant may choose from its lists.

Called by `setup` and `choosing`. Knows no provider and no row: plain values in, values and sentences about them out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from shopapp.messages.i18n import gettext

INVOICE_KINDS = ("FR", "FT", "FS")
REGIONS = ("PT", "PT-MA", "PT-AC")
REGIMES = ("normal", "art53_exempt")
FLAGS = (
    "oss_registered", "threshold_exceeded", "retailer", "moves_stock", "email_buyer", "alert", "credit_cancelled",
)  # fmt: skip
CATEGORIES = ("normal", "intermediate", "reduced")
MAX_EXCEPTIONS = 500
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_MAX_LENGTH, _MAX_KEY_LENGTH = 300, 4000


class CredentialFieldSpec(Protocol):
    """What a provider says of one value that its keys form asks for."""

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
    def optional(self) -> bool: ...


@dataclass(slots=True)
class Form:
    """What was typed, and what is wrong with it by field."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def clean_text(raw: str, max_length: int = _MAX_LENGTH) -> str:
    """What a person meant to type: no blanks around it, no control characters, of bounded length."""
    return "".join(c for c in raw if c.isprintable()).strip()[:max_length]


def parse_row_id(text: str) -> int:
    """The number of a row as an address carries it; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def keys_form(
    fields: Sequence[CredentialFieldSpec], posted: Mapping[str, str], kept: Mapping[str, str]
) -> Form:
    """The credentials as typed; a secret left blank keeps the one that is kept."""
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


def _format_error(one: CredentialFieldSpec) -> str:
    hexadecimal = re.fullmatch(r"\[0-9a-fA-F\]\{(\d+)\}", one.pattern)
    if hexadecimal:
        return gettext(
            "São %(count)s letras e algarismos; copie o valor inteiro.", count=hexadecimal.group(1)
        )
    exact = re.fullmatch(r"\[0-9\]\{(\d+)\}", one.pattern)
    if exact:
        return gettext("São %(count)s algarismos.", count=exact.group(1))
    return gettext("Só algarismos.") if one.digits else gettext("Este valor não tem a forma esperada.")


def parse_email(text: str) -> str:
    """The address when it looks like one, else nothing."""
    plain = clean_text(text)
    return plain if len(plain) <= 200 and _EMAIL.fullmatch(plain) else ""


def parse_euros(text: str) -> Decimal | None:
    """An amount as people write it (`89,35`, `1.234,50 €`, `89.35`); None when it is none."""
    plain = re.sub(r"[\s\u00a0€]|EUR", "", text)
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= 10**9:
        return None
    cents = found.quantize(Decimal("0.01"))
    return cents if cents == found else None


def settings_form(
    posted: Mapping[str, str], lists: Mapping[str, Any], former: Mapping[str, Any], today: date
) -> Form:
    """The settings as chosen, held against the provider's lists; `former` are the settings kept until now."""
    form = Form()
    values, errors = form.values, form.errors
    values["kind"] = _check_choice(
        posted.get("kind", ""), [k for k in INVOICE_KINDS if k in lists["kinds"]], "kind", errors
    )
    values["series"] = _parse_series(posted, lists, values["kind"], errors)
    values["exemption"] = posted.get("exemption", "")
    if values["exemption"] not in ["", *(code for code, *_ in lists["exemptions"])]:
        errors["exemption"] = gettext("Escolha um motivo da lista.")
    values["warehouse"] = posted.get("warehouse", "")
    if lists["warehouses"]:
        _check_choice(values["warehouse"], [code for code, *_ in lists["warehouses"]], "warehouse", errors)
    else:
        values["warehouse"] = ""
    values["ship_from"] = _check_choice(posted.get("ship_from", ""), REGIONS, "ship_from", errors)
    values["regime"] = _check_choice(posted.get("regime", ""), REGIMES, "regime", errors)
    values["gift_cards"] = _check_choice(
        posted.get("gift_cards", ""), ("", "multi-purpose"), "gift_cards", errors
    )
    values["automatic"] = posted.get("automatic", "yes") == "yes"
    for flag in FLAGS:
        values[flag] = posted.get(flag) == "yes"
    values["alert_email"] = clean_text(posted.get("alert_email", ""))
    if values["alert"] and not parse_email(values["alert_email"]):
        errors["alert_email"] = gettext("Escreva o endereço para onde avisamos.")
    values["starts_on"] = _parse_start_date(
        posted.get("starts_on", ""), former.get("starts_on", ""), today, errors
    )
    kept = set(posted.getlist("follow_law")) if hasattr(posted, "getlist") else set()
    values["on_tax_difference"] = {k: v for k, v in former.get("on_tax_difference", {}).items() if k in kept}
    values["exceptions"] = _parse_exceptions(posted, lists, former.get("exceptions", {}), errors)
    return form


def _parse_exceptions(
    posted: Mapping[str, str], lists: Mapping[str, Any], former: Mapping[str, str], errors: dict[str, str]
) -> dict[str, str]:
    """Per SKU an exemption code or a VAT category, row by row; a row whose SKU was emptied is gone."""
    allowed = {*CATEGORIES, *(code for code, *_ in lists["exemptions"]), *former.values()}
    found: dict[str, str] = {}
    for row in range(1, MAX_EXCEPTIONS + 1):
        sku, chosen = clean_text(posted.get(f"sku_{row}", ""))[:120], posted.get(f"treatment_{row}", "")
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
    posted: Mapping[str, str], lists: Mapping[str, Any], chosen: str, errors: dict[str, str]
) -> dict[str, str]:
    """The series per kind: those of the lists, or as typed where the provider lists none."""
    found: dict[str, str] = {}
    for kind in lists["kinds"]:
        name = f"series_{kind}"
        value = clean_text(posted.get(name, ""))[:40]
        allowed = open_series(lists, kind)
        if value and (not lists["series"] or value in allowed):
            found[kind] = value
        elif value:
            errors[name] = gettext("Esta série não está aberta para este tipo de documento.")
        elif kind == chosen:
            errors[name] = gettext("Escolha a série em que os documentos saem.")
    return found


def open_series(lists: Mapping[str, Any], kind: str) -> list[str]:
    """The open series that number this kind."""
    return [code for code, of, is_open, *_ in lists["series"] if of == kind and is_open]


def series_choices(lists: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """The open series of this kind, each with what the account calls it."""
    named = {code: rest[0] for code, of, _, *rest in lists["series"] if of == kind and rest and rest[0]}
    return [(code, f"{code}: {named[code]}" if code in named else code) for code in open_series(lists, kind)]


def _parse_start_date(text: str, former: str, today: date, errors: dict[str, str]) -> str:
    """The start date as ISO; today or later, or the one that is kept already."""
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
