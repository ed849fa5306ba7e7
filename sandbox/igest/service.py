"""The endpoint `POST /webservice.php`: read the request, apply its fault if there is one, answer.

Business errors have HTTP 200, as the one public client expects.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element

from flask import Response, request

from sandbox.core.response_faults import cut_body, garble_body
from sandbox.core.server import drop_connection

from . import authentication, methods, wire
from .document_request import Refusal
from .faults import Fault
from .program_state import ProgramState
from .wire import Call

LOGIN_PAGE = (
    '<!DOCTYPE html><html lang="pt"><head><meta charset="iso-8859-1"><title>iGEST</title></head><body>'
    '<h1>iGEST</h1><form method="post"><label>NIF <input name="nif"></label>'
    '<label>Palavra-passe <input type="password" name="senha"></label><button>Entrar</button></form>'
    "</body></html>"
)
NOT_FOUND = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
PHP_WARNING = (
    b'<br />\n<b>Warning</b>: Undefined array key "armazem" in <b>webservice.php</b> on line 312<br />\n'
)
OVERSIZED_BYTES = 10 * 1024 * 1024


def handle_request(program: ProgramState, body: bytes, content_type: str) -> Response:
    """Answer one request and log it."""
    number = program.next_request_number()
    if not program.allow_call():
        program.log_request(number, body, method="", entity="", status="limit", error="")
        return _rate_limit_response(program.switches["rate-limit"])
    try:
        call = wire.read(body, content_type, program.switches["soap"])
    except Refusal as no:
        program.log_request(number, body, method="", entity="", status="erro", error=str(no))
        return _xml(wire.write(wire.error(str(no))))
    fault = program.faults.take_fault(call)
    facts = {"method": call.method, "entity": call.entity, "fault": fault.kind if fault else ""}
    if fault and not fault.is_executed:
        program.log_request(number, body, status="", error="", **facts)
        program.faults.pause(fault.seconds)
        return _response_without_issue(fault, call)
    if fault and fault.kind == "slow-commit":
        program.faults.pause(fault.seconds)
    output = _run_method(program, call, number)
    program.log_request(
        number, body, status=output.findtext("status"), error=output.findtext("mensagem_erro") or "", **facts
    )
    if fault is None:
        return _xml(wire.write(output, call.soap))
    if fault.kind not in ("slow-commit", "drip"):
        program.faults.pause(fault.seconds)
    return _faulty_response(program, fault, call, output)


def _run_method(program: ProgramState, call: Call, number: int) -> Element:
    try:
        entity = authentication.authenticate(program, call)
        return wire.success(methods.find_method(program, call.method)(program, entity, call, number))
    except Refusal as no:
        return wire.error(str(no))


def _rate_limit_response(limit: str) -> Response:
    if limit == "http-429":
        return Response("Too Many Requests", 429, {"Retry-After": "120"}, mimetype="text/plain")
    return _xml(wire.write(wire.error("Demasiados pedidos: aguarde dois minutos.")))


def _response_without_issue(fault: Fault, call: Call) -> Response:
    if fault.kind == "drop-before":
        return drop_connection()
    if fault.kind == "error500-before":
        return _server_error()
    if fault.kind == "404-html":
        return Response(NOT_FOUND, 404, mimetype="text/html")
    if fault.kind == "html":
        return Response(LOGIN_PAGE, 200, mimetype="text/html")
    if fault.kind == "redirect":
        return Response("", 302, {"Location": fault.text or "/igest/index.php?mod=login"})
    inactive = "Integração inativa." if fault.kind == "off" else ""
    return _xml(wire.write(wire.error(fault.text or inactive or "Documento recusado."), call.soap))


def _faulty_response(program: ProgramState, fault: Fault, call: Call, output: Element) -> Response:
    whole = wire.write(output, call.soap)
    make_response = _FAULTY_RESPONSES.get(fault.kind)
    if make_response:
        return make_response(whole)
    if fault.kind in _FAULTY_OUTPUTS:
        _FAULTY_OUTPUTS[fault.kind](output, fault)
        return _xml(wire.write(output, call.soap))
    if fault.kind == "drip":
        return Response(_drip(program, whole, fault.seconds), content_type=wire.CONTENT_TYPE)
    return _xml(whole)


def _server_error() -> Response:
    return Response("Internal Server Error", 500, mimetype="text/html")


def _xml(body: bytes) -> Response:
    return Response(body, content_type=wire.CONTENT_TYPE)


def _drip(program: ProgramState, body: bytes, seconds: float) -> Iterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        program.faults.pause(seconds)


def _cut_connection(body: bytes) -> Response:
    raw: socket.socket = request.environ["werkzeug.socket"]

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    return Response(half(), headers={"Content-Length": str(len(body))}, content_type=wire.CONTENT_TYPE)


def _wrong_encoding(body: bytes) -> Response:
    reencoded = body.replace(b"ISO-8859-1", b"UTF-8").replace(
        b"</output>", b"<aviso>Emiss\xe3o</aviso></output>"
    )
    return Response(reencoded, content_type="text/xml;charset=UTF-8")


def _oversized(body: bytes) -> Response:
    head, tail = body.split(b"</output>")
    filling = b"<aviso>" + b"A" * OVERSIZED_BYTES + b"</aviso></output>"
    return _xml(head + filling + tail)


_FAULTY_RESPONSES: dict[str, Callable[[bytes], Response]] = {
    "drop-after": lambda body: drop_connection(),
    "error500-after": lambda body: _server_error(),
    "garbage-after": lambda body: garble_body(_xml(body)),
    "truncated-after": lambda body: cut_body(_xml(body)),
    "cut-after": _cut_connection,
    "php-warning-after": lambda body: _xml(PHP_WARNING + body),
    "wrong-encoding-after": _wrong_encoding,
    "bomb": _oversized,
}


def _set_error(output: Element, fault: Fault) -> None:
    for child in list(output):
        if child.tag not in ("status", "mensagem_erro"):
            output.remove(child)
    output.find("status").text = "erro"  # type: ignore[union-attr]
    output.find("mensagem_erro").text = fault.text or "Erro interno ao gravar."  # type: ignore[union-attr]


def _add_cent(output: Element, fault: Fault) -> None:
    total = output.find("total_documento")
    if total is not None and total.text:
        total.text = str(Decimal(total.text) + Decimal("0.01"))


def _remove_number(output: Element, fault: Fault) -> None:
    number = output.find("numero_documento")
    if number is not None:
        output.remove(number)


_FAULTY_OUTPUTS: dict[str, Callable[[Element, Fault], None]] = {
    "erro-although-issued": _set_error,
    "total-differs": _add_cent,
    "no-number": _remove_number,
}
