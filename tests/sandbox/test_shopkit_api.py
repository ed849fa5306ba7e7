"""The API of the Shopkit stand-in: the key, lists, the limit, writes on orders, products and stock."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.shopkit_client import SADO, SERRA, ShopkitClient, open_client

CUP = {"lines": [{"sku": "TACA-01"}]}
PDF = base64.b64encode(b"%PDF-1.4 factura").decode()


def test_a_key_opens_one_store_by_header_or_address() -> None:
    with open_client() as client:
        key = client.shop(SERRA).key
        for answer in (
            client.browser.get("/v1/store", headers={"X-API-KEY": key}),
            client.browser.get(f"/v1/store?X-API-KEY={key}"),
        ):
            assert answer.json["username"] == SERRA
            assert answer.json["taxes_included"] is False
        assert client.browser.get("/v1/store", headers={"X-API-KEY": "0" * 40}).status_code == 401
        client.control(f"shops/{SERRA}/revoke-key")
        assert client.browser.get("/v1/store", headers={"X-API-KEY": key}).json == {"message": "Unauthorized"}
        client.switch("refused-key", "403")
        assert client.browser.get("/v1/store", headers={"X-API-KEY": ""}).status_code == 403
        keys = [call["key"] for call in client.browser.get("/sandbox/calls").json]
    assert keys == ["header", "query", "header", "header", ""]
    assert key not in str(client.parts.limit.ledger.entries)


@pytest.mark.parametrize("position", ["403", "400", "401"])
def test_a_call_without_user_agent_is_refused(position: str) -> None:
    with open_client() as client:
        client.switch("no-user-agent", position)
        assert client.call("GET", "/store", headers={"User-Agent": ""}).status_code == int(position)


def test_a_list_has_numbered_rows_and_addresses_of_other_pages() -> None:
    with open_client() as client:
        numbers = [client.place_order(**CUP)["id"] for _ in range(27)]
        first = client.call("GET", "/order/?page=1")
        assert first.headers["X-Total-Count"] == "27"
        assert list(first.json) == [*map(str, range(25)), "paging"]
        assert first.json["0"]["id"] == numbers[-1]
        assert first.json["paging"] == {"next": "http://localhost:2/v1/order/?page=2"}
        assert list(client.get("/order?page=2")["paging"]) == ["previous"]
        assert len(client.get("/order?limit=100")) == 28


LISTS: list[tuple[dict[str, str], str, Any]] = [
    ({"order-list": "array"}, "/order", lambda got: isinstance(got, list)),
    ({"product-list": "array"}, "/product", lambda got: isinstance(got, list)),
    ({"webhook-list": "keyed"}, "/webhook", lambda got: got == {"paging": {}}),
    ({"empty-list": "array"}, "/order?paid=true", lambda got: got == []),
    ({"empty-list": "404"}, "/order?paid=true", lambda got: got == {"message": "Not found."}),
    ({"paging-ends": "null"}, "/order", lambda got: got["paging"] == {"previous": None, "next": None}),
    ({"paging-ends": "empty"}, "/order", lambda got: got["paging"] == {"previous": "", "next": ""}),
    ({"page-limit": "100"}, "/product?limit=100", lambda got: len(got) == 67),
    ({"page-limit": "ignored"}, "/product?limit=3", lambda got: len(got) == 26),
    ({"order-sort": "oldest"}, "/order", lambda got: got["0"]["id"] < got["1"]["id"]),
    ({"order-rows": "short"}, "/order", lambda got: "product_tax" not in got["0"]),
    ({"order-filters": "ignored"}, "/order?paid=true", lambda got: "0" in got),
    ({"row-options": "left-out"}, "/product", lambda got: "options" not in got["1"]),
    ({"hidden-products": "left-out"}, "/product?limit=50&q=oficina", lambda got: "0" not in got),
    ({"option-stock": "zero"}, "/product?limit=50", lambda got: got["1"]["stock"]["stock_qty"] == 0),
]


@pytest.mark.parametrize(("switches", "path", "is_right"), LISTS, ids=[str(one[0]) for one in LISTS])
def test_a_switch_changes_a_list(switches: dict[str, str], path: str, is_right: Any) -> None:
    with open_client() as client:
        client.place_order(**CUP)
        client.place_order(**CUP)
        client.control("catalogue", shop=SADO, products=60)
        workshop = client.get("/product?reference=WORK-ISENTO")["0"]["id"]
        client.control(f"shops/{SADO}/goods/{workshop}", status=2)
        assert not is_right(client.call("GET", path).json)
        for name, position in switches.items():
            client.switch(name, position)
        assert is_right(client.call("GET", path).json)


def test_orders_are_filtered_by_payment_invoice_status_and_day() -> None:
    with open_client() as client:
        late = client.place_order(**CUP, pay=True, paid_at="2026-08-01T00:20:00+01:00")["id"]
        done = client.place_order(**CUP, pay=True, paid_at="2026-08-02T10:00:00+01:00")["id"]
        client.call(
            "PUT", f"/order/{done}", json={"invoice_url": "https://app.test/i/1", "status_alias": "sent"}
        )
        client.place_order(**CUP)

        def found(query: str) -> list[int]:
            rows = client.get(f"/order?{query}")
            return sorted(row["id"] for key, row in rows.items() if key != "paging")

        assert found("paid=true&invoice=false") == [late]
        assert found("status_alias=sent,returned") == [done]
        day = "date_type=paid_at&date_from=2026-08-01&date_to=2026-08-01"
        assert found(day) == [late]
        client.switch("date-to", "exclusive")
        assert found(day) == []
        client.switch("filter-days", "utc")
        assert found("date_type=paid_at&date_to=2026-08-01") == [late]
        assert client.call("GET", "/order?date_from=yesterday").status_code == 400


@pytest.mark.parametrize("window", ["sliding", "hour"])
@pytest.mark.parametrize(
    ("answer", "retry_after", "status", "has_header"),
    [
        ("429", "told", 429, True),
        ("403", "absent", 403, False),
        ("200", "told", 200, True),
        ("401", "told", 401, True),
    ],
)
def test_a_call_over_the_limit_is_refused_and_counted(
    window: str, answer: str, retry_after: str, status: int, has_header: bool
) -> None:
    with open_client() as client:
        client.switch("limit-window", window)
        client.switch("limit-answer", answer)
        client.switch("retry-after", retry_after)
        client.control(f"shops/{SADO}/use-up", calls=3599)
        assert "username" in client.get("/store")
        refused = client.call("GET", "/store")
        assert (refused.status_code, refused.json) == (status, {"message": "Rate limit exceeded"})
        assert ("Retry-After" in refused.headers) is has_header
        assert "username" in client.get("/store", SERRA)
        counts = client.browser.get("/sandbox/limits").json
        assert (counts[SADO]["over_limit"], counts[SERRA]["over_limit"]) == (1, 0)


# --- writing on orders --------------------------------------------------------------------------------------


def write(client: ShopkitClient, number: int, **changes: Any) -> Any:
    return client.call("PUT", f"/order/{number}", json=changes)


def test_a_write_answers_with_the_whole_order_and_is_on_record() -> None:
    with open_client() as client:
        number = client.place_order(**CUP)["id"]
        answer = write(client, number, invoice_url="https://app.test/i/1", at_code="AT1", note="FR 1/1").json
        assert (answer["invoice_url"], answer["at_code"], answer["note"]) == (
            "https://app.test/i/1",
            "AT1",
            "FR 1/1",
        )
        assert answer["products"][0]["reference"] == "TACA-01"
        (kept,) = client.browser.get(f"/sandbox/shops/{SADO}/orders").json
        assert kept["writes"][0]["at_code"] == "AT1"
        assert write(client, number, status_alias="waiting_return").status_code == 400
        assert write(client, number, tags=["Oferta"]).json["tags"][0]["handle"] == "oferta"
        assert write(client, 1).status_code == 404


@pytest.mark.parametrize(
    ("position", "status", "kept"), [("replaced", 200, "b"), ("refused", 409, "a"), ("kept", 200, "a")]
)
def test_a_second_invoice_is_replaced_refused_or_ignored(position: str, status: int, kept: str) -> None:
    with open_client() as client:
        client.switch("invoice-overwrite", position)
        number = client.place_order(**CUP)["id"]
        write(client, number, invoice_url="https://app.test/a")
        assert write(client, number, invoice_url="https://app.test/b").status_code == status
        assert client.get(f"/order/{number}")["invoice_url"] == f"https://app.test/{kept}"


def test_a_file_becomes_an_address_of_the_store_that_a_buyer_can_open() -> None:
    with open_client() as client:
        number = client.place_order(**CUP)["id"]
        url = write(client, number, invoice_file=PDF).json["invoice_url"]
        assert client.browser.get(url).data == b"%PDF-1.4 factura"
        assert client.get("/order?invoice=true")["0"]["id"] == number
        client.switch("file-address", "empty")
        assert client.get(f"/order/{number}")["invoice_url"] == ""
        assert write(client, number, invoice_file="no base64").status_code == 400
        client.switch("file-limit", "10-KB")
        assert write(client, number, invoice_file=PDF * 1000).json == {"message": "Content Too Large"}
        client.switch("invoice-clear", "refused")
        assert write(client, number, invoice_url="").status_code == 400
        client.switch("invoice-clear", "removes")
        write(client, number, invoice_url="")
        assert "0" not in client.get("/order?invoice=true")


@pytest.mark.parametrize(
    ("app", "status", "has_invoice"),
    [
        ("none", 400, False),
        ("active", 201, True),
        ("fails-400", 400, False),
        ("fails-500", 500, False),
        ("issues-500", 500, True),
    ],
)
def test_the_stores_own_app_issues_once(app: str, status: int, has_invoice: bool) -> None:
    with open_client() as client:
        client.switch("invoice-app", app)
        number = client.place_order(**CUP)["id"]
        assert client.call("POST", f"/order/{number}/invoice").status_code == status
        assert bool(client.get(f"/order/{number}")["invoice_url"]) is has_invoice
        if has_invoice:
            bulk = client.call("PUT", "/order/bulk/invoice", json=[{"id": number}, {"id": 1}]).json
            assert [one["code"] for one in bulk] == [409, 404]
        client.switch("invoice-verb", "PUT")
        assert client.call("POST", f"/order/{number}/invoice").status_code == 404
        assert client.call("PUT", f"/order/{number}/invoice").status_code != 404


def test_bulk_writes_tell_each_result_and_take_no_file() -> None:
    with open_client() as client:
        number = client.place_order(**CUP)["id"]
        sent = [{"id": number, "paid": True, "invoice_file": PDF}, {"id": 7}]
        assert [one["code"] for one in client.call("PUT", "/order/bulk", json=sent).json] == [200, 404]
        assert client.get(f"/order/{number}")["paid"] is True
        assert client.get(f"/order/{number}")["invoice_url"] == ""
        assert client.call("PUT", "/order/bulk", json=[{"id": 1}] * 51).status_code == 413


def test_an_order_can_be_deleted_although_it_has_an_invoice() -> None:
    with open_client() as client:
        number = client.place_order(**CUP, pay=True)["id"]
        write(client, number, invoice_url="https://app.test/i/1")
        assert client.call("DELETE", f"/order/{number}").status_code == 204
        assert client.call("GET", f"/order/{number}").status_code == 404
        assert client.place_order(**CUP)["id"] == number + 1


# --- stock --------------------------------------------------------------------------------------------------


def test_stock_is_written_as_an_absolute_number() -> None:
    with open_client() as client:
        cup, tiles = client.get("/product?limit=2")["0"], client.get("/product?limit=2")["1"]
        option = tiles["options"][0]
        client.call("PUT", f"/product/{cup['id']}", json={"stock_qty": 3})
        changed = client.call("PUT", f"/product/{tiles['id']}/option/{option['id']}", json={"stock": 9}).json
        assert (changed["stock"], changed["reference"]) == (9, "AZJ-15-AZUL")
        assert client.get(f"/product/{tiles['id']}")["stock"]["stock_qty"] == 9 + 7
        assert client.call("PUT", f"/product/{cup['id']}", json={"stock_qty": "three"}).status_code == 400
        entries = client.browser.get("/sandbox/stock").json
    assert [(one["before"], one["after"], one["by"]) for one in entries] == [(40, 3, "api"), (12, 9, "api")]


@pytest.mark.parametrize(
    ("switches", "after_sale", "after_payment", "after_cancelling"),
    [
        ({}, 38, 38, 40),
        ({"stock-on-sale": "paid"}, 40, 38, 40),
        ({"stock-on-sale": "never"}, 40, 40, 40),
        ({"stock-on-cancel": "kept"}, 38, 38, 38),
    ],
)
def test_a_sale_moves_the_stock(
    switches: dict[str, str], after_sale: int, after_payment: int, after_cancelling: int
) -> None:
    with open_client() as client:
        for name, position in switches.items():
            client.switch(name, position)

        def pieces() -> int:
            (row,) = client.browser.get(f"/sandbox/shops/{SADO}/goods?sku=TACA-01").json
            return int(row["stock"])

        number = client.place_order(lines=[{"sku": "TACA-01", "qty": 2}])["id"]
        seen = [pieces()]
        for act in ("pay", "cancel"):
            client.change_order(number, act)
            seen.append(pieces())
    assert seen == [after_sale, after_payment, after_cancelling]


@pytest.mark.parametrize("kind", ["500", "500-after"])
def test_a_fault_happens_before_or_after_the_call(kind: str) -> None:
    with open_client() as client:
        number = client.place_order(**CUP)["id"]
        client.control("faults", kind=kind, method="PUT")
        assert write(client, number, note="x").status_code == 500
        assert (client.get(f"/order/{number}")["note"] == "x") is (kind == "500-after")
        assert write(client, number, note="y").status_code == 200


def test_state_and_ledgers_survive_a_restart(tmp_path: Any) -> None:
    with open_client(tmp_path) as client:
        number = client.place_order(**CUP, pay=True)["id"]
        client.switch("order-list", "array")
        client.get("/order")
    with open_client(tmp_path) as client:
        assert client.get("/order")[0]["id"] == number
        assert [one["call"] for one in client.browser.get("/sandbox/calls").json] == ["GET /order"] * 2
        client.control("reset")
        assert client.get("/order") == {"paging": {}}
