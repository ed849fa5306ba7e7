"""Two stores with every kind of row, a browser for each, and the app's own list of routes.

A new route is in that list automatically: the tests of this folder cover it, or fail until it has a case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from werkzeug.routing import Rule

from dev.factories import make_document, make_documents_in_every_state, make_store
from shopapp.models import BrowserSession, Document, Store
from shopapp.web.limits import limiter

ORIGIN = "http://localhost"
OPEN_POSTS = {"webhooks.receive"}
"""Endpoints to which clients other than browsers post: protected by a signature instead of Origin and CSRF token."""


@dataclass
class StoreSession:
    """A store, its rows by name, and a browser that has its session."""

    store: Store
    documents: dict[str, Document]
    client: FlaskClient
    token: str = ""
    known: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> Any:
        """Post a form as our own pages do; return the answer."""
        headers = {"Origin": ORIGIN, "Referer": f"{ORIGIN}/"}
        return self.client.post(
            path, data={"csrf_token": self.token, **(form or {})}, headers=headers, **more
        )


def search(shop: StoreSession, text: str, **filters: str) -> str:
    """Search in the list of documents as its form does; return the address to which it leads."""
    shop.token = shop.token or csrf_token_of(shop.client)
    location: str = shop.post("/documents", {"q": text, **filters}).headers["Location"]
    return location


def log_in(app: Flask, store: Store) -> FlaskClient:
    """Return a browser with the store's session."""
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(key=BrowserSession.begin(store, "Firefox, Linux"), store=store.id)
    return client


def csrf_token_of(client: FlaskClient, path: str = "/setup") -> str:
    """Return the CSRF token of this browser's session."""
    page = client.get(path).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    return found.group(1) if found else ""


def open_store_session(app: Flask, code: str, **names: str) -> StoreSession:
    """Create a store with a document in every state, and its browser."""
    store = make_store(code)
    rows = make_documents_in_every_state(store)
    if names:
        rows["marked"] = make_document(store, **names)  # type: ignore[arg-type]
    client = log_in(app, store)
    return StoreSession(store, rows, client, csrf_token_of(client))


@pytest.fixture
def ours(app: Flask, db: SQLAlchemy) -> StoreSession:
    """Return our store."""
    return open_store_session(app, "olariadosado")


@pytest.fixture
def theirs(app: Flask, db: SQLAlchemy) -> StoreSession:
    """Return another merchant's store."""
    return open_store_session(app, "quintadaserra", name="Zulmira Marcador", total="987.65")


def text_of(answer: Any) -> str:
    """Return the text of a page or file; what is no text in UTF-8 is replaced."""
    return str(answer.get_data().decode("utf-8", "replace"))


def is_file(answer: Any) -> bool:
    """Return whether the browser saves the answer and does not show it."""
    return str(answer.headers.get("Content-Disposition", "")).startswith("attachment")


def routes(app: Flask) -> list[Rule]:
    """Return every route of the app."""
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def fill_path(rule: Rule, values: dict[str, Any]) -> str:
    """Return the route's address with these parameters. Raises KeyError when one is missing."""
    path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda match: str(values[match.group(1)]), rule.rule)
    assert "<" not in path
    return path


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limits on what a session may do, for a test that tries every route many times."""
    monkeypatch.setattr(limiter, "enabled", False)
