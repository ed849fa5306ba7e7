"""Limits on what one session, one store and one link may do, with a page that says when to try again."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_document
from shopapp.models import FollowUp
from shopapp.models.document import BLOCKED
from shopapp.web.limits import BUDGETS, limiter
from tests.fakes import FakeProvider
from tests.security.conftest import StoreSession, csrf_token_of, log_in, open_store_session
from tests.unit.web.conftest import page_text


def test_a_session_issues_thirty_times_a_minute_and_learns_when_it_may_go_on(shop: StoreSession) -> None:
    path = f"/documents/{make_document(shop.store, BLOCKED).id}/tax-id"
    answers = [shop.post(path, {"nif": "123456780"}) for _ in range(32)]
    assert [answer.status_code for answer in answers] == [422] * 30 + [429] * 2
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert "Foram muitas ações seguidas nesta sessão. Pode tentar de novo dentro de um minuto." in page_text(
        refused
    )


def test_what_was_typed_is_kept_and_sent_again_with_one_click(shop: StoreSession) -> None:
    document = make_document(shop.store)
    for number in range(6):
        answer = shop.post(f"/documents/{document.id}/mail", {"to": "ana <b> @x", "again": str(number)})
    assert answer.status_code == 429
    page = answer.get_data(as_text=True)
    assert f'action="/documents/{document.id}/mail"' in page and "again" in page
    assert 'name="to" value="ana <b> @x"' in unescape(page) and "<b>" not in page


def test_a_secret_is_not_sent_back_with_the_page(shop: StoreSession) -> None:
    for _ in range(11):
        answer = shop.post(
            "/setup/keys/igest", {"key": "c" * 40, "code": "not hex", "nif": "1", "entity": "1"}
        )
    assert answer.status_code == 429 and "c" * 40 not in answer.get_data(as_text=True)


def test_sixty_emails_in_a_row_are_stopped(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store)
    sent = 0
    for number in range(60):
        if number == 25:
            # a new session has its own actions, and the same e-mails of the store
            shop.client = log_in(shop.client.application, shop.store)
            shop.token = csrf_token_of(shop.client)
        sent += shop.post(f"/documents/{document.id}/mail", {"to": f"a{number}@b.pt"}).status_code == 303
    assert sent == 40 == db.session.query(FollowUp).filter_by(kind="email").count()


def test_an_address_gets_five_emails_an_hour_from_one_store(shop: StoreSession, db: SQLAlchemy) -> None:
    many = [make_document(shop.store, order_id=str(number)) for number in range(7)]
    answers = [shop.post(f"/documents/{one.id}/mail", {"to": " Ana@b.pt"}).status_code for one in many]
    assert answers == [303] * 5 + [429] * 2
    assert shop.post(f"/documents/{many[6].id}/mail", {"to": "rui@b.pt"}).status_code == 303


def test_the_same_document_to_the_same_address_again_is_asked_about_first(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    path = f"/documents/{make_document(shop.store).id}/mail"
    assert shop.post(path, {"to": "ana@b.pt"}).status_code == 303
    asked = shop.post(path, {"to": "Ana@b.pt"})
    assert asked.status_code == 422 and "há menos de dez minutos" in page_text(asked)
    assert 'name="again" value="yes"' in asked.get_data(as_text=True) and "Enviar outra vez" in page_text(
        asked
    )
    assert shop.post(path, {"to": "rui@b.pt"}).status_code == 303
    assert shop.post(path, {"to": "ana@b.pt", "again": "yes"}).status_code == 303
    assert db.session.query(FollowUp).filter_by(kind="email").count() == 3


def test_a_bulk_action_on_many_documents_is_one_act(shop: StoreSession, db: SQLAlchemy) -> None:
    many = [make_document(shop.store, BLOCKED, order_id=str(number)) for number in range(75)]
    assert shop.post("/documents/bulk", {"do": "issue", "id": [one.id for one in many]}).status_code == 303
    db.session.expire_all()
    assert {document.state for document in many} == {"pending"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forty_checks_comparisons_and_previews_are_stopped(shop: StoreSession, method: str) -> None:
    blocked = make_document(shop.store, BLOCKED)
    paths = {
        "GET": ("/setup/check", "/setup/choices", f"/documents/{blocked.id}/preview"),
        "POST": ("/products/compare", "/products/missing", "/setup/choices"),
    }[method]
    for path in paths:
        answers = [shop.client.get(path) if method == "GET" else shop.post(path) for _ in range(31)]
        assert answers[-1].status_code == 429, path
        assert path == "/products/missing" or answers[0].status_code != 429, path
        assert "ou ao programa de faturação" in page_text(answers[-1])


def test_another_store_is_not_stopped_by_it(app: Flask, shop: StoreSession) -> None:
    theirs = open_store_session(app, "quintadaserra")
    while shop.client.get("/setup/check").status_code != 429:
        pass
    assert theirs.client.get("/setup/check").status_code != 429


def test_a_link_whose_pdf_cannot_be_had_asks_the_provider_four_times_an_hour(
    app: Flask, shop: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(FakeProvider, "pdf", lambda *_: asked.append(1) or b"%PDF-1.7 cut off")
    document, client = make_document(shop.store), app.test_client()
    answers = [client.get(f"/d/{document.link_token}") for _ in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 5 and len(asked) == 4
    assert "Retry-After" in answers[-1].headers and shop.store.name not in page_text(answers[-1])
    assert [shop.client.get(f"/documents/{document.id}/pdf").status_code for _ in range(5)] == [200] * 4 + [
        429
    ]


def test_the_counts_are_shared_by_all_processes_and_go_on_without_redis(
    shop: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(30):
        shop.client.get("/setup/check")
    limiter.init_app(shop.client.application)
    assert shop.client.get("/setup/check").status_code == 429
    monkeypatch.setattr(limiter._limiter, "hit", lambda *_, **__: 1 / 0)
    answers = [shop.client.get("/setup/check").status_code for _ in range(31)]
    limiter._storage_dead = False
    assert answers[:30] == [200] * 30 and answers[30] == 429


def test_redis_holds_neither_addresses_nor_links(app: Flask, shop: StoreSession, valkey: object) -> None:
    document = make_document(shop.store)
    app.test_client().get(f"/d/{document.link_token}")
    shop.post(f"/documents/{document.id}/mail", {"to": "ana@example.pt"})
    names = b" ".join(limiter.storage.storage.keys("*")).decode()  # type: ignore[attr-defined]
    assert "mails-to-one" in names and "link" in names
    for secret in ("127.0.0.1", "ana@", document.link_token):
        assert secret not in names


def test_every_limit_stands_in_the_operators_table() -> None:
    table = (Path(__file__).parents[3] / "docs/operating.md").read_text()
    for budget in BUDGETS:
        assert f"| `{budget.name}` | {budget.rate} | {budget.per} |" in table, budget.name
