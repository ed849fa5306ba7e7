"""The REST API of the Jumpseller stand-in: authorisation, answers, limits and faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.core.server import start
from tests.sandbox.jumpseller_client import SADO, SERRA, JumpsellerClient, open_client


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with open_client() as caller:
        caller.install()
        yield caller


DOCUMENT = {"document_type": 1, "external_id": "77", "public_id": "FT 2026-12", "url": "https://x.example/d"}


# --- who may call -----------------------------------------------------------------------------------------


def test_a_call_needs_its_scope(jumpseller: JumpsellerClient) -> None:
    jumpseller.install(scope="read_store read_orders")
    assert jumpseller.call("GET", "/orders.json").status_code == 200
    assert jumpseller.call("GET", "/products.json").status_code == 403
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    refused = jumpseller.call("POST", f"/orders/{number}/documents.json", json={"document": DOCUMENT})
    assert refused.status_code == 403


def test_a_shop_sees_its_own_orders_alone(jumpseller: JumpsellerClient) -> None:
    number = jumpseller.place_order(SADO, lines=[{"sku": "TACA-01"}])["id"]
    jumpseller.install(SERRA)
    assert jumpseller.call("GET", f"/orders/{number}.json").status_code == 404
    assert jumpseller.get("/orders.json") == []


@pytest.mark.parametrize(("language", "text"), [("pt", "Não encontrado."), ("es", "No encontrado.")])
def test_errors_are_in_the_language_of_the_shop(
    jumpseller: JumpsellerClient, language: str, text: str
) -> None:
    jumpseller.browser.post(f"/sandbox/shops/{SADO}", json={"language": language})
    assert jumpseller.call("GET", "/orders/1.json").json == {"message": text}
    assert jumpseller.call("GET", "/refunds.json").status_code == 404


# --- the store --------------------------------------------------------------------------------------------


def test_the_install_status_is_reported(jumpseller: JumpsellerClient) -> None:
    assert jumpseller.get("/apps/quick-invoice/install_status.json")["installed"] is True
    assert jumpseller.call("GET", "/apps/another/install_status.json").status_code == 404


@pytest.mark.parametrize("event", ["order_created", "", "subscription_created"])
def test_only_listed_events_can_be_subscribed(jumpseller: JumpsellerClient, event: str) -> None:
    answer = jumpseller.call(
        "POST", "/hooks.json", json={"hook": {"event": event, "url": "http://a.example/"}}
    )
    assert answer.status_code == 422
    assert (answer.json or {})["errors"]


def test_taxes_locations_customers_and_methods_are_listed(jumpseller: JumpsellerClient) -> None:
    jumpseller.install(scope="read_taxes write_taxes read_store read_customers read_payment_methods "
                             "read_shipping_methods")  # fmt: skip
    assert [one["tax"]["tax_amount"] for one in jumpseller.get("/taxes.json")] == [23.0, 13.0, 6.0]
    new = jumpseller.call("POST", "/taxes.json", json={"tax": {"name": "IVA 21%", "tax": 21}}).json or {}
    assert jumpseller.get(f"/taxes/{new['tax']['id']}.json")["tax"]["name"] == "IVA 21%"
    assert jumpseller.get("/locations.json")[0]["location"]["is_stock_origin"] is True
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], nif="123456789")
    customer = jumpseller.get("/customers.json")[0]["customer"]
    assert customer["billing_address"]["taxid"] == "123456789"
    assert jumpseller.get(f"/customers/{customer['id']}.json")["customer"] == customer
    assert jumpseller.get(f"/customers/email/{customer['email']}.json")["customer"] == customer
    assert jumpseller.get("/customers/count.json") == {"count": 1}
    assert jumpseller.get("/payment_methods.json")[0]["payment_method"]["type"] == "ifthenpay"
    assert jumpseller.get("/shipping_methods.json")[0]["shipping_method"]["name"] == "CTT Expresso 24h"
    assert jumpseller.get("/store/languages.json") == [{"code": "pt", "name": "Português"}]


# --- orders -----------------------------------------------------------------------------------------------


def several(jumpseller: JumpsellerClient, count: int, **more: Any) -> list[int]:
    return [jumpseller.place_order(lines=[{"sku": "TACA-01"}], **more)["id"] for _ in range(count)]


def numbers(answer: Any) -> list[int]:
    return [one["order"]["id"] for one in answer]


def test_orders_come_newest_first_in_pages(jumpseller: JumpsellerClient) -> None:
    placed = several(jumpseller, 5)
    assert numbers(jumpseller.get("/orders.json?limit=2")) == [placed[4], placed[3]]
    assert numbers(jumpseller.get("/orders.json?limit=2&page=3")) == [placed[0]]
    assert numbers(jumpseller.get("/orders.json?limit=2&page=4")) == []
    assert jumpseller.get("/orders/count.json") == {"count": 5}


def test_a_page_holds_fifty_orders_and_never_more_than_a_hundred(jumpseller: JumpsellerClient) -> None:
    several(jumpseller, 101)
    assert len(jumpseller.get("/orders.json")) == 50
    assert len(jumpseller.get("/orders.json?limit=500")) == 100


def test_orders_are_filtered_by_state(jumpseller: JumpsellerClient) -> None:
    paid, waiting = several(jumpseller, 1, pay=True), several(jumpseller, 1)
    assert numbers(jumpseller.get("/orders.json?status_filters[]=paid")) == paid
    both = jumpseller.get("/orders.json?status_filters[]=paid&status_filters[]=pending_payment")
    assert numbers(both) == waiting + paid
    assert numbers(jumpseller.get("/orders/status/pending_payment.json")) == waiting
    assert jumpseller.call("GET", "/orders/status/lost.json").status_code == 404


def test_orders_are_filtered_by_days_of_the_shop(jumpseller: JumpsellerClient) -> None:
    now = datetime.now(UTC)
    old = several(jumpseller, 1, created_at=(now - timedelta(days=20)).isoformat())
    new = several(jumpseller, 1)
    assert numbers(jumpseller.get("/orders.json?dateFilter=last7days")) == new
    assert numbers(jumpseller.get("/orders.json?dateFilter=last30days")) == new + old
    first = (now - timedelta(days=21)).date()
    last = (now - timedelta(days=19)).date()
    asked = f"/orders.json?dateFilter=customDate&initialDate={first}&finalDate={last}"
    assert numbers(jumpseller.get(asked)) == old
    wrong = jumpseller.call("GET", "/orders.json?dateFilter=customDate&initialDate=yesterday")
    assert wrong.status_code == 400


def test_a_summer_evening_belongs_to_the_next_day_in_lisbon(jumpseller: JumpsellerClient) -> None:
    late = several(jumpseller, 1, created_at="2026-07-01 23:30:00 UTC")
    asked = "/orders.json?dateFilter=customDate&initialDate=2026-07-02&finalDate=2026-07-02"
    assert numbers(jumpseller.get(asked)) == late


def test_orders_are_found_by_their_buyer(jumpseller: JumpsellerClient) -> None:
    several(jumpseller, 1)
    mine = several(jumpseller, 1, buyer={"name": "Rui", "surname": "Teste", "email": "rui@example.pt"})
    answer = jumpseller.get("/orders/search.json?query=RUI")
    assert (numbers(answer["orders"]), answer["count"]) == (mine, 1)


def test_a_digital_order_has_no_address_to_ship_to(jumpseller: JumpsellerClient) -> None:
    order = jumpseller.place_order(lines=[{"sku": "PDF-MOLDES"}])
    assert order["shipping_address"] is None
    assert order["shipping_required"] is False
    assert order["shipping_method_name"] is None
    assert order["billing_address"]["country_code"] == "PT"


def test_an_order_shows_nif_company_note_and_only_the_fields_asked_for(jumpseller: JumpsellerClient) -> None:
    wanted = {"nif": "500000000", "company": "Empresa Exemplo", "note": "Olá"}
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}], **wanted)
    assert order["billing_address"]["taxid"] == "500000000"
    assert order["billing_information"]["company_name"] == "Empresa Exemplo"
    assert order["additional_information"] == "Olá"
    assert jumpseller.get("/orders.json?fields=id,total") == [{"order": {"id": 1001, "total": 12.3}}]
    assert jumpseller.place_order(SERRA, lines=[{"sku": "CESTO-01"}])["id"] == order["id"]


def test_an_answer_can_be_overridden_field_by_field(jumpseller: JumpsellerClient) -> None:
    raw = {"status_enum": "on_hold", "billing_information": None, "customer": {"phone": None}}
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], raw=raw)["id"]
    order = jumpseller.get(f"/orders/{number}.json")["order"]
    assert (order["status_enum"], order["billing_information"]) == ("on_hold", None)
    assert order["customer"]["phone"] is None
    assert order["customer"]["email"] == "ana.exemplo@example.pt"


def test_an_order_can_be_changed_by_a_control_route(jumpseller: JumpsellerClient) -> None:
    number = several(jumpseller, 1)[0]
    spec = {"lines": [{"sku": "VINHO-01", "qty": 2}], "nif": "123456789"}
    changed = jumpseller.browser.post(f"/sandbox/shops/{SADO}/edit/{number}", json={"spec": spec}).json or {}
    assert (changed["total"], changed["billing_address"]["taxid"]) == (17.9, "123456789")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"lines": []},
        {"lines": [{"sku": "NADA"}]},
        {"lines": [{"sku": "TACA-01", "tax": "no such"}]},
        {"lines": [{"sku": "TACA-01"}], "address": "moon"},
        {"lines": [{"sku": "TACA-01"}], "coupon": {"code": "X"}},
    ],
)
def test_an_invalid_order_is_refused(jumpseller: JumpsellerClient, spec: Any) -> None:
    answer = jumpseller.browser.post(f"/sandbox/shops/{SADO}/orders", json=spec)
    assert answer.status_code == 422
    assert (answer.json or {})["error"]


def test_the_app_may_change_an_order_within_limits(jumpseller: JumpsellerClient) -> None:
    number = several(jumpseller, 1)[0]
    put = f"/orders/{number}.json"
    paid = jumpseller.call("PUT", put, json={"order": {"status": "Paid"}}).json or {}
    assert paid["order"]["status_enum"] == "paid"
    assert jumpseller.call("PUT", put, json={"order": {"status": "Paid"}}).status_code == 200
    assert jumpseller.call("PUT", put, json={"order": {"status": "Lost"}}).status_code == 400
    assert jumpseller.call("PUT", put, json={"order": {"tracking_number": "1"}}).status_code == 400
    noted = jumpseller.call("PUT", put, json={"order": {"additional_information": "Nota"}}).json or {}
    assert noted["order"]["additional_information"] == "Nota"
    assert jumpseller.call("PUT", put, data="{").status_code == 400


def test_documents_are_added_listed_changed_and_deleted(jumpseller: JumpsellerClient) -> None:
    number = several(jumpseller, 1)[0]
    path = f"/orders/{number}/documents"
    made = jumpseller.call("POST", f"{path}.json", json={"document": DOCUMENT}).json or {}
    assert made["document"] == {**DOCUMENT, "order_id": number, "app_code": None}
    assert jumpseller.get(f"{path}.json") == [made]
    assert jumpseller.get("/documents.json") == [made]
    changed = jumpseller.call("PUT", f"{path}/FT%202026-12.json", json={"url": "https://y.example/"})
    assert (changed.json or {})["document"]["url"] == "https://y.example/"
    assert jumpseller.stored_order(number)["documents"][0]["url"] == "https://y.example/"
    assert jumpseller.call("DELETE", f"{path}/FT%202026-12.json").json == "OK"
    assert jumpseller.get(f"{path}.json") == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (DOCUMENT, 400),
        ({"document": {**DOCUMENT, "document_type": 7}}, 422),
        ({"document": {**DOCUMENT, "url": ""}}, 422),
    ],
)
def test_a_bad_document_is_refused(jumpseller: JumpsellerClient, sent: Any, status: int) -> None:
    number = several(jumpseller, 1)[0]
    assert jumpseller.call("POST", f"/orders/{number}/documents.json", json=sent).status_code == status


# --- products ---------------------------------------------------------------------------------------------


def test_products_are_listed_searched_and_counted(jumpseller: JumpsellerClient) -> None:
    every = jumpseller.get("/products.json")
    assert jumpseller.get("/products/count.json") == {"count": len(every)}
    assert jumpseller.get("/products/status/available.json") == every
    assert jumpseller.get("/products/status/disabled.json") == []
    hits = jumpseller.get("/products/search.json?query=TACA-01&fields=sku")
    assert [one["product"]["sku"] for one in hits] == ["TACA-01"]
    assert jumpseller.get("/products/search.json?query=*&limit=2") == every[:2]
    of_variant = jumpseller.get("/products/search.json?query=azj-15&fields=variants")
    assert [variant["sku"] for variant in of_variant[0]["product"]["variants"]] == [
        "AZJ-15-AZUL",
        "AZJ-15-VERDE",
    ]
    first = every[-1]["product"]["id"]
    assert len(jumpseller.get(f"/products/after/{first}.json")) == len(every) - 1


def test_a_product_is_made_and_deleted(jumpseller: JumpsellerClient) -> None:
    sent = {"product": {"name": "Jarro", "price": 18.5, "sku": "JARRO", "stock": 2}}
    made = (jumpseller.call("POST", "/products.json", json=sent).json or {})["product"]
    assert (made["sku"], made["price"], made["stock"]) == ("JARRO", 18.5, 2)
    assert jumpseller.place_order(lines=[{"sku": "JARRO"}])["total"] == 18.5
    assert jumpseller.call("DELETE", f"/products/{made['id']}.json").json == "OK"
    assert jumpseller.call("GET", f"/products/{made['id']}.json").status_code == 404
    assert jumpseller.call("POST", "/products.json", json={"product": {"price": 1}}).status_code == 422


# --- limits and faults ------------------------------------------------------------------------------------


def test_every_answer_has_the_rate_limit_headers(jumpseller: JumpsellerClient) -> None:
    headers = jumpseller.call("GET", "/orders.json").headers
    assert headers["Jumpseller-PerSecondRateLimit-Limit"] == "20"
    assert headers["Jumpseller-PerMinuteRateLimit-Limit"] == "800"
    assert int(headers["Jumpseller-PerMinuteRateLimit-Remaining"]) < 800


def test_a_banned_shop_reads_until_when(jumpseller: JumpsellerClient) -> None:
    jumpseller.browser.post(f"/sandbox/shops/{SADO}/ban", json={"seconds": 60})
    answer = jumpseller.call("GET", "/orders.json")
    assert answer.status_code == 429
    assert answer.headers["Jumpseller-BannedByRateLimit-Reset"].endswith("+00:00")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("500", 500), ("429", 429), ("403", 403), ("garbage", 200), ("html", 200), ("empty", 200)],
)
def test_the_next_answers_can_be_made_to_fail(jumpseller: JumpsellerClient, kind: str, status: int) -> None:
    fault = {"path": "/v1/orders", "kind": kind, "times": 2, "after": 1, "shop": SADO}
    assert jumpseller.browser.post("/sandbox/faults", json=fault).status_code == 201
    assert jumpseller.get("/store/info.json")
    assert jumpseller.get("/orders.json") == []
    for _ in range(2):
        answer = jumpseller.call("GET", "/orders.json")
        assert answer.status_code == status
        assert answer.text != "[]\n"
    assert jumpseller.get("/orders.json") == []
    assert jumpseller.browser.get("/sandbox/faults").json == []


def test_a_fault_of_no_known_kind_is_refused_and_faults_can_be_cleared(jumpseller: JumpsellerClient) -> None:
    assert jumpseller.browser.post("/sandbox/faults", json={"kind": "tired"}).status_code == 422
    jumpseller.browser.post("/sandbox/faults", json={"kind": "500", "times": 99})
    assert jumpseller.browser.delete("/sandbox/faults").json == []
    assert jumpseller.get("/orders.json") == []


def test_an_answer_can_be_lost_after_the_work_was_done(jumpseller: JumpsellerClient) -> None:
    number = several(jumpseller, 1)[0]
    path = f"/v1/orders/{number}/documents.json"
    running = start(jumpseller.app)
    try:
        jumpseller.browser.post(
            "/sandbox/faults", json={"path": path, "method": "POST", "kind": "drop-after"}
        )
        with contextlib.closing(requests.Session()) as session:
            session.headers["Authorization"] = f"Bearer {jumpseller.token}"
            with pytest.raises(requests.ConnectionError):
                session.post(running.url + path, json={"document": DOCUMENT}, timeout=10)
            assert len(session.get(running.url + path, timeout=10).json()) == 1
    finally:
        running.stop()


def test_more_shops_can_be_opened(jumpseller: JumpsellerClient) -> None:
    sent = {"code": "azulejaria", "prices_include_tax": False, "language": "es"}
    made = jumpseller.browser.post("/sandbox/shops", json=sent)
    assert made.status_code == 201
    assert jumpseller.browser.post("/sandbox/shops", json=sent).status_code == 409
    jumpseller.install("azulejaria")
    assert jumpseller.get("/store/info.json")["code"] == "azulejaria"
    assert jumpseller.get("/products.json")
    assert len(jumpseller.browser.get("/sandbox/shops").json or []) == 3
