"""Requests that no browser of a merchant sends: none is an error of ours, and none makes us name another site."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from shopapp.models import Store, engine_options, fold_for_search
from shopapp.models import db as database
from tests.security.conftest import ORIGIN, StoreSession, fill_path, log_in, routes
from tests.security.test_headers import values

NAMELESS = b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--\r\n"
NAMELESS_FILE = b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nvalue\r\n--x--\r\n'


def answered(app: Flask, ours: StoreSession, method: str, **more: Any) -> dict[str, int]:
    """Return the status of each route that has this method, by its address."""
    found = {}
    for rule in routes(app):
        if method in (rule.methods or ()):
            path = fill_path(rule, values(ours))
            found[path] = ours.client.open(path, method=method, buffered=True, **more).status_code
    return found


@pytest.mark.both_databases
def test_u0000_is_refused_wherever_it_stands(app: Flask, ours: StoreSession) -> None:
    get = answered(app, ours, "GET", query_string={"q": "a\0b", "\0": "x"})
    assert {status for path, status in get.items() if not path.startswith("/static")} == {400}
    form = {"csrf_token": ours.token, "name": "a\0b", "nif": "\0", "token": "\0", "code": "\0"}
    post = answered(app, ours, "POST", data=form, headers={"Origin": ORIGIN})
    assert {status for path, status in post.items() if not path.startswith("/hooks/")} == {400}
    for path in ("/d/" + "%00" * 32, "/d/%00" + "a" * 31, "/setup/keys/%00", "/%00"):
        assert ours.client.get(path).status_code == 400, path
    assert ours.client.post("/hooks/jumpseller/%00", data=b"{}").status_code == 401
    assert ours.client.post("/hooks/%00/a", data=b"{}").status_code == 401


@pytest.mark.parametrize("body", [NAMELESS, NAMELESS_FILE], ids=["value", "file"])
def test_a_part_without_a_name_is_a_wrong_request(app: Flask, ours: StoreSession, body: bytes) -> None:
    sent = answered(
        app,
        ours,
        "POST",
        data=body,
        content_type="multipart/form-data; boundary=x",
        headers={"Origin": ORIGIN},
    )
    assert len(sent) > 20
    assert {status for path, status in sent.items() if not path.startswith("/hooks/")} == {400}


@pytest.mark.parametrize(
    "month", ["9999-12", "9999-11", "0001-01", "1999-12", "2101-01", "2026-13", "2026-1", "x"]
)
def test_a_month_outside_the_calendar_is_left_out(ours: StoreSession, month: str) -> None:
    for path in ("/documents", "/documents/rows", "/"):
        answer = ours.client.get(path, query_string={"p": month, "dia": month, "mes": month})
        assert answer.status_code in (200, 302, 303), path


@pytest.mark.parametrize("proxies", [0, 1])
def test_no_redirect_names_the_host_that_the_request_names(make_app: Any, proxies: int) -> None:
    client = make_app(PROXIES=proxies).test_client()
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil.example",
    }
    for path in (
        "//install/callback",
        "/install//callback",
        "/documents/",
        "//evil.example",
        "/documents//rows",
    ):
        answer = client.get(path, headers=headers)
        assert "evil" not in answer.headers.get("Location", ""), path
        assert "evil" not in answer.get_data(as_text=True), path


@pytest.mark.parametrize(
    "host",
    ["evil.example", "a..b", "a" * 300, "[::1", "localhost:99999", "", "-", "a b", "\u00e4", "%00", "x:y:z"],
)
def test_the_host_that_a_request_names_decides_nothing(app: Flask, ours: StoreSession, host: str) -> None:
    cookie = ours.client.get_cookie("__Host-session")
    assert cookie is not None
    headers = {"Host": host, "Cookie": f"__Host-session={cookie.value}"}
    client = app.test_client(use_cookies=False)
    for path, status in (
        ("/", 200), ("/documents", 200), ("/nowhere", 404), ("/static/style.css", 200), ("/documents/", 404),
    ):  # fmt: skip
        answer = client.get(path, headers=headers, buffered=True)
        assert answer.status_code == status, path
        assert "evil" not in f"{answer.headers}{answer.get_data(as_text=True)}", path
    assert client.post("/hooks/jumpseller/x", data=b"{}", headers=headers).status_code == 401


NAMED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "99",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "Forwarded": "host=evil.example",
}


def test_no_header_that_names_a_host_changes_an_answer(make_app: Any, ours: StoreSession) -> None:
    known, app = values(ours), make_app(PROXIES=1)
    session = log_in(app, ours.store).get_cookie("__Host-session")
    assert session
    cookie = {"Cookie": f"{session.key}={session.value}"}
    client = app.test_client(use_cookies=False)
    for rule in routes(app):
        if "GET" in (rule.methods or ()):
            path = fill_path(rule, known)
            plain, named = (
                client.get(path, headers=headers, buffered=True) for headers in (cookie, NAMED | cookie)
            )
            assert named.status_code == plain.status_code, path
            leads = [urlsplit(answer.headers.get("Location", ""))[:3] for answer in (plain, named)]
            assert leads[0] == leads[1], path
            assert b"evil.example" not in named.data + str(named.headers).encode(), path


def test_a_statement_that_fails_is_logged_without_its_values(
    app: Flask, ours: StoreSession, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "Ana " + "Segredo"
    with pytest.raises(SQLAlchemyError) as failed:
        database.session.execute(select(Store.id).where(Store.id == database.func.no_such(secret)))
    database.session.rollback()
    logging.getLogger("test").error("failed", exc_info=failed.value)
    assert "no_such" in caplog.text and secret not in caplog.text


def test_a_very_long_name_is_folded_in_its_first_letters() -> None:
    # each of these letters becomes eighteen
    assert len(fold_for_search("\ufdfa" * 100_000)) <= 18 * 1000


@pytest.mark.parametrize("kind", ["sqlite:///x.db", "postgresql+psycopg://localhost/x"])
def test_no_database_shows_the_values_of_its_statements(kind: str) -> None:
    assert engine_options(kind)["hide_parameters"] is True


@pytest.fixture
def ours_cookie(ours: StoreSession) -> str:
    cookie = ours.client.get_cookie("__Host-session")
    assert cookie is not None
    return str(cookie.value)


@pytest.fixture
def database_away(app: Flask, ours: StoreSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection to the database be opened any more."""
    driver = database.engine.dialect.loaded_dbapi

    def refuse(*_: Any, **more: Any) -> None:
        raise driver.OperationalError("the server is away")

    database.session.remove()
    database.engine.dispose()
    monkeypatch.setattr(driver, "connect", refuse)


@pytest.mark.both_databases
def test_a_database_that_is_away_is_503_on_every_route_and_no_error_of_ours(
    app: Flask, ours_cookie: str, database_away: None, caplog: pytest.LogCaptureFixture
) -> None:
    statuses: dict[str, int] = {}
    client = app.test_client(use_cookies=False)
    for rule in routes(app):
        for method in {"GET", "POST"} & (rule.methods or set()):
            known = {
                "name": "igest",
                "token": "0" * 32,
                "filename": "style.css",
                "platform": "jumpseller",
                "key": "x",
            }
            path = fill_path(rule, {**dict.fromkeys(rule.arguments, 1), **known})
            headers = {"Cookie": f"__Host-session={ours_cookie}", "Origin": ORIGIN}
            answer = client.open(path, method=method, headers=headers, buffered=True)
            statuses[f"{method} {rule.rule}"] = answer.status_code
            assert answer.status_code < 500 or answer.status_code == 503, (method, rule.rule)
    for asked in ("GET /documents", "GET /", "POST /hooks/<platform>/<key>", "GET /d/<token>"):
        assert statuses[asked] == 503, asked
    assert "Traceback" not in caplog.text
