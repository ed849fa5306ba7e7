"""The help page explains every state and the limits of what the app can promise."""

from __future__ import annotations

from flask import Flask

from shopapp.messages.wording import state_label
from shopapp.models.document import STATES
from shopapp.web import help
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


def test_every_state_is_explained(shop: StoreSession, app: Flask) -> None:
    assert set(help.STATE_HELP) == set(STATES)
    page = page_text(shop.client.get("/help"))
    with app.test_request_context():
        assert all(state_label(name)[1] in page for name in STATES)


def test_the_limits_of_the_promise_are_linked_from_every_page(shop: StoreSession) -> None:
    page = page_text(shop.client.get("/help"))
    assert "O que não podemos prometer" in page and "ficam dois" in page and "iGEST" in page
    for path in ("/", "/documents", "/setup"):
        assert 'href="/help"' in shop.client.get(path).get_data(as_text=True)


def test_the_help_page_needs_no_session_and_names_no_store(shop: StoreSession, app: Flask) -> None:
    answer = app.test_client().get("/help")
    assert answer.status_code == 200
    assert shop.store.name not in page_text(answer) and "seu programa de faturação" in page_text(answer)


def test_the_accountants_page_is_open_and_linked_from_help_and_settings(
    shop: StoreSession, app: Flask
) -> None:
    answer = app.test_client().get("/help/contabilista")
    page = page_text(answer)
    assert answer.status_code == 200 and "O que a aplicação não faz" in page and shop.store.name not in page
    assert "iGEST" in page_text(shop.client.get("/help/contabilista"))
    for path in ("/help", "/setup/choices"):
        assert 'href="/help/contabilista"' in shop.client.get(path).get_data(as_text=True)
