"""The web services: find the method, apply its fault if there is one, answer.

Business errors have HTTP 200.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from flask import Response, request

from sandbox.core.call_window import count_in_window
from sandbox.core.server import drop_connection

from . import documents, queries, records, reports, response_faults, session, signature, wire
from .database import Database
from .program_state import ProgramState, Session
from .wire import ERROR, Call, Message, RawResponse, Refusal

NOT_FOUND = (
    "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head>"
    "<body><h2>404 - File or directory not found.</h2></body></html>"
)
MAX_PER_MINUTE = 120
COOKIE = "ASP.NET_SessionId"

Method = Callable[[ProgramState, Session, Database, Call], list[Any]]

METHODS: dict[tuple[str, str], Method] = {
    (f"{entity}WS", method): act
    for entity in ("Cl", "St")
    for method, act in (
        ("getNewInstance", records.new_record),
        ("actEntity", records.act_on_record),
        ("Save", records.save_record),
    )
}
METHODS |= {
    (f"{entity}WS", method): act
    for entity in ("Ft", "Bo")
    for method, act in (
        ("getNewInstance", documents.new_document),
        ("actEntity", documents.act_on_document),
        ("Save", documents.save_document),
    )
}
METHODS |= {
    (f"{entity}WS", "Query"): queries.query for entity in ("Cl", "St", "Ft", "Bo", "Td", "Ts", "Sa", "Sl")
}
METHODS |= {
    (f"{entity}WS", "getAllRecords"): queries.all_records for entity in ("Cl", "St", "Ft", "Bo", "Td", "Ts")
}
METHODS |= {
    ("FtWS", "getNewInstanceFromReference"): documents.new_from_reference,
    ("FtWS", "addNewFIsByRef"): documents.add_lines,
    ("FtWS", "signDocument"): signature.sign_document,
    ("BoWS", "addNewBIsByRef"): documents.add_lines,
    ("BoWS", "ActBo"): documents.act_dossier,
    ("BoWS", "ActBi"): documents.act_line,
    ("BoWS", "signDocument"): signature.sign_dossier,
    ("SearchWS", "QueryAsEntities"): queries.query,
    ("E1ws", "Query"): queries.query,
    ("LocalizationWS", "Query"): queries.query,
    ("reportws", "getReportsForPrint"): reports.layouts,
    ("reportws", "print"): reports.print_record,
    ("reportws", "sendReportEmail"): reports.send_by_email,
}
LOGIN, LOGOUT, BACK_END = (
    ("UserLoginWS", "userLoginCompany"),
    ("UserLoginWS", "userLogout"),
    ("UserLoginWS", "getBackEndInfo"),
)
KNOWN_METHODS = {*METHODS, LOGIN, LOGOUT, BACK_END}


def handle_request(program: ProgramState, installation: str, path: str) -> Response:
    """Answer one request under an installation and log it."""
    found = _parse_call(program, installation, path)
    if isinstance(found, Response):
        return found
    blocked = _blocked_response(program, found)
    if blocked:
        program.log_request(found, status="stopped")
        return blocked
    fault = program.faults.take_fault(found)
    fault_kind = fault.kind if fault else ""
    if fault and fault.kind == "slow-commit":
        timer = threading.Timer(
            fault.seconds,
            lambda: program.log_request(
                found, fault=fault_kind, said=_message_codes(_execute(program, found))
            ),
        )
        timer.daemon = True
        timer.start()
        return drop_connection()
    if fault and not fault.is_executed:
        program.log_request(found, fault=fault_kind, status="not done")
        return response_faults.response_without_execution(program, found, fault)
    response = _execute(program, found)
    program.log_request(found, fault=fault_kind, said=_message_codes(response))
    if fault is None:
        return response
    program.faults.pause(fault.seconds)
    return response_faults.faulty_response(program, fault, response)


def _parse_call(program: ProgramState, installation: str, path: str) -> Call | Response:
    """Return the call at this address, or the page that is there instead."""
    parts = [part for part in path.split("/") if part]
    if installation not in program.installations:
        return _not_found()
    if parts[:1] == ["html"]:
        return _not_found() if program.switches["html-path"] == "404" else _html_response(session.LOGIN_PAGE)
    cookie, proof = request.cookies.get(COOKIE, ""), request.headers.get("Engine-Auth", "")
    form = wire.form_fields(request)
    if [part.lower() for part in parts] in (["phcws", "cfile.aspx"], ["cfile.aspx"]):
        return Call(installation, "", "cfile.aspx", form, cookie, proof)
    place = program.switches["rest-path"].split("/")
    at, rest = parts[: len(place)], parts[len(place) :]
    if [part.lower() for part in at] != [part.lower() for part in place] or len(rest) != 2:
        return _not_found()
    name = _known_method(rest[0], rest[1], program.switches["path-case"] == "any")
    if name is None or (request.method != "POST" and name != LOGOUT):
        return _not_found()
    if name == ("BoWS", "signDocument") and program.switches["dossier-sign"] == "missing":
        return _not_found()
    return Call(installation, *name, form, cookie, proof)


def _known_method(ws: str, method: str, any_case: bool) -> tuple[str, str] | None:
    if (ws, method) in KNOWN_METHODS:
        return ws, method
    folded = (ws.lower(), method.lower())
    return next(
        (name for name in KNOWN_METHODS if any_case and (name[0].lower(), name[1].lower()) == folded), None
    )


def _blocked_response(program: ProgramState, call: Call) -> Response | None:
    """Return the answer to a call during maintenance, over the allowance or over the rate limit, or None."""
    now = program.clock.now().timestamp()
    with program.lock:
        # Fetching a file is not a web service call and does not count towards the allowance.
        used = program.count_call(call.installation) if call.ws else 0
        allowance = program.installations[call.installation]["allowance"]
        is_too_often = count_in_window(program.recent_calls, now, 60.0) > MAX_PER_MINUTE
    if now < program.maintenance_until:
        return _maintenance_response(program)
    if allowance and used > allowance:
        return _limit_response(program, program.switches["quota-answer"], "messages.Licence.QuotaExceeded")
    if is_too_often and program.switches["rate-limit"] != "off":
        return _limit_response(program, program.switches["rate-limit"], "messages.Rest.TooManyRequests")
    return None


def _limit_response(program: ProgramState, how: str, code: str) -> Response:
    if how == "message":
        return _error_response(program, code, "O limite de pedidos foi atingido.")
    if how == "empty":
        return wire.json_response(b"")
    return Response("", int(how), {"Retry-After": "60"} if how == "429" else {}, mimetype="text/plain")


def _maintenance_response(program: ProgramState) -> Response:
    how = program.switches["maintenance-answer"]
    if how == "message":
        return _error_response(program, "messages.Maintenance.Running", "A instalação está em manutenção.")
    if how == "drop":
        return drop_connection()
    page = "<html><title>PHC GO</title>Em manutenção, volte dentro de minutos.</html>"
    return Response(page, 503 if how == "503" else 200, mimetype="text/html")


def _execute(program: ProgramState, call: Call) -> Response:
    """Return the answer without any fault."""
    with program.lock:
        try:
            if call.method == "cfile.aspx":
                return reports.fetch_file(program, call)
            if (call.ws, call.method) == LOGIN:
                return _login_response(program, call)
            return wire.json_response(_envelope(program, _run_method(program, call), call.messages))
        except Refusal as no:
            return wire.json_response(_envelope(program, [], [no.message, *call.messages]))
        except RawResponse as other:
            return other.response


def _run_method(program: ProgramState, call: Call) -> list[Any]:
    name = (call.ws, call.method)
    if name == LOGOUT:
        return session.logout(program, call)
    if name == BACK_END:
        return session.back_end_info(program, call)
    found = session.require_session(program, call)
    database = program.find_database(call.installation, found.company)
    assert database
    try:
        return METHODS[name](program, found, database, call)
    except (TypeError, ValueError, KeyError, AttributeError) as wrong:
        # The real PHC GO also answers a malformed object with a message.
        text = f"O pedido não foi compreendido: {type(wrong).__name__} {wrong}"
        raise Refusal("messages.Rest.InvalidParameter", text) from wrong


def _login_response(program: ProgramState, call: Call) -> Response:
    result, opened = session.login(program, call)
    response = wire.json_response(_envelope(program, result, call.messages))
    response.set_cookie(COOKIE, opened.cookie, httponly=True, samesite="Lax", path="/")
    if program.switches["engine-auth"] == "header":
        response.headers["Engine-Auth"] = opened.engine_auth
    return response


def _envelope(program: ProgramState, result: list[Any], messages: list[Message]) -> bytes:
    if program.switches["harmless-messages"] == "silent":
        messages = [message for message in messages if message.kind == ERROR]
    if program.switches["figures"] == "noisy":
        result = wire.with_float_noise(result)
    return wire.envelope(result, messages, program.switches["message-type"])


def _error_response(program: ProgramState, code: str, text: str) -> Response:
    return wire.json_response(_envelope(program, [], [Message(ERROR, code, text)]))


def _message_codes(response: Response) -> list[str]:
    try:
        return [message["messageCode"] for message in json.loads(response.get_data())["messages"]]
    except (ValueError, KeyError, TypeError):
        return [f"HTTP {response.status_code}"]


def _not_found() -> Response:
    return Response(NOT_FOUND, 404, mimetype="text/html")


def _html_response(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/html")
