"""Rows 1 to 10 of the failure table: every webhook that a shop may post, and its effect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dev.servers import Valkey
from shopapp import failpoints
from shopapp.documents import issue
from shopapp.jobs import maintenance
from shopapp.jobs.clock import tick
from shopapp.jobs.queue import WorkQueue
from shopapp.models import Document, Store, Webhook, db
from shopapp.orders import webhooks
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import SupportsApiKey
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.platforms.shopkit import Shopkit
from tests.failure_table.concurrency import (
    EVERY_PLATFORM,
    IS_NIGHTLY,
    run_concurrently,
    run_in_another_worker,
)
from tests.failure_table.shopkit_world import ShopkitWorld
from tests.fakes import FakePlatform, World, paid_order
from tests.security.conftest import ORIGIN, csrf_token_of


class Signed(FakePlatform):
    """The fake platform with webhooks signed and read as Jumpseller's."""

    name = "jumpseller"
    has_valid_signature = staticmethod(Jumpseller.has_valid_signature)
    webhook_headers = staticmethod(Jumpseller.webhook_headers)
    parse_webhook = staticmethod(Jumpseller.parse_webhook)

    def __init__(self, wire: Any, token: Any, redirect: str = "", **settings: Any) -> None:
        super().__init__(wire, token, redirect)


class SignedByShopkit(Signed):
    """The fake platform with webhooks signed and read as Shopkit's."""

    name = "shopkit"
    has_valid_signature = staticmethod(Shopkit.has_valid_signature)
    webhook_headers = staticmethod(Shopkit.webhook_headers)
    parse_webhook = staticmethod(Shopkit.parse_webhook)


class ConnectedByKey(SignedByShopkit, SupportsApiKey):
    """The same, connected by a key."""

    key_path = Shopkit.key_path
    clean_key = staticmethod(Shopkit.clean_key)


@pytest.fixture(params=[Signed, pytest.param(SignedByShopkit, marks=pytest.mark.sweep)])
def signed(world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a world whose store is one of the platform whose signatures are tried."""
    monkeypatch.setitem(PLATFORMS, request.param.name, request.param)
    world.store.platform = request.param.name
    db.session.commit()
    yield world


def counted(row: Any) -> int:
    """Return the number of rows, without leaving a transaction open."""
    found = db.session.scalar(select(func.count()).select_from(row)) or 0
    db.session.rollback()
    return found


def kept() -> int:
    return counted(Webhook)


def documents() -> int:
    return counted(Document)


def detached(store: Store) -> Any:
    """Return what `send` needs of the store, for threads that share no session."""
    names = ("id", "platform", "code", "hook_key", "hooks_token")
    found = SimpleNamespace(**{name: getattr(store, name) for name in names})
    db.session.commit()
    return found


def paid_body(number: int, **more: Any) -> bytes:
    """Return the body of a webhook about a paid order."""
    return json.dumps({"order": {"id": number, "paid": True, **more}}).encode()


def send(app: Flask, store: Any, body: bytes, **parts: str) -> int:
    """Send a webhook of the store's platform and return the status; `parts` replace its default parts."""
    made = hmac.new(parts.get("token", str(store.hooks_token)).encode(), body, hashlib.sha256)
    event = parts.get("event", "order_paid")
    headers = {
        "jumpseller": {
            "Jumpseller-Event": event,
            "Jumpseller-Store-Code": parts.get("code", store.code),
            "Jumpseller-Hmac-Sha256": parts.get("signature", base64.b64encode(made.digest()).decode()),
        },
        "shopkit": {
            "X-Shopkit-Event": event,
            "X-Webhook-Signature": parts.get("signature", made.hexdigest()),
        },
    }[store.platform]
    sent = parts.get("sent", "").encode() or body
    address = f"/hooks/{store.platform}/{parts.get('key', store.hook_key)}"
    return app.test_client().post(address, data=sent, headers=headers).status_code


@pytest.mark.parametrize(
    ("world", "how"),
    [
        ("fakeshop", "missing"),
        *(pytest.param("shopkit", how, marks=pytest.mark.sweep) for how in ("missing", "paused")),
    ],
    indirect=["world"],
)
def test_row_01_an_order_of_a_lost_webhook_is_found_and_webhooks_are_subscribed_again(
    world: World, how: str
) -> None:
    world.shop.orders["1001"] = paid_order("1001")
    maintenance.check_webhooks(0)
    if how == "missing":
        world.shop.webhooks.clear()
    else:
        assert isinstance(world, ShopkitWorld)
        world.stand_in.suspend_webhooks()
    world.store.reconciled_at = None
    db.session.commit()
    assert maintenance.poll_due_stores(600) == 1
    world.run_due_work()
    maintenance.check_webhooks(0)
    db.session.expire_all()
    assert len(world.provider.ledger) == 1
    events = PLATFORMS[world.store.platform].events
    assert (len(world.shop.webhooks), world.store.hooks_problem) == (len(events), how)


@pytest.mark.timeout(1800)
def test_row_02_one_webhook_twenty_times_at_once_is_one_document(app: Flask, signed: World) -> None:
    world, store = signed, detached(signed.store)
    orders = range(1001, 1001 + (500 if IS_NIGHTLY else 8))
    for number in orders:
        world.shop.orders[str(number)] = paid_order(str(number))
        # half of them identical, half about the same order with different content
        count = itertools.count()
        answers = run_concurrently(
            app, 20, lambda n=number, c=count: send(app, store, paid_body(n, word=next(c) % 2)), False
        )
        assert answers == [200] * 20
        assert documents() == number - 1001

        def opened() -> None:
            while webhooks.process_next_webhook():
                pass

        run_concurrently(app, 4, opened)
        assert documents() == number - 1000
    assert sum(hook.copies for hook in db.session.scalars(select(Webhook))) == 20 * len(orders)
    world.run_due_work()
    assert sorted(world.issued_references()) == sorted(f"QI-{store.id}-{number}" for number in orders)


@EVERY_PLATFORM
def test_row_03_the_order_in_which_webhooks_arrive_does_not_matter(world: World) -> None:
    hooks = ("order_paid", "order_canceled", "order_paid")
    for at, arrival in enumerate(itertools.permutations(enumerate(hooks))):
        number = str(1001 + at)
        world.shop.orders[number] = replace(paid_order(number), status="cancelled")
        for which, event in arrival:
            world.receive_webhook(number, event, more=f"body {which}")
            world.run_due_work()
        row = Document.find(world.store.id, number)
        assert row is not None and (row.state, row.reason) == ("void", "cancelled"), arrival
    assert world.provider.ledger == []


@pytest.mark.parametrize("way", ["authorised", pytest.param("by key", marks=pytest.mark.sweep)])
def test_row_04_before_the_install_is_committed_no_webhook_is_subscribed_or_accepted(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setitem(PLATFORMS, "jumpseller", Signed)
    monkeypatch.setitem(PLATFORMS, "shopkit", ConnectedByKey)
    platform, install = ("jumpseller", _authorise) if way == "authorised" else ("shopkit", _paste_key)
    known = db.session.scalar(select(func.count()).select_from(Store))
    seen: list[tuple[Any, ...]] = []

    def at(name: str) -> None:
        if name == "install_before_commit":
            client = app.test_client()
            status = client.post(f"/hooks/{platform}/unknown", data=b"{}").status_code
            stores = run_in_another_worker(
                app, lambda: db.session.scalar(select(func.count()).select_from(Store))
            )
            seen.append((status, stores, list(world.shop.webhooks)))

    monkeypatch.setattr(failpoints, "hit", at)
    install(app.test_client())
    assert seen == [(401, known, [])] and world.shop.webhooks == []
    assert kept() == 0
    maintenance.check_webhooks(3600)
    store = Store.find(platform, "fake")
    assert store is not None and world.shop.webhooks
    assert all(url.endswith(store.hook_key) for _, url in world.shop.webhooks)


def _authorise(browser: FlaskClient) -> None:
    asked = parse_qs(urlsplit(browser.get("/install").headers["Location"]).query)
    given = {"state": asked["state"][0], "code": "the code"}
    assert browser.get("/install/callback", query_string=given).status_code == 303


def _paste_key(browser: FlaskClient) -> None:
    path = "/connect/shopkit"
    form = {"csrf_token": csrf_token_of(browser, path), "shop": "Fake", "key": "a" * 40, "secret": "s"}
    assert browser.post(path, data=form, headers={"Origin": ORIGIN}).status_code == 303


BODY = json.dumps(
    {"order": {"id": 1001, "status_enum": "paid", "paid": True, "status_alias": "processing", "total": 12.3}}
).encode()
CANCELLED = BODY.replace(b': "paid"', b': "canceled"').replace(b"processing", b"canceled")


def test_row_05_a_webhook_tampered_with_in_any_part_does_nothing(app: Flask, signed: World) -> None:
    store = signed.store
    changed = [BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :] for at in range(0, len(BODY), 3)]
    tampered: list[dict[str, str]] = [
        *({"sent": body.decode("latin-1")} for body in changed if body.isascii()),
        {"token": "another"}, {"signature": ""}, {"signature": "AAAA"}, {"key": "another"},
        {"sent": BODY.decode() + " "},
    ]  # fmt: skip
    if store.platform == "jumpseller":  # no header of the other names the store
        tampered.append({"code": "another"})
    assert {send(app, store, BODY, **parts) for parts in tampered} == {401}
    assert kept() == 0
    assert send(app, store, BODY) == 200


def test_row_05_a_replayed_old_body_issues_nothing(app: Flask, signed: World) -> None:
    signed.shop.orders["1001"] = paid_order("1001")
    send(app, signed.store, BODY)
    signed.run_due_work()
    signed.shop.orders["1001"] = replace(paid_order("1001"), status="cancelled")
    for _ in range(3):
        assert send(app, signed.store, BODY) == 200
        signed.run_due_work()
    assert len(signed.provider.ledger) == 1
    signed.shop.orders["1002"] = paid_order("1002", status="open")
    assert send(app, signed.store, BODY.replace(b"1001", b"1002")) == 200
    signed.run_due_work()
    assert len(signed.provider.ledger) == 1


@pytest.mark.parametrize("state", ["issued", "blocked"])
def test_row_05_an_event_that_the_signature_does_not_cover_cancels_nothing(
    app: Flask, signed: World, state: str
) -> None:
    chosen = {**signed.account.settings, "credit_cancelled": True}
    signed.account.settings = chosen if state == "issued" else {**chosen, "series": {}, "kind": ""}
    signed.shop.orders["1001"] = paid_order("1001", currency="EUR" if state == "issued" else "XXX")
    db.session.commit()
    send(app, signed.store, BODY)
    signed.run_due_work()
    assert signed.document().state == state
    assert send(app, signed.store, BODY, event="order_canceled") == 200
    signed.run_due_work()
    assert (signed.document().state, signed.document().alarm, documents()) == (state, "", 1)
    signed.shop.orders["1001"] = replace(signed.shop.orders["1001"], status="cancelled")
    assert send(app, signed.store, CANCELLED, event="order_canceled") == 200
    signed.run_due_work()
    assert (signed.document().state, documents()) == (("issued", 2) if state == "issued" else ("void", 1))


HOSTILE = {
    "not-json": b"\x00\xff\xfe", "deep": b"[" * 100_000, "list": b"[1, 2]", "nan": b'{"order": {"id": NaN}}',
    "nul": b'{"order": {"id": "1\\u0000"}}', "surrogate": b'{"order": {"id": "\\ud800"}}',
    "large": b'{"order": {"id": 1001, "note": "' + b"x" * (5 * 1024 * 1024 - 64) + b'"}}',
    "odd-but-readable": b'{"order": {"id": 1001, "a": NaN, "b": "\\ud800", "c": "\\u0000", "d": 1e999}}',
}  # fmt: skip


def test_row_08_a_hostile_body_is_refused_unsigned_and_quarantined_signed(app: Flask, signed: World) -> None:
    signed.shop.orders |= {"1001": paid_order("1001"), "1002": paid_order("1002")}
    assert {send(app, signed.store, body, signature="wrong") for body in HOSTILE.values()} == {401}
    assert kept() == 0
    assert {send(app, signed.store, body) for body in HOSTILE.values()} == {200}
    assert send(app, signed.store, BODY.replace(b"1001", b"1002")) == 200
    signed.run_due_work()
    states = {hook.state for hook in db.session.scalars(select(Webhook))}
    assert states == {"opened", "quarantined"}
    assert sorted(signed.issued_references()) == [f"QI-{signed.store.id}-{number}" for number in (1001, 1002)]


def test_row_09_the_clock_notifies_the_workers_when_the_webhook_could_not(
    app: Flask, signed: World, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The process died between its answer and the thread that notifies the workers.
    monkeypatch.setattr(WorkQueue, "notify", lambda work_queue: None)
    signed.shop.orders["1001"] = paid_order("1001")
    assert send(app, signed.store, BODY) == 200
    with redis.from_url(valkey.url) as connection:
        assert connection.llen("rq:queue:work") == 0
        tick(app)
        assert connection.llen("rq:queue:work") == 1
    signed.run_due_work()
    assert len(signed.provider.ledger) == 1


@pytest.mark.timeout(1800)
def test_row_10_a_burst_of_webhooks_is_answered_and_delays_no_other_store(app: Flask, signed: World) -> None:
    many, world = 1000 if IS_NIGHTLY else 200, signed
    other = world.add_store("other")
    world.add_account(other)
    store, numbers = detached(world.store), iter(range(2001, 2001 + many))
    lock = threading.Lock()

    def sends() -> list[int]:
        answers = []
        while True:
            with lock:
                number = next(numbers, 0)
            if not number:
                return answers
            world.shop.orders[str(number)] = paid_order(str(number))
            answers.append(send(app, store, paid_body(number)))

    answers = [status for each in run_concurrently(app, 8, sends, False) for status in each]
    assert answers == [200] * many
    world.pay_order("1001", store=other)
    while len(world.provider.ledger) < 3:
        while webhooks.process_next_webhook():
            pass
        assert issue.issue_next_document()
    assert f"QI-{other.id}-1001" in world.issued_references()
