"""A browser with the session of a store that is set up, and functions that read a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_store
from shopapp.models import Account, Document, Store, set_clock
from shopapp.models import db as database
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from shopapp.providers.base import AccountInfo, Choice, Choices, CredentialField, Series
from shopapp.web.limits import limiter
from tests.fakes import PROVIDER_STATE, FakeInvoicing, FakeProvider
from tests.key_shop import KEYS, KeyShop, shop_info
from tests.security.conftest import StoreSession, csrf_token_of, log_in

FORTY_HEX = "[0-9a-fA-F]{40}"


class FakeIgestDocuments(FakeInvoicing):
    """A provider with the four values that the keys form asks for, and no articles."""

    name, label, support = "igest", "iGEST", "apoio@igest.pt"
    credential_fields = (
        CredentialField("key", "Chave de integração", "", secret=True, pattern=FORTY_HEX, length=40),
        CredentialField("code", "Código de segurança", "", secret=True, pattern=FORTY_HEX, length=40),
        CredentialField("nif", "NIF da entidade", "", digits=True, pattern="[0-9]{9}", length=9),
        CredentialField("entity", "Número da entidade", "", digits=True, pattern="[0-9]{1,10}"),
    )
    tried_credentials: list[dict[str, str]] = []
    lists = Choices(
        ("FT", "FR", "NC"),
        (
            Series("2026FR", "FR"),
            Series("2026FT", "FT"),
            Series("2025FR", "FR", False),
            Series("2026NC", "NC"),
        ),
        (Choice("M07", "Isento artigo 9.º do CIVA"),),
        (Choice("SET", "Setúbal", True), Choice("EST", "Estremoz")),
        (),
    )

    def __init__(self, credentials: Any, wire: Any, now: Any, **settings: Any) -> None:
        super().__init__(credentials, wire, now)
        self._credentials = dict(credentials)

    def check(self) -> AccountInfo:
        self._http.before_call()
        FakeIgest.tried_credentials.append(self._credentials)
        if PROVIDER_STATE.check_errors:
            raise PROVIDER_STATE.check_errors.pop(0)
        entity = self._credentials["entity"]
        return AccountInfo(f"entity {entity}", "Olaria do Sado, Lda.", self._credentials["nif"], "PT", True)

    def choices(self) -> Choices:
        self._http.before_call()
        if PROVIDER_STATE.check_errors:
            raise PROVIDER_STATE.check_errors.pop(0)
        return FakeIgest.lists


class FakeIgest(FakeIgestDocuments, FakeProvider):
    """A provider with the same form that also has articles and their stock."""


@pytest.fixture(autouse=True)
def fake_igest(monkeypatch: pytest.MonkeyPatch) -> type[FakeIgest]:
    monkeypatch.setitem(PROVIDERS, "igest", FakeIgest)
    PROVIDER_STATE.__init__()  # type: ignore[misc]
    FakeIgest.tried_credentials = []
    return FakeIgest


@pytest.fixture
def noon() -> Iterator[None]:
    """Stop the clock at noon of today, so that events some minutes ago are of today and of this month.

    A test must request it before the fixture whose browser logs in.
    """
    fixed = datetime.now(UTC).replace(hour=12, minute=0)
    set_clock(lambda: fixed)
    yield
    set_clock(None)


@pytest.fixture
def new(app: Flask, db: SQLAlchemy) -> StoreSession:
    """Return a store that has just been authorised."""
    store = make_store(ready=False)
    client = log_in(app, store)
    return StoreSession(store, {}, client, csrf_token_of(client, "/setup/keys/igest"))


@pytest.fixture
def shop(app: Flask, db: SQLAlchemy) -> StoreSession:
    """Return a store that is set up."""
    store = make_store()
    make_account(store)
    client = log_in(app, store)
    return StoreSession(store, {}, client, csrf_token_of(client))


def page_text(answer: Any) -> str:
    """Return the page's text without markup."""
    page = answer.get_data(as_text=True)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").split())


def reload(db: SQLAlchemy, row: Any) -> Any:
    """Return the row as the database now has it."""
    db.session.rollback()
    db.session.refresh(row)
    return row


def document_of(store: Store, order_id: str) -> Document:
    found = Document.find(store.id, order_id)
    assert found is not None
    return found


@pytest.fixture
def articles_enabled(shop: StoreSession) -> None:
    """Give the store's account access to articles and their stock."""
    account = Account.find_current(shop.store)
    assert account is not None
    account.choices = {**account.choices, "articles": True, "stock_changes": True}
    database.session.commit()


@pytest.fixture
def key_shop(monkeypatch: pytest.MonkeyPatch, app: Flask, db: SQLAlchemy) -> Iterator[type[KeyShop]]:
    """Return the platform whose shops connect by a key; it has two, A and B."""
    monkeypatch.setitem(PLATFORMS, "shopkit", KeyShop)
    monkeypatch.setattr(KeyShop, "fails", None)
    monkeypatch.setattr(KeyShop, "subscribed", [])
    monkeypatch.setattr(
        KeyShop,
        "shops",
        {
            KEYS["a"]: shop_info("olariadosado", "Olaria do Sado"),
            KEYS["b"]: shop_info("quintadaserra", "Quinta da Serra"),
        },
    )
    yield KeyShop
    limiter.reset()
    set_clock(None)
