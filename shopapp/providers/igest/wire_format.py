"""The XML of iGEST's web service: requests as bytes, and answers parsed but not interpreted. Sends nothing.

Source: the one public client, GitHub pedromonunes/igest (read 2026-11-20); no answer to it is recorded. Unconfirmed:
all of it, for example bare XML or a SOAP envelope, which of the two values is `codigo`, which makes `chave`
(docs/igest-wire.md).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, Union
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring
from zoneinfo import ZoneInfo

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from shopapp.providers.answers import UnreadableAnswer

CONTENT_TYPE = "text/xml;charset=ISO-8859-1"
MAX_ANSWER_BYTES = 1024 * 1024
DECLARATION = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
_LISBON = ZoneInfo("Europe/Lisbon")

XmlElements: TypeAlias = tuple[tuple[str, Union[str, "XmlElements"]], ...]
"""Elements in order: a name with its text, or with child elements."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The four values that the merchant copies; the secret ones appear in no traceback."""

    entity: str
    nif: str
    key: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Output:
    """One whole answer: the status as written, the message of an `erro`, and the elements of a `sucesso`."""

    status: str
    message: str
    root: Element

    def text(self, path: str) -> str:
        """Return the text of the element at `path`, without surrounding spaces; empty when there is none."""
        return text_of(self.root, path)

    def rows(self, path: str) -> list[Element]:
        """Return every element at `path`."""
        return self.root.findall(path)


def text_of(element: Element, path: str) -> str:
    """Return the text of an element below this one, without surrounding spaces; empty when there is none."""
    return (element.findtext(path) or "").strip()


def build_request(keys: Keys, method: str, fields: XmlElements, moment: datetime) -> bytes:
    """Return the body that calls `method` with these credentials at this moment (in any time zone)."""
    stamp = moment.astimezone(_LISBON).strftime("%Y-%m-%d %H:%M:%S")
    root = Element("input")
    if keys.entity:
        SubElement(root, "id_entidade").text = keys.entity
    SubElement(root, "metodo").text = method
    authentication = (
        ("nif", keys.nif),
        ("codigo", keys.key),
        ("chave", access_digest(keys.code, stamp)),
        ("data", stamp),
    )
    _append_elements(root, (("autenticacao", authentication), *fields))
    # what Latin-1 lacks (the euro sign, Polish letters, emoji) goes as character references
    return (DECLARATION + tostring(root, encoding="unicode")).encode("iso-8859-1", "xmlcharrefreplace")


def access_digest(code: str, stamp: str) -> str:
    """Return `chave`: the hash that proves the security code, for one second of Lisbon time."""
    return hashlib.sha1(f"{code}{stamp}".encode(), usedforsecurity=False).hexdigest()


def _append_elements(parent: Element, fields: XmlElements) -> None:
    for name, value in fields:
        child = SubElement(parent, name)
        if isinstance(value, str):
            child.text = printable(value)
        else:
            _append_elements(child, value)


def printable(text: str) -> str:
    """Return the text without what XML cannot carry: control characters, lone surrogates, noncharacters."""
    return "".join(letter for letter in text if _is_printable(ord(letter)))


def _is_printable(code: int) -> bool:
    if code < 0x20:
        return code in (0x09, 0x0A)
    return not (0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE)


def parse_answer(body: bytes) -> Output:
    """Parse an answer. Raises UnreadableAnswer when it is truncated, mis-encoded or anything else."""
    if len(body) > MAX_ANSWER_BYTES:
        raise UnreadableAnswer("too-long")
    if not body.strip():
        raise UnreadableAnswer("empty")
    try:
        root: Element = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableAnswer("html" if b"<html" in body[:2000].lower() else "not-xml") from error
    if root.tag != "output":
        raise UnreadableAnswer("html" if str(root.tag).lower().endswith("html") else "not-output")
    if _is_misencoded(body):
        raise UnreadableAnswer("mis-encoded")
    if [len(root.findall(name)) for name in ("status", "mensagem_erro")] not in ([1, 0], [1, 1]):
        raise UnreadableAnswer("not-output")
    return Output(text_of(root, "status"), text_of(root, "mensagem_erro"), root)


def _is_misencoded(body: bytes) -> bool:
    """Return whether the answer is UTF-8 declared as Latin-1; no real Latin-1 Portuguese decodes as UTF-8."""
    if body.isascii() or b"iso-8859-1" not in body[:100].lower():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
