"""Every switch of the Jumpseller stand-in, in each of its positions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.switches import BASES
from sandbox.jumpseller.switches import SWITCHES
from tests.sandbox.jumpseller_client import (
    APP_URL,
    SADO,
    SERRA,
    JumpsellerClient,
    WebhookReceiver,
    open_client,
)


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with open_client(clock_scale=60_000) as caller:
        yield caller


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


def test_every_switch_has_a_test_here_and_a_known_basis() -> None:
    text = Path(__file__).read_text()
    assert [switch.name for switch in SWITCHES if f'"{switch.name}"' not in text] == []
    assert {switch.basis for switch in SWITCHES} <= set(BASES)


def test_a_switch_is_read_and_set_over_http(jumpseller: JumpsellerClient) -> None:
    answer = jumpseller.browser.post("/sandbox/switches", json={"rate": "text"})
    told = {one["name"]: one["position"] for one in answer.json or []}
    assert told["rate"] == "text"
    assert jumpseller.browser.post("/sandbox/switches", json={"rate": "roman"}).status_code == 422
    assert jumpseller.browser.post("/sandbox/switches", json={"no-such": "x"}).status_code == 422
    page = jumpseller.browser.get("/sandbox/switches", headers={"Accept": "text/html"}).text
    assert "<option selected>text</option>" in page.replace("\n", "")
    came = jumpseller.browser.post("/sandbox/switches", data={"rate": "number"})
    assert came.status_code == 303
    assert jumpseller.parts.switches["rate"] == "number"


# --- what an order says -----------------------------------------------------------------------------------


def line_of(jumpseller: JumpsellerClient, **more: Any) -> dict[str, Any]:
    order = jumpseller.place_order(lines=[{"price": "24.60", "qty": 2, "tax": "23", **more}])
    line: dict[str, Any] = order["products"][0]
    return line


@pytest.mark.parametrize(("position", "discount"), [("unit", 0.5), ("line", 1.0)])
def test_line_discount(jumpseller: JumpsellerClient, position: str, discount: float) -> None:
    jumpseller.switch("line-discount", position)
    assert line_of(jumpseller, discount="1.00")["discount"] == discount


@pytest.mark.parametrize(("position", "tax", "amount"), [("unit", 4.6, "4.600"), ("line", 9.2, "9.200")])
def test_line_tax(jumpseller: JumpsellerClient, position: str, tax: float, amount: str) -> None:
    jumpseller.switch("line-tax", position)
    jumpseller.switch("rate", "text")
    line = line_of(jumpseller)
    assert (line["tax"], line["taxes"][0]["amount"]) == (tax, amount)


@pytest.mark.parametrize(("position", "tax"), [("without-shipping", 2.3), ("with-shipping", 3.22)])
def test_order_tax(jumpseller: JumpsellerClient, position: str, tax: float) -> None:
    jumpseller.switch("order-tax", position)
    order = jumpseller.place_order(lines=[{"price": "12.30", "tax": "23"}], shipping="4.92")
    assert (order["tax"], order["shipping_tax"], order["total"]) == (tax, 0.92, 17.22)


@pytest.mark.parametrize(("position", "tax"), [("after-discount", 2.3), ("before-discount", 2.87)])
def test_tax_base(jumpseller: JumpsellerClient, position: str, tax: float) -> None:
    jumpseller.switch("tax-base", position)
    order = jumpseller.place_order(lines=[{"price": "15.35", "tax": "23", "discount": "3.05"}])
    assert (order["tax"], round(order["products"][0]["tax"], 2), order["total"]) == (tax, tax, 12.3)


@pytest.mark.parametrize("position", ["after-discount", "before-discount"])
def test_tax_base_never_changes_what_an_exclusive_shop_charges(
    jumpseller: JumpsellerClient, position: str
) -> None:
    jumpseller.switch("tax-base", position)
    order = jumpseller.place_order(SERRA, lines=[{"price": "12.00", "tax": "23", "discount": "2.00"}])
    assert (order["tax"], order["total"]) == (2.3, 12.3)


@pytest.mark.parametrize(("position", "on_line"), [("lines", 5.0), ("order", 0.0)])
def test_coupon(jumpseller: JumpsellerClient, position: str, on_line: float) -> None:
    jumpseller.switch("coupon", position)
    order = jumpseller.place_order(lines=[{"price": "20.00", "tax": "23"}], coupon="5.00")
    assert (order["products"][0]["discount"], order["discount"], order["total"]) == (on_line, 5.0, 15.0)


@pytest.mark.parametrize(("position", "rate"), [("number", 23.0), ("text", "23.0")])
def test_rate(jumpseller: JumpsellerClient, position: str, rate: object) -> None:
    jumpseller.switch("rate", position)
    tax = line_of(jumpseller)["taxes"][0]
    assert tax["rate"] == rate
    assert ("amount" in tax) is (position == "text")


@pytest.mark.parametrize(("position", "tax"), [("line", 0.67), ("rate", 0.68), ("document", 0.69)])
def test_shop_rounding(jumpseller: JumpsellerClient, position: str, tax: float) -> None:
    jumpseller.switch("shop-rounding", position)
    # the VAT is 3 x 0.2139 at 23 % and 0.0444 at 6 %
    lines = [{"price": "0.93", "tax": "23"}] * 3 + [{"price": "0.74", "tax": "6"}]
    order = jumpseller.place_order(SERRA, lines=lines)
    assert (order["tax"], order["total"]) == (tax, round(3.53 + tax, 2))


@pytest.mark.parametrize(("position", "state"), [("no", "pending_payment"), ("yes", "created")])
def test_created_state(jumpseller: JumpsellerClient, position: str, state: str) -> None:
    jumpseller.switch("created-state", position)
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}])
    assert order["status_enum"] == state
    assert jumpseller.change_order(order["id"], "pay")["status_enum"] == "paid"


@pytest.mark.parametrize(("position", "at"), [("payment", None), ("checkout", "2026-11-01 10:00:00 UTC")])
def test_completed_at(jumpseller: JumpsellerClient, position: str, at: str | None) -> None:
    jumpseller.switch("completed-at", position)
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}], created_at="2026-11-01 10:00:00 UTC")
    assert order["completed_at"] == at
    paid = jumpseller.change_order(order["id"], "pay", paid_at="2026-11-02 11:00:00 UTC")
    assert paid["completed_at"] == (at or "2026-11-02 11:00:00 UTC")


@pytest.mark.parametrize(("position", "lines"), [("yes", 2), ("no", 0)])
def test_state_history(jumpseller: JumpsellerClient, position: str, lines: int) -> None:
    jumpseller.switch("state-history", position)
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    assert len(jumpseller.stored_order(number)["history"]) == lines


@pytest.mark.parametrize(("position", "price"), [("number", 12.3), ("text", "12.30")])
def test_product_numbers(jumpseller: JumpsellerClient, position: str, price: object) -> None:
    jumpseller.switch("product-numbers", position)
    jumpseller.install()
    product = jumpseller.get("/products/search.json?query=TACA-01")[0]["product"]
    assert product["price"] == price
    assert product["stock"] == (40 if position == "number" else "40")


@pytest.mark.parametrize("position", ["list", "one"])
def test_orders_after(jumpseller: JumpsellerClient, position: str) -> None:
    jumpseller.switch("orders-after", position)
    jumpseller.install()
    numbers = [jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"] for _ in range(3)]
    answer = jumpseller.get(f"/orders/after/{numbers[0]}.json")
    found = answer if isinstance(answer, list) else [answer]
    assert [one["order"]["id"] for one in found] == (numbers[1:] if position == "list" else numbers[1:2])
    last = jumpseller.call("GET", f"/orders/after/{numbers[2]}.json")
    assert last.status_code == (200 if position == "list" else 404)


@pytest.mark.parametrize("position", ["bare", "wrapped"])
def test_wrapped_store(jumpseller: JumpsellerClient, position: str) -> None:
    jumpseller.switch("wrapped-store", position)
    jumpseller.install()
    told = jumpseller.get("/store/info.json")
    assert (told["store"] if position == "wrapped" else told)["code"] == SADO


# --- documents --------------------------------------------------------------------------------------------

DOCUMENT = {"document_type": 1, "external_id": "7", "public_id": "FT 2026/12", "url": "https://x.example/d"}


@pytest.mark.parametrize(("position", "count"), [("twice", 2), ("once", 1)])
def test_documents_post(jumpseller: JumpsellerClient, position: str, count: int) -> None:
    jumpseller.switch("documents-post", position)
    jumpseller.install()
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    for _ in range(2):
        posted = jumpseller.call("POST", f"/orders/{number}/documents.json", json={"document": DOCUMENT})
        assert posted.status_code == 200
    assert len(jumpseller.get(f"/orders/{number}/documents.json")) == count


@pytest.mark.parametrize(("position", "status"), [("refused", 404), ("accepted", 200)])
def test_public_id_slash(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("public-id-slash", position)
    jumpseller.install()
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    jumpseller.call("POST", f"/orders/{number}/documents.json", json={"document": DOCUMENT})
    path = f"/orders/{number}/documents/FT%202026%2F12.json"
    assert jumpseller.call("DELETE", path).status_code == status


# --- accounts ---------------------------------------------------------------------------------------------


def consent_page(jumpseller: JumpsellerClient) -> Any:
    return jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query())


@pytest.mark.parametrize(("position", "header"), [("refused", "SAMEORIGIN"), ("allowed", None)])
def test_consent_framed(jumpseller: JumpsellerClient, position: str, header: str | None) -> None:
    jumpseller.switch("consent-framed", position)
    headers = consent_page(jumpseller).headers
    assert headers.get("X-Frame-Options") == header
    assert ("Content-Security-Policy" in headers) is (header is not None)


@pytest.mark.parametrize(("position", "header"), [("none", None), ("same-origin", "same-origin")])
def test_consent_coop(jumpseller: JumpsellerClient, position: str, header: str | None) -> None:
    jumpseller.switch("consent-coop", position)
    assert consent_page(jumpseller).headers.get("Cross-Origin-Opener-Policy") == header


@pytest.mark.parametrize(("position", "status"), [("at-once", 302), ("asked", 200)])
def test_consent_again(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("consent-again", position)
    jumpseller.browser.get(f"/admin/{SADO}/")
    assert consent_page(jumpseller).status_code == 200
    jumpseller.install()
    assert consent_page(jumpseller).status_code == status
    jumpseller.browser.post(f"/admin/{SADO}/apps/quick-invoice/uninstall")
    assert consent_page(jumpseller).status_code == 200


@pytest.mark.parametrize(("position", "status"), [("yes", 200), ("no", 403)])
def test_store_permitted(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("store-permitted", position)
    page = consent_page(jumpseller)
    assert page.status_code == status
    assert ("does not have permission" in page.text) is (position == "no")


@pytest.mark.parametrize(("position", "status"), [("checked", 400), ("ignored", 200)])
def test_pkce(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("pkce", position)
    code = jumpseller.consent(code_challenge="never-met", code_challenge_method="S256")["code"]
    assert jumpseller.exchange(code, code_verifier="x" * 50).status_code == status


@pytest.mark.parametrize("position", ["rotate", "stay"])
def test_refresh_tokens(jumpseller: JumpsellerClient, position: str) -> None:
    jumpseller.switch("refresh-tokens", position)
    first = jumpseller.install()["refresh_token"]
    second = (jumpseller.refresh(first).json or {})["refresh_token"]
    assert (second == first) is (position == "stay")
    assert jumpseller.refresh(first).status_code == (200 if position == "stay" else 400)


@pytest.mark.parametrize(("position", "status"), [("lives-on", 200), ("revoked", 401)])
def test_old_access_token(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("old-access-token", position)
    tokens = jumpseller.install()
    jumpseller.refresh(tokens["refresh_token"])
    assert jumpseller.call("GET", "/store/info.json").status_code == status


@pytest.mark.parametrize(("position", "is_told"), [("no", False), ("yes", True)])
def test_token_scope(jumpseller: JumpsellerClient, position: str, is_told: bool) -> None:
    jumpseller.switch("token-scope", position)
    assert ("scope" in jumpseller.install()) is is_told


@pytest.mark.parametrize(("position", "status"), [("body", 401), ("body-or-basic", 200)])
def test_token_client(jumpseller: JumpsellerClient, position: str, status: int) -> None:
    jumpseller.switch("token-client", position)
    refresh = jumpseller.install()["refresh_token"]
    basic = base64.b64encode(b"quick-invoice:sandbox-secret").decode()
    answer = jumpseller.browser.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": refresh},
        headers={"Authorization": f"Basic {basic}"},
    )
    assert answer.status_code == status


# --- the app in the admin ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "address"),
    [
        ("none", f'src="{APP_URL}/"'),
        ("store", f'src="{APP_URL}/?store={SADO}"'),
        ("junk", "store=outra-loja&amp;"),
    ],
)
def test_app_url_parameters(jumpseller: JumpsellerClient, position: str, address: str) -> None:
    jumpseller.switch("app-url-parameters", position)
    assert address in jumpseller.browser.get(f"/admin/{SADO}/apps/quick-invoice").text


@pytest.mark.parametrize(("position", "mark"), [("frame", '<iframe name="app"'), ("tab", 'target="_blank"')])
def test_app_opens(jumpseller: JumpsellerClient, position: str, mark: str) -> None:
    jumpseller.switch("app-opens", position)
    page = jumpseller.browser.get(f"/admin/{SADO}/apps/quick-invoice").text
    assert mark in page
    assert ("<iframe" in page) is (position == "frame")


@pytest.mark.parametrize("position", ["app-url", "authorize"])
def test_install_begins(jumpseller: JumpsellerClient, position: str) -> None:
    jumpseller.switch("install-begins", position)
    first = jumpseller.browser.get(f"/admin/{SADO}/apps/quick-invoice")
    if position == "app-url":
        assert "<iframe" in first.text
    else:
        assert first.location.startswith("http://localhost:2/oauth/authorize?client_id=quick-invoice")
        assert "state=" not in first.location
    jumpseller.install()
    assert "<iframe" in jumpseller.browser.get(f"/admin/{SADO}/apps/quick-invoice").text


@pytest.mark.parametrize(("position", "count"), [("deleted", 0), ("kept", 1)])
def test_hooks_on_uninstall(jumpseller: JumpsellerClient, position: str, count: int) -> None:
    jumpseller.switch("hooks-on-uninstall", position)
    jumpseller.install()
    jumpseller.subscribe("http://127.0.0.1:9/h", "order_paid")
    about = jumpseller.browser.post(f"/sandbox/shops/{SADO}/uninstall").json or {}
    assert (len(about["hooks"]), about["tokens"], about["installed"]) == (count, 0, False)


# --- hooks ------------------------------------------------------------------------------------------------


def told(jumpseller: JumpsellerClient, count: int = 1) -> int:
    """How many deliveries so many paid orders made."""
    for _ in range(count):
        jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    return len(jumpseller.deliveries(event="order_paid"))


@pytest.mark.parametrize(("position", "count"), [("no", 1), ("yes", 2)])
def test_paid_on_shipping(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str, count: int
) -> None:
    jumpseller.switch("paid-on-shipping", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "order_paid")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    jumpseller.change_order(number, "ship")
    assert len(jumpseller.deliveries(event="order_paid")) == count


@pytest.mark.parametrize(("position", "count"), [("one", 1), ("two", 2), ("five", 5)])
def test_hook_copies(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str, count: int
) -> None:
    jumpseller.switch("hook-copies", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "order_paid")
    assert told(jumpseller) == count


@pytest.mark.parametrize(("position", "count"), [("none", 6), ("every-third", 4), ("all", 0)])
def test_hook_losses(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str, count: int
) -> None:
    jumpseller.switch("hook-losses", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "order_paid")
    assert told(jumpseller, 6) == count


@pytest.mark.parametrize("position", ["in-turn", "shuffled"])
def test_hook_order(jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str) -> None:
    jumpseller.switch("hook-order", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "order_paid")
    told(jumpseller, 6)
    assert len(receiver.received) == 6
    due = [one["due"] for one in reversed(jumpseller.deliveries())]
    assert (due == sorted(due)) is (position == "in-turn")


@pytest.mark.parametrize(("position", "is_paused"), [("put", False), ("anew", True)])
def test_hook_resume(jumpseller: JumpsellerClient, position: str, is_paused: bool) -> None:
    jumpseller.switch("hook-resume", position)
    jumpseller.install()
    jumpseller.subscribe("http://127.0.0.1:9/h", "order_paid")
    shop = jumpseller.parts.platform.shops[SADO]
    hook = next(iter(shop.hooks.values()))
    hook["paused"] = True
    sent = {"hook": {"event": "order_paid", "url": "http://127.0.0.1:9/h"}}
    assert jumpseller.call("PUT", f"/hooks/{hook['id']}.json", json=sent).status_code == 200
    assert bool(hook["paused"]) is is_paused
    jumpseller.subscribe("http://127.0.0.1:9/h", "order_paid")
    assert not list(shop.hooks.values())[-1].get("paused")


@pytest.mark.parametrize(("position", "shown"), [("no", None), ("yes", True)])
def test_hook_pause_shown(jumpseller: JumpsellerClient, position: str, shown: bool | None) -> None:
    jumpseller.switch("hook-pause-shown", position)
    jumpseller.install()
    jumpseller.subscribe("http://127.0.0.1:9/h", "order_paid")
    jumpseller.browser.post(f"/sandbox/shops/{SADO}/pause-hooks", json={})
    assert [one["hook"].get("paused") for one in jumpseller.get("/hooks.json")] == [shown]
    assert all(hook["paused"] for hook in jumpseller.parts.platform.shops[SADO].hooks.values())


# --- limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("position", "headers"), [("on", True), ("off", False)])
def test_rate_limits(jumpseller: JumpsellerClient, position: str, headers: bool) -> None:
    jumpseller.switch("rate-limits", position)
    jumpseller.install()
    statuses = {jumpseller.call("GET", "/store/languages.json").status_code for _ in range(150)}
    assert (429 in statuses) is headers
    told = jumpseller.call("GET", "/store/languages.json").headers
    assert ("Jumpseller-PerMinuteRateLimit-Remaining" in told) is headers


@pytest.mark.parametrize("position", ["429", "403"])
def test_limit_answer(jumpseller: JumpsellerClient, position: str) -> None:
    jumpseller.switch("limit-answer", position)
    jumpseller.install()
    jumpseller.parts.limits.ban(SADO, 60)
    answer = jumpseller.call("GET", "/store/info.json")
    assert answer.status_code == int(position)
    assert "Jumpseller-PerSecondRateLimit-Limit" in answer.headers


# --- products and stock -----------------------------------------------------------------------------------


def numbers(jumpseller: JumpsellerClient, path: str) -> list[int]:
    return [one["product"]["id"] for one in jumpseller.get(path)]


@pytest.mark.parametrize(
    ("position", "answered"),
    [
        ("list", lambda every: every[:100]),
        ("fifty", lambda every: every[:50]),
        ("newest-first", lambda every: every[:-101:-1]),
        ("newest-alone", lambda every: every[-50:]),
    ],
)
def test_products_after(jumpseller: JumpsellerClient, position: str, answered: Any) -> None:
    jumpseller.switch("products-after", position)
    jumpseller.install()
    jumpseller.load(120)
    every = sorted(jumpseller.parts.platform.shops[SADO].products)
    assert numbers(jumpseller, "/products/after/0.json?limit=100") == answered(every)


def test_products_after_missing(jumpseller: JumpsellerClient) -> None:
    jumpseller.switch("products-after", "missing")
    jumpseller.install()
    assert jumpseller.call("GET", "/products/after/0.json").status_code == 404


@pytest.mark.parametrize(("position", "names"), [("whole", {"product"}), ("id", {"id"}), ("empty", set())])
def test_product_deleted(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str, names: set[str]
) -> None:
    jumpseller.switch("product-deleted", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "product_deleted")
    jumpseller.call("DELETE", f"/products/{jumpseller.product('TACA-01')['product']}.json")
    assert set(json.loads(receiver.wait_for(1)[0]["body"])) == names


@pytest.mark.parametrize(
    ("position", "placed", "paid"), [("placed", 37, 37), ("paid", 40, 37), ("never", 40, 40)]
)
def test_stock_on_sale(jumpseller: JumpsellerClient, position: str, placed: int, paid: int) -> None:
    jumpseller.switch("stock-on-sale", position)
    number = jumpseller.place_order(lines=[{"sku": "TACA-01", "qty": 3}])["id"]
    assert jumpseller.product("TACA-01")["stock"] == placed
    jumpseller.change_order(number, "pay")
    assert jumpseller.product("TACA-01")["stock"] == paid


@pytest.mark.parametrize(("position", "left"), [("returned", 40), ("kept", 39)])
@pytest.mark.parametrize("act", ["cancel", "abandon"])
def test_stock_on_cancel(jumpseller: JumpsellerClient, position: str, left: int, act: str) -> None:
    jumpseller.switch("stock-on-cancel", position)
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    jumpseller.change_order(number, act)
    assert jumpseller.product("TACA-01")["stock"] == left


@pytest.mark.parametrize(("position", "count"), [("sent", 1), ("none", 0)])
def test_stock_hook_on_sale(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver, position: str, count: int
) -> None:
    jumpseller.switch("stock-hook-on-sale", position)
    jumpseller.install()
    jumpseller.subscribe(receiver.url, "product_stock_updated", "product_updated")
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    assert len(jumpseller.deliveries(event="product_stock_updated")) == count
    assert len(jumpseller.deliveries(event="product_updated")) == count


@pytest.mark.parametrize(("position", "left"), [("to-zero", 0), ("below-zero", -2)])
def test_oversold(jumpseller: JumpsellerClient, position: str, left: int) -> None:
    jumpseller.switch("oversold", position)
    number = jumpseller.place_order(lines=[{"sku": "TACA-01", "qty": 42}])["id"]
    assert jumpseller.product("TACA-01")["stock"] == left
    jumpseller.change_order(number, "cancel")
    assert jumpseller.product("TACA-01")["stock"] == 40


@pytest.mark.parametrize(
    ("position", "shown", "after_put"), [("sum", 45, 30), ("main", 40, 30), ("main-put", 45, 35)]
)
def test_plain_stock(jumpseller: JumpsellerClient, position: str, shown: int, after_put: int) -> None:
    jumpseller.switch("plain-stock", position)
    jumpseller.install()
    cup = jumpseller.product("TACA-01")
    jumpseller.edit_product(cup["product"], stock={list(cup["locations"])[1]: 5})
    path = f"/products/{cup['product']}.json"
    assert jumpseller.get(path)["product"]["stock"] == shown
    put = jumpseller.call("PUT", path, json={"product": {"stock": 30}})
    assert (put.json or {})["product"]["stock"] == after_put


@pytest.mark.parametrize(("position", "shown"), [("null", [None]), ("zero", [0]), ("left-out", [])])
def test_unlimited_by_place(jumpseller: JumpsellerClient, position: str, shown: list[int | None]) -> None:
    jumpseller.switch("unlimited-by-place", position)
    jumpseller.install()
    voucher = jumpseller.product("VALE-25")
    asked = f"location_ids={min(voucher['locations'])}&product_ids={voucher['product']}"
    assert [row["stock"] for row in jumpseller.get(f"/products_locations?{asked}")] == shown
