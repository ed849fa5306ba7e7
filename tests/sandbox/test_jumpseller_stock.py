"""The Jumpseller stand-in's catalogue and stock, its ledger, its webhooks and its count of calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.ledger import read
from sandbox.jumpseller.limits import RateLimits
from tests.sandbox.jumpseller_client import SADO, SERRA, JumpsellerClient, WebhookReceiver, open_client

CUP = "TACA-01"


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with open_client(clock_scale=60_000) as caller:
        caller.install()
        yield caller


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


# --- changes of stock, and their ledger entries ------------------------------------------------------------


def brief(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["by"], one["sku"], one["before"], one["after"]) for one in lines]


def test_every_stock_change_is_in_the_ledger_with_its_cause(jumpseller: JumpsellerClient) -> None:
    cup = jumpseller.product(CUP)
    main = int(min(cup["locations"]))
    number = jumpseller.place_order(lines=[{"sku": CUP, "qty": 3}, {"sku": "AZJ-15-AZUL"}])["id"]
    jumpseller.change_order(number, "cancel")
    jumpseller.call("PUT", f"/products/{cup['product']}.json", json={"product": {"stock": 9}})
    jumpseller.edit_product(cup["product"], stock=8)
    lines = jumpseller.ledger()
    assert brief(lines) == [
        ("order", CUP, 40, 37),
        ("order", "AZJ-15-AZUL", 12, 11),
        ("cancel", CUP, 37, 40),
        ("cancel", "AZJ-15-AZUL", 11, 12),
        ("api", CUP, 40, 9),
        ("admin", CUP, 9, 8),
    ]
    assert {one["order"] for one in lines[:4]} == {number}
    assert [one["seq"] for one in lines] == [1, 2, 3, 4, 5, 6]
    assert {one["location"] for one in lines} == {main}
    assert lines[1]["variant"] == jumpseller.product("AZJ-15-AZUL")["variant"]
    assert lines[4]["request"] == sum(
        seen["calls"] for seen in jumpseller.parts.limits.call_counts().values()
    )


def test_a_call_that_changes_nothing_is_not_in_the_ledger(jumpseller: JumpsellerClient) -> None:
    cup = jumpseller.product(CUP)
    jumpseller.call("PUT", f"/products/{cup['product']}.json", json={"product": {"stock": 40}})
    jumpseller.edit_product(cup["product"], name="Taça", price="11.00")
    assert jumpseller.ledger() == []


def test_unlimited_stock_is_null_in_the_ledger_and_no_sale_reduces_it(jumpseller: JumpsellerClient) -> None:
    cup = jumpseller.product(CUP)
    jumpseller.edit_product(cup["product"], stock_unlimited=True)
    assert jumpseller.product(CUP)["stock"] is None
    jumpseller.place_order(lines=[{"sku": CUP}])
    sent = {"product_id": cup["product"], "stock": 5, "stock_unlimited": False}
    jumpseller.call("PUT", "/products_locations", json={**sent, "location_id": int(min(cup["locations"]))})
    found = [(one["before"], one["after"]) for one in jumpseller.ledger()]
    assert found == [(40, None), (0, None), (None, 40), (None, 0), (40, 5)]


def test_a_sale_takes_from_the_main_location_first_and_gives_back_where_it_took(
    jumpseller: JumpsellerClient,
) -> None:
    cup = jumpseller.product(CUP)
    main, second = cup["locations"]
    jumpseller.edit_product(cup["product"], stock={main: 2, second: 5})
    placed = jumpseller.place_order(lines=[{"sku": CUP, "qty": 3}])
    assert jumpseller.product(CUP)["locations"] == {main: 0, second: 4}
    assert placed["products"][0]["stock_locations"] == [
        {"location_id": int(main), "stock": 2},
        {"location_id": int(second), "stock": 1},
    ]
    jumpseller.edit_product(cup["product"], stock={main: 10})
    jumpseller.change_order(placed["id"], "cancel")
    assert jumpseller.product(CUP)["locations"] == {main: 12, second: 5}


def test_an_order_takes_and_returns_its_stock_only_once(jumpseller: JumpsellerClient) -> None:
    number = jumpseller.place_order(lines=[{"sku": CUP, "qty": 3}])["id"]
    jumpseller.change_order(number, "abandon")
    jumpseller.change_order(number, "pay")
    assert jumpseller.product(CUP)["stock"] == 37
    jumpseller.change_order(number, "cancel")
    assert jumpseller.product(CUP)["stock"] == 40


def test_the_stock_of_a_deleted_product_is_not_returned(jumpseller: JumpsellerClient) -> None:
    number = jumpseller.place_order(lines=[{"sku": CUP}])["id"]
    jumpseller.browser.delete(f"/sandbox/shops/{SADO}/goods/{jumpseller.product(CUP)['product']}")
    jumpseller.change_order(number, "cancel")
    assert len(jumpseller.ledger()) == 1


def test_every_change_sends_webhooks_whatever_its_cause(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "product_updated", "product_stock_updated", "product_deleted")
    cup = jumpseller.product(CUP)
    main = int(min(cup["locations"]))
    at = {"location_id": main, "product_id": cup["product"], "stock_unlimited": False}
    number = jumpseller.place_order(lines=[{"sku": CUP}])["id"]
    jumpseller.change_order(number, "cancel")
    jumpseller.edit_product(cup["product"], stock=5)
    jumpseller.call("PUT", "/products_locations", json={**at, "stock": 6})
    jumpseller.edit_product(cup["product"], name="Taça")
    assert len(jumpseller.deliveries(event="product_stock_updated")) == 4
    assert len(jumpseller.deliveries(event="product_updated")) == 5
    told = jumpseller.deliveries(event="product_updated", product_id=cup["product"], body=1)
    body = json.loads(told[0]["body"])["product"]
    assert (body["id"], body["name"], body["stock"]) == (cup["product"], "Taça", 6)


def test_ledger_and_stock_survive_a_restart_and_a_reset_archives_the_ledger(tmp_path: Path) -> None:
    with open_client(tmp_path) as first:
        first.place_order(lines=[{"sku": CUP}])
    with open_client(tmp_path) as second:
        assert second.product(CUP)["stock"] == 39
        second.edit_product(second.product(CUP)["product"], stock=3)
        assert [one["seq"] for one in read(tmp_path / "stock.jsonl")] == [1, 2]
        second.browser.post("/sandbox/reset")
        assert second.ledger() == []
    assert len(read(tmp_path / "stock.1.jsonl")) == 2


def test_stored_data_from_before_stock_locations_can_be_read(tmp_path: Path) -> None:
    with open_client(tmp_path) as first:
        shop = first.parts.platform.shops[SADO]
        product = next(one for one in shop.products.values() if one["sku"] == CUP)
        shop.put("product", {**{key: product[key] for key in product if key != "at"}, "stock": 17})
    with open_client(tmp_path) as second:
        assert second.product(CUP)["stock"] == 17


# --- by location ------------------------------------------------------------------------------------------


def test_a_shop_may_have_only_one_location(jumpseller: JumpsellerClient) -> None:
    jumpseller.browser.post("/sandbox/shops", json={"code": "banca", "locations": 1})
    assert len(jumpseller.product(CUP, "banca")["locations"]) == 1


def test_the_stock_of_variants_is_listed_by_location(jumpseller: JumpsellerClient) -> None:
    blue, green = jumpseller.product("AZJ-15-AZUL"), jumpseller.product("AZJ-15-VERDE")
    main = min(blue["locations"])
    asked = f"/products_locations?location_ids={main}&product_ids={blue['product']}"
    assert [row["variant_id"] for row in jumpseller.get(asked)] == [blue["variant"], green["variant"]]
    rows = jumpseller.get(f"{asked}&variant_ids={green['variant']}")
    assert [(row["variant_id"], row["stock"]) for row in rows] == [(green["variant"], 7)]
    many = ",".join(str(number) for number in range(51))
    answer = jumpseller.call("GET", f"/products_locations?location_ids={main}&product_ids={many}")
    assert answer.status_code == 400


# --- a catalogue ------------------------------------------------------------------------------------------


def test_the_same_seed_generates_the_same_catalogue(jumpseller: JumpsellerClient) -> None:
    found = []
    for shop in (SADO, SERRA):
        jumpseller.load(12, shop, variants_every=4, seed=3)
        rows = jumpseller.browser.get(f"/sandbox/shops/{shop}/goods").json or []
        found.append([(row["sku"], row["stock"]) for row in rows[-18:]])
    assert found[0] == found[1]
    assert [sku for sku, _ in found[0][-4:]] == ["P00011", "P00012-1", "P00012-2", "P00012-3"]


def test_a_catalogue_may_have_doubled_and_missing_skus(jumpseller: JumpsellerClient) -> None:
    items = [
        {"sku": "DOBRO", "name": "Um", "price": "1.00", "stock": 1},
        {"sku": "DOBRO", "name": "Dois", "price": "2.00", "stock": 2},
        {"name": "Sem", "price": "3.00", "stock": None},
        {
            "name": "Pai",
            "price": "4.00",
            "variants": [{"sku": "DOBRO", "value": "S"}, {"sku": None, "stock": 3}],
        },
    ]
    jumpseller.load(items)
    rows = jumpseller.browser.get(f"/sandbox/shops/{SADO}/goods").json or []
    assert [(row["name"], row["sku"], row["stock"]) for row in rows[-5:]] == [
        ("Um", "DOBRO", 1),
        ("Dois", "DOBRO", 2),
        ("Sem", None, None),
        ("Pai", "DOBRO", 0),
        ("Pai", None, 3),
    ]
    assert jumpseller.place_order(lines=[{"sku": "DOBRO"}])["products"][0]["name"] == "Um"
    assert jumpseller.browser.post("/sandbox/catalogue", json={"products": [{}]}).status_code == 422


def test_a_product_is_found_by_its_present_sku(jumpseller: JumpsellerClient) -> None:
    cup = jumpseller.product(CUP)
    jumpseller.edit_product(cup["product"], sku="TACA-02")
    assert jumpseller.product("TACA-02")["product"] == cup["product"]
    assert jumpseller.browser.get(f"/sandbox/shops/{SADO}/goods?sku={CUP}").json == []
    assert (
        jumpseller.browser.post(f"/sandbox/shops/{SADO}/orders", json={"lines": [{"sku": CUP}]}).status_code
        == 422
    )


def test_a_catalogue_survives_a_restart(tmp_path: Path) -> None:
    with open_client(tmp_path) as first:
        first.load(30, variants_every=3)
        before = first.browser.get(f"/sandbox/shops/{SADO}/goods").json
    with open_client(tmp_path) as second:
        assert second.browser.get(f"/sandbox/shops/{SADO}/goods").json == before
        second.browser.post(f"/sandbox/shops/{SADO}/goods", json={"name": "Mais um", "sku": "MAIS"})
        assert second.product("MAIS")["product"] > max(row["product"] for row in before or [])


# --- calls ------------------------------------------------------------------------------------------------


def test_each_shop_has_a_count_of_its_calls_and_refusals(jumpseller: JumpsellerClient) -> None:
    jumpseller.browser.delete("/sandbox/limits")
    jumpseller.get("/products.json")
    jumpseller.call(
        "PUT", f"/products/{jumpseller.product(CUP)['product']}.json", json={"product": {"stock": 1}}
    )
    jumpseller.parts.limits.ban(SADO, 60)
    jumpseller.call("GET", "/products/count.json")
    told = (jumpseller.browser.get("/sandbox/limits").json or {})[SADO]
    assert told["by_call"] == {
        "GET /products.json": 1,
        "GET /products/count.json": 1,
        "PUT /products/{}.json": 1,
    }
    assert (told["calls"], told["busiest_minute"], told["refused"]) == (3, 3, 1)
    assert told["refusals"][0]["call"] == "GET /v1/products/count.json"


def test_calls_are_counted_when_they_are_not_limited(jumpseller: JumpsellerClient) -> None:
    jumpseller.switch("rate-limits", "off")
    jumpseller.browser.delete("/sandbox/limits")
    assert len([jumpseller.get("/products/count.json") for _ in range(25)]) == 25
    counts = jumpseller.parts.limits.call_counts()[SADO]
    assert (counts["calls"], counts["refused"]) == (25, 0)


def test_the_busiest_second_is_any_second_not_one_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, now = RateLimits(), [0.0]
    monkeypatch.setattr("sandbox.jumpseller.limits.time.monotonic", lambda: now[0])
    for at in (0.9, 0.95, 1.0, 1.1, 1.89, 2.5, 62.0):
        now[0] = at
        limits.record_call(SADO, "GET /x")
    told = limits.call_counts()[SADO]
    assert (told["busiest_second"], told["busiest_minute"]) == (5, 6)
