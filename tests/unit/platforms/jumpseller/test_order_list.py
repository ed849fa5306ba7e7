"""Rows of the order list and webhooks' bodies: whatever is in one of them, the others are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.http_client import HttpResponse
from shopapp.json_text import parse_json
from shopapp.platforms.base import OrderSummary, UnreadableWebhook
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.platforms.jumpseller.order_list import order_summary_from
from shopapp.platforms.jumpseller.webhooks import parse_webhook

GOOD = {
    "id": 7,
    "status_enum": "paid",
    "created_at": "2026-11-20 12:00:00 UTC",
    "total": 12.3,
    "currency": "EUR",
}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(text: str | None = None, **changes: Any) -> OrderSummary:
    """Return the row as read from the JSON of an answer; `text` is a whole row, written by hand."""
    return order_summary_from(parse_json(text or json.dumps({"order": {**GOOD, **changes}})))


def test_a_good_row_has_every_field() -> None:
    found = row(gift_cards_discount=2, completed_at="2026-11-20 12:05:00 UTC")
    assert (found.order_id, found.status, found.created_at) == ("7", "paid", NOON)
    assert (found.total, found.currency, found.unreadable) == (Decimal("14.3"), "EUR", ())
    assert found.paid_at == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("field", "written", "missing"),
    [
        ("id", "null", "id"), ("id", "true", "id"), ("id", '"7; DROP"', "id"), ("id", "9" * 5000, "id"),
        ("id", "{}", "id"), ("created_at", "null", "date"), ("created_at", '"ontem"', "date"),
        ("created_at", '"2026-02-30 10:00:00 UTC"', "date"), ("created_at", '"0001-01-01 00:00:00 UTC"', "date"),
        ("created_at", '"9999-12-31 23:59:59 UTC"', "date"), ("created_at", "[1]", "date"), ("total", "null", "total"),
        ("total", '"doze"', "total"), ("total", "1E+999999999", "total"), ("total", "1E+99999999999999999999", "total"),
        ("total", "1E-999999999", "total"), ("total", "NaN", "total"), ("total", "9" * 5000, "total"),
        ("total", "12.305", "total"), ("total", "-12.30", "total"), ("total", "{}", "total"),
        ("status_enum", "null", "status"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_named(field: str, written: str, missing: str) -> None:
    content = {**{name: json.dumps(value) for name, value in GOOD.items()}, field: written}
    found = row("{" + ", ".join(f'"{name}": {value}' for name, value in content.items()) + "}")
    assert found.unreadable == (missing,)
    assert found.key.startswith("row-") == (missing == "id")


def test_rows_that_cannot_be_read_are_told_apart() -> None:
    assert row(id=None).key == row(id=None).key != row(id=None, total=1).key


FIELDS = st.sampled_from(["order", *GOOD, "gift_cards_discount"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
)


@given(ANYTHING)
def test_no_content_of_a_row_raises(content: Any) -> None:
    found = order_summary_from(content)
    assert found.key and len(found.key) <= 60 and len(found.order_id) <= 18


def test_a_webhook_tells_what_its_signed_body_says() -> None:
    event = parse_webhook("order_paid", json.dumps({"order": GOOD}).encode())
    assert event.summary is not None and event.summary.total == Decimal("12.3")
    bad = parse_webhook("order_paid", b'{"order": {"id": 7, "total": 1E+999999999, "created_at": []}}')
    assert (bad.kind, bad.order_id) == ("paid", "7")
    assert bad.summary is not None and bad.summary.unreadable == ("date", "total", "status")


class Pages:
    """A shop that answers the pages of its order list, whatever the filter."""

    def __init__(self, *pages: list[Any]) -> None:
        self.pages, self.asked = list(pages), 0

    def send(self, method: str, url: str, **more: Any) -> HttpResponse:
        self.asked += 1
        page = self.pages.pop(0) if self.pages else []
        return HttpResponse(200, {}, json.dumps(page).encode())


def shop(pages: Pages) -> Jumpseller:
    addresses: dict[str, Any] = dict.fromkeys(("client_id", "client_secret", "accounts_url", "api_url"), "")
    return Jumpseller(cast(Any, pages), lambda refused: "token", admin_origins=("",), **addresses)


def test_the_filter_of_the_list_is_not_trusted() -> None:
    mixed = [{**GOOD, "id": at, "status_enum": status} for at, status in enumerate(("paid", "canceled", "x"))]
    assert [one.order_id for one in shop(Pages(mixed)).paid_orders(NOON)] == ["0"]
    assert [one.order_id for one in shop(Pages(mixed)).unpaid_orders(NOON)] == ["1", "2"]


def test_one_row_with_an_old_or_no_date_does_not_end_the_list() -> None:
    odd = [{**GOOD, "created_at": "2001-01-01 00:00:00 UTC"}, {**GOOD, "id": None}, "no object", 7]
    first = [*odd, *({**GOOD, "id": at} for at in range(100, 196))]
    pages = Pages(first, [{**GOOD, "id": 99}])
    found = list(shop(pages).paid_orders(NOON))
    # what is no object has no status either: it may be a paid order
    assert [one.order_id for one in found] == ["", "", "", *map(str, range(100, 196)), "99"]


def test_the_list_ends_with_the_page_on_which_all_are_older() -> None:
    old = [{**GOOD, "id": at, "created_at": "2026-11-01 00:00:00 UTC"} for at in range(100)]
    pages = Pages(old, old)
    assert list(shop(pages).paid_orders(NOON)) == [] and pages.asked == 1


def test_an_event_that_the_signature_does_not_cover_cancels_no_order_that_the_body_calls_paid() -> None:
    assert parse_webhook("order_canceled", json.dumps({"order": GOOD}).encode()).kind == "updated"
    assert (
        parse_webhook("order_canceled", b'{"order": {"id": 7, "status_enum": "canceled"}}').kind
        == "cancelled"
    )


@pytest.mark.parametrize("depth", [33, 100, 900, 100_000])
def test_a_webhook_that_nests_too_deep_is_not_parsed(depth: int) -> None:
    with pytest.raises(UnreadableWebhook, match="nested-too-deep"):
        parse_webhook("order_paid", b'{"order": {"id": 7, "a": ' + b"[" * depth + b"]" * depth + b"}}")
