"""What a fault makes of an answer, before or after the call was carried out.

Called by the service.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from flask import Response

from sandbox.web import cut

from . import session, wire
from .faults import Fault
from .office import Office
from .wire import ERROR, WARNING, Call, Message, Refusal, Unanswered

BROKEN = (
    "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>Server Error</h1></body></html>"
)


def unmade(office: Office, call: Call, fault: Fault) -> Response:
    """The answer to a call that was not carried out."""
    if fault.kind in _STATUS:
        code = _STATUS[fault.kind]
        return Response(BROKEN, code, {"Retry-After": "1"} if code == 429 else {}, mimetype="text/html")
    if fault.kind == "html":
        return Response(session.LOGIN_PAGE, mimetype="text/html")
    if fault.kind in ("redirect", "redirect-inside"):
        return Response("", 302, {"Location": fault.text or "/login.aspx"})
    if fault.kind == "refused":
        text = fault.text or "O pedido foi recusado."
        return _enveloped(office, [], Message(ERROR, "messages.Business.Refused", text))
    if fault.kind == "session-lost":
        return _session_lost(office, call)
    if fault.kind == "maintenance":
        office.maintained_until = office.clock.now().timestamp() + fault.seconds
    return cut()


_STATUS = {"500-before": 500, "503": 503, "429": 429, "408": 408}


def _session_lost(office: Office, call: Call) -> Response:
    with office.lock:
        office.sessions.pop(call.cookie, None)
    no = session.lost(office)
    if isinstance(no, Unanswered):
        return no.response
    assert isinstance(no, Refusal)
    return _enveloped(office, [], no.message)


def _enveloped(office: Office, result: list[Any], message: Message) -> Response:
    return wire.answer(wire.envelope(result, [message], office.switches["message-type"]))


def spoilt(office: Office, fault: Fault, response: Response) -> Response:
    """What is left of the answer to a call that was carried out."""
    if fault.kind in _SPOILED:
        return _SPOILED[fault.kind](response)
    if fault.kind == "error-although-done":
        return _enveloped(
            office, [], Message(ERROR, "messages.Data.Failed", fault.text or "Erro interno ao gravar.")
        )
    if fault.kind in _CHANGED and response.mimetype == "application/json" and response.get_data():
        body = json.loads(response.get_data())
        _CHANGED[fault.kind](office, body)
        return _like(response, json.dumps(body, ensure_ascii=False).encode())
    return response


def _like(response: Response, body: bytes) -> Response:
    response.set_data(body)
    return response


def _retyped(response: Response) -> Response:
    return Response(response.get_data(), mimetype="text/html")


_SPOILED: dict[str, Callable[[Response], Response]] = {
    "drop-after": lambda _: cut(abruptly=True),
    "500-after": lambda _: Response(BROKEN, 500, mimetype="text/html"),
    "garbage-after": lambda one: _like(one, b"\x00\xff{" + random.Random(len(one.get_data())).randbytes(200)),
    "cut-after": lambda one: _like(one, one.get_data()[: len(one.get_data()) // 2]),
    "empty-after": lambda one: _like(one, b""),
    "wrong-type-after": _retyped,
}


def _warned(office: Office, body: dict[str, Any]) -> None:
    if not any(message.get("messageType") in (1, "Error") for message in body["messages"]):
        text = "Existem documentos por comunicar."
        extra = wire.envelope(
            [], [Message(WARNING, "messages.Warning", text)], office.switches["message-type"]
        )
        body["messages"] += json.loads(extra)["messages"]


def _emptied(office: Office, body: dict[str, Any]) -> None:
    body["result"] = []


def _dearer(office: Office, body: dict[str, Any]) -> None:
    for row in body["result"]:
        if "etotal" in row:
            row["etotal"] = round(row["etotal"] + 0.01, 2)


_CHANGED: dict[str, Callable[[Office, dict[str, Any]], None]] = {
    "warning-added": _warned,
    "no-result": _emptied,
    "total-differs": _dearer,
}
