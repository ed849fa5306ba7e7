"""How a session begins and ends, and what becomes of what its browser asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from dev.factories import make_store
from shopapp.models import BrowserSession, now, set_clock
from shopapp.models import db as database
from shopapp.web.browser_names import browser_name
from shopapp.web.interrupted import return_path
from shopapp.web.sealed_values import seal
from shopapp.web.session import entry_token
from tests.security.conftest import ORIGIN, StoreSession, csrf_token_of, log_in
from tests.unit.web.conftest import page_text

NOON = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
"""Half an hour before the clocks of Lisbon go forward: the limits are hours of UTC."""


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Iterator[Clock]:
    clock = Clock()
    set_clock(lambda: clock.now)
    yield clock
    set_clock(None)


def is_open(client: Any) -> bool:
    return client.get("/documents").status_code == 200


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    return unescape(found.group(1)) if found else ""


@pytest.mark.both_databases
def test_a_session_ends_two_hours_after_its_last_use(time: Clock, shop: StoreSession) -> None:
    time.pass_seconds(2 * 3600 - 1)
    assert is_open(shop.client)
    time.pass_seconds(2 * 3600 - 1)
    assert is_open(shop.client)
    time.pass_seconds(2 * 3600)
    assert shop.client.get("/documents").status_code == 401


@pytest.mark.both_databases
def test_a_session_ends_twelve_hours_after_its_start_however_much_it_is_used(
    time: Clock, shop: StoreSession
) -> None:
    for _ in range(11):
        time.pass_seconds(3600)
        assert is_open(shop.client)
    time.pass_seconds(3599)
    assert is_open(shop.client)
    time.pass_seconds(1)
    assert not is_open(shop.client)


def test_what_our_scripts_ask_by_themselves_is_no_use(time: Clock, shop: StoreSession) -> None:
    for _ in range(7):
        time.pass_seconds(1000)
        assert shop.client.get("/documents/rows").status_code == 200
    time.pass_seconds(200)
    assert shop.client.get("/documents/rows").status_code == 401


def test_the_last_use_is_written_once_a_minute_and_read_with_the_store(
    time: Clock, db: SQLAlchemy, shop: StoreSession
) -> None:
    statements: list[str] = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *given: statements.append(" ".join(given[2].split()))
    )
    for seconds in (30, 29, 1, 59, 1):
        time.pass_seconds(seconds)
        assert is_open(shop.client)
    about = [statement for statement in statements if "browser_session" in statement]
    assert len([one for one in about if one.startswith("UPDATE")]) == 2
    assert len([one for one in about if one.startswith("SELECT")]) == 5
    assert not [one for one in statements if "FROM store WHERE" in one]


def test_logging_out_ends_this_session_and_says_how_to_come_back(app: Flask, shop: StoreSession) -> None:
    other = log_in(app, shop.store)
    copied = shop.client.get_cookie("__Host-session")
    left = shop.post("/leave")
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    answer = shop.client.get("/")
    assert "abra a aplicação no painel da loja" in page_text(answer)
    assert "Abrir Quick Invoice" in page_text(answer)
    assert not is_open(shop.client) and is_open(other)
    thief = app.test_client()
    assert copied is not None
    thief.set_cookie("__Host-session", copied.value, secure=True)
    assert not is_open(thief)


def test_every_page_of_a_store_has_a_button_that_logs_out(shop: StoreSession) -> None:
    for path in ("/documents", "/products", "/setup", "/setup/sessions", "/help"):
        assert 'action="/leave"' in shop.client.get(path).get_data(as_text=True), path


def test_all_other_sessions_are_listed_and_ended(app: Flask, db: SQLAlchemy, shop: StoreSession) -> None:
    other = log_in(app, shop.store)
    stranger = log_in(app, make_store("quintadaserra"))
    shown = page_text(shop.client.get("/setup/sessions"))
    assert shown.count("Firefox, Linux") == 2 and shown.count("Este navegador") == 1
    assert "Terminou 1 sessão." in page_text(shop.post("/setup/sessions/end-others", follow_redirects=True))
    assert is_open(shop.client) and not is_open(other) and is_open(stranger)
    assert "Não havia outra" in page_text(shop.post("/setup/sessions/end-others", follow_redirects=True))


def test_a_code_opens_a_second_browser_without_ending_the_first(app: Flask, shop: StoreSession) -> None:
    page = shop.post("/setup/sessions/code").get_data(as_text=True)
    code = page.partition("<code>")[2].partition("</code>")[0]
    second = app.test_client()
    form = {"csrf_token": csrf_token_of(second, "/"), "code": code}
    assert second.post("/enter", data=form, headers={"Origin": ORIGIN}).status_code == 303
    assert is_open(second) and is_open(shop.client)


def test_the_operator_lists_and_ends_the_sessions_of_one_store(app: Flask, shop: StoreSession) -> None:
    stranger = log_in(app, make_store("quintadaserra"))
    run = app.test_cli_runner().invoke
    listed = run(args=["sessions", shop.store.code])
    assert "Firefox, Linux" in listed.output and listed.output.count("\n") == 1
    assert "1 ended" in run(args=["end-sessions", shop.store.code]).output
    assert not is_open(shop.client) and is_open(stranger)
    assert run(args=["end-sessions", "unknown"]).exit_code == 1


def test_ended_sessions_are_deleted(time: Clock, db: SQLAlchemy, shop: StoreSession) -> None:
    time.pass_seconds(2 * 3600 - 1)
    log_in(shop.client.application, shop.store)
    time.pass_seconds(1)
    BrowserSession.delete_ended()
    assert db.session.query(BrowserSession).count() == 1


# what was asked for


def log_in_again(shop: StoreSession, consent: Any, **more: str) -> Any:
    """Open a new session from the consent page, as enter.js does; return the answer."""
    page = consent.get_data(as_text=True)
    token = entry_token(shop.store)
    form = {"csrf_token": field(page, "csrf_token"), "back": field(page, "back"), "token": token, **more}
    return shop.client.post("/enter", data=form, headers={"Origin": ORIGIN})


def end(shop: StoreSession) -> None:
    BrowserSession.end_of_store(shop.store.id)


def test_after_log_in_the_browser_is_on_the_same_page(shop: StoreSession) -> None:
    end(shop)
    consent = shop.client.get("/documents?estado=emitido&p=7d")
    assert consent.status_code == 401 and "volta à página em que estava" in page_text(consent)
    answer = log_in_again(shop, consent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/documents?estado=emitido&p=7d")


def test_a_form_that_was_sent_after_the_end_is_kept_and_sent_only_on_request(shop: StoreSession) -> None:
    end(shop)
    form = {"entity": "4711", "nif": "509999990", "key": "zz" * 20, "code": "not hex"}
    consent = shop.post("/setup/keys/igest", form)
    page = consent.get_data(as_text=True)
    assert consent.status_code == 401 and "zz" * 20 not in page and "está guardado" in page_text(consent)
    asked = log_in_again(shop, consent)
    page = asked.get_data(as_text=True)
    assert asked.status_code == 200 and 'action="/setup/keys/igest"' in page and "zz" * 20 not in page
    sent = {"csrf_token": field(page, "csrf_token"), "typed": field(page, "typed")}
    answer = shop.client.post("/setup/keys/igest", data=sent, headers={"Origin": ORIGIN})
    assert answer.status_code == 422 and 'value="509999990"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("lie", ["another path", "another store", "made up", "too old", "a page"])
def test_only_the_form_itself_is_sent_again(time: Clock, shop: StoreSession, lie: str) -> None:
    path, form = "/setup/disconnect", [["sure", "yes"]]
    sealed = {
        "another path": seal([shop.store.id, "/setup/choices", form], "interrupted"),
        "another store": seal([shop.store.id + 1, path, form], "interrupted"),
        "made up": "A" * 200,
        "too old": seal([shop.store.id, path, form], "interrupted"),
        "a page": seal([shop.store.id, path, None], "interrupted"),
    }[lie]
    if lie == "too old":
        time.pass_seconds(12 * 3600 + 1)
        shop.client = log_in(shop.client.application, shop.store)
        shop.token = csrf_token_of(shop.client)
    assert shop.post(path, {"typed": sealed}).status_code == 400
    database.session.rollback()


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/", "/documents", "", "A" * 300, "é", "AAAA="]
)
def test_log_in_leads_nowhere_that_we_did_not_seal(shop: StoreSession, back: str) -> None:
    end(shop)
    answer = log_in_again(shop, shop.client.get("/documents"), back=back)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
         "Safari/537.36 Edg/140.0.0.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile "
         "Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.0 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
         "Safari/605.1.15", "Safari, macOS"),
        ("curl/8.0 <b>", ""),
    ],
)  # fmt: skip
def test_a_browser_is_named_as_people_know_it(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


def test_a_sealed_page_is_for_its_own_store_and_for_twelve_hours(db: SQLAlchemy, shop: StoreSession) -> None:
    own = seal([shop.store.id, "/documents", None], "interrupted")
    assert return_path(own, shop.store) == ("/documents", False)
    assert return_path(seal([shop.store.id + 1, "/documents", None], "interrupted"), shop.store) is None
    assert return_path(seal([shop.store.id, "/documents", None], "other"), shop.store) is None
    later = now() + timedelta(hours=12, minutes=1)
    set_clock(lambda: later)
    try:
        assert return_path(own, shop.store) is None
    finally:
        set_clock(None)
