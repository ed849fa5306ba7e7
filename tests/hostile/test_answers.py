"""Answers of platforms and providers that no system in order gives: bombs, and fields of every odd kind."""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shopapp.errors import AppError
from shopapp.http_client import MAX_BYTES, HttpClient, HttpResponse
from shopapp.models import Store
from shopapp.platforms.base import OrderSummary
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.web.limits import limiter
from tests.hostile.bombs import BOMBS
from tests.hostile.conftest import FULL, Figures, amount
from tests.hostile.odd_values import JSON_VALUES
from tests.hostile.test_webhooks import spoilt
from tests.unit.hostile_server import HostileServer
from tests.unit.platforms.jumpseller.test_orders import payload, product, tax

MEGABYTE = 1024 * 1024
QUICK = ("twenty megabytes in twenty kilobytes", "gzip three times, said so", "65,000 headers")
"""Bombs that end by themselves, for the short form."""


def test_no_bomb_is_read_beyond_the_limit(figures: Figures) -> None:
    assert len(BOMBS) == 23
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in BOMBS if FULL else QUICK:
        server = HostileServer(BOMBS[name])
        figures["bombs"] += 1
        try:
            answer = HttpClient(call_seconds=2, allow_plain=True).read("GET", server.url)
            figures["read"] += 1
            if len(answer.body) > MAX_BYTES:
                figures.fault("too long", f"{name}: {len(answer.body)}")
        except AppError:
            figures["refused"] += 1
        finally:
            server.stop()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    figures["megabytes of memory"] = grown
    assert grown < 200
    figures.check()


GOOD: dict[str, Any] = {
    "token": {"access_token": "access", "refresh_token": "refresh", "token_type": "bearer", "expires_in": 3600},
    "store": {"code": "olaria", "name": "Olaria", "currency": "EUR", "country": "PT", "timezone": "Europe/Lisbon",
              "email": "a@b.pt", "url": "https://olaria.example", "address": {}, "hooks_token": "hooks-token"},
    "order": {
        "id": 7, "status_enum": "paid", "created_at": "2026-11-20 12:00:00 UTC", "total": 12.3, "currency": "EUR",
    },
    "language": {"code": "pt", "primary": True},
}  # fmt: skip
CALLBACK_ANSWERS = [
    *(("token", field, value) for field in list(GOOD["token"]) for value in JSON_VALUES[::3]),
    *(("store", field, value) for field in ("code", "name", "timezone", "hooks_token") for value in JSON_VALUES[1::4]),
    *(("language", field, value) for field in ("code", "primary") for value in JSON_VALUES[::6]),
]  # fmt: skip
ROW_ANSWERS = [("order", field, value) for field in GOOD["order"] for value in JSON_VALUES[::3]]
WHOLE_ANSWERS = (
    b"", b"null", b"[]", b"{}", b'"x"', b"0", b"<html>", b"\xff\xfe", b"[" * 100_000, b"{" * 5000, b'{"store": null}',
    b'{"store": []}', b'{"access_token": 1E999999999}', b'{"store": {"code": NaN}}', b"[null, 1, {}]", b"\x00",
    b'{"access_token": "a\\r\\nX: y"}', b'{"store": {"code": "x; script-src *"}}', b'{"store": {"code": "a.b/"}}',
)  # fmt: skip


class Answers:
    """Stands in the place of every call; one of its answers is odd."""

    def __init__(self) -> None:
        self.content = dict(GOOD)
        self.whole: bytes | None = None
        self.headers: dict[str, str] = {}

    def __call__(
        self, client: HttpClient, method: str, url: str, *, writes: bool, **more: Any
    ) -> HttpResponse:
        if self.whole is not None:
            return HttpResponse(200, self.headers, self.whole)
        path = urlsplit(url).path
        found: Any = []
        if path.endswith("/token"):
            found = self.content["token"]
        elif path.endswith("/info.json"):
            found = {"store": self.content["store"]}
        elif path.endswith("/languages.json"):
            found = [{"language": self.content["language"]}]
        elif path.endswith("/orders.json"):
            good = {**GOOD["order"], "id": 8}
            found = [{"order": self.content["order"]}, {"order": good}]
        return HttpResponse(200, self.headers, json.dumps(found).encode())


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    found = Answers()
    monkeypatch.setattr(HttpClient, "send", lambda *given, **more: found(*given, **more))
    yield found


def authorise(app: Flask) -> tuple[int, Any]:
    """Go through an installation; return the status of its end, and the browser."""
    limiter.reset()
    client = app.test_client()
    asked = parse_qs(urlsplit(client.get("/install").headers["Location"]).query)
    return client.get(f"/install/callback?state={asked['state'][0]}&code=c").status_code, client


def check_store(client: Any, figures: Figures, where: str) -> None:
    """Look at the pages of a store that was installed with an odd answer."""
    for path in ("/setup", "/documents", "/welcome"):
        answer = client.get(path)
        if answer.status_code >= 500:
            figures.fault(f"status {answer.status_code} at {path}", where)
        policy = answer.headers.get("Content-Security-Policy", "")
        if policy.count("frame-ancestors") != 1 or policy.count("script-src") != 1:
            figures.fault("policy", f"{policy} {where}")


def test_no_answer_to_an_installation_is_an_error_of_ours(
    app: Flask, db: SQLAlchemy, answers: Answers, figures: Figures, errors: list[str]
) -> None:
    cases: list[tuple[str, Callable[[], None]]] = []
    for kind, field, value in CALLBACK_ANSWERS[:: 1 if FULL else 12]:
        changed = {**GOOD[kind], field: value}
        cases.append(
            (
                f"{kind}.{field} = {str(value)[:60]!a}",
                lambda k=kind, c=changed: answers.content.update({k: c}),
            )
        )  # type: ignore[misc]
    for body in WHOLE_ANSWERS[:: 1 if FULL else 6]:
        cases.append((str(body[:60]), lambda b=body: setattr(answers, "whole", b)))  # type: ignore[misc]
    for where, spoil in cases:
        answers.content, answers.whole = dict(GOOD), None
        spoil()
        status, client = authorise(app)
        figures["answers"] += 1
        figures[{303: "installed", 502: "refused"}.get(status, "other")] += 1
        if status not in (303, 502):
            figures.fault(f"status {status}", where)
        elif status == 303:
            check_store(client, figures, where)
    db.session.rollback()
    codes = {store.code for store in db.session.query(Store)}
    figures["codes"] = len(codes)
    if odd := [code for code in codes if not code.replace("-", "").isalnum() or not code.isascii()]:
        figures.fault("code", str(odd))
    figures.faults += errors
    figures.check()


def adapter() -> Jumpseller:
    url = "http://127.0.0.1:9"
    return Jumpseller(
        HttpClient(), lambda refused: "token", client_id="", client_secret="", accounts_url=url, api_url=url,
        admin_origins=(url,),
    )  # fmt: skip


def test_one_odd_row_of_the_list_hides_no_other_order(answers: Answers, figures: Figures) -> None:
    since = datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=1)
    for kind, field, value in ROW_ANSWERS[:: 1 if FULL else 4]:
        answers.content = {**GOOD, kind: {**GOOD[kind], field: value}}
        figures["answers"] += 1
        where = f"{field} = {str(value)[:60]!a}"
        try:
            found = list(adapter().paid_orders(since))
        except Exception as error:  # noqa: BLE001  (nothing may come out of a row)
            figures.fault(type(error).__name__, where)
            continue
        if "8" not in [one.order_id for one in found if isinstance(one, OrderSummary)]:
            figures.fault("hidden", where)
    figures.check()


ORDER = {
    "order": payload(
        product(24.6, 2), product(10.0, taxes=[tax(6.0)]), total=59.2, coupons=[], gift_cards=[],
        payment_method_name="MB WAY", additional_fields=[{"label": "NIF", "value": "123456789"}],
    )
}  # fmt: skip


def test_no_odd_field_of_an_order_raises_an_unclassified_error(
    answers: Answers, rng: random.Random, figures: Figures
) -> None:
    answers.whole = json.dumps(ORDER).encode()
    assert adapter().read_order("7").total
    for _ in range(amount(3000, 150)):
        content = spoilt(ORDER, rng)
        answers.whole = json.dumps(content).encode()
        figures["answers"] += 1
        try:
            adapter().read_order("7")
            figures["read"] += 1
        except AppError:
            figures["refused"] += 1
        except Exception as error:  # noqa: BLE001  (an error without a class is an error of ours)
            figures.fault(type(error).__name__, f"{error} {_difference(content)}")
    figures.check()


def _difference(content: Any) -> str:
    return str(content)[:900]


CALLS: dict[str, Callable[[Jumpseller], Any]] = {
    "store_info": lambda shop: shop.store_info(), "webhook_secret": lambda shop: shop.webhook_secret(),
    "taxes": lambda shop: shop.taxes(), "locations": lambda shop: shop.locations(),
    "catalogue": lambda shop: shop.catalogue_page(), "product": lambda shop: shop.items_of_product("7"),
    "order": lambda shop: shop.read_order("7"), "summary": lambda shop: shop.order_summary("7"),
    "orders": lambda shop: list(shop.unpaid_orders(datetime(2026, 11, 20, tzinfo=UTC))),
    "subscribe": lambda shop: shop.subscribe_webhooks("https://app.example/hooks/jumpseller/x", ("order_paid",)),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_no_whole_answer_makes_a_call_raise_an_unclassified_error(
    answers: Answers, figures: Figures, call: str
) -> None:
    for body in WHOLE_ANSWERS:
        answers.whole = body
        figures["answers"] += 1
        try:
            CALLS[call](adapter())
            figures["read"] += 1
        except AppError:
            figures["refused"] += 1
        except Exception as error:  # noqa: BLE001  (an error without a class is an error of ours)
            figures.fault(type(error).__name__, f"{call} {body[:60]!r} {error}")
    figures.check()
