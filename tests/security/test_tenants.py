"""Two stores: all data of the other store is 404 on every route, is not shown and does not change."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from dev.stock_factories import make_catalogue
from shopapp.models import Account, Product, Webhook, now
from shopapp.models.queries import documents
from tests.security.conftest import OPEN_POSTS, ORIGIN, StoreSession, fill_path, routes, search, text_of
from tests.security.test_csrf import everything
from tests.security.test_headers import values

pytestmark = pytest.mark.usefixtures("no_limits")

OTHER_PARAMETERS = {
    "accountant.open_link": "secret",
    "connect.show": "platform",
    "connect.try_key": "platform",
    "connect.confirm": "platform",
    "sign_in.ask": "platform",
    "sign_in.send": "platform",
    "sign_in.show": "platform",
    "sign_in.enter": "platform",
    "decisions.revoke_reading": "reading",
    "install.start": "platform",
    "report_files.as_csv": "table",
    "static": "filename",
    "setup.keys": "name",
    "setup.save_keys": "name",
    "webhooks.receive": "key",
}
"""Routes whose parameter is not the id of a store's row, with that parameter."""
FORM = {
    "sure": "yes",
    "number": "FR 2026FR/999",
    "total": "173.12",
    "nif": "123456789",
    "to": "a@b.pt",
    "other": "x",
}


def test_every_id_of_another_store_is_404_and_untouched(
    app: Flask, db: SQLAlchemy, ours: StoreSession, theirs: StoreSession
) -> None:
    before, seen = everything(db), 0
    for rule in routes(app):
        if not rule.arguments or rule.endpoint in OTHER_PARAMETERS or rule.endpoint == "public.buyer_pdf":
            continue
        assert rule.arguments == {"number"}, f"{rule.rule}: add its parameter to this test"
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            for document in theirs.documents.values():
                path = fill_path(rule, {"number": document.id})
                headers = {"Origin": ORIGIN, "Referer": ORIGIN + "/"}
                answer = ours.client.open(
                    path, method=method, data={**FORM, "csrf_token": ours.token}, headers=headers
                )
                assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"
                seen += 1
    assert seen > 200
    assert everything(db) == before


def test_products_changes_and_runs_of_another_store_are_404(
    app: Flask, db: SQLAlchemy, ours: StoreSession, theirs: StoreSession
) -> None:
    for shop in (ours, theirs):
        account = Account.find_current(shop.store)
        assert account is not None
        account.choices = {**account.choices, "articles": True}
    rows = make_catalogue(theirs.store, account)
    other = sorted({row.id for row in rows.values()})
    before, seen = everything(db), 0
    for rule in routes(app):
        if not rule.rule.startswith("/products") or not rule.arguments:
            continue
        for method in ("GET", "POST"):
            if method not in (rule.methods or ()):
                continue
            for number in other:
                headers = {"Origin": ORIGIN, "Referer": ORIGIN + "/"}
                form = {"csrf_token": ours.token, "code": "A", "treatment": "normal"}
                answer = ours.client.open(
                    fill_path(rule, {"number": number}), method=method, data=form, headers=headers
                )
                assert answer.status_code == 404, f"{method} {rule.rule} {number}"
                seen += 1
    assert seen > 100
    names = [row.name for row in rows.values() if isinstance(row, Product)]
    for path in ("", "?estado=espera", "/changes", f"?depois={other[0]}", f"/changes?run={rows['run'].id}"):
        page = ours.client.get(f"/products{path}").get_data(as_text=True)
        assert not [name for name in names if name in page], path
    assert everything(db) == before


def test_another_stores_id_and_an_unknown_one_get_the_same_answer(
    ours: StoreSession, theirs: StoreSession
) -> None:
    other = ours.client.get(f"/documents/{theirs.documents['issued'].id}")
    unknown = ours.client.get("/documents/999999")
    assert other.status_code == unknown.status_code == 404
    assert other.data == unknown.data


def test_a_bulk_action_with_one_document_of_another_store_is_refused_whole(
    db: SQLAlchemy, ours: StoreSession, theirs: StoreSession
) -> None:
    before = everything(db)
    for act in ("issue", "email", "aside"):
        mixed = [ours.documents["nif"].id, theirs.documents["nif"].id]
        query = "&".join(f"id={number}" for number in mixed)
        assert ours.client.get(f"/documents/bulk?do={act}&{query}").status_code == 404
        assert ours.post("/documents/bulk", {"do": act, "id": mixed}).status_code == 404
    assert everything(db) == before


def test_nothing_of_another_store_shows_on_any_page(
    app: Flask, ours: StoreSession, theirs: StoreSession
) -> None:
    marks = ["Zulmira", "987,65", theirs.store.code, theirs.store.hook_key, f"geral@{theirs.store.code}"]
    marks += [document.link_token for document in theirs.documents.values()]
    marks += [document.order_id for document in theirs.documents.values()]
    searches = [
        "zulmira",
        theirs.documents["issued"].order_id,
        theirs.documents["issued"].number or "",
        "123456789",
    ]
    found_by = {search(ours, text): text for text in searches}
    found_by |= {path.replace("/documents?", "/documents/rows?"): text for path, text in found_by.items()}
    paths = list(found_by)
    paths += ["/", "/?store=quintadaserra", f"/documents?store={theirs.store.id}", "/documents?antes=999999"]
    for rule in routes(app):
        if "GET" in (rule.methods or ()) and rule.endpoint != "public.buyer_pdf":
            paths += [fill_path(rule, {**values(ours), "number": row.id}) for row in ours.documents.values()]
    for path in dict.fromkeys(paths):
        page = text_of(ours.client.get(path, buffered=True))
        # The search field repeats what was typed.
        typed = f"{path} {found_by.get(path, '')}"
        found = [mark for mark in marks if mark in page and mark not in typed]
        assert not found, path


def test_an_order_with_the_number_of_another_stores_order_shows_its_own_documents_alone(
    db: SQLAlchemy, ours: StoreSession, theirs: StoreSession
) -> None:
    mine = ours.documents["issued"]
    theirs.documents["nif"].order_id = mine.order_id
    secret = Webhook(
        store_id=theirs.store.id,
        event="order_of_others",
        body_hash="x",
        received_at=now(),
        order_id=mine.order_id,
    )
    db.session.add(secret)
    db.session.commit()
    page = ours.client.get(f"/documents/{mine.id}").get_data(as_text=True)
    assert f"/documents/{theirs.documents['nif'].id}" not in page
    assert documents.other_documents_of_order(mine) == []
    assert secret.id not in [webhook.id for webhook in documents.webhooks_of(mine)]


def test_a_session_ends_with_its_installation(app: Flask, db: SQLAlchemy, ours: StoreSession) -> None:
    assert ours.client.get("/documents").status_code == 200
    ours.store.state = "uninstalled"
    db.session.commit()
    assert ours.client.get("/documents").status_code == 401
    ours.store.state, ours.store.installation = "installed", ours.store.installation + 1
    db.session.commit()
    assert ours.client.get("/documents").status_code == 401


def test_an_address_never_identifies_the_store(app: Flask, ours: StoreSession) -> None:
    client = app.test_client()
    for query in ("store=olariadosado", f"store={ours.store.id}", "code=olariadosado&hmac=x", "session=1"):
        answer = client.get(f"/?{query}")
        assert answer.status_code == 200 and ours.store.name not in answer.get_data(as_text=True)
        assert client.get(f"/documents?{query}").status_code == 401


def test_every_page_but_a_few_needs_a_session(app: Flask, ours: StoreSession) -> None:
    without: dict[str, Any] = {
        "home.index": 200, "session.authorise": 200, "static": 200, "health.healthz": None, "install.start": 302,
        "install.callback": 400, "public.buyer_pdf": None, "help.page": 200, "help.accountant": 200,
        "accountant.open_link": 404,
        # 404 as the platform of this test has no keys
        "connect.show": 404, "sign_in.ask": 404, "sign_in.show": 404,
    }  # fmt: skip
    client = app.test_client()
    for rule in routes(app):
        if "GET" not in (rule.methods or ()) or rule.endpoint in OPEN_POSTS:
            continue
        status = client.get(fill_path(rule, values(ours)), buffered=True).status_code
        if rule.endpoint in without:
            assert without[rule.endpoint] in (None, status), rule.rule
        else:
            assert status == 401, rule.rule
