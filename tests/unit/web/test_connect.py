"""Connecting a shop by its key: what is tried, asked, stored and said, and what stays when a new key comes."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from dev.factories import make_account
from shopapp.errors import UnreachableError
from shopapp.models import Account, BrowserSession, Document, Store, now, set_clock
from tests.key_shop import KEYS, KeyShop, shop_info
from tests.security.conftest import ORIGIN, StoreSession, csrf_token_of, log_in
from tests.unit.web.conftest import page_text, reload

pytestmark = pytest.mark.usefixtures("key_shop")

PATH = "/connect/shopkit"


def connect(client: FlaskClient, key: str = KEYS["a"], shop: str = "Olaria do Sado", **more: str) -> Any:
    form = {"csrf_token": csrf_token_of(client, PATH), "key": key, "shop": shop, **more}
    return client.post(PATH, data=form, headers={"Origin": ORIGIN})


def confirm(client: FlaskClient, asked: Any, sealed: str = "") -> Any:
    found = re.search(r'name="sealed" value="([^"]+)"', asked.get_data(as_text=True))
    form = {"csrf_token": csrf_token_of(client, PATH), "sealed": sealed or (found.group(1) if found else "")}
    return client.post(f"{PATH}/confirm", data=form, headers={"Origin": ORIGIN})


def stores(db: SQLAlchemy) -> list[Store]:
    db.session.rollback()
    return list(db.session.scalars(select(Store).order_by(Store.id)))


def is_in(client: FlaskClient) -> bool:
    return client.get("/documents").status_code == 200


def test_a_key_that_works_connects_the_shop_and_leads_on_to_the_set_up(
    client: FlaskClient, db: SQLAlchemy
) -> None:
    answer = connect(client, secret="the secret")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    (store,) = stores(db)
    known = (store.platform, store.code, store.email, store.access_token, store.hooks_token)
    assert known == ("shopkit", "olariadosado", "geral@olariadosado.example", KEYS["a"], "the secret")
    assert store.token_expires_at is None and KEYS["a"].encode() not in (store.access_token_sealed or b"")
    page = page_text(client.get("/", follow_redirects=True))
    assert "A loja Olaria do Sado está ligada." in page and "Que programa de faturação usa?" in page


@pytest.mark.parametrize(
    "typed",
    ["olaria  DO sado", "olariadosado", "https://www.olariadosado.example/pt", "olariadosado.example"],
)
def test_a_shop_is_recognised_by_its_name_its_code_or_its_address(
    client: FlaskClient, db: SQLAlchemy, typed: str
) -> None:
    assert connect(client, shop=typed).status_code == 303 and len(stores(db)) == 1


def test_a_shop_that_is_not_the_one_typed_is_confirmed_by_name_before_anything_is_stored(
    client: FlaskClient, db: SQLAlchemy
) -> None:
    asked = connect(client, shop="Quinta da Serra")
    page = asked.get_data(as_text=True)
    assert asked.status_code == 200 and stores(db) == [] and KEYS["a"] not in page
    assert "escreveu «Quinta da Serra»" in page_text(asked) and "Sim, ligar Olaria do Sado" in page_text(
        asked
    )
    assert confirm(client, asked).status_code == 303
    assert [store.code for store in stores(db)] == ["olariadosado"] and is_in(client)


@pytest.mark.parametrize(
    "lie", ["another browser", "too late", "made up", "the key changed hands", "key gone"]
)
def test_a_confirmation_is_good_in_its_own_browser_and_for_ten_minutes(
    app: Flask, client: FlaskClient, db: SQLAlchemy, key_shop: type[KeyShop], lie: str
) -> None:
    asked = connect(client, shop="Quinta da Serra")
    other = app.test_client() if lie == "another browser" else client
    if lie == "too late":
        later = now() + timedelta(minutes=10, seconds=1)
        set_clock(lambda: later)
    if lie == "the key changed hands":
        key_shop.shops[KEYS["a"]] = shop_info("outra", "Outra")
    if lie == "key gone":
        key_shop.shops.clear()
    answer = confirm(other, asked, "A" * 300 if lie == "made up" else "")
    assert answer.status_code == 422 and stores(db) == [] and not is_in(other)
    assert KEYS["a"] not in answer.get_data(as_text=True)


def test_a_key_that_is_refused_keeps_what_was_typed_but_no_secret(
    client: FlaskClient, db: SQLAlchemy
) -> None:
    answer = connect(client, key="f" * 40, shop='Olaria "do" Sado', secret="shown once")
    page, text = answer.get_data(as_text=True), page_text(answer)
    assert answer.status_code == 422 and stores(db) == [] and not is_in(client)
    assert "O Shopkit não aceitou esta chave" in text and "Nada foi guardado" in text
    assert "Account settings" in text and "Developers" in text
    assert 'value="Olaria "do" Sado"' in unescape(page) and "f" * 40 not in page and "shown once" not in page


def test_what_is_no_key_is_said_without_asking_the_platform(
    client: FlaskClient, key_shop: type[KeyShop]
) -> None:
    key_shop.fails = AssertionError("asked")
    assert "Isto não é uma chave do Shopkit" in page_text(connect(client, key="abc"))
    empty = connect(client, key=" ", shop="")
    assert empty.status_code == 422 and "Cole aqui a chave" in page_text(empty)
    assert "Escreva o nome ou o endereço" in page_text(empty)


def test_a_platform_that_does_not_answer_stores_nothing_and_says_so(
    client: FlaskClient, db: SQLAlchemy, key_shop: type[KeyShop]
) -> None:
    key_shop.fails = UnreachableError("unreachable", how="timeout")
    answer = connect(client)
    assert answer.status_code == 503 and stores(db) == []
    assert "Não conseguimos confirmar a chave" in page_text(answer)
    assert 'value="Olaria do Sado"' in answer.get_data(as_text=True)


def test_only_a_platform_whose_stores_have_keys_is_connected_here(client: FlaskClient) -> None:
    for path in ("/connect/jumpseller", "/connect/none", "/sign-in/jumpseller", "/sign-in/none/code"):
        assert client.get(path).status_code == 404
    form = {"csrf_token": csrf_token_of(client, PATH), "key": KEYS["a"], "shop": "x"}
    assert client.post("/connect/jumpseller", data=form, headers={"Origin": ORIGIN}).status_code == 404


def test_a_new_key_for_the_same_shop_keeps_everything_and_ends_the_other_sessions(
    app: Flask, client: FlaskClient, db: SQLAlchemy, key_shop: type[KeyShop]
) -> None:
    connect(client, secret="the secret")
    (store,) = stores(db)
    make_account(store)
    store.state = "reauthorise"
    db.session.commit()
    other = log_in(app, store)
    key_shop.shops = {KEYS["c"]: shop_info("olariadosado", "Olaria do Sado")}
    assert connect(client, key=KEYS["c"]).status_code == 303
    (again,) = stores(db)
    reload(db, again)
    assert (again.id, again.state, again.access_token) == (store.id, "installed", KEYS["c"])
    assert again.hooks_token == "the secret" and Account.find_current(again) is not None
    assert is_in(client) and not is_in(other)


def test_a_key_opens_its_own_shop_and_never_the_one_that_was_open_before(
    app: Flask, client: FlaskClient, db: SQLAlchemy
) -> None:
    connect(client)
    other = app.test_client()
    assert connect(other, key=KEYS["b"], shop="Quinta da Serra").status_code == 303
    assert "Olaria" not in page_text(other.get("/setup")) and "Olaria" in page_text(client.get("/setup"))
    assert confirm(client, connect(client, key=KEYS["b"])).status_code == 303
    assert "Quinta da Serra" in page_text(client.get("/setup")) and not is_in(other)
    first, second = stores(db)
    assert (first.access_token, second.access_token) == (KEYS["a"], KEYS["b"])


def test_a_refused_key_asks_for_a_new_one_and_not_for_an_authorisation(
    client: FlaskClient, db: SQLAlchemy
) -> None:
    connect(client)
    (store,) = stores(db)
    make_account(store)
    store.state, store.ready_at = "reauthorise", store.installed_at
    db.session.commit()
    page = page_text(client.get("/"))
    assert (
        "A loja deixou de aceitar a chave" in page and "Pôr uma chave nova" in page and "Autorize" not in page
    )
    answer = client.get("/authorise")
    assert (answer.status_code, answer.headers["Location"]) == (302, PATH)
    form = client.get(PATH)
    assert "Pôr uma chave nova" in page_text(form) and 'value="Olaria do Sado"' in form.get_data(as_text=True)


def test_a_shop_is_disconnected_by_its_merchant_and_its_key_forgotten(
    app: Flask, client: FlaskClient, db: SQLAlchemy, key_shop: type[KeyShop]
) -> None:
    connect(client, secret="the secret")
    (store,) = stores(db)
    other = log_in(app, store)
    form = {"csrf_token": csrf_token_of(client)}
    unsure = client.post("/setup/disconnect-store", data=form, headers={"Origin": ORIGIN})
    assert unsure.status_code == 303 and reload(db, store).access_token == KEYS["a"]
    form["sure"] = "yes"
    key_shop.subscribed = []
    assert client.post("/setup/disconnect-store", data=form, headers={"Origin": ORIGIN}).status_code == 303
    reload(db, store)
    assert (store.state, store.access_token, store.hooks_token) == ("uninstalled", None, None)
    assert key_shop.subscribed == [()] and not is_in(client) and not is_in(other)
    assert db.session.scalar(select(func.count()).select_from(Document)) == 0


def test_a_shop_that_is_authorised_in_its_admin_is_not_disconnected_here(shop: StoreSession) -> None:
    assert shop.post("/setup/disconnect-store", {"sure": "yes"}).status_code == 404
    assert "Desligar a loja" not in page_text(shop.client.get("/setup"))


def test_the_consent_page_names_both_platforms_and_in_a_frame_the_one_that_frames_us(
    client: FlaskClient,
) -> None:
    page = page_text(client.get("/"))
    assert "A minha loja está no Jumpseller" in page and "A minha loja está no Shopkit" in page
    framed = page_text(client.get("/", headers={"Sec-Fetch-Dest": "iframe"}))
    assert "Abrir Quick Invoice" in framed and "Shopkit" not in framed


def test_a_browser_whose_session_ended_is_offered_its_own_platform(
    app: Flask, client: FlaskClient, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SMTP_URL", "smtp://127.0.0.1:1")
    connect(client)
    BrowserSession.end_of_store(stores(db)[0].id)
    answer = client.get("/documents")
    assert answer.status_code == 401
    page = page_text(answer)
    assert "Enviar ligação de entrada" in page and "Yes, Authorize" not in page


def test_without_a_secret_the_page_says_that_the_shop_is_asked(client: FlaskClient) -> None:
    connect(client)
    assert "Sem avisos" in page_text(client.get("/setup"))
    connect(client, secret="the secret")
    assert "Sem avisos" not in page_text(client.get("/setup"))


def test_no_page_of_such_a_shop_is_framed_and_its_cookie_stays_on_our_site(client: FlaskClient) -> None:
    cookie = next(c for c in connect(client).headers.getlist("Set-Cookie") if c.startswith("__Host-session="))
    assert "SameSite=Lax" in cookie and "HttpOnly" in cookie and "Secure" in cookie
    for path in ("/setup", "/documents", "/help", PATH, "/sign-in/shopkit", "/sign-in/shopkit/code"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
