"""The faulty answers: to a call that is not executed, or instead of the real answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Response

from sandbox.core.response_faults import SPOILED_RESPONSES, replace_body
from sandbox.core.server import drop_connection

from . import session, wire
from .faults import Fault
from .program_state import ProgramState
from .wire import ERROR, WARNING, Call, Message, RawResponse, Refusal

SERVER_ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>Server Error</h1></body></html>"
)


def response_without_execution(program: ProgramState, call: Call, fault: Fault) -> Response:
    """Return the answer to a call that is not executed."""
    if fault.kind in _STATUS:
        code = _STATUS[fault.kind]
        return Response(
            SERVER_ERROR_PAGE, code, {"Retry-After": "1"} if code == 429 else {}, mimetype="text/html"
        )
    if fault.kind == "html":
        return Response(session.LOGIN_PAGE, mimetype="text/html")
    if fault.kind in ("redirect", "redirect-inside"):
        return Response("", 302, {"Location": fault.text or "/login.aspx"})
    if fault.kind == "refused":
        text = fault.text or "O pedido foi recusado."
        return _envelope_response(program, [], Message(ERROR, "messages.Business.Refused", text))
    if fault.kind == "session-lost":
        return _lose_session(program, call)
    if fault.kind == "maintenance":
        program.maintenance_until = program.clock.now().timestamp() + fault.seconds
    return drop_connection()


_STATUS = {"500-before": 500, "503": 503, "429": 429, "408": 408}


def _lose_session(program: ProgramState, call: Call) -> Response:
    with program.lock:
        program.sessions.pop(call.cookie, None)
    no = session.no_session_error(program)
    if isinstance(no, RawResponse):
        return no.response
    assert isinstance(no, Refusal)
    return _envelope_response(program, [], no.message)


def _envelope_response(program: ProgramState, result: list[Any], message: Message) -> Response:
    return wire.json_response(wire.envelope(result, [message], program.switches["message-type"]))


def faulty_response(program: ProgramState, fault: Fault, response: Response) -> Response:
    """Return the answer to an executed call as the fault changes it."""
    if fault.kind in _FAULTY_RESPONSES:
        return _FAULTY_RESPONSES[fault.kind](response)
    if fault.kind == "error-although-done":
        return _envelope_response(
            program, [], Message(ERROR, "messages.Data.Failed", fault.text or "Erro interno ao gravar.")
        )
    if fault.kind in _FAULTY_BODIES and response.mimetype == "application/json" and response.get_data():
        body = json.loads(response.get_data())
        _FAULTY_BODIES[fault.kind](program, body)
        return replace_body(response, json.dumps(body, ensure_ascii=False).encode())
    return response


_FAULTY_RESPONSES: dict[str, Callable[[Response], Response]] = SPOILED_RESPONSES | {
    "500-after": lambda _: Response(SERVER_ERROR_PAGE, 500, mimetype="text/html")
}


def _add_warning(program: ProgramState, body: dict[str, Any]) -> None:
    if not any(message.get("messageType") in (1, "Error") for message in body["messages"]):
        text = "Existem documentos por comunicar."
        extra = wire.envelope(
            [], [Message(WARNING, "messages.Warning", text)], program.switches["message-type"]
        )
        body["messages"] += json.loads(extra)["messages"]


def _remove_result(program: ProgramState, body: dict[str, Any]) -> None:
    body["result"] = []


def _add_cent(program: ProgramState, body: dict[str, Any]) -> None:
    for row in body["result"]:
        if "etotal" in row:
            row["etotal"] = round(row["etotal"] + 0.01, 2)


_FAULTY_BODIES: dict[str, Callable[[ProgramState, dict[str, Any]], None]] = {
    "warning-added": _add_warning,
    "no-result": _remove_result,
    "total-differs": _add_cent,
}
