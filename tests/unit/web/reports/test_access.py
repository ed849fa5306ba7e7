"""The accountant's link: it opens one store's reports to read, nothing else, and ends when the merchant says so."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_store
from dev.report_factories import issue, line, make_month
from shopapp.models import AccountantLink, BrowserSession
from tests.security.conftest import ORIGIN, StoreSession, csrf_token_of, fill_path, routes
from tests.security.test_csrf import everything
from tests.security.test_headers import values
from tests.unit.web.conftest import page_text

NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)
ALLOWED = {
    "reports.index", "report_documents.index", "report_documents.one", "report_files.as_csv", "report_files.as_xlsx",
    "report_saft.index", "report_saft.compare", "delivery.pdf", "accountant.open_link", "session.enter",
    "session.leave",
}  # fmt: skip
"""Everything that an accountant's session may ask for of its store."""
OPEN = ("help.", "install.", "static", "health.", "public.", "webhooks.")
"""What anyone may ask for."""


def create_link(shop: StoreSession, name: str = "Gabinete Faria") -> str:
    """Return the path of a new link."""
    answer = shop.post("/reports/access", {"name": name})
    found = re.search(rf"<code>{ORIGIN}(/accountant/[^<]+)</code>", answer.get_data(as_text=True))
    assert found is not None
    return found.group(1)


def enter(app: Flask, path: str) -> tuple[FlaskClient, str]:
    """Return a browser that opened the link, and its CSRF token."""
    client = app.test_client()
    token = csrf_token_of(client, path)
    headers = {"Origin": ORIGIN, "Referer": ORIGIN + "/"}
    assert client.post(path, data={"csrf_token": token}, headers=headers).headers["Location"] == "/reports"
    return client, csrf_token_of(client, "/reports")


def test_a_link_opens_the_reports_of_its_store_to_read(app: Flask, shop: StoreSession) -> None:
    issue(shop.store, [line("12.30")], NOVEMBER, "FR 2026FR/7")
    client, _ = enter(app, create_link(shop))
    page = page_text(client.get("/reports?mes=2026-11"))
    assert "Novembro de 2026: 12,30 €" in page and "Configuração" not in page and "Acesso do" not in page
    assert client.get("/reports/documentos.csv?mes=2026-11", buffered=True).status_code == 200
    assert "FR 2026FR/7" in page_text(client.get("/reports/documents?mes=2026-11"))


def test_looking_at_the_address_starts_no_session(app: Flask, db: SQLAlchemy, shop: StoreSession) -> None:
    path, before = create_link(shop), db.session.query(BrowserSession).count()
    client = app.test_client()
    assert "As contas de Olaria do Sado" in page_text(client.get(path))
    assert client.get("/reports").status_code == 401
    assert db.session.query(BrowserSession).count() == before


def test_an_accountant_reaches_nothing_but_the_reports(
    app: Flask, db: SQLAlchemy, shop: StoreSession
) -> None:
    make_month(shop.store)
    shop.documents = {"issued": issue(shop.store, [line("12.30")], NOVEMBER)}
    client, token = enter(app, create_link(shop))
    before, refused = everything(db), 0
    for rule in routes(app):
        if rule.endpoint in ALLOWED or rule.endpoint.startswith(OPEN):
            continue
        path = fill_path(rule, values(shop))
        for method in {"GET", "POST"} & (rule.methods or set()):
            headers = {"Origin": ORIGIN, "Referer": ORIGIN + "/"}
            answer = client.open(path, method=method, data={"csrf_token": token}, headers=headers)
            if method == "GET":
                assert (answer.status_code, answer.headers["Location"]) == (302, "/reports"), path
            else:
                assert answer.status_code == 403, path
            refused += 1
    assert refused > 50
    assert everything(db) == before


def test_another_stores_documents_are_404_for_an_accountant(app: Flask, shop: StoreSession) -> None:
    other = make_store("quinta")
    make_account(other)
    theirs = issue(other, [line("987.65")], NOVEMBER, "FR 2026FR/987")
    client, _ = enter(app, create_link(shop))
    for path in (f"/reports/documents/{theirs.id}", f"/documents/{theirs.id}/pdf"):
        assert client.get(path).status_code == 404
    assert "987" not in page_text(client.get("/reports?mes=2026-11"))


def test_a_revoked_link_opens_nothing_and_ends_its_sessions(
    app: Flask, db: SQLAlchemy, shop: StoreSession
) -> None:
    path = create_link(shop)
    client, _ = enter(app, path)
    merchant_page = page_text(shop.client.get("/reports/access"))
    assert "Gabinete Faria" in merchant_page and "Ainda não" not in merchant_page
    link = db.session.query(AccountantLink).one()
    assert shop.post(f"/reports/access/{link.id}/revoke").status_code == 303
    assert client.get("/reports").status_code == 401
    assert app.test_client().get(path).status_code == 404
    assert shop.client.get("/reports").status_code == 200
    assert shop.post(f"/reports/access/{link.id}/revoke").status_code == 404


@pytest.mark.parametrize("secret", ["x", "x" * 43, "x" * 2000])
def test_an_unknown_link_says_nothing_of_any_store(app: Flask, shop: StoreSession, secret: str) -> None:
    create_link(shop)
    answer = app.test_client().get(f"/accountant/{secret}")
    assert answer.status_code == 404 and shop.store.name not in answer.get_data(as_text=True)


def test_a_link_ends_with_its_installation(app: Flask, db: SQLAlchemy, shop: StoreSession) -> None:
    path = create_link(shop)
    shop.store.installation += 1
    db.session.commit()
    assert app.test_client().get(path).status_code == 404


def test_the_secret_is_stored_as_a_hash_and_shown_once(db: SQLAlchemy, shop: StoreSession) -> None:
    secret = create_link(shop).rpartition("/")[2]
    assert secret not in str(everything(db)) and len(secret) == 43
    assert secret not in shop.client.get("/reports/access").get_data(as_text=True)


def test_a_link_needs_a_name_and_there_are_ten_at_most(shop: StoreSession) -> None:
    assert shop.post("/reports/access", {"name": " "}).status_code == 422
    for number in range(10):
        create_link(shop, f"Gabinete {number}")
    assert "Já há dez ligações" in page_text(shop.post("/reports/access", {"name": "mais uma"}))
