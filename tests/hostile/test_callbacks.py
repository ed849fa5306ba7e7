"""What may come back to the address of an installation: only the answer to our own question installs a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from shopapp.models import OneTimeToken, Store, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import StoreInfo
from shopapp.platforms.oauth import OAuthTokens
from shopapp.web.limits import limiter
from tests.hostile.conftest import AnsweringPlatform, Figures

COOKIE = "__Host-install"


class ConsentPlatform(AnsweringPlatform):
    """A platform that exchanges any code for the tokens of one store."""

    exchanged: list[str] = []

    def authorize_url(self, state: str, challenge: str) -> str:
        return f"https://accounts.shop.example/oauth/authorize?state={state}&code_challenge={challenge}"

    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        ConsentPlatform.exchanged.append(code)
        return OAuthTokens("access", "refresh", 3600)

    def store_info(self) -> StoreInfo:
        return StoreInfo("olaria", "Olaria", "EUR", "PT", "Europe/Lisbon", "pt", "a@b.pt", "")

    def webhook_secret(self) -> str:
        return "hooks-token"


def begin(client: FlaskClient) -> str:
    """Begin an installation; return its state."""
    limiter.reset()
    return parse_qs(urlsplit(client.get("/install").headers["Location"]).query)["state"][0]


STATES: dict[str, Callable[[str], str]] = {
    "no state": lambda state: "code=c",
    "an empty state": lambda state: "state=&code=c",
    "another state": lambda state: f"state={'x' * 43}&code=c",
    "a cut state": lambda state: f"state={state[:-1]}&code=c",
    "a longer state": lambda state: f"state={state}x&code=c",
    "a state of 70,000 letters": lambda state: f"state={state}{'x' * 70_000}&code=c",
    "a state in capitals": lambda state: f"state={state.upper()}&code=c",
    "a state with a space": lambda state: f"state=%20{state}&code=c",
    "a state with U+0000": lambda state: f"state={state}%00&code=c",
    "a state with a line break": lambda state: f"state={state}%0d%0a&code=c",
    "a state of broken UTF-8": lambda state: "state=%ff%fe&code=c",
    "a pattern for a state": lambda state: "state=%25&code=c",
    "SQL for a state": lambda state: "state=' OR '1'='1&code=c",
    "a list for a state": lambda state: f"state[]={state}&code=c",
    "the wrong one of two states": lambda state: f"state=x&state={state}&code=c",
    "a state in another parameter": lambda state: f"State={state}&code=c",
    "a state behind a semicolon": lambda state: f"code=c;state={state}",
    "no code": lambda state: f"state={state}",
    "an empty code": lambda state: f"state={state}&code=",
    "an error": lambda state: f"state={state}&error=access_denied",
    "an error beside a code": lambda state: f"state={state}&code=c&error=server_error",
    "an error of markup": lambda state: f"state={state}&error=<script>alert(1)</script>&error_description=<b>",
    "an error in many words": lambda state: f"state={state}&error={'x' * 5000}",
    "an implicit grant": lambda state: f"state={state}#access_token=x",
    "a token for a code": lambda state: f"state={state}&access_token=x&token_type=bearer",
    "an id token": lambda state: f"state={state}&id_token=e30.e30.",
    "an empty code beside another": lambda state: f"state={state}&code=&code=c",
    "a code of U+0000": lambda state: f"state={state}&code=%00",
    "a name of U+0000": lambda state: f"state={state}&code=c&%00=x",
}  # fmt: skip
ISSUERS = (
    "", "null", "https://evil.example", "https://accounts.shop.example.evil.example", "http://accounts.shop.example",
    "https://accounts.shop.example:444", "https://accounts.shop.example@evil.example", "accounts.shop.example",
    "https://accounts.shop.example/oauth", "//accounts.shop.example", "https://ACCOUNTS.shop.example",
    "https://accounts.shop.examplé", "\x85", "https://api.shop.example",
)  # fmt: skip
HOSTILE_CALLBACKS: dict[str, Callable[[str], str]] = {
    **STATES,
    **{
        f"the issuer {issuer!a}": lambda state, issuer=issuer: f"state={state}&code=c&iss={quote(issuer)}"  # type: ignore[misc]
        for issuer in ISSUERS
    },
}
COOKIES: dict[str, Callable[[FlaskClient], None]] = {
    "no cookie": lambda client: client.delete_cookie(COOKIE),
    "an empty cookie": lambda client: client.set_cookie(COOKIE, "", secure=True),
    "another browser's cookie": lambda client: client.set_cookie(COOKIE, "x" * 43, secure=True),
    "a short cookie": lambda client: client.set_cookie(COOKIE, "x", secure=True),
}


@pytest.fixture
def browser(app: Flask, db: SQLAlchemy, outside: None, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setitem(PLATFORMS, "jumpseller", ConsentPlatform)
    ConsentPlatform.exchanged = []
    return app.test_client()


def stores(db: SQLAlchemy) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Store)) or 0


def judge(client: FlaskClient, query: str, name: str, figures: Figures, db: SQLAlchemy) -> None:
    limiter.reset()
    answer = client.get(f"/install/callback?{query}")
    figures["callbacks"] += 1
    page = answer.get_data(as_text=True)
    if answer.status_code != 400:
        figures.fault(f"status {answer.status_code}", name)
    if "<script>alert" in page or "evil" in page + str(answer.headers):
        figures.fault("repeated", name)
    if stores(db) or ConsentPlatform.exchanged or client.get("/documents").status_code != 401:
        figures.fault("installed", name)
    figures["refused"] += answer.status_code == 400


def test_only_the_answer_to_our_question_installs_a_store(
    app: Flask, db: SQLAlchemy, browser: FlaskClient, figures: Figures, errors: list[str]
) -> None:
    for name, query in HOSTILE_CALLBACKS.items():
        client = app.test_client()
        judge(client, query(begin(client)), name, figures, db)
    for name, spoil in COOKIES.items():
        client = app.test_client()
        state = begin(client)
        spoil(client)
        judge(client, f"state={state}&code=c", name, figures, db)
    other = app.test_client()
    judge(other, f"state={begin(browser)}&code=c", "a state of another browser", figures, db)
    state = begin(browser)
    set_clock(lambda: datetime.now(UTC) + timedelta(seconds=601))
    try:
        judge(browser, f"state={state}&code=c", "a state of ten minutes ago", figures, db)
    finally:
        set_clock(None)
    OneTimeToken.create("entry", "e" * 43, 60, {})
    judge(browser, f"state={'e' * 43}&code=c", "a token of the log-in for a state", figures, db)
    figures.faults += errors
    assert figures["callbacks"] >= 47
    figures.check()


def test_after_all_that_the_honest_answer_installs_once(
    app: Flask, db: SQLAlchemy, browser: FlaskClient
) -> None:
    state = begin(browser)
    query: dict[str, Any] = {"state": state, "code": "c", "iss": "https://accounts.shop.example"}
    assert browser.get("/install/callback", query_string=query).status_code == 303
    assert (stores(db), ConsentPlatform.exchanged) == (1, ["c"])
    assert browser.get("/install/callback", query_string=query).status_code == 400
    assert browser.get("/documents").status_code == 200
