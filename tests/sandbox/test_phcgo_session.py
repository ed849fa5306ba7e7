"""Access to the PHC GO stand-in: addresses, log-in, the end of sessions, allowance, maintenance, messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox.phcgo.program_state import PASSWORD, USER
from tests.sandbox.phcgo_client import OLARIA, QUINTA, PhcGoClient, errors, serve_stand_in

E1 = {"entityName": "E1", "filterItems": []}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with serve_stand_in(tmp_path) as made:
        yield made


@pytest.fixture
def caller(app: Flask) -> PhcGoClient:
    return PhcGoClient(app)


def ask(caller: PhcGoClient, **more: Any) -> TestResponse:
    return caller.post("SearchWS", "QueryAsEntities", itemQuery=E1, **more)


def is_good(answer: TestResponse) -> bool:
    return (
        answer.status_code == 200 and bool(answer.data) and answer.is_json and not errors(answer.get_json())
    )


def later(caller: PhcGoClient, **by: float) -> None:
    clock = caller.program.clock
    clock.set_time(clock.now() + timedelta(**by))


# --- addresses


@pytest.mark.parametrize(
    ("switches", "prefix", "ws", "status", "kind"),
    [
        *[({}, prefix, "SearchWS", 404, "text/html")
          for prefix in ("html/PHCWS/REST", "REST", "PHCWS", "PHCWS/REST/x", "phcws/rest/..")],
        ({"html_path": "login-page"}, "html/PHCWS/REST", "SearchWS", 200, "text/html"),
        ({"rest_path": "REST"}, "PHCWS/REST", "SearchWS", 404, "text/html"),
        ({"rest_path": "REST"}, "REST", "SearchWS", 200, "application/json"),
        ({}, "phcws/rest", "SearchWS", 200, "application/json"),
        ({}, "PHCWS/REST", "searchws", 404, "text/html"),
        ({"path_case": "any"}, "PHCWS/REST", "searchws", 200, "application/json"),
    ],
)  # fmt: skip
def test_the_services_address_follows_the_switches(
    caller: PhcGoClient, switches: dict[str, str], prefix: str, ws: str, status: int, kind: str
) -> None:
    caller.login()
    caller.switch(**switches)
    answer = caller.post(ws, "QueryAsEntities", prefix, itemQuery=E1)
    assert (answer.status_code, answer.mimetype) == (status, kind)


def test_an_unknown_installation_and_the_bare_address_have_their_own_answers(caller: PhcGoClient) -> None:
    assert caller.client.post("/deadbeef/PHCWS/REST/UserLoginWS/userLoginCompany").status_code == 404
    page = caller.client.get(f"/{OLARIA}/")
    assert page.status_code == 200 and "password" in page.text
    assert caller.client.get(f"/{OLARIA}/PHCWS/REST/SearchWS/QueryAsEntities").status_code == 404


# --- login


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("userCode", "User"),
        ("password", "Password"),
        ("applicationType", "Application"),
        ("company", "Company"),
    ],
)
def test_each_wrong_key_is_refused_by_its_own_message(caller: PhcGoClient, field: str, code: str) -> None:
    answer = caller.login(**{field: "wrong"})
    assert errors(answer.get_json()) == [f"messages.Login.Invalid{code}"] and answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    caller.switch(wrong_login="empty")
    assert caller.login(**{field: "wrong"}).data == b""


def test_a_token_whose_plus_became_a_blank_is_wrong(caller: PhcGoClient) -> None:
    token = caller.program.token(OLARIA)
    assert {"+", "/", "="} <= set(token)
    assert errors(caller.login(applicationType=token.replace("+", " ")).get_json())
    caller.program.change_installation(OLARIA, rotation=2)
    assert errors(caller.login(applicationType=token).get_json())


def test_the_company_is_the_first_when_none_is_named(app: Flask) -> None:
    for company, nif in (("", "599980125"), ("OLARIA2", "599990112"), ("olaria2", "599990112")):
        caller = PhcGoClient(app, company=company)
        assert caller.login().get_json()["result"][0]["username"] == USER
        assert ask(caller).get_json()["result"][0]["ncont"] == nif


def test_a_user_may_be_locked_after_five_failures(caller: PhcGoClient) -> None:
    caller.switch(lock_out="after-5")
    for _ in range(5):
        caller.login(password="wrong")
    assert errors(caller.login(password=PASSWORD).get_json()) == ["messages.Login.UserLocked"]
    caller.client.delete("/sandbox/sessions")
    assert not errors(caller.login().get_json())


# --- the session


def test_the_engine_auth_value_is_in_the_header_or_the_body(caller: PhcGoClient) -> None:
    assert caller.login().headers["Engine-Auth"]
    caller.switch(engine_auth="body")
    answer = caller.login()
    assert "Engine-Auth" not in answer.headers and answer.get_json()["result"][0]["engineAuth"]
    caller.switch(engine_auth="none", session_proof="both")
    answer = caller.login()
    assert "Engine-Auth" not in answer.headers and "engineAuth" not in answer.get_json()["result"][0]
    assert is_good(ask(caller))


@pytest.mark.parametrize(
    ("position", "cookie", "proof"),
    [("cookie", True, False), ("both", False, False), ("either", True, True), ("engine-auth", False, True)],
)
def test_a_call_must_prove_its_session_as_the_switch_says(
    caller: PhcGoClient, position: str, cookie: bool, proof: bool
) -> None:
    caller.switch(session_proof=position)
    caller.login()
    assert is_good(ask(caller))
    value, caller.session_headers = caller.session_headers, ""
    assert is_good(ask(caller)) is cookie
    caller.client.delete_cookie("ASP.NET_SessionId")
    caller.session_headers = value
    assert is_good(ask(caller)) is proof


def test_a_session_belongs_to_its_installation(caller: PhcGoClient) -> None:
    caller.login()
    caller.path = QUINTA
    assert errors(ask(caller).get_json()) == ["messages.Session.Invalid"]


@pytest.mark.parametrize(
    ("position", "minutes", "calls", "is_alive"),
    [("20-minutes-idle", 19, 0, True), ("20-minutes-idle", 21, 0, False), ("1-minute", 1.1, 0, False),
     ("6-calls", 0, 5, True), ("6-calls", 0, 6, False), ("never", 3000, 7, True)],
)  # fmt: skip
def test_a_session_expires_as_the_switch_says(
    caller: PhcGoClient, position: str, minutes: float, calls: int, is_alive: bool
) -> None:
    caller.switch(session_life=position)
    caller.login()
    assert all(is_good(ask(caller)) for _ in range(calls))
    later(caller, minutes=minutes)
    assert is_good(ask(caller)) is is_alive
    caller.login()
    assert is_good(ask(caller))
    caller.call("UserLoginWS", "userLogout")
    assert errors(ask(caller).get_json()) == ["messages.Session.Invalid"]


@pytest.mark.parametrize(
    ("position", "status", "mimetype"),
    [("message", 200, "application/json"), ("401", 401, "text/plain"), ("empty", 200, "application/json"),
     ("login-page", 200, "text/html"), ("redirect", 302, "text/html")],
)  # fmt: skip
def test_a_call_without_a_session_is_answered_as_the_switch_says(
    caller: PhcGoClient, position: str, status: int, mimetype: str
) -> None:
    caller.switch(session_answer=position)
    answer = ask(caller)
    assert (answer.status_code, answer.mimetype) == (status, mimetype)
    assert not is_good(answer)
    assert (answer.data == b"") is (position == "empty")


def test_a_fourth_session_is_accepted_refused_or_ends_the_oldest(app: Flask) -> None:
    callers = [PhcGoClient(app) for _ in range(4)]
    for each in callers:
        each.login()
        later(each, seconds=1)
    assert all(is_good(ask(each)) for each in callers)
    callers[0].client.delete("/sandbox/sessions")
    callers[0].switch(parallel_sessions="oldest-ends")
    for each in callers:
        each.login()
        later(each, seconds=1)
    assert [is_good(ask(each)) for each in callers] == [False, True, True, True]
    callers[0].switch(parallel_sessions="refused")
    assert errors(callers[0].login().get_json()) == ["messages.Login.TooManySessions"]
    callers[1].call("UserLoginWS", "userLogout")
    assert not errors(callers[0].login().get_json())


def test_the_plan_is_shown_without_a_session(caller: PhcGoClient) -> None:
    assert caller.call("UserLoginWS", "getBackEndInfo", loginInfoVO={})[0]["gama"] == "Advanced"


# --- allowance, throttling, maintenance


@pytest.mark.parametrize(
    ("position", "status"), [("message", 200), ("429", 429), ("403", 403), ("empty", 200)]
)
def test_the_month_has_an_allowance(caller: PhcGoClient, position: str, status: int) -> None:
    caller.switch(quota_answer=position)
    caller.program.change_installation(OLARIA, allowance=2)
    caller.login()
    assert is_good(ask(caller))
    answer = ask(caller)
    assert answer.status_code == status and not is_good(answer)
    if position == "message":
        assert errors(answer.get_json()) == ["messages.Licence.QuotaExceeded"]
    later(caller, days=20)
    assert not errors(caller.login().get_json())


@pytest.mark.parametrize("position", ["off", "429", "message"])
def test_too_many_calls_in_a_minute_are_allowed_or_refused(caller: PhcGoClient, position: str) -> None:
    caller.switch(rate_limit=position)
    caller.login()
    for _ in range(119):
        assert is_good(ask(caller))
    answer = ask(caller)
    assert is_good(answer) is (position == "off")
    assert answer.status_code == (429 if position == "429" else 200)
    later(caller, seconds=61)
    assert is_good(ask(caller))


@pytest.mark.parametrize("position", ["message", "503", "html", "drop"])
def test_maintenance_loses_a_call_and_then_refuses(
    caller: PhcGoClient, position: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("sandbox.phcgo.service.drop_connection", lambda: _gone())
    monkeypatch.setattr("sandbox.phcgo.response_faults.drop_connection", lambda: _gone())
    caller.switch(maintenance_answer=position)
    caller.login()
    caller.fault(kind="maintenance", step="Save", seconds=200)
    row = caller.document()
    assert caller.post("FtWS", "Save", itemVO=row).status_code == 299
    assert caller.base.rows("Ft") == []
    answer = ask(caller)
    assert not is_good(answer)
    told = {"message": (200, "application/json"), "503": (503, "text/html"), "html": (200, "text/html")}
    assert (answer.status_code, answer.mimetype) == told.get(position, (299, "text/plain"))
    later(caller, seconds=201)
    assert is_good(ask(caller))


def _gone() -> Any:
    from flask import Response

    return Response("", 299, mimetype="text/plain")


# --- the form of a message


def test_the_type_of_an_error_message_is_a_number_a_text_or_absent(caller: PhcGoClient) -> None:
    caller.login()
    types = {}
    for position in ("number", "text", "absent"):
        caller.switch(message_type=position)
        message = caller.post("FtWS", "signDocument", ftstamp="x").get_json()["messages"][0]
        types[position] = message.get("messageType")
        assert message["messageCodeLocale"] and message["messageCode"] == "messages.Data.NotFound"
    assert types == {"number": 1, "text": "Error", "absent": None}


def test_harmless_messages_come_with_a_good_result_or_not(caller: PhcGoClient) -> None:
    caller.login()
    told = []
    for position in ("told", "silent"):
        caller.switch(harmless_messages=position)
        row = caller.call("FtWS", "getNewInstance", ndos="12")[0] | {
            "no": 1,
            "fis": [{"ref": "NADA", "qtt": 1}],
        }
        body = caller.post("FtWS", "actEntity", entity=row, code="0", newValue="[]").get_json()
        assert body["result"][0]["fis"][0]["ref"] == "NADA"
        told.append([message["messageType"] for message in body["messages"]])
    assert told == [[2], []]
