"""Migrate a database that an older release wrote, with rows in every state; read it, and do all due work.

The dumps beside this file were made by the code of commit a4cbc3a, on both kinds of database, and are never
made again: they are the data of an installation of that day. The clock starts shortly after the dump, so that
no rule about the age of a row depends on the day of the test.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from shopapp import create_app
from shopapp.connections import api_usage
from shopapp.connections.provider import provider_of
from shopapp.jobs.clock import tick
from shopapp.jobs.worker import drain_due_work
from shopapp.models import (
    Account,
    Attempt,
    BrowserSession,
    Document,
    FollowUp,
    Heartbeat,
    OneTimeToken,
    Product,
    StockChange,
    StockReservation,
    Store,
    SyncedSku,
    SyncRun,
    Webhook,
    db,
    missing_keys,
    set_clock,
)
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, PENDING, REVIEW, STATES, VOID, WAITING
from shopapp.web.limits import limiter
from tests import fakes
from tests.conftest import Client
from tests.databases import DatabaseServer
from tests.fakes import FakeClock
from tests.upgrade import sides
from tests.upgrade.loading import TEST_ONLY, counted, load

ARRIVED = ("2032", "2033", "3030", "3032")
"""Orders whose document the provider had issued when its answer was lost."""
WEBHOOK_ONLY = {"olaria": ["1050", "1051"], "cesteiro": ["2051"], "tecelagem": ["3051"]}
"""The paid orders of which the dump holds only a webhook."""
UNSERVED = {"perdida": (PENDING, "store-access"), "partiu": (VOID, "uninstalled")}
"""The final state of the pending documents of a store without access, and of one that uninstalled."""
CAUSES = {"sale", "dossier", "transport", "credit:1", "reissue:1"}
PAGES = (
    "/",
    "/help",
    "/documents/rows",
    "/setup",
    "/setup/keys/igest",
    "/setup/keys/phcgo",
    "/setup/choices",
    "/setup/check",
)
GOODS_PAGES = ("/products", "/products/now", "/products/missing", "/products/changes")
SWEPT = ("ticket", "knock", "ordered")
"""Tables whose old rows are deleted by rule; `ordered` only after 90 days."""


@pytest.fixture
def url(server: DatabaseServer) -> str:
    """Return the address of a database as the old release left it."""
    url = server.create_database()
    load(url)
    return url


@pytest.fixture
def rows(url: str) -> dict[str, int]:
    """Return the number of rows in each table before any migration ran."""
    return counted(url)


@pytest.fixture
def upgraded(
    url: str, rows: dict[str, int], settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """Start the app on the migrated database, with fakes of its shops and providers."""
    sides.stand_in(monkeypatch)
    api_usage._unsaved_calls.clear()
    app = create_app({**settings, **TEST_ONLY, "DATABASE_URL": url})
    app.testing, app.test_client_class = True, Client
    for _ in range(2):  # a release that is started again changes nothing
        released = app.test_cli_runner().invoke(args=["release"])
        assert released.exit_code == 0, f"{released.output} {released.exception!r}"
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def clock(upgraded: Flask) -> Iterator[FakeClock]:
    """Set the clock to ten minutes after the dump: every lease in it has expired."""
    beat = db.session.get_one(Heartbeat, "clock").beat_at
    db.session.rollback()
    fake = FakeClock()
    fake.now = beat + timedelta(minutes=10)
    set_clock(fake)
    sides.remember(ARRIVED, fake.now)
    yield fake
    set_clock(None)


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the logged errors, so that no exception goes unnoticed."""
    caplog.set_level(logging.ERROR, "shopapp")
    return lambda: [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_the_migrations_keep_rows_of_every_table_in_every_state(
    url: str, rows: dict[str, int], upgraded: Flask
) -> None:
    assert not [name for name, count in rows.items() if not count], "the dump has no row of these"
    migrated = counted(url)
    migrated["pulse"] -= db.session.query(Heartbeat).filter_by(name="keys").count()
    assert {name: migrated.get(name) for name in rows} == rows
    found = db.session.query(Document).all()
    assert {one.state for one in found} == set(STATES)
    assert {one.cause for one in found} == CAUSES
    assert {one.promise for one in found if one.state in (ISSUING, IN_DOUBT)} == {
        "by_draft", "by_search", "by_person",
    }  # fmt: skip
    reasons = {one.reason for one in found if one.state in (WAITING, BLOCKED, REVIEW, VOID)}
    assert reasons >= {
        "older", "free", "unpaid", "automatic-off", "kept-as-draft", "nif-invalid", "exemption-missing",
        "currency", "tax-differs", "provider-refused", "keys-refused", "internal", "outcome-unknown", "draft-gone",
        "cancelled", "set-aside", "uninstalled", "note-used",
    }  # fmt: skip
    assert {one.state for one in db.session.query(FollowUp)} == {"due", "done", "failed"}
    assert max(one.takes for one in db.session.query(FollowUp)) == 2
    webhooks = {(one.state, one.reason) for one in db.session.query(Webhook)}
    assert webhooks >= {("new", ""), ("opened", ""), ("quarantined", "not-json")}
    assert ("new", "opening 3") not in webhooks
    [begun] = db.session.query(Webhook).filter(Webhook.attempts > 0)
    assert (begun.state, begun.attempts) == ("new", 3), "the dump says `opening 3` in its reason"
    assert begun.count_attempt(begun.received_at + timedelta(minutes=5)) == 4
    assert {one.state for one in db.session.query(Store)} == {"installed", "reauthorise", "uninstalled"}
    assert {one.state for one in db.session.query(SyncRun)} == {"open", "done", "failed"}


def test_every_encrypted_value_can_be_decrypted(upgraded: Flask) -> None:
    assert not missing_keys()
    opened: Counter[str] = Counter()
    for row in (Store, Account, Document, Attempt, OneTimeToken):
        for column in row.__table__.columns:
            name = column.name.removesuffix("_sealed")
            if name == column.name:
                continue
            for one in db.session.query(row).filter(column.is_not(None)):
                assert getattr(one, name) is not None
                opened[f"{row.__tablename__}.{name}"] += 1
    assert set(opened) == {
        "store.access_token", "store.refresh_token", "store.hooks_token", "account.credentials", "ticket.content",
        "document.draft_text", "document.buyer", "document.corrections", "document.asked_for", "attempt.text",
    }  # fmt: skip
    for document in db.session.query(Document).filter(Document.draft_text_sealed.is_not(None)):
        assert document.draft is not None
        assert document.draft.digest() == document.draft_hash or not document.draft_hash


def test_settings_are_read_in_every_shape(upgraded: Flask) -> None:
    found: dict[str, list[Any]] = {}
    for account in db.session.query(Account).order_by(Account.id):
        found.setdefault(account.store.code, []).append(account)
    [before, olaria], [cesteiro] = found["olaria"], found["cesteiro"]
    [tecelagem], [vidreiro, places], [novo] = found["tecelagem"], found["vidreiro"], found["novo"]
    level = "rate_group"
    assert [one.stock_direction for one in (before, olaria, vidreiro, novo)] == [
        "",
        "to-shop",
        "to-provider",
        "",
    ]
    assert places.stock_places == (("SET", "loc-1"), ("EST", "loc-2")) and novo.stock_places == (("", ""),)
    assert [one.handles_unpaid_orders for one in (cesteiro, tecelagem, novo)] == [True, False, False]
    assert before.fiscal_settings(level).kind == "FT" and novo.fiscal_settings(level).kind == "FR"
    chosen = olaria.fiscal_settings(level)
    assert {kind: known for kind, known in chosen.decisions.answers.items() if known} == {
        "product-tax": {"OLARIA-2": "M07"},
        "tax-difference": {"22>23": "follow-law"},
        "gift-card": {"*": "multi-purpose"},
    }
    assert (chosen.warehouse, chosen.retailer) == ("SET", True)
    assert vidreiro.fiscal_settings(level).generic_article == "GERAL"
    promises = {
        one: provider_of(one, "issuing").guarantee_for("FR").value for one in (olaria, cesteiro, tecelagem)
    }
    assert list(promises.values()) == ["by_person", "by_draft", "by_search"]
    assert provider_of(cesteiro, "issuing").features.series["NE"].label == "Encomenda"


def browsers(app: Flask) -> Iterator[tuple[Store, Any]]:
    """Yield each store that may log in, with a browser that has its session."""
    for store in db.session.query(Store).filter(Store.state != "uninstalled").order_by(Store.id).all():
        client = app.test_client()
        with client.session_transaction() as session:
            session.update(key=BrowserSession.begin(store), store=store.id)
        yield store, client


def test_every_page_shows_the_rows_of_the_old_release(
    upgraded: Flask,
    clock: FakeClock,
    complaints: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limiter, "enabled", False)  # every preview of a store within a minute
    wrong = []
    for store, client in browsers(upgraded):
        for path, statuses in pages_of(store):
            status = client.get(path).status_code
            if status not in statuses:
                wrong.append((store.code, path, status))
    assert not wrong, wrong
    assert complaints() == []


def pages_of(store: Store) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the address of each page of the store, with the statuses that it may have."""
    account = Account.find_current(store)
    chosen = account is not None and bool(account.settings)
    for path in PAGES:
        # Without choices these lead back to set-up.
        leads_back = path in ("/", "/setup/choices", "/setup/check") and not chosen
        yield path, (200, 302) if leads_back else (200,)
    for path in GOODS_PAGES if account is not None and account.choices.get("articles") else ():
        yield path, (200,)
    for document in db.session.query(Document).filter_by(store_id=store.id).all():
        yield f"/documents/{document.id}", (200,)
        if document.state in (WAITING, PENDING, BLOCKED):
            yield f"/documents/{document.id}/preview", (200,)
        if document.state == ISSUED and document.account and not document.account.refused_at:
            yield f"/documents/{document.id}/pdf", (200,)
            yield f"/d/{document.link_token}", (404,) if document.link_revoked_at else (200,)
            # Nothing can be credited of a document that was fully credited or is not an invoice.
            yield f"/documents/{document.id}/credit", (200, 302)
    for product in db.session.query(Product).filter_by(store_id=store.id, gone_at=None).all():
        yield f"/products/{product.id}", (200,)
    for change in db.session.query(StockChange).filter_by(store_id=store.id).all():
        # A change that another one followed cannot be undone.
        yield f"/products/changes/{change.id}/undo", (200, 409)


def settled() -> bool:
    """Return whether no row is due or postponed, where its store and account can be served."""
    db.session.rollback()
    db.session.expire_all()
    served = [one.id for one in db.session.query(Store).filter_by(state="installed")]
    moving = (PENDING, ISSUING, IN_DOUBT)
    left = [
        db.session.query(Document).filter(Document.store_id.in_(served), Document.state.in_(moving)),
        db.session.query(FollowUp).filter(FollowUp.store_id.in_(served), FollowUp.state == "due"),
        db.session.query(Webhook).filter(Webhook.state == "new"),
        db.session.query(SyncRun).filter(SyncRun.state == "open"),
        db.session.query(StockReservation).filter(
            StockReservation.store_id.in_(served), StockReservation.state == "unread"
        ),
        db.session.query(Product).filter(Product.store_id.in_(served), Product.stale_at.is_not(None)),
    ]
    over = not any(rows.count() for rows in left)
    db.session.rollback()
    return over


def work_off(app: Flask, clock: FakeClock) -> None:
    """Run clock and workers minute by minute until nothing is due, for at most two hours of virtual time."""
    for _ in range(120):
        tick(app)
        db.session.commit()
        drain_due_work(time.monotonic() + 30)
        if settled():
            return
        clock.advance(60)
    raise AssertionError("some row was never done")


def expected(before: tuple[str, str, str], code: str) -> set[tuple[str, str]]:
    """Return the states and reasons in which a document that was in this state may end."""
    state, reason, promise = before
    if state in (PENDING, BLOCKED, WAITING) and code in UNSERVED:
        return {UNSERVED[code]}
    if state == PENDING or (state in (ISSUING, IN_DOUBT) and promise != "by_person"):
        return {(ISSUED, "")}
    if state == ISSUING:
        return {(REVIEW, "worker-died")}
    return {(state, reason)}


def test_every_due_row_is_done_and_nothing_is_lost(
    url: str, rows: dict[str, int], upgraded: Flask, clock: FakeClock, complaints: Callable[[], list[str]]
) -> None:
    documents = db.session.query(Document).all()
    before = {one.id: (one.state, one.reason, one.promise) for one in documents}
    numbers = {one.id: one.number for one in documents if one.state == ISSUED}
    former = [reference for reference, _ in fakes.PROVIDER_STATE.ledger]
    failed = {one.id for one in db.session.query(FollowUp).filter_by(state="failed")}
    ended = {one.id: one.state for one in db.session.query(SyncRun).filter(SyncRun.state != "open")}
    work_off(upgraded, clock)

    assert complaints() == []
    after = counted(url)
    shrunk = {name: (rows[name], after.get(name)) for name in rows if after.get(name, -1) < rows[name]}
    assert not [name for name in shrunk if name not in SWEPT], shrunk

    found = {one.id: one for one in db.session.query(Document)}
    wrong = [
        (one.store.code, one.order_id, one.cause, before[number], one.state, one.reason, one.detail)
        for number, one in found.items()
        if number in before and (one.state, one.reason) not in expected(before[number], one.store.code)
    ]
    assert wrong == []
    assert {number: found[number].number for number in numbers} == numbers

    ledger = Counter(reference for reference, _ in fakes.PROVIDER_STATE.ledger)
    assert set(ledger.values()) == {1}, "something was issued twice"
    assert set(ledger) == {one.reference for one in found.values() if one.state == ISSUED}
    assert list(ledger)[: len(former)] == former
    for code, orders in WEBHOOK_ONLY.items():
        store = Store.find("jumpseller", code)
        assert store is not None
        for order in orders:
            made = Document.find(store.id, order)
            assert made is not None and made.state == ISSUED, order
    for one in found.values():
        if one.state == ISSUED:
            assert one.lines and one.draft is not None and one.series == f"2026{one.kind}", one.reference
            assert one.total == one.draft.gross and one.account is not None
    assert db.session.query(Attempt).filter(Attempt.ended_at.is_(None)).count() == 0

    assert {one.state for one in db.session.query(Webhook)} == {"opened", "quarantined"}
    assert db.session.query(Webhook).filter_by(state="quarantined").count() == 2
    served = (
        db.session.query(FollowUp).join(Store, Store.id == FollowUp.store_id).filter_by(state="installed")
    )
    assert [
        (one.kind, one.reason, one.detail) for one in served if one.id not in failed and one.state != "done"
    ] == []
    for number, state in ended.items():
        assert db.session.get_one(SyncRun, number).state == state
    assert {one.state for one in db.session.query(SyncRun) if one.id not in ended} == {"done"}
    waiting = db.session.query(SyncedSku).filter(SyncedSku.due_at.is_not(None), SyncedSku.reason == "")
    assert [(one.sku, one.cause) for one in waiting] == []
    assert sides.MAILED, "the provider was asked to e-mail some documents"
