"""A browser with the session of a store that is set up, and helpers to read a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shopapp.models import Account, Document, Store, set_clock
from shopapp.models import db as database
from shopapp.providers import PROVIDERS
from shopapp.providers.base import AccountFacts, Choice, Choices, Field, Series
from shopapp.web.limits import limiter
from tests.fakes import OFFICE, FakeBooks
from tests.hostile.conftest import Shop, log_in, token_of
from tests.make import make_account, make_store

FORTY = "[0-9a-fA-F]{40}"


class Books(FakeBooks):
    """An invoicing program with the four values that the keys form asks for."""

    name, label, support = "igest", "iGEST", "apoio@igest.pt"
    credential_fields = (
        Field("key", "Chave de integração", "", secret=True, pattern=FORTY),
        Field("code", "Código de segurança", "", secret=True, pattern=FORTY),
        Field("nif", "NIF da entidade", "", digits=True, pattern="[0-9]{9}"),
        Field("entity", "Número da entidade", "", digits=True, pattern="[0-9]{1,10}"),
    )
    tried: list[dict[str, str]] = []
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

    def check(self) -> AccountFacts:
        self._wire.before()
        Books.tried.append(self._credentials)
        if OFFICE.checks:
            raise OFFICE.checks.pop(0)
        entity = self._credentials["entity"]
        return AccountFacts(f"entity {entity}", "Olaria do Sado, Lda.", self._credentials["nif"], "PT", True)

    def choices(self) -> Choices:
        self._wire.before()
        if OFFICE.checks:
            raise OFFICE.checks.pop(0)
        return Books.lists


@pytest.fixture(autouse=True)
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Books]]:
    monkeypatch.setitem(PROVIDERS, "igest", Books)
    OFFICE.__init__()  # type: ignore[misc]
    Books.tried = []
    yield Books
    if limiter.initialized:
        limiter.reset()


@pytest.fixture
def noon() -> Iterator[None]:
    """Let time stand still at today's noon: what is some minutes old is of today, and of this month.

    A test names it before the fixture whose browser logs in.
    """
    told = datetime.now(UTC).replace(hour=12, minute=0)
    set_clock(lambda: told)
    yield
    set_clock(None)


@pytest.fixture
def new(app: Flask, db: SQLAlchemy) -> Shop:
    """A store that has just been authorised."""
    store = make_store(ready=False)
    client = log_in(app, store)
    return Shop(store, {}, client, token_of(client, "/setup/keys/igest"))


@pytest.fixture
def shop(app: Flask, db: SQLAlchemy) -> Shop:
    """A store that is set up."""
    store = make_store()
    make_account(store)
    client = log_in(app, store)
    return Shop(store, {}, client, token_of(client))


def words(answer: Any) -> str:
    """The page's text, without markup."""
    page = answer.get_data(as_text=True)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").split())


def fresh(db: SQLAlchemy, row: Any) -> Any:
    """The row as it is in the database now."""
    db.session.rollback()
    db.session.refresh(row)
    return row


def of(store: Store, order_id: str) -> Document:
    found = Document.of(store.id, order_id)
    assert found is not None
    return found


@pytest.fixture
def stocker(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's program keeps articles and stock, and its account lets us look them up."""
    able = replace(Books.capabilities, articles=True, reads_stock=True, moves_stock=True)
    monkeypatch.setattr(Books, "capabilities", able)
    account = Account.of(shop.store)
    assert account is not None
    account.choices = {**account.choices, "articles": True, "stock_changes": True}
    database.session.commit()
