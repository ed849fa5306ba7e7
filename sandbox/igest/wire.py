"""The wire format: parse an XML request into a call, write an answer in ISO-8859-1.

DTDs, entities and bodies over 2 MiB are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from .document_request import Refusal

MAX_BYTES = 2 * 1024 * 1024
CONTENT_TYPE = "text/xml;charset=ISO-8859-1"
_DECLARED_LATIN1 = re.compile(rb"""<\?xml[^>]*encoding=["']iso-8859-1["'][^>]*\?>""", re.I)
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

Fields = Sequence[tuple[str, "str | Fields"]]


@dataclass(frozen=True)
class Call:
    """One request; `root` is the whole element `input`."""

    entity: str
    method: str
    nif: str
    code: str
    digest: str
    timestamp: str
    root: Element
    soap: bool

    def argument(self, name: str) -> str:
        """Return the text of an element below the root, empty when it is missing."""
        return (self.root.findtext(name) or "").strip()

    def mentions(self, words: str) -> bool:
        """Return whether any text outside the authentication contains the words, in any case."""
        return any(
            words.casefold() in text.casefold()
            for part in self.root
            if part.tag != "autenticacao"
            for text in part.itertext()
        )


def read(body: bytes, content_type: str, soap: str) -> Call:
    """Return the call in the body. Raises Refusal when its form is wrong."""
    if len(body) > MAX_BYTES:
        raise Refusal("Pedido demasiado grande.")
    kind = content_type.lower().replace(" ", "").replace('"', "")
    if not kind.startswith("text/xml") or "charset=iso-8859-1" not in kind:
        raise Refusal("Pedido inválido: esperado text/xml;charset=ISO-8859-1.")
    if not _DECLARED_LATIN1.match(body):
        raise Refusal("Pedido inválido: codificação não suportada.")
    try:
        root: Element = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as wrong:
        raise Refusal("Pedido inválido: XML mal formado.") from wrong
    root, wrapped = _unwrap(root, soap)
    return Call(
        entity=(root.findtext("id_entidade") or "").strip(),
        method=(root.findtext("metodo") or "").strip(),
        nif=(root.findtext("autenticacao/nif") or "").strip(),
        code=(root.findtext("autenticacao/codigo") or "").strip(),
        digest=(root.findtext("autenticacao/chave") or "").strip(),
        timestamp=(root.findtext("autenticacao/data") or "").strip(),
        root=root,
        soap=wrapped,
    )


def _unwrap(root: Element, soap: str) -> tuple[Element, bool]:
    if root.tag == f"{{{_ENVELOPE}}}Envelope":
        inner = root.find(f"{{{_ENVELOPE}}}Body/input")
        if soap == "bare" or inner is None:
            raise Refusal("Pedido inválido: envelope não suportado.")
        return inner, True
    if root.tag != "input" or soap == "soap":
        raise Refusal("Pedido inválido.")
    return root, False


def success(fields: Fields) -> Element:
    """Return the element `output` of a successful call."""
    return _output("sucesso", "", fields)


def error(text: str, fields: Fields = ()) -> Element:
    """Return the element `output` of a business error."""
    return _output("erro", text, fields)


def _output(status: str, message: str, fields: Fields) -> Element:
    output = Element("output")
    SubElement(output, "status").text = status
    SubElement(output, "mensagem_erro").text = message
    _append_fields(output, fields)
    return output


def _append_fields(parent: Element, fields: Fields) -> None:
    for name, value in fields:
        child = SubElement(parent, name)
        if isinstance(value, str):
            child.text = value
        else:
            _append_fields(child, value)


def write(output: Element, soap: bool = False) -> bytes:
    """Return the answer's bytes; characters outside Latin-1 become character references."""
    body = tostring(output, encoding="unicode")
    if soap:
        body = (
            f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}"><SOAP-ENV:Body>'
            f"{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
        )
    whole = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{body}\n'
    return whole.encode("iso-8859-1", "xmlcharrefreplace")
