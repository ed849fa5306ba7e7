"""Parse the element `documento` into plain values.

Only the form is checked here (numbers, dates, required fields); rules.py decides whether the document may be
issued.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?")
_HEAD_ELEMENTS = [
    "tipo_documento",
    "serie",
    "data_documento",
    "nif_cliente",
    "nome_cliente",
    "morada_cliente",
    "codigo_postal_cliente",
    "localidade_cliente",
    "pais_cliente",
    "email_cliente",
    "modo_pagamento",
    "observacoes",
    "atualiza_stock",
    "documento_origem",
    "motivo",
    "linhas",
]
_LINE_ELEMENTS = [
    "referencia",
    "descricao",
    "unidade",
    "quantidade",
    "preco",
    "desconto",
    "taxa",
    "regiao",
    "codigo_isencao",
    "motivo_isencao",
    "armazem",
]
DOCUMENT_TYPES = ("FT", "FR", "FS", "NC")


class Refusal(Exception):
    """A business error; its text is the answer's `mensagem_erro`."""


@dataclass(frozen=True)
class Customer:
    """The buyer as the document prints them; NIF 999999990 is a final consumer who gave none."""

    nif: str
    name: str
    address: str
    postal_code: str
    city: str
    country: str
    email: str


@dataclass(frozen=True)
class Line:
    """One line, `price` as sent, `discount` and `rate` in percent.

    An empty `warehouse` means the entity's main one.
    """

    reference: str
    description: str
    unit: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    rate: Decimal
    region: str
    exemption: str
    mention: str
    warehouse: str


@dataclass(frozen=True)
class DocumentRequest:
    """The document that a call asks for."""

    kind: str
    series: str
    day: date
    customer: Customer
    payment: str
    notes: str
    moves_stock: bool
    origin: str
    reason: str
    lines: tuple[Line, ...]

    @property
    def reference(self) -> str:
        """Return the caller's reference, written in `observacoes` as `Ref. ...`; empty without one."""
        found = re.search(r"Ref\.\s*(\S+)", self.notes)
        return found.group(1).rstrip(".,;") if found else ""


def read(element: Element | None, region: str, strict: bool) -> DocumentRequest:
    """Return the requested document.

    Raises Refusal when a field is missing or malformed or, with `strict`, unknown.
    """
    if element is None:
        raise Refusal("Pedido sem documento.")
    _check_elements(element, _HEAD_ELEMENTS, strict)
    rows = element.find("linhas")
    found = list(rows) if rows is not None else []
    if not found:
        raise Refusal("Documento sem linhas.")
    if strict and any(row.tag != "linha" for row in found):
        raise Refusal("Elemento desconhecido em linhas.")
    return DocumentRequest(
        kind=_one_of(element, "tipo_documento", DOCUMENT_TYPES, "Tipo de documento desconhecido"),
        series=_text(element, "serie", required=True),
        day=_parse_day(_text(element, "data_documento", required=True)),
        customer=_customer(element),
        payment=_text(element, "modo_pagamento"),
        notes=_text(element, "observacoes"),
        moves_stock=_one_of(element, "atualiza_stock", ("sim", "nao", ""), "Valor inválido em atualiza_stock")
        == "sim",
        origin=_text(element, "documento_origem"),
        reason=_text(element, "motivo"),
        lines=tuple(_line(row, region, strict) for row in found),
    )


def _customer(element: Element) -> Customer:
    return Customer(
        nif=_text(element, "nif_cliente", required=True),
        name=_text(element, "nome_cliente"),
        address=_text(element, "morada_cliente"),
        postal_code=_text(element, "codigo_postal_cliente"),
        city=_text(element, "localidade_cliente"),
        country=_text(element, "pais_cliente") or "PT",
        email=_text(element, "email_cliente"),
    )


def _line(row: Element, region: str, strict: bool) -> Line:
    _check_elements(row, _LINE_ELEMENTS, strict)
    return Line(
        reference=_text(row, "referencia"),
        description=_text(row, "descricao", required=True),
        unit=_text(row, "unidade") or "UN",
        quantity=_parse_number(row, "quantidade"),
        price=_parse_number(row, "preco"),
        discount=_parse_number(row, "desconto", default="0"),
        rate=_parse_number(row, "taxa"),
        region=_text(row, "regiao") or region,
        exemption=_text(row, "codigo_isencao"),
        mention=_text(row, "motivo_isencao"),
        warehouse=_text(row, "armazem"),
    )


def _check_elements(element: Element, names: list[str], strict: bool) -> None:
    tags = [child.tag for child in element]
    for tag in tags:
        if strict and tag not in names:
            raise Refusal(f"Elemento desconhecido: {tag}")
    if len(set(tags)) < len(tags) and element.tag != "linhas":
        raise Refusal(f"Elemento repetido em {element.tag}.")


def _text(element: Element, name: str, required: bool = False) -> str:
    found = (element.findtext(name) or "").strip()
    if required and not found:
        raise Refusal(f"Campo obrigatório em falta: {name}")
    return found


def _one_of(element: Element, name: str, allowed: tuple[str, ...], complaint: str) -> str:
    found = _text(element, name)
    if found not in allowed:
        raise Refusal(f"{complaint}: {found}")
    return found


def _parse_number(element: Element, name: str, default: str | None = None) -> Decimal:
    found = _text(element, name) or default
    if found is None:
        raise Refusal(f"Campo obrigatório em falta: {name}")
    if not _NUMBER.fullmatch(found) or not found.isascii():
        raise Refusal(f"Valor inválido em {name}: {found}")
    return Decimal(found)


def _parse_day(written: str) -> date:
    try:
        if len(written) == 10:
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise Refusal(f"Data inválida: {written}")
