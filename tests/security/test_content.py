"""Text from buyers, shops and providers is escaped on every page; no page shows a secret."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from dev.factories import CREDENTIALS, make_account, make_document, make_store
from dev.stock_factories import make_article, make_product, make_stock_change, make_sync_run, make_synced_sku
from shopapp.models import Account
from tests.security.conftest import (
    StoreSession,
    csrf_token_of,
    fill_path,
    is_file,
    log_in,
    routes,
    search,
    text_of,
)
from tests.security.test_headers import values

XSS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", "<iframe srcdoc='<b>'>",
    "</title><script>alert(1)</script>", "</textarea><script>alert(1)</script>", "{{7*7}}", "${7*7}", "{%print(7*7)%}",
    "javascript:alert(1)", "\u202e<b>", "<a href=javascript:alert(1)>x</a>", "&lt;script&gt;", "<math><mi//xlink:href>",
    "`onmouseover=alert(1)`", "<body onload=alert(1)>", "<input autofocus onfocus=alert(1)>", "%(x)s %d %%",
]  # fmt: skip
TEXTS = [" ".join(XSS[at : at + 3]) for at in range(0, len(XSS), 3)]

RAW = [
    "<script>alert", "<img src=x", "<svg/onload", "<iframe", "<math>", "<body onload", "<input autofocus",
    'href="javascript', "<a href=javascript", "<b>",
]  # fmt: skip
"""Text that no page may contain as markup."""


def pages(app: Flask, shop: StoreSession) -> list[str]:
    found = ["/documents/bulk?do=issue&id=" + str(shop.documents["nif"].id)]
    for rule in routes(app):
        if "GET" in (rule.methods or ()) and rule.endpoint not in ("static", "public.buyer_pdf"):
            found += [fill_path(rule, {**values(shop), "number": row.id}) for row in shop.documents.values()]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_escaped_on_every_page(app: Flask, db: SQLAlchemy, text: str) -> None:
    store = make_store("olariadosado", name=text[:200])
    make_account(store, label=text)
    rows = {
        "issued": make_document(
            store, name=text, number=text[:60], alarm="duplicate", alarm_detail={"number": text}
        ),
        "nif": make_document(store, "blocked", name=text, detail={"nif": text}),
        "refused": make_document(store, "blocked", reason="provider-refused", detail={"answer": text}),
        "line": make_document(store, "blocked", reason="exemption-missing", detail={"line": text}),
        "review": make_document(store, "review", name=text),
        "pending": make_document(store, "pending", name=text),
    }
    shop = StoreSession(store, rows, log_in(app, store))
    searched = [search(shop, text), f"/documents?p={text}&t={text}&estado={text}&antes={text}"]
    seen = 0
    for path in pages(app, shop) + searched:
        answer = shop.client.get(path)
        assert answer.status_code != 500, path
        page = text_of(answer)
        assert is_file(answer) or not [raw for raw in RAW if raw in page], path
        seen += text in unescape(page)
    assert seen >= 5, "the text should show somewhere, as text"


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_product_text_is_escaped_on_every_page_of_products(
    app: Flask, db: SQLAlchemy, text: str
) -> None:
    store = make_store("olariadosado")
    account = make_account(store, settings={"stock": "to-shop"})
    account.choices = {
        **account.choices, "articles": True, "warehouses": [["A", text], ["B", text]], "locations": [["1", text]],
    }  # fmt: skip
    refused, twice = make_product(store, text, text), [make_product(store, f"2{text}", text) for _ in "ab"]
    nameless, matched = make_product(store, "", text), make_product(store, f"3{text}", text)
    make_article(account, text, "refused", reason="article-refused", detail={"answer": text})
    make_article(account, f"3{text}", "bound", code=text[:80], name=text)
    level = make_synced_sku(account, f"3{text}", reason="refused", detail={"answer": text})
    change = make_stock_change(level, "1", "2", name=text)
    sold = make_stock_change(level, "2", "3", "sale", name=text, order_id=text[:40])
    run = make_sync_run(account, state="open", reason="provider-refused", detail={"answer": text})
    paths = ["", "?estado=espera", "?estado=ligados", f"?q={text}", "/missing", "/now", "/changes",
             f"/changes?q={text}", f"/changes?run={run.id}", f"/changes/{sold.id}/undo", f"/changes/{change.id}/undo",
             *(f"/{one.id}" for one in (refused, *twice, nameless, matched))]  # fmt: skip
    shop, seen = StoreSession(store, {}, log_in(app, store)), 0
    shop.token = csrf_token_of(shop.client)
    for path in paths:
        answer = shop.client.get(f"/products{path}")
        page = answer.get_data(as_text=True)
        assert answer.status_code in (200, 409) and not [raw for raw in RAW if raw in page], path
        seen += text in unescape(page)
    assert seen >= 10, "the text should show, as text"
    typed = shop.post(f"/products/{refused.id}/bind", {"code": text})
    assert typed.status_code == 422 and not [raw for raw in RAW if raw in typed.get_data(as_text=True)]


def test_no_page_contains_a_secret(app: Flask, db: SQLAlchemy, ours: StoreSession) -> None:
    account = Account.find_current(ours.store)
    assert account is not None and account.credentials == CREDENTIALS
    secrets = [CREDENTIALS["key"], CREDENTIALS["code"], "access-of-olariadosado", "refresh-of-olariadosado",
               "hooks-token-of-olariadosado", ours.store.hook_key, "sandbox-secret",
               app.config["SECRET_KEY"]]  # fmt: skip
    for path in pages(app, ours):
        answer = ours.client.get(path)
        assert not [secret for secret in secrets if secret in text_of(answer)], path
        if "/install" not in path:
            assert "access-of" not in str(answer.headers), path


def test_a_secret_that_was_just_typed_is_not_sent_back(ours: StoreSession) -> None:
    typed = {"key": "c" * 40, "code": "not hex", "nif": "509999990", "entity": "1"}
    answer = ours.post("/setup/keys/igest", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "c" * 40 not in page and "not hex" not in page and "509999990" in page


def test_an_internal_error_shows_only_a_reference(
    app: Flask, ours: StoreSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("shopapp.web.documents.views.documents.list_documents", broken)
    answer = ours.client.get("/documents")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "secret of the inside" not in page and "Traceback" not in page and "RuntimeError" not in page
    reference = page.split("<code>")[1].split("</code>")[0]
    assert reference in caplog.text


def test_the_buyers_link_needs_its_whole_token_and_can_be_revoked(
    app: Flask, ours: StoreSession, theirs: StoreSession
) -> None:
    client = app.test_client()
    token = ours.documents["issued"].link_token
    for wrong in (
        token[:-1],
        token + "0",
        token.upper() if token.upper() != token else "x" * 32,
        "0" * 32,
        "..%2f" * 6,
    ):
        assert client.get(f"/d/{wrong}").status_code == 404
    unissued = client.get(f"/d/{ours.documents['nif'].link_token}")
    assert unissued.status_code == 404 and "não abre nenhum documento" in unissued.get_data(as_text=True)
    # The provider is unreachable here: the page says so, and names the shop to ask, but no buyer.
    open_one = client.get(f"/d/{token}")
    assert open_one.status_code == 503
    assert "Albuquerque" not in open_one.get_data(as_text=True)
    assert ours.post(f"/documents/{ours.documents['issued'].id}/revoke").status_code == 303
    assert client.get(f"/d/{token}").status_code == 404


def test_pages_without_a_session_are_rate_limited(app: Flask, ours: StoreSession) -> None:
    client = app.test_client()
    token = csrf_token_of(client, "/")
    for path, post in (
        ("/install", False),
        ("/install/callback", False),
        ("/enter", True),
        ("/d/" + "0" * 32, False),
    ):
        answers = [
            client.post(
                path, data={"csrf_token": token, "code": "x"}, headers={"Origin": "http://localhost"}
            ).status_code
            if post
            else client.get(path).status_code
            for _ in range(35)
        ]
        assert answers[0] != 429 and answers[-1] == 429, path


def test_webhooks_are_never_rate_limited(app: Flask, ours: StoreSession) -> None:
    client = app.test_client()
    answers = {
        client.post(f"/hooks/jumpseller/{ours.store.hook_key}", data=b"{}").status_code for _ in range(60)
    }
    assert answers == {401}


def test_no_script_keeps_anything_in_the_browser() -> None:
    scripts = list((Path(__file__).resolve().parents[2] / "static").rglob("*.js"))
    assert len(scripts) >= 6
    stores = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b|serviceWorker")
    assert [script.name for script in scripts if stores.search(script.read_text())] == []
