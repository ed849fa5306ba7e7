"""The attacked app: a victim's store, an attacker's, a shop and a provider that answer, and the printed figures.

Each test makes a few inputs in `make test` and thousands in `make hostile` (HOSTILE=full).
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Table, select

from shopapp.models import Account, Document, Heartbeat, Store
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import WebhookEvent
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.providers import PROVIDERS
from shopapp.web import webhooks
from shopapp.web.limits import limiter
from tests.fakes import PLATFORM_STATE, PROVIDER_STATE, FakePlatform
from tests.security.conftest import StoreSession, open_store_session
from tests.unit.web.conftest import FakeIgest

INPUTS = os.environ.get("HOSTILE", "")
FULL = INPUTS == "full"
SEED = os.environ.get("SEED") or "hostile"
FIGURES = "figures"


def amount(full: int, short: int) -> int:
    """Return how many inputs to make: all of them in `make hostile`, a few in `make test`, or HOSTILE."""
    return full if FULL else int(INPUTS or short)


class Figures(Counter[str]):
    """What a test counted, printed at the end; `faults` are its failures."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def fault(self, kind: str, where: str) -> None:
        """Count a failure of that kind."""
        self[kind] += 1
        self.faults.append(f"{kind}: {where}")

    def check(self) -> None:
        """Fail the test with its first failures."""
        assert not self.faults, f"{len(self.faults)} faults\n" + "\n".join(self.faults[:25])


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    found = Figures()
    yield found
    request.node.user_properties.append((FIGURES, dict(found)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures of each test, and write them where `make hostile` reads them for its table."""
    if not INPUTS:
        return
    reports = [
        report for some in terminalreporter.stats.values() for report in some if hasattr(report, "when")
    ]
    calls = {report.nodeid: report for report in reports if report.when == "call"}
    failed = {report.nodeid for report in reports if report.failed}
    rows = []
    for report in (report for report in reports if report.when == "teardown"):
        file, _, test = report.nodeid.rpartition("/")[2].partition("::test_")
        counted = dict(report.user_properties).get(FIGURES, {})
        seconds = getattr(calls.get(report.nodeid), "duration", 0.0)
        rows.append(
            {"part": file[len("test_") : -len(".py")], "name": test, "passed": report.nodeid not in failed,
             "seconds": seconds, "figures": counted}
        )  # fmt: skip
        told = ", ".join(f"{what} {count:,}" for what, count in counted.items())
        if told:
            terminalreporter.write_line(f"{file}  {test}\n    {told}")
    if kept := os.environ.get("HOSTILE_FIGURES"):
        Path(kept).write_text(json.dumps(rows))


@pytest.fixture
def rng() -> random.Random:
    return random.Random(SEED)


class AnsweringPlatform(FakePlatform):
    """A shop that answers every call, with Jumpseller's own webhooks and addresses."""

    name, label = "jumpseller", "Jumpseller"
    has_valid_signature = staticmethod(Jumpseller.has_valid_signature)
    webhook_headers = staticmethod(Jumpseller.webhook_headers)

    def __init__(self, wire: Any, token: Any, redirect: str = "", **settings: Any) -> None:
        super().__init__(wire, token, redirect)

    @staticmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        return Jumpseller.parse_webhook(event, body)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shop and a provider in the place of the real ones: both answer at once, without a network."""
    monkeypatch.setitem(PLATFORMS, "jumpseller", AnsweringPlatform)
    monkeypatch.setitem(PROVIDERS, "igest", FakeIgest)
    PLATFORM_STATE.__init__()  # type: ignore[misc]
    PROVIDER_STATE.__init__()  # type: ignore[misc]
    FakeIgest.tried_credentials = []


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    webhooks.clear_store_cache()
    yield
    webhooks.clear_store_cache()
    if limiter.initialized:
        limiter.reset()


@pytest.fixture
def victim(app: Flask, db: SQLAlchemy, outside: None) -> StoreSession:
    """Return the store that nobody but its merchant may read or change; its browser is never used."""
    Heartbeat.beat("clock")
    db.session.commit()
    store = open_store_session(app, "quintadaserra", name="Zulmira Marcador", total="987.65")
    for position, document in enumerate(store.documents.values()):
        document.order_id = f"77{position:03}{store.store.id:04}31415"
    db.session.commit()
    return store


def marks_of(shop: StoreSession) -> list[str]:
    """Return texts that stand in this store's rows alone."""
    found = ["Zulmira", "987,65", shop.store.code, shop.store.hook_key, f"geral@{shop.store.code}"]
    for document in shop.documents.values():
        found += [document.link_token, document.order_id]
    return found


def rows_of(
    db: SQLAlchemy, store: Store, without: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[Any]]:
    """Return every row that belongs to the store, by table, without the named columns."""
    db.session.rollback()
    accounts = list(db.session.scalars(select(Account.id).where(Account.store_id == store.id)))
    documents = list(db.session.scalars(select(Document.id).where(Document.store_id == store.id)))
    owners = {"store_id": [store.id], "account_id": accounts, "document_id": documents}
    found = {}
    for name, table in db.metadata.tables.items():
        condition = _owned(name, table, store, owners)
        if condition is None:
            continue
        columns = [column for column in table.columns if column.name not in (without or {}).get(name, ())]
        rows = db.session.execute(select(*columns).where(condition))
        found[name] = sorted((tuple(row) for row in rows), key=repr)
    db.session.rollback()
    return found


def _owned(name: str, table: Table, store: Store, owners: Mapping[str, Sequence[int]]) -> Any:
    if name == "store":
        return table.c.id == store.id
    for column, ids in owners.items():
        if column in table.c:
            return table.c[column].in_(ids)
    return None


class ErrorLog(logging.Handler):
    """Keeps what the app logs as an error: a page that looks well may hide one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """Return the errors that the app logs during the test."""
    handler = ErrorLog()
    logging.getLogger("shopapp").addHandler(handler)
    yield handler.lines
    logging.getLogger("shopapp").removeHandler(handler)
