"""A client of the iGEST stand-in, written from docs/igest-wire.md; it shares no code with the application."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from flask import Flask
from werkzeug.test import TestResponse

from sandbox.igest.app import create_app
from sandbox.igest.program_state import ProgramState

OLARIA, QUINTA, ATLANTICO = "40321", "40377", "40412"
BUYER = "299990001"
DAY = "2026-11-20"


def line(**changes: str) -> dict[str, str]:
    """Return one line at 23 % (one tile, 10.00 without VAT); an empty value leaves the element out."""
    plain = {
        "referencia": "AZU-014",
        "descricao": "Azulejo pintado à mão",
        "unidade": "UN",
        "quantidade": "1",
        "preco": "10",
        "desconto": "0",
        "taxa": "23",
        "regiao": "PT",
    }
    return {name: value for name, value in (plain | changes).items() if value}


def document(*lines: dict[str, str], **changes: str) -> dict[str, Any]:
    """Return an invoice-receipt of the day to a final consumer; an empty value leaves the element out."""
    kind = changes.get("tipo_documento", "FR")
    plain = {
        "tipo_documento": kind,
        "serie": f"2026{kind}",
        "data_documento": DAY,
        "nif_cliente": "999999990",
        "nome_cliente": "Consumidor final",
        "pais_cliente": "PT",
        "modo_pagamento": "CC" if kind == "FR" else "",
        "observacoes": "Ref. QI-1",
        "atualiza_stock": "nao",
    }
    head: dict[str, Any] = {name: value for name, value in (plain | changes).items() if value}
    return head | {"linhas": list(lines) or [line()]}


def credit(number: str, *lines: dict[str, str], **changes: str) -> dict[str, Any]:
    """Return a credit note over a document."""
    return document(
        *lines,
        **{
            "tipo_documento": "NC",
            "documento_origem": number,
            "motivo": "Devolução",
            "observacoes": "Ref. QI-1-NC",
        }
        | changes,
    )


class Answer:
    """A response, and the fields of its `output`."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response

    @property
    def output(self) -> ElementTree.Element:
        root = ElementTree.fromstring(self.response.get_data())
        return next(root.iter("output"))

    def __getitem__(self, name: str) -> str:
        return self.output.findtext(name) or ""

    @property
    def ok(self) -> bool:
        assert self.response.status_code == 200
        return self["status"] == "sucesso"

    @property
    def error(self) -> str:
        assert self["status"] == "erro", self.response.get_data(as_text=True)
        assert self["id_documento"] == self["numero_documento"] == ""
        return self["mensagem_erro"]


class IgestClient:
    """A client with the keys of one entity."""

    def __init__(self, app: Flask, number: str = OLARIA) -> None:
        self.http = app.test_client()
        self.program: ProgramState = app.extensions["program"]
        self.number = number
        self.nif = self.program.entities[number].nif
        shown = self.http.post(f"/sandbox/entities/{number}/activate").get_json()
        self.code, self.secret = shown["integration_key"], shown["security_code"]

    def switch(self, **positions: str) -> None:
        wanted = {name.replace("_", "-"): position for name, position in positions.items()}
        assert self.http.post("/sandbox/switches", json=wanted).status_code == 200

    def fault(self, kind: str, **more: Any) -> None:
        answer = self.http.post("/sandbox/faults", json={"kind": kind} | more)
        assert answer.status_code == 200, answer.get_json()

    def body(self, method: str, content: str = "", **changes: str) -> bytes:
        """Return the bytes of a request; entity, nif, code, digest and stamp may be changed."""
        stamp = changes.get("stamp") or self.program.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        digest = hashlib.sha1((self.secret + stamp).encode()).hexdigest()
        text = (
            '<?xml version="1.0" encoding="ISO-8859-1"?>'
            f"<input><id_entidade>{changes.get('entity', self.number)}</id_entidade><metodo>{method}</metodo>"
            f"<autenticacao><nif>{changes.get('nif', self.nif)}</nif>"
            f"<codigo>{changes.get('code', self.code)}</codigo>"
            f"<chave>{changes.get('digest', digest)}</chave><data>{stamp}</data></autenticacao>"
            f"{content}</input>"
        )
        return text.encode("iso-8859-1", "xmlcharrefreplace")

    def post(self, body: bytes, content_type: str = "text/xml;charset=ISO-8859-1") -> Answer:
        return Answer(self.http.post("/webservice.php", data=body, content_type=content_type))

    def call(self, method: str, content: str = "", **changes: str) -> Answer:
        return self.post(self.body(method, content, **changes))

    def issue(self, wanted: dict[str, Any] | None = None) -> Answer:
        return self.call("novo_documento", document_xml(wanted or document()))

    @property
    def issued(self) -> list[dict[str, Any]]:
        """Return the documents in the ledger."""
        return [entry for entry in self.program.ledger.entries if entry["kind"] == "document"]


def document_xml(wanted: dict[str, Any]) -> str:
    """Return the element `documento`."""
    head = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in wanted.items() if name != "linhas")
    rows = "".join(
        "<linha>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in row.items()) + "</linha>"
        for row in wanted["linhas"]
    )
    return f"<documento>{head}<linhas>{rows}</linhas></documento>"


@contextmanager
def open_client(folder: Path, number: str = OLARIA, **how: Any) -> Iterator[IgestClient]:
    """Yield a client of a stand-in over the folder, at noon of the day of `document`."""
    app = create_app(folder, **({"public": "http://127.0.0.1:1"} | how))
    program: ProgramState = app.extensions["program"]
    try:
        app.test_client().post("/sandbox/clock", json={"now": f"{DAY} 12:00:00"})
        yield IgestClient(app, number)
    finally:
        program.close()
