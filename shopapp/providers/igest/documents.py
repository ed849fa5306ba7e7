"""iGEST's XML for a document: the draft as elements, and the answer as `Issued`.

Pure. It decides nothing about tax: the draft is sent as it is.

Source: the request of the one public client (see wire_format.py) for tipo_documento, nif_cliente, nome_cliente,
data_documento and the lines' referencia, descricao, quantidade, preco, taxa, codigo_isencao, motivo_isencao.
Unconfirmed: every other element, and that preco is without VAT.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from shopapp.errors import SettingsError
from shopapp.fiscal.document import Customer, DocumentKind, Draft, DraftLine, Issued
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from shopapp.providers.text import iso_country, one_line

from .wire_format import Output, XmlElements

SUPPORTED_KINDS: tuple[DocumentKind, ...] = ("FT", "FR", "FS", "NC")
_MAX_REASON_LENGTH = 50
_NUMBER = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f\x7f-\x9f]{0,58}[^\s\x00-\x1f])?")
_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")


def document_elements(draft: Draft, reference: str) -> XmlElements:
    """Return the element `documento` of this draft, with our reference first in its notes.

    Raises SettingsError `kind-unsupported`, `series-missing` or `original-missing`.
    """
    if draft.kind not in SUPPORTED_KINDS:
        raise SettingsError("kind-unsupported", kind=draft.kind)
    if not draft.series:
        raise SettingsError("series-missing", kind=draft.kind)
    head: XmlElements = (
        ("tipo_documento", draft.kind),
        ("serie", draft.series),
        ("data_documento", draft.date.isoformat()),
        *_customer_elements(draft.customer),
        *_payment_elements(draft),
        (
            "observacoes",
            "\n".join([f"Ref. {reference}", *_payment_notes(draft), *map(one_line, draft.notes)]),
        ),
        ("atualiza_stock", "sim" if draft.moves_stock else "nao"),
        *_original_elements(draft),
    )
    lines: XmlElements = tuple(("linha", _line_elements(line, draft)) for line in draft.lines)
    return (("documento", (*head, ("linhas", lines))),)


def _customer_elements(customer: Customer) -> XmlElements:
    is_anonymous = customer.tax_id == FINAL_CONSUMER
    address = customer.address
    found = (
        ("nif_cliente", customer.tax_id),
        ("nome_cliente", one_line(customer.name) or ("Consumidor final" if is_anonymous else "")),
        ("morada_cliente", one_line(address.street) if address else ""),
        ("codigo_postal_cliente", one_line(address.postal_code) if address else ""),
        ("localidade_cliente", one_line(address.city) if address else ""),
        ("pais_cliente", iso_country(customer.country)),
        ("email_cliente", one_line(customer.email)),
    )
    return tuple((name, value) for name, value in found if value)


def _payment_elements(draft: Draft) -> XmlElements:
    """Return the payment means, which only an invoice-receipt has: of several, the one with the largest amount.

    Unconfirmed whether the element may be repeated; `_payment_notes` names the others on the document.
    """
    if draft.kind != "FR":
        return ()
    largest = max(draft.payments, key=lambda means: means.amount, default=None)
    return (("modo_pagamento", largest.mechanism if largest else "OU"),)


def _payment_notes(draft: Draft) -> list[str]:
    """Return what was paid by which means where there are several: the request has one element for all of them."""
    if len(draft.payments) < 2:
        return []
    return ["Pagamento: " + ", ".join(f"{each.mechanism} {each.amount} EUR" for each in draft.payments)]


def _original_elements(draft: Draft) -> XmlElements:
    if draft.kind != "NC":
        return ()
    if not draft.references:
        raise SettingsError("original-missing")
    original = draft.references[0]
    return (("documento_origem", original.number), ("motivo", one_line(original.reason)[:_MAX_REASON_LENGTH]))


def _line_elements(line: DraftLine, draft: Draft) -> XmlElements:
    fields: list[tuple[str, str]] = [
        ("referencia", draft.article_code_of(line)),
        ("descricao", one_line(line.description)),
        ("unidade", "UN"),
        ("quantidade", format_decimal(line.quantity)),
        ("preco", format_decimal(line.unit_price_net)),
        ("desconto", format_decimal(line.discount_percent)),
        ("taxa", format_decimal(line.vat_rate)),
        ("regiao", line.region),
    ]
    if line.vat_rate == 0:
        fields += [("codigo_isencao", line.exemption_code), ("motivo_isencao", line.exemption_mention)]
    if draft.warehouse and line.kind == "goods":
        fields.append(("armazem", draft.warehouse))
    return tuple(fields)


def format_decimal(number: Decimal) -> str:
    """Return the number as the XML needs it: with a point, no exponent, no trailing zeros."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def issued_from(output: Output) -> Issued | None:
    """Return the document in a `sucesso`; None when it has no plausible number."""
    number = output.text("numero_documento")
    if not _NUMBER.fullmatch(number):
        return None
    url = output.text("url_pdf")
    return Issued(
        provider_id=(output.text("id_documento") or number)[:80],
        number=number,
        series=series_from_number(number),
        date=_parse_date(output.text("data_documento")),
        total=decimal_from(output.text("total_documento")),
        vat=decimal_from(output.text("total_iva")),
        atcud=output.text("atcud")[:60],
        pdf_url=url if len(url) <= 500 else "",
    )


def series_from_number(number: str) -> str:
    """Return the series in a printed number (`2026FR` of `FR 2026FR/12`); empty when it has another form."""
    found = re.fullmatch(r"[A-Z]{2} (\S{1,40})/[0-9]+", number)
    return found.group(1) if found else ""


def _parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def decimal_from(text: str) -> Decimal | None:
    """Return the amount; None when the text is not a plain decimal number."""
    return Decimal(text) if _AMOUNT.fullmatch(text) else None
