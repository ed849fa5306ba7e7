"""Shopkit's wire: its key, what its refusals mean, and its lists in every form in which they may come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shopapp.errors import RefusedError, StoreAccessError, ThrottledError, UncertainError, UnreachableError
from shopapp.platforms.shopkit import Shopkit

from .payloads import VENDOR_SAMPLE
from .scripted import KEY, open_shopkit

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def rows(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        {**VENDOR_SAMPLE, "id": number, "created_at": f"2026-11-20T10:{number:02}:00+00:00", **changes}
        for number in numbers
    ]


def keyed(entries: list[Any], following: str | None = None) -> dict[str, Any]:
    paging = {"previous": None, "next": following} if following else {}
    return {**{str(at): entry for at, entry in enumerate(entries)}, "paging": paging}


def test_the_key_is_in_a_header_and_never_in_an_address() -> None:
    shop, http = open_shopkit(lambda *call: (200, VENDOR_SAMPLE))
    shop.order_summary("1337")
    assert http.headers[0]["X-API-KEY"] == KEY
    assert KEY not in str(http.calls)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (KEY, KEY), (f"  {KEY.upper()}\n", KEY), (f"X-API-KEY: {KEY}", KEY), (f"https://x/?X-API-KEY={KEY}&a=b", KEY),
        (f"{KEY} {KEY}", KEY), (f"{KEY} {'f' * 40}", ""), (KEY + "0", ""), (KEY[:-1], ""), ("", ""), ("não", ""),
    ],
)  # fmt: skip
def test_a_key_is_found_in_what_was_pasted(text: str, key: str) -> None:
    assert Shopkit.clean_key(text) == key


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, {}), 300), ((429, {}, {"retry-after": "77"}), 77), ((403, {"message": "Rate limit exceeded"}), 300),
        ((401, {"message": "Limite de pedidos excedido"}), 300), ((503, {"message": "Too many requests"}), 300),
        ((400, {"message": "Request limit reached."}, {"retry-after": "999999"}), 3600),
        ((200, {"message": "Rate limit exceeded"}), 300),
    ],
)  # fmt: skip
def test_above_the_limit_it_waits_whatever_the_answer_is(answer: Any, seconds: int) -> None:
    shop, http = open_shopkit(lambda *call: answer)
    with pytest.raises(ThrottledError) as raised:
        shop.order_summary("1")
    assert raised.value.retry_after == seconds
    assert len(http.calls) == 1


def test_a_message_in_place_of_an_answer_is_none() -> None:
    shop, _ = open_shopkit(
        lambda method, *call: (200, VENDOR_SAMPLE if method == "GET" else {"message": "Maybe"})
    )
    with pytest.raises(UncertainError):
        shop.set_transport_code("1337", "AT1")
    shop, _ = open_shopkit(lambda *call: (200, {"message": "Maintenance"}))
    with pytest.raises(UnreachableError):
        shop.read_order("1337")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_refused_for_good(status: int) -> None:
    shop, _ = open_shopkit(lambda *call: (status, {"message": "Unauthorized"}))
    with pytest.raises(StoreAccessError):
        shop.store_info()


def test_a_refusal_is_no_order_that_is_gone() -> None:
    for message in ("Bad request.", "Invalid limit.", "The limit must be 50 or less.", None, 7):
        shop, _ = open_shopkit(lambda *call, message=message: (400, {"message": message}))  # type: ignore[misc]
        with pytest.raises(RefusedError):
            shop.order_summary("1")


@pytest.mark.parametrize("form", ["keyed", "keyed-without-next", "array", "array-with-count"])
@pytest.mark.parametrize("past_the_end", ["empty", "missing", "last-again"])
def test_a_list_is_read_to_its_end_in_each_form(form: str, past_the_end: str) -> None:
    pages = [rows(1, 2, 3), rows(4, 5), rows(6)]

    def answer(method: str, path: str, asked: Any) -> Any:
        number = int(asked["page"]) - 1
        if number >= len(pages):
            if past_the_end == "missing":
                return 404, {"message": "Not found."}
            entries = pages[-1] if past_the_end == "last-again" else []
            return 200, entries if form.startswith("array") else keyed(entries)
        headers = {"x-total-count": "6"} if form in ("keyed", "array-with-count") else {}
        if form.startswith("array"):
            return 200, pages[number], headers
        following = "https://api.shopk.it/v1/order?page=9" if number < len(pages) - 1 else None
        content = keyed(pages[number], following)
        if form == "keyed-without-next":
            del content["paging"]
        return 200, content, headers

    shop, http = open_shopkit(answer)
    assert [row.order_id for row in shop.paid_orders(LONG_AGO)] == ["6", "5", "4", "3", "2", "1"]
    assert len(http.calls) == (3 if form in ("keyed", "array-with-count") else 4)
    assert http.calls[0][2] == {
        "paid": "true", "date_type": "created_at", "date_from": "1999-12-31", "limit": "50", "page": "1",
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"no", b"{}", b"1", b"null", b'{"message": "Bad request"}'])
def test_what_is_no_list_is_not_taken_for_an_empty_one(content: bytes) -> None:
    shop, _ = open_shopkit(lambda *call: (200, content))
    with pytest.raises(UnreachableError):
        list(shop.paid_orders(LONG_AGO))


def test_a_row_that_cannot_be_read_hides_no_other() -> None:
    odd = [None, "x", 7, {}, {"id": "../1", "paid": True}, *rows(2, total="muito"), *rows(3)]
    shop, _ = open_shopkit(lambda *call: (200, keyed(odd)))
    found = {row.order_id: row.unreadable for row in shop.paid_orders(LONG_AGO)}
    assert found["3"] == ()
    assert found["2"] == ("total",)
    assert len(list(shop.paid_orders(LONG_AGO))) == len(odd)


def test_the_filter_of_the_list_is_not_trusted() -> None:
    entries = rows(1, 2) + rows(3, paid=False) + rows(4, status_alias="canceled")
    shop, http = open_shopkit(lambda *call: (200, keyed(entries)))
    assert [row.order_id for row in shop.paid_orders(LONG_AGO)] == ["2", "1"]
    assert [row.order_id for row in shop.paid_orders(datetime(2026, 11, 20, 10, 2, tzinfo=UTC))] == ["2"]
    found = [(row.order_id, row.status) for row in shop.unpaid_orders(LONG_AGO)]
    assert found == [("4", "cancelled"), ("3", "open")]
    assert {"paid": "true", "status_alias": "canceled"}.items() <= http.calls[-1][2].items()


def test_a_store_is_known_by_its_username_and_stands_where_its_first_address_is() -> None:
    store = {
        "username": "parallax", "name": "Parallax", "currency": "eur", "email": "info@shopk.it",
        "url": "https://parallax.shopk.it/",
        "locations": [{"address": "Cais 1", "address_extra": "S1", "city": "Funchal", "zip_code": "9000-001",
                       "country": "Portugal - Madeira", "country_code": "PRT"}],
    }  # fmt: skip
    shop, _ = open_shopkit(lambda *call: (200, store))
    found = shop.store_info()
    assert (found.code, found.currency, found.country, found.timezone) == (
        "parallax",
        "EUR",
        "PT",
        "Europe/Lisbon",
    )
    assert (found.address.street, found.address.postal_code) == ("Cais 1 S1", "9000-001")
    assert shop.order_admin_url("parallax", "7") == "https://parallax.shopk.test/admin/orders/7"


@pytest.mark.parametrize("code", [None, "", 7, "../x", "a b", "x" * 64, "evil.test/"])
def test_a_store_whose_code_is_none_is_not_connected(code: Any) -> None:
    shop, _ = open_shopkit(lambda *call: (200, {"username": code, "name": "Loja"}))
    with pytest.raises(UnreachableError):
        shop.store_info()
