"""The web services: finds the method, lets a fault strike or not, answers.

Called by the app for each request under an installation. Business errors are answered with HTTP 200.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from flask import Response, request

from sandbox.web import cut

from . import documents, queries, records, reports, session, signing, spoiling, wire
from .base import Base
from .office import Office, Session
from .wire import ERROR, Call, Message, Refusal, Unanswered

NOT_FOUND = (
    "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head>"
    "<body><h2>404 - File or directory not found.</h2></body></html>"
)
PER_MINUTE = 120
COOKIE = "ASP.NET_SessionId"

Method = Callable[[Office, Session, Base, Call], list[Any]]

METHODS: dict[tuple[str, str], Method] = {
    (f"{entity}WS", method): act
    for entity in ("Cl", "St")
    for method, act in (("getNewInstance", records.new), ("actEntity", records.act), ("Save", records.save))
}
METHODS |= {
    (f"{entity}WS", method): act
    for entity in ("Ft", "Bo")
    for method, act in (
        ("getNewInstance", documents.new),
        ("actEntity", documents.act),
        ("Save", documents.save),
    )
}
METHODS |= {
    (f"{entity}WS", "Query"): queries.query for entity in ("Cl", "St", "Ft", "Bo", "Td", "Ts", "Sa", "Sl")
}
METHODS |= {
    (f"{entity}WS", "getAllRecords"): queries.all_records for entity in ("Cl", "St", "Ft", "Bo", "Td", "Ts")
}
METHODS |= {
    ("FtWS", "getNewInstanceFromReference"): documents.from_reference,
    ("FtWS", "addNewFIsByRef"): documents.add_lines,
    ("FtWS", "signDocument"): signing.sign_document,
    ("BoWS", "addNewBIsByRef"): documents.add_lines,
    ("BoWS", "ActBo"): documents.act_dossier,
    ("BoWS", "ActBi"): documents.act_line,
    ("BoWS", "signDocument"): signing.sign_dossier,
    ("SearchWS", "QueryAsEntities"): queries.query,
    ("E1ws", "Query"): queries.query,
    ("LocalizationWS", "Query"): queries.query,
    ("reportws", "getReportsForPrint"): reports.layouts,
    ("reportws", "print"): reports.print_record,
    ("reportws", "sendReportEmail"): reports.send,
}
LOGIN, LOGOUT, BACK_END = (
    ("UserLoginWS", "userLoginCompany"),
    ("UserLoginWS", "userLogout"),
    ("UserLoginWS", "getBackEndInfo"),
)
KNOWN = {*METHODS, LOGIN, LOGOUT, BACK_END}


def answer(office: Office, installation: str, path: str) -> Response:
    """The response to one request under an installation, and a line in the log of requests."""
    found = _addressed(office, installation, path)
    if isinstance(found, Response):
        return found
    stopped = _stopped(office, found)
    if stopped:
        office.log(found, status="stopped")
        return stopped
    fault = office.faults.take(found)
    told = fault.kind if fault else ""
    if fault and fault.kind == "slow-commit":
        timer = threading.Timer(
            fault.seconds, lambda: office.log(found, fault=told, said=_codes(_done(office, found)))
        )
        timer.daemon = True
        timer.start()
        return cut()
    if fault and not fault.done:
        office.log(found, fault=told, status="not done")
        return spoiling.unmade(office, found, fault)
    response = _done(office, found)
    office.log(found, fault=told, said=_codes(response))
    if fault is None:
        return response
    office.faults.pause(fault.seconds)
    return spoiling.spoilt(office, fault, response)


def _addressed(office: Office, installation: str, path: str) -> Call | Response:
    """The call that the address means, or the page that stands there instead."""
    parts = [part for part in path.split("/") if part]
    if installation not in office.installations:
        return _not_found()
    if parts[:1] == ["html"]:
        return _not_found() if office.switches["html-path"] == "404" else _page(session.LOGIN_PAGE)
    cookie, proof = request.cookies.get(COOKIE, ""), request.headers.get("Engine-Auth", "")
    form = wire.form_of(request)
    if [part.lower() for part in parts] in (["phcws", "cfile.aspx"], ["cfile.aspx"]):
        return Call(installation, "", "cfile.aspx", form, cookie, proof)
    place = office.switches["rest-path"].split("/")
    at, rest = parts[: len(place)], parts[len(place) :]
    if [part.lower() for part in at] != [part.lower() for part in place] or len(rest) != 2:
        return _not_found()
    name = _known(rest[0], rest[1], office.switches["path-case"] == "any")
    if name is None or (request.method != "POST" and name != LOGOUT):
        return _not_found()
    if name == ("BoWS", "signDocument") and office.switches["dossier-sign"] == "missing":
        return _not_found()
    return Call(installation, *name, form, cookie, proof)


def _known(ws: str, method: str, any_case: bool) -> tuple[str, str] | None:
    if (ws, method) in KNOWN:
        return ws, method
    folded = (ws.lower(), method.lower())
    return next((name for name in KNOWN if any_case and (name[0].lower(), name[1].lower()) == folded), None)


def _stopped(office: Office, call: Call) -> Response | None:
    """What a call gets that comes during maintenance, over the month's allowance or too often."""
    now = office.clock.now().timestamp()
    with office.lock:
        # files are no web service, and cost nothing of the allowance
        used = office.counted(call.installation) if call.ws else 0
        allowance = office.installations[call.installation]["allowance"]
        office.recent.append(now)
        while office.recent[0] <= now - 60:
            office.recent.popleft()
        often = len(office.recent) > PER_MINUTE
    if now < office.maintained_until:
        return _maintained(office)
    if allowance and used > allowance:
        return _limited(office, office.switches["quota-answer"], "messages.Licence.QuotaExceeded")
    if often and office.switches["rate-limit"] != "off":
        return _limited(office, office.switches["rate-limit"], "messages.Rest.TooManyRequests")
    return None


def _limited(office: Office, how: str, code: str) -> Response:
    if how == "message":
        return _said(office, code, "O limite de pedidos foi atingido.")
    if how == "empty":
        return wire.answer(b"")
    return Response("", int(how), {"Retry-After": "60"} if how == "429" else {}, mimetype="text/plain")


def _maintained(office: Office) -> Response:
    how = office.switches["maintenance-answer"]
    if how == "message":
        return _said(office, "messages.Maintenance.Running", "A instalação está em manutenção.")
    if how == "drop":
        return cut()
    page = "<html><title>PHC GO</title>Em manutenção, volte dentro de minutos.</html>"
    return Response(page, 503 if how == "503" else 200, mimetype="text/html")


def _done(office: Office, call: Call) -> Response:
    """What the call is answered when nothing goes wrong on the way."""
    with office.lock:
        try:
            if call.method == "cfile.aspx":
                return reports.fetched(office, call)
            if (call.ws, call.method) == LOGIN:
                return _logged_in(office, call)
            return wire.answer(_envelope(office, _carried_out(office, call), call.messages))
        except Refusal as no:
            return wire.answer(_envelope(office, [], [no.message, *call.messages]))
        except Unanswered as other:
            return other.response


def _carried_out(office: Office, call: Call) -> list[Any]:
    name = (call.ws, call.method)
    if name == LOGOUT:
        return session.logout(office, call)
    if name == BACK_END:
        return session.back_end(office, call)
    found = session.admit(office, call)
    base = office.base(call.installation, found.company)
    assert base
    try:
        return METHODS[name](office, found, base, call)
    except (TypeError, ValueError, KeyError, AttributeError) as wrong:
        # the real program answers a broken object with some message too
        text = f"O pedido não foi compreendido: {type(wrong).__name__} {wrong}"
        raise Refusal("messages.Rest.InvalidParameter", text) from wrong


def _logged_in(office: Office, call: Call) -> Response:
    result, opened = session.login(office, call)
    response = wire.answer(_envelope(office, result, call.messages))
    response.set_cookie(COOKIE, opened.cookie, httponly=True, samesite="Lax", path="/")
    if office.switches["engine-auth"] == "header":
        response.headers["Engine-Auth"] = opened.proof
    return response


def _envelope(office: Office, result: list[Any], messages: list[Message]) -> bytes:
    if office.switches["harmless-messages"] == "silent":
        messages = [message for message in messages if message.kind == ERROR]
    if office.switches["figures"] == "noisy":
        result = wire.noisy(result)
    return wire.envelope(result, messages, office.switches["message-type"])


def _said(office: Office, code: str, text: str) -> Response:
    return wire.answer(_envelope(office, [], [Message(ERROR, code, text)]))


def _codes(response: Response) -> list[str]:
    try:
        return [message["messageCode"] for message in json.loads(response.get_data())["messages"]]
    except (ValueError, KeyError, TypeError):
        return [f"HTTP {response.status_code}"]


def _not_found() -> Response:
    return Response(NOT_FOUND, 404, mimetype="text/html")


def _page(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/html")
