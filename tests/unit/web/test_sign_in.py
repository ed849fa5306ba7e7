"""Signing in by a link: to the shop's own address alone, the same answer for every shop, one use, one browser."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from dev.factories import make_account, make_store
from shopapp import mail
from shopapp.errors import TransientError
from shopapp.jobs import sign_in_links
from shopapp.models import BrowserSession, SignInRequest, Store, now, set_clock
from tests.security.conftest import ORIGIN, csrf_token_of
from tests.unit.web.conftest import page_text

pytestmark = pytest.mark.usefixtures("key_shop")

PATH = "/sign-in/shopkit"


class Mailbox(list[tuple[str, str, str]]):
    """The mails sent, as (to, subject, text)."""

    def code(self) -> str:
        found = re.search(r"/sign-in/shopkit/code#([0-9A-Z-]{29})", self[-1][2])
        assert found
        return found.group(1)


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch, app: Flask) -> Mailbox:
    sent = Mailbox()
    monkeypatch.setitem(app.config, "SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setattr(mail, "send", lambda to, subject, text: sent.append((to, subject, text)))
    return sent


@pytest.fixture
def store(db: SQLAlchemy, mailbox: Mailbox) -> Store:
    url = "https://loja.olaria.example"
    return make_store(platform="shopkit", url=url)


def ask(client: FlaskClient, shop: str = "olariadosado", **more: str) -> Any:
    form = {"csrf_token": csrf_token_of(client, PATH), "shop": shop, **more}
    return client.post(PATH, data=form, headers={"Origin": ORIGIN})


def mail_links() -> None:
    while sign_in_links.mail_next_link():
        pass


def enter(client: FlaskClient, code: str) -> Any:
    form = {"csrf_token": csrf_token_of(client, f"{PATH}/code"), "code": code}
    return client.post(f"{PATH}/code", data=form, headers={"Origin": ORIGIN})


def is_in(client: FlaskClient) -> bool:
    return client.get("/documents").status_code == 200


def pass_time(**more: float) -> None:
    later = now() + timedelta(**more)
    set_clock(lambda: later)


@pytest.mark.both_databases
def test_the_link_of_the_mail_opens_the_store(client: FlaskClient, store: Store, mailbox: Mailbox) -> None:
    assert ask(client).headers["Location"] == f"{PATH}/code"
    mail_links()
    (to, subject, text) = mailbox[0]
    assert to == store.email and "Olaria do Sado" in subject and "quinze minutos" in text
    assert not is_in(client) and client.get(f"{PATH}/code").status_code == 200
    assert enter(client, mailbox.code()).status_code == 303 and is_in(client)
    assert client.get_cookie("__Host-install") is None


def test_a_used_link_is_used_up_in_its_own_browser_too(
    client: FlaskClient, store: Store, mailbox: Mailbox, db: SQLAlchemy
) -> None:
    ask(client)
    mail_links()
    cookie = client.get_cookie("__Host-install")
    assert cookie is not None
    assert SignInRequest.redeem(mailbox.code(), cookie.value) is not None
    assert SignInRequest.redeem(mailbox.code(), cookie.value) is None


def test_a_link_opens_nothing_in_another_browser(
    app: Flask, client: FlaskClient, store: Store, mailbox: Mailbox
) -> None:
    ask(client)
    mail_links()
    other = app.test_client()
    assert enter(other, mailbox.code()).status_code == 401
    ask(other, "nobody")
    refused = enter(other, mailbox.code())
    assert refused.status_code == 401 and "só no navegador em que a pediu" in page_text(refused)
    assert not is_in(other) and enter(client, mailbox.code()).status_code == 303


def test_a_link_ends_after_fifteen_minutes(client: FlaskClient, store: Store, mailbox: Mailbox) -> None:
    ask(client)
    mail_links()
    pass_time(minutes=15, seconds=1)
    assert enter(client, mailbox.code()).status_code == 401


def test_a_link_ends_with_the_installation(
    client: FlaskClient, store: Store, mailbox: Mailbox, db: SQLAlchemy
) -> None:
    ask(client)
    mail_links()
    store.installation += 1
    db.session.commit()
    assert enter(client, mailbox.code()).status_code == 401


def test_the_whole_link_may_be_pasted_in_place_of_its_code(
    client: FlaskClient, store: Store, mailbox: Mailbox
) -> None:
    ask(client)
    mail_links()
    assert enter(client, f"http://localhost{PATH}/code#{mailbox.code()}").status_code == 303


def test_the_answer_is_the_same_whether_there_is_such_a_shop_or_not(
    app: Flask, store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("the page looks for no shop: a worker does")

    answers = []
    with monkeypatch.context() as patch:
        patch.setattr(Store, "find_by_address", never)
        for shop in ("olariadosado", "quintadaserra"):
            browser = app.test_client()
            sent = ask(browser, shop)
            page = browser.get(sent.headers["Location"]).get_data(as_text=True)
            answers.append((sent.status_code, re.sub(r'value="[^"]*"', "", page)))
    assert answers[0] == answers[1]
    mail_links()
    assert [to for to, _, _ in mailbox] == [store.email]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("OlariadoSado", True), ("https://loja.olaria.example/pt/", True), ("www.loja.olaria.example", True),
        ("geral@olariadosado.example", False), ("olaria.example", False), ("Olaria do Sado", False), ("%", False),
        ("olariadosado.evil.example", False),
    ],
)  # fmt: skip
def test_a_shop_is_found_by_its_code_or_its_whole_host_name(
    client: FlaskClient, store: Store, mailbox: Mailbox, typed: str, found: bool
) -> None:
    ask(client, typed)
    mail_links()
    assert bool(mailbox) is found


def test_a_store_that_left_or_is_of_another_platform_or_has_no_address_gets_no_mail(
    client: FlaskClient, mailbox: Mailbox, db: SQLAlchemy
) -> None:
    make_store("perdida", platform="shopkit", email="")
    make_store("partiu", platform="shopkit").state = "uninstalled"
    make_store("outra", platform="jumpseller")
    db.session.commit()
    for shop in ("perdida", "partiu", "outra"):
        ask(client, shop)
    mail_links()
    assert mailbox == []


def test_a_mail_server_that_is_away_is_tried_again_while_the_link_is_worth_anything(
    client: FlaskClient, store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise TransientError("mail-unsent")

    ask(client)
    with monkeypatch.context() as patch:
        patch.setattr(mail, "send", away)
        mail_links()
    assert not SignInRequest.any_due()
    pass_time(seconds=61)
    assert SignInRequest.any_due()
    mail_links()
    assert len(mailbox) == 1 and enter(client, mailbox.code()).status_code == 303


def test_a_shop_gets_six_links_an_hour_however_it_is_typed_and_whoever_asks(
    store: Store, mailbox: Mailbox
) -> None:
    for number in range(9):
        SignInRequest.record("shopkit", "olariadosado" if number % 2 else "loja.olaria.example", "x", "")
    mail_links()
    assert len(mailbox) == 6
    pass_time(minutes=61)
    SignInRequest.record("shopkit", "olariadosado", "x", "")
    mail_links()
    assert len(mailbox) == 7


def test_one_address_asks_for_six_links_an_hour(
    client: FlaskClient, mailbox: Mailbox, db: SQLAlchemy
) -> None:
    answers = [ask(client, f"shop{number}").status_code for number in range(8)]
    assert answers == [303] * 6 + [429] * 2
    assert len(db.session.scalars(select(SignInRequest)).all()) == 6


def test_after_the_link_the_browser_is_on_the_page_that_it_had_asked_for(
    client: FlaskClient, store: Store, mailbox: Mailbox
) -> None:
    make_account(store)
    ask(client)
    mail_links()
    enter(client, mailbox.code())
    BrowserSession.end_of_store(store.id)
    consent = client.get("/documents?estado=emitido").get_data(as_text=True)
    back = re.search(r'name="back" value="([^"]+)"', consent)
    assert back
    ask(client, back=back.group(1))
    mail_links()
    assert enter(client, mailbox.code()).headers["Location"] == "/documents?estado=emitido"


def test_links_are_stored_only_as_hashes_and_deleted_after_a_day(
    client: FlaskClient, store: Store, mailbox: Mailbox, db: SQLAlchemy
) -> None:
    ask(client)
    mail_links()
    row = db.session.scalars(select(SignInRequest)).one()
    assert mailbox.code().replace("-", "") not in repr(vars(row)) and row.secret_hash
    pass_time(days=1, seconds=1)
    SignInRequest.delete_old()
    assert db.session.scalars(select(SignInRequest)).all() == []


def test_its_session_ends_fourteen_days_after_its_last_use_and_thirty_after_its_start(
    client: FlaskClient, store: Store, mailbox: Mailbox
) -> None:
    ask(client)
    mail_links()
    enter(client, mailbox.code())
    for _ in range(2):
        pass_time(days=13, hours=23)
        assert is_in(client)
    pass_time(days=2, hours=3)
    assert not is_in(client)
    ask(client)
    mail_links()
    enter(client, mailbox.code())
    pass_time(days=14, seconds=1)
    assert not is_in(client)


def test_where_no_mail_is_sent_the_page_asks_for_the_key(app: Flask, client: FlaskClient) -> None:
    app.config["SMTP_URL"] = ""
    page = client.get(PATH)
    assert "Aqui não há envio de e-mail" in page_text(page) and "/connect/shopkit" in page.get_data(
        as_text=True
    )
