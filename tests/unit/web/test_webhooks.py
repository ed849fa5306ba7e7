"""The webhook address: a signed webhook is stored and answered 200; any other is only counted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from shopapp.models import Store, Webhook, db, now, set_clock
from shopapp.orders import webhooks as orders_webhooks
from shopapp.web import webhooks as web_webhooks

TOKEN = "the store's hooks token"


@pytest.fixture
def store(db: Any) -> Iterator[Store]:
    web_webhooks.clear_store_cache()
    store = Store.install("jumpseller", "olaria", name="Olaria")
    store.hooks_token = TOKEN
    db.session.commit()
    yield store
    web_webhooks.clear_store_cache()


def signature(body: bytes, token: str = TOKEN) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def post(client: FlaskClient, store: Store, body: bytes, signed: str | None = None, **headers: str) -> Any:
    given = {"Jumpseller-Event": "order_paid", "Jumpseller-Store-Code": "olaria", **headers}
    given["Jumpseller-Hmac-Sha256"] = signature(body) if signed is None else signed
    return client.post(f"/hooks/jumpseller/{store.hook_key}", data=body, headers=given)


def kept() -> int:
    return db.session.scalar(select(func.count()).select_from(Webhook)) or 0


BODY = json.dumps({"order": {"id": 1012}}).encode()


def test_a_signed_webhook_is_stored_and_answered_200(client: FlaskClient, store: Store) -> None:
    assert post(client, store, BODY).status_code == 200
    assert kept() == 1


def test_the_same_webhook_twice_is_one_row_with_two_copies(client: FlaskClient, store: Store) -> None:
    post(client, store, BODY)
    assert post(client, store, BODY).status_code == 200
    assert [hook.copies for hook in db.session.scalars(select(Webhook))] == [2]


def test_a_webhook_is_dated_by_the_apps_clock(client: FlaskClient, store: Store) -> None:
    then = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
    set_clock(lambda: then)
    try:
        post(client, store, BODY)
    finally:
        set_clock(None)
    post(client, store, BODY + b" ")
    first, second = db.session.scalars(select(Webhook).order_by(Webhook.id))
    assert first.received_at == then
    assert abs(second.received_at - now()) < timedelta(minutes=1)


def test_a_webhook_needs_only_its_signature(client: FlaskClient, store: Store) -> None:
    origin = {"Origin": "https://elsewhere.example", "Cookie": "__Host-session=forged"}
    assert [post(client, store, BODY + b" " * n, **origin).status_code for n in range(40)] == [200] * 40


@pytest.mark.parametrize(
    "signed",
    ["", "wrong", signature(BODY).lower(), signature(BODY)[:-1], signature(BODY, "another token"),
     hmac.new(TOKEN.encode(), BODY, hashlib.sha256).hexdigest(), "é", "x" * 10_000],
)  # fmt: skip
def test_a_wrong_signature_is_401_and_leaves_no_row(client: FlaskClient, store: Store, signed: str) -> None:
    assert post(client, store, BODY, signed).status_code == 401
    assert kept() == 0


@pytest.mark.parametrize(
    "other", [BODY + b" ", b" " + BODY, BODY + b"\n", BODY.replace(b" ", b""), BODY[:-1], b""]
)
def test_a_signature_of_other_bytes_is_401(client: FlaskClient, store: Store, other: bytes) -> None:
    assert post(client, store, other, signature(BODY)).status_code == 401
    assert kept() == 0


def test_a_webhook_without_a_signature_is_401(client: FlaskClient, store: Store) -> None:
    assert client.post(f"/hooks/jumpseller/{store.hook_key}", data=BODY).status_code == 401


def test_an_unknown_address_is_401_with_any_signature(client: FlaskClient, store: Store) -> None:
    answer = client.post(
        "/hooks/jumpseller/nobody", data=BODY, headers={"Jumpseller-Hmac-Sha256": signature(BODY)}
    )
    assert (answer.status_code, kept()) == (401, 0)


def test_another_stores_code_in_the_header_is_401(client: FlaskClient, store: Store) -> None:
    answer = post(client, store, BODY, **{"Jumpseller-Store-Code": "another"})
    assert (answer.status_code, kept()) == (401, 0)


def test_a_body_over_five_mib_is_413(client: FlaskClient, store: Store) -> None:
    body = b"x" * (5 * 1024 * 1024 + 1)
    assert (post(client, store, body).status_code, kept()) == (413, 0)


def test_a_body_of_five_mib_is_stored(client: FlaskClient, store: Store) -> None:
    body = b"x" * (5 * 1024 * 1024)
    assert (post(client, store, body).status_code, kept()) == (200, 1)


def test_a_compressed_body_is_415(client: FlaskClient, store: Store) -> None:
    assert post(client, store, BODY, **{"Content-Encoding": "gzip"}).status_code == 415


UNREADABLE = {
    "nested": b"[" * 100_000,
    "closed-nest": b"[" * 5_000 + b"]" * 5_000,
    "not-json": b"\x00\xff\xfe garbage",
    "a-list": b"[1, 2]",
    "no-number": b'{"order": {}}',
    "a-number-too-long": b'{"order": {"id": ' + b"9" * 5000 + b"}}",
    "not-a-number": b'{"order": {"id": NaN}}',
    "a-path": b'{"order": {"id": "../1"}}',
    "surrogate": b'{"order": {"id": "\\ud800"}}',
    "nul": b'{"order": {"id": "1\\u0000"}}',
    "utf-16": '{"order": {"id": 1}}'.encode("utf-16"),
    "empty": b"",
    "true": b'{"order": {"id": true}}',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_signed_unreadable_body_is_quarantined(client: FlaskClient, store: Store, name: str) -> None:
    assert post(client, store, UNREADABLE[name]).status_code == 200
    assert orders_webhooks.process_next_webhook() is True
    assert orders_webhooks.process_next_webhook() is False
    assert [(hook.state, bool(hook.reason)) for hook in db.session.scalars(select(Webhook))] == [
        ("quarantined", True)
    ]


def test_an_unreadable_body_does_not_stop_the_next_order(client: FlaskClient, store: Store) -> None:
    from shopapp.models import Document

    post(client, store, UNREADABLE["nested"])
    post(client, store, BODY)
    while orders_webhooks.process_next_webhook():
        pass
    assert Document.find(store.id, "1012") is not None


def test_a_failing_database_is_503(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(Webhook, "record", locked)
    assert post(client, store, BODY).status_code == 503


def test_a_webhook_of_an_uninstalled_store_is_401(client: FlaskClient, store: Store) -> None:
    store.state = "uninstalled"
    db.session.commit()
    assert post(client, store, BODY).status_code == 401


def test_refused_webhooks_are_counted_for_the_store(client: FlaskClient, store: Store) -> None:
    post(client, store, BODY, "wrong")
    db.session.refresh(store)
    assert store.refused_hooks == 1


def test_a_get_on_a_webhook_address_is_405(client: FlaskClient, store: Store) -> None:
    assert client.get(f"/hooks/jumpseller/{store.hook_key}").status_code == 405


def test_an_overlong_event_name_is_cut(client: FlaskClient, store: Store) -> None:
    assert post(client, store, BODY, **{"Jumpseller-Event": "x" * 5000}).status_code == 200
    assert all(len(hook.event) <= 40 for hook in db.session.scalars(select(Webhook)))


class NoSuchContract:
    """A contract that no platform implements."""


def test_a_platform_without_secrets_of_its_stores_signs_with_the_applications(
    app: Flask, client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopapp.connections.subscriptions.SupportsWebhookSecret", NoSuchContract)
    store.hooks_token = None
    db.session.commit()
    assert post(client, store, BODY).status_code == 401
    monkeypatch.setitem(app.config, "JUMPSELLER_WEBHOOK_SECRET", TOKEN)
    assert post(client, store, BODY).status_code == 200
