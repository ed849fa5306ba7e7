"""Every request that changes something needs our own Origin and the session's CSRF token."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from shopapp.models import BrowserSession
from tests.security.conftest import OPEN_POSTS, ORIGIN, StoreSession, csrf_token_of, fill_path, routes
from tests.security.test_headers import values

ATTACKS: dict[str, dict[str, Any]] = {
    "no token": {"origin": ORIGIN, "token": None},
    "a made-up token": {"origin": ORIGIN, "token": "x" * 40},
    "another session's token": {"origin": ORIGIN, "token": "other"},
    "no origin": {"origin": None, "token": "own"},
    "a null origin": {"origin": "null", "token": "own"},
    "a foreign origin": {"origin": "https://evil.example", "token": "own"},
    "our origin with something behind it": {"origin": ORIGIN + ".evil.example", "token": "own"},
    "the admin that frames us": {"origin": "http://admin.localhost", "token": "own"},
}


def posts(app: Flask) -> list[Any]:
    return [
        rule for rule in routes(app) if "POST" in (rule.methods or ()) and rule.endpoint not in OPEN_POSTS
    ]


def everything(db: SQLAlchemy) -> dict[str, list[Any]]:
    """Return every row of every table except those that viewing a page may write: calls, tokens, sessions."""
    db.session.rollback()
    columns = {
        name: [column for column in table.columns if column.name != "calls"]
        for name, table in db.metadata.tables.items()
        if name not in ("ticket", "pulse", "usage", "browser_session")
    }
    found = {
        name: sorted((tuple(row) for row in db.session.execute(select(*asked))), key=repr)
        for name, asked in columns.items()
    }
    db.session.rollback()
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_post_that_is_not_from_our_own_page_changes_nothing(
    app: Flask, db: SQLAlchemy, ours: StoreSession, theirs: StoreSession, attack: str
) -> None:
    how = ATTACKS[attack]
    tokens = {"own": ours.token, "other": theirs.token}
    assert ours.token and theirs.token and ours.token != theirs.token
    before, seen = everything(db), 0
    for rule in posts(app):
        for state in ours.documents.values():
            path = fill_path(rule, {**values(ours), "number": state.id})
            form = {
                "sure": "yes",
                "number": "FR 2026FR/999",
                "total": "173.12",
                "nif": "123456789",
                "to": "a@b.pt",
            }
            if how["token"]:
                form["csrf_token"] = tokens.get(how["token"], how["token"])
            headers = {"Referer": ORIGIN + "/"} | ({"Origin": how["origin"]} if how["origin"] else {})
            answer = ours.client.post(path, data=form, headers=headers)
            assert answer.status_code == 403, f"{path} with {attack}"
            seen += 1
            if "<" not in rule.rule:
                break
    assert seen > 50
    assert everything(db) == before


def test_an_action_accepts_only_post(app: Flask, db: SQLAlchemy, ours: StoreSession) -> None:
    before = everything(db)
    for rule in posts(app):
        if rule.rule in {other.rule for other in routes(app) if "GET" in (other.methods or ())}:
            continue
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
            answer = ours.client.open(
                fill_path(rule, values(ours)), method=method, headers={"Origin": ORIGIN}
            )
            assert answer.status_code in (403, 404, 405), rule.rule
    assert everything(db) == before


def test_reading_any_page_changes_nothing(app: Flask, db: SQLAlchemy, ours: StoreSession) -> None:
    before = everything(db)
    for rule in routes(app):
        if "GET" in (rule.methods or ()):
            ours.client.get(fill_path(rule, values(ours)), buffered=True)
    after = everything(db)
    assert after == before


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data"])
def test_a_csrf_token_in_another_kind_of_body_is_refused(
    app: Flask, db: SQLAlchemy, ours: StoreSession, kind: str
) -> None:
    before = everything(db)
    body = f'{{"csrf_token": "{ours.token}"}}' if "json" in kind else f"csrf_token={ours.token}"
    path = f"/documents/{ours.documents['nif'].id}/no-tax-id"
    answer = ours.client.post(path, data=body, content_type=kind, headers={"Origin": ORIGIN})
    assert answer.status_code == 403
    assert everything(db) == before


def test_a_post_from_our_own_page_is_accepted(db: SQLAlchemy, ours: StoreSession) -> None:
    answer = ours.post(f"/documents/{ours.documents['nif'].id}/no-tax-id")
    assert answer.status_code == 303
    db.session.refresh(ours.documents["nif"])
    assert ours.documents["nif"].state == "pending"


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 303), ("https://app.internal", 403)])
def test_behind_a_tls_proxy_our_own_address_counts_and_not_the_name_that_the_proxy_uses(
    make_app: Any, ours: StoreSession, origin: str, status: int
) -> None:
    client, behind = make_app(PROXIES=1).test_client(), "https://app.internal"
    cookie = ours.client.get_cookie("__Host-session")
    assert cookie is not None
    client.set_cookie("__Host-session", cookie.value, domain="app.internal", secure=True)
    page = client.get("/setup", base_url=behind).get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert token
    answer = client.post(
        f"/documents/{ours.documents['nif'].id}/no-tax-id",
        base_url=behind,
        data={"csrf_token": token},
        headers={"Origin": origin, "Referer": f"{origin}/"},
    )
    assert answer.status_code == status


def test_a_csrf_token_from_before_log_in_is_refused_after_it(app: Flask, ours: StoreSession) -> None:
    client = app.test_client()
    before = csrf_token_of(client, "/")
    with client.session_transaction() as session:
        session.clear()
        session.update(key=BrowserSession.begin(ours.store), store=ours.store.id)
    answer = client.post("/setup/disconnect", data={"csrf_token": before}, headers={"Origin": ORIGIN})
    assert answer.status_code == 403
