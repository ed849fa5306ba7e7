"""Webhooks of every spoilt kind, then processed: no error of ours, and nothing of another store changes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from shopapp.models import Webhook
from shopapp.orders.webhooks import process_next_webhook
from shopapp.platforms.jumpseller.webhooks import EVENTS, PRODUCT_EVENTS, UNPAID_ORDER_EVENTS
from tests.hostile.conftest import Figures, amount, rows_of
from tests.hostile.odd_values import HEADERS, JSON_VALUES, RAW_JSON, TEXTS
from tests.security.conftest import StoreSession, open_store_session

ORDER: dict[str, Any] = {
    "order": {
        "id": 1012, "status": "Paid", "status_enum": "paid", "created_at": "2026-11-20 12:00:00 UTC",
        "completed_at": "2026-11-20 12:05:00 UTC", "currency": "EUR", "total": 12.3, "subtotal": 10, "tax": 2.3,
        "products": [{"id": 7, "sku": "CAN-1", "name": "Caneca", "qty": 1, "price": 10, "taxes": [{"value": 2.3}]}],
        "customer": {"id": 3, "fullname": "Ana Exemplo", "email": "ana@example.pt", "fields": []},
        "billing_address": {"name": "Ana", "country": "Portugal", "postal": "1000-100"}, "gift_cards_discount": 0,
    }
}  # fmt: skip
PRODUCT: dict[str, Any] = {"product": {"id": 7, "name": "Caneca", "stock": 3, "variants": []}}
ALL_EVENTS = (
    *EVENTS,
    *UNPAID_ORDER_EVENTS,
    *PRODUCT_EVENTS,
    "customer_created",
    "subscription_x",
    "",
    "x" * 5000,
    "Ordér",
)


def spoilt(content: Any, rng: random.Random) -> Any:
    """Return the JSON with one value replaced, somewhere inside."""
    if isinstance(content, dict) and content and rng.random() < 0.9:
        name = rng.choice(list(content))
        if rng.random() < 0.1:
            return {other: one for other, one in content.items() if other != name}
        return {**content, name: spoilt(content[name], rng)}
    if isinstance(content, list) and content and rng.random() < 0.7:
        return [spoilt(content[0], rng), *content[1:]]
    return rng.choice(JSON_VALUES)


def spoilt_bytes(body: bytes, rng: random.Random) -> bytes:
    """Return the body with bytes flipped, cut, doubled, put in, or in another coding."""
    at = rng.randrange(len(body) + 1)
    return rng.choice(
        [
            lambda: body[:at],
            lambda: body[at:],
            lambda: body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :],
            lambda: body[:at] + rng.randbytes(rng.choice([1, 5, 50])) + body[at:],
            lambda: body[:at] + rng.choice(RAW_JSON).encode() + body[at:],
            lambda: body.replace(b"12.3", rng.choice(RAW_JSON).encode()),
            lambda: body.replace(b"1012", rng.choice(RAW_JSON).encode()),
            lambda: body + body,
            lambda: b"\xef\xbb\xbf" + body,
            lambda: body.decode().encode(rng.choice(["utf-16", "utf-32", "utf-7"])),
            lambda: b"[" * rng.choice([10, 40, 5000]) + body + b"]" * rng.choice([10, 40, 5000]),
            lambda: rng.randbytes(rng.choice([0, 1, 100, 10_000])),
            lambda: b"order_id=1012&event=order_paid",
        ]
    )()


def body_of(rng: random.Random) -> bytes:
    content = spoilt(rng.choice([ORDER, ORDER, ORDER, PRODUCT]), rng) if rng.random() < 0.7 else ORDER
    body = json.dumps(content).encode()
    return body if rng.random() < 0.5 else spoilt_bytes(body, rng)


class Sender:
    """Posts webhooks, signed and not, to right and wrong addresses."""

    def __init__(
        self, client: FlaskClient, shop: StoreSession, victim: StoreSession, rng: random.Random
    ) -> None:
        self.client, self.shop, self.victim, self.rng = client, shop, victim, rng

    def send(self) -> tuple[int, int, str]:
        """Return the status, the one that is right, and what was sent."""
        body, event = body_of(self.rng), self.rng.choice(ALL_EVENTS)
        good = base64.b64encode(hmac.new(b"hooks-token-of-atacante", body, hashlib.sha256).digest()).decode()
        known = {
            "Jumpseller-Event": event,
            "Jumpseller-Store-Code": "atacante",
            "Jumpseller-Hmac-Sha256": good,
        }
        headers, address, right = self._spoilt(known, f"/hooks/jumpseller/{self.shop.store.hook_key}", body)
        answer = self.client.post(address, data=body, headers=headers, buffered=True)
        return answer.status_code, right, f"{address[:120]!a} {body[:80]!a} {str(headers)[:200]!a}"

    def _spoilt(self, headers: dict[str, str], address: str, body: bytes) -> tuple[dict[str, str], str, int]:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.45:  # a webhook of the attacker's own shop, whatever it says
            if rng.random() < 0.3:
                del headers["Jumpseller-Store-Code"]
            name = rng.choice(
                [
                    name
                    for name in HEADERS
                    if name not in ("Content-Encoding", "Content-Length", "Transfer-Encoding")
                ]
            )
            return {**headers, name: rng.choice(HEADERS[name])}, address, 200
        signature = headers["Jumpseller-Hmac-Sha256"]
        if kind < 0.7:
            bad = ["", signature[:-1], signature.lower(), signature + "=", " " + signature, "é", "x" * 9000,
                   signature[::-1],
                   hmac.new(b"hooks-token-of-atacante", body, hashlib.sha256).hexdigest(), "AAAA"]  # fmt: skip
            headers["Jumpseller-Hmac-Sha256"] = rng.choice([one for one in bad if one.strip() != signature])
            return headers, address, 401
        if kind < 0.9:  # to the victim's address, and to nobody's
            keys = [
                self.victim.store.hook_key,
                "nobody",
                "%00",
                "%ff",
                "x" * 4000,
                "..",
                "a%0d%0ab",
                "١",
                *map(str, TEXTS[:3]),
            ]
            key = rng.choice([one for one in keys if one.strip()])
            return headers, f"/hooks/{rng.choice(['jumpseller', 'jumpseller', 'none', '%00'])}/{key}", 401
        if kind < 0.97:
            return {**headers, "Jumpseller-Store-Code": "quintadaserra"}, address, 401
        return {**headers, "Content-Encoding": rng.choice(["gzip", "br", "x"])}, address, 415


def process_all(db: SQLAlchemy, figures: Figures) -> None:
    """Process what was stored; a webhook whose reading raised is a fault, as its reason is the name of an exception."""
    while process_next_webhook():
        figures["processed"] += 1
    for reason in db.session.scalars(select(Webhook.reason).where(Webhook.state == "quarantined").distinct()):
        if not reason.islower():
            figures.fault("raised", reason)
    db.session.rollback()


def test_no_webhook_is_an_error_or_changes_another_store(
    app: Flask, db: SQLAlchemy, victim: StoreSession, rng: random.Random, figures: Figures, errors: list[str]
) -> None:
    shop = open_store_session(app, "atacante")
    process_all(db, Figures())
    counts = {"store": ["refused_hooks"]}  # what an unsigned webhook to its address may count
    before = rows_of(db, victim.store, counts)
    sender = Sender(app.test_client(), shop, victim, rng)
    for number in range(amount(10_000, 60)):
        status, right, what = sender.send()
        figures["inputs"] += 1
        figures[f"answered {status}"] += 1
        if status != right:
            figures.fault(f"status {status} instead of {right}", what)
        if number % 500 == 499:
            process_all(db, figures)
    process_all(db, figures)
    figures["quarantined"] = (
        db.session.scalar(select(func.count()).select_from(Webhook).where(Webhook.state == "quarantined"))
        or 0
    )
    for name, rows in rows_of(db, victim.store, counts).items():
        if rows != before[name]:
            figures.fault("change", name)
    figures.faults += errors
    assert figures["answered 200"] and figures["answered 401"] and figures["processed"]
    figures.check()
