"""The endpoint `POST /webservice.php`: reads the request, lets a fault strike or not, answers.

Called by the app for each request. Business errors are answered with HTTP 200, as the one public client
expects.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element

from flask import Response, request

from sandbox.web import cut

from . import access, methods, wire
from .asked import Refusal
from .faults import Fault
from .office import Office
from .wire import Call

LOGIN_PAGE = (
    '<!DOCTYPE html><html lang="pt"><head><meta charset="iso-8859-1"><title>iGEST</title></head><body>'
    '<h1>iGEST</h1><form method="post"><label>NIF <input name="nif"></label>'
    '<label>Palavra-passe <input type="password" name="senha"></label><button>Entrar</button></form>'
    "</body></html>"
)
NOT_FOUND = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
WARNING = (
    b'<br />\n<b>Warning</b>: Undefined array key "armazem" in <b>webservice.php</b> on line 312<br />\n'
)
BOMB = 10 * 1024 * 1024


def answer(office: Office, body: bytes, content_type: str) -> Response:
    """The response to one request, and a line in the log of requests."""
    number = office.next_request()
    if not office.admits():
        office.log(number, body, method="", entity="", status="limit", error="")
        return _refused_by_limit(office.switches["rate-limit"])
    try:
        call = wire.read(body, content_type, office.switches["soap"])
    except Refusal as no:
        office.log(number, body, method="", entity="", status="erro", error=str(no))
        return _xml(wire.write(wire.error(str(no))))
    fault = office.faults.take(call)
    known = {"method": call.method, "entity": call.entity, "fault": fault.kind if fault else ""}
    if fault and not fault.issues:
        office.log(number, body, status="", error="", **known)
        office.faults.pause(fault.seconds)
        return _unissued(fault, call)
    if fault and fault.kind == "slow-commit":
        office.faults.pause(fault.seconds)
    output = _carry_out(office, call, number)
    office.log(
        number, body, status=output.findtext("status"), error=output.findtext("mensagem_erro") or "", **known
    )
    if fault is None:
        return _xml(wire.write(output, call.soap))
    if fault.kind not in ("slow-commit", "drip"):
        office.faults.pause(fault.seconds)
    return _spoilt(office, fault, call, output)


def _carry_out(office: Office, call: Call, number: int) -> Element:
    try:
        entity = access.admit(office, call)
        return wire.success(methods.find(office, call.method)(office, entity, call, number))
    except Refusal as no:
        return wire.error(str(no))


def _refused_by_limit(limit: str) -> Response:
    if limit == "http-429":
        return Response("Too Many Requests", 429, {"Retry-After": "120"}, mimetype="text/plain")
    return _xml(wire.write(wire.error("Demasiados pedidos: aguarde dois minutos.")))


def _unissued(fault: Fault, call: Call) -> Response:
    if fault.kind == "drop-before":
        return cut()
    if fault.kind == "error500-before":
        return Response("Internal Server Error", 500, mimetype="text/html")
    if fault.kind == "404-html":
        return Response(NOT_FOUND, 404, mimetype="text/html")
    if fault.kind == "html":
        return Response(LOGIN_PAGE, 200, mimetype="text/html")
    if fault.kind == "redirect":
        return Response("", 302, {"Location": fault.text or "/igest/index.php?mod=login"})
    inactive = "Integração inativa." if fault.kind == "off" else ""
    return _xml(wire.write(wire.error(fault.text or inactive or "Documento recusado."), call.soap))


def _spoilt(office: Office, fault: Fault, call: Call, output: Element) -> Response:
    whole = wire.write(output, call.soap)
    spoil = _SPOILED.get(fault.kind)
    if spoil:
        return spoil(whole)
    if fault.kind in _CHANGED:
        _CHANGED[fault.kind](output, fault)
        return _xml(wire.write(output, call.soap))
    if fault.kind == "drip":
        return Response(_dripping(office, whole, fault.seconds), content_type=wire.CONTENT_TYPE)
    return _xml(whole)


def _xml(body: bytes) -> Response:
    return Response(body, content_type=wire.CONTENT_TYPE)


def _dripping(office: Office, body: bytes, seconds: float) -> Iterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        office.faults.pause(seconds)


def _cut_halfway(body: bytes) -> Response:
    """The head promises the whole; the socket is closed after half of it."""

    raw: socket.socket = request.environ["werkzeug.socket"]

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    return Response(half(), headers={"Content-Length": str(len(body))}, content_type=wire.CONTENT_TYPE)


def _miscoded(body: bytes) -> Response:
    """Latin-1 bytes that call themselves UTF-8, with a letter that UTF-8 would write otherwise."""
    spoilt = body.replace(b"ISO-8859-1", b"UTF-8").replace(
        b"</output>", b"<aviso>Emiss\xe3o</aviso></output>"
    )
    return Response(spoilt, content_type="text/xml;charset=UTF-8")


def _bomb(body: bytes) -> Response:
    head, tail = body.split(b"</output>")
    filling = b"<aviso>" + b"A" * BOMB + b"</aviso></output>"
    return _xml(head + filling + tail)


_SPOILED: dict[str, Callable[[bytes], Response]] = {
    "drop-after": lambda body: cut(),
    "error500-after": lambda body: Response("Internal Server Error", 500, mimetype="text/html"),
    "garbage-after": lambda body: _xml(b"\x00\xff" + random.Random(len(body)).randbytes(300)),
    "truncated-after": lambda body: _xml(body[: len(body) // 2]),
    "cut-after": _cut_halfway,
    "php-warning-after": lambda body: _xml(WARNING + body),
    "wrong-encoding-after": _miscoded,
    "bomb": _bomb,
}


def _say_erro(output: Element, fault: Fault) -> None:
    """`erro` and neither id nor number, although the document stands in the ledger."""
    for child in list(output):
        if child.tag not in ("status", "mensagem_erro"):
            output.remove(child)
    output.find("status").text = "erro"  # type: ignore[union-attr]
    output.find("mensagem_erro").text = fault.text or "Erro interno ao gravar."  # type: ignore[union-attr]


def _add_a_cent(output: Element, fault: Fault) -> None:
    total = output.find("total_documento")
    if total is not None and total.text:
        total.text = str(Decimal(total.text) + Decimal("0.01"))


def _drop_number(output: Element, fault: Fault) -> None:
    number = output.find("numero_documento")
    if number is not None:
        output.remove(number)


_CHANGED: dict[str, Callable[[Element, Fault], None]] = {
    "erro-although-issued": _say_erro,
    "total-differs": _add_a_cent,
    "no-number": _drop_number,
}
