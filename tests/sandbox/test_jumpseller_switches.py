"""Every switch of the Jumpseller stand-in behaves differently in each of its positions."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
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

CUP = [{"sku": "TACA-01"}]
HOOK_URL = "http://127.0.0.1:9/h"
DOCUMENT = {"document_type": 1, "external_id": "7", "public_id": "FT 2026/12", "url": "https://x.example/d"}
CREATED, PAID = "2026-11-01 10:00:00 UTC", "2026-11-02 11:00:00 UTC"
Probe = Callable[[JumpsellerClient], Any]
CASES: dict[str, tuple[Probe, dict[str, Any]]] = {}


def case(switch: str, **expected: Any) -> Callable[[Probe], Probe]:
    """Register the result that the probe returns in each position (`_` in a keyword stands for `-`)."""

    def register(probe: Probe) -> Probe:
        CASES[switch] = probe, {name.strip("_").replace("_", "-"): value for name, value in expected.items()}
        return probe

    return register


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with open_client(clock_scale=60_000) as caller:
        yield caller


@pytest.mark.parametrize(
    ("switch", "position"), [(switch.name, position) for switch in SWITCHES for position in switch.positions]
)
def test_each_position_of_a_switch_has_its_own_effect(
    jumpseller: JumpsellerClient, switch: str, position: str
) -> None:
    probe, expected = CASES[switch]
    jumpseller.switch(switch, position)
    assert probe(jumpseller) == expected[position]


def test_every_position_is_expected_and_every_basis_known() -> None:
    assert {switch.name: set(switch.positions) for switch in SWITCHES} == {
        name: set(expected) for name, (_, expected) in CASES.items()
    }
    assert {switch.basis for switch in SWITCHES} <= set(BASES)


def test_a_switch_is_read_and_set_over_http(jumpseller: JumpsellerClient) -> None:
    answer = jumpseller.browser.post("/sandbox/switches", json={"rate": "text"})
    assert {one["name"]: one["position"] for one in answer.json or []}["rate"] == "text"
    for wrong in ({"rate": "roman"}, {"no-such": "x"}):
        assert jumpseller.browser.post("/sandbox/switches", json=wrong).status_code == 422
    page = jumpseller.browser.get("/sandbox/switches", headers={"Accept": "text/html"}).text
    assert "<option selected>text</option>" in page.replace("\n", "")
    assert jumpseller.browser.post("/sandbox/switches", data={"rate": "number"}).status_code == 303
    assert jumpseller.parts.switches["rate"] == "number"


# --- orders -----------------------------------------------------------------------------------------------


def line_of(jumpseller: JumpsellerClient, **more: Any) -> dict[str, Any]:
    order = jumpseller.place_order(lines=[{"price": "24.60", "qty": 2, "tax": "23", **more}])
    line: dict[str, Any] = order["products"][0]
    return line


@case("line-discount", unit=3.333333, unit_cents=3.33, line=10.0)
def line_discount(jumpseller: JumpsellerClient) -> Any:
    return line_of(jumpseller, qty=3, discount="10.00")["discount"]


@case("line-tax", unit=(4.6, "4.600"), line=(9.2, "9.200"))
def line_tax(jumpseller: JumpsellerClient) -> Any:
    jumpseller.switch("rate", "text")
    line = line_of(jumpseller)
    return line["tax"], line["taxes"][0]["amount"]


@case("order-tax", without_shipping=(2.3, 0.92, 17.22), with_shipping=(3.22, 0.92, 17.22))
def order_tax(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=[{"price": "12.30", "tax": "23"}], shipping="4.92")
    return order["tax"], order["shipping_tax"], order["total"]


@case("tax-base", after_discount=(2.3, 2.3, 12.3, 12.3), before_discount=(2.87, 2.87, 12.3, 12.3))
def tax_base(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=[{"price": "15.35", "tax": "23", "discount": "3.05"}])
    exclusive = jumpseller.place_order(SERRA, lines=[{"price": "12.00", "tax": "23", "discount": "2.00"}])
    assert exclusive["tax"] == 2.3, "it never changes what a shop without VAT in its prices charges"
    return order["tax"], round(order["products"][0]["tax"], 2), order["total"], exclusive["total"]


@case("subtotal", with_tax=12.3, without_tax=10.0)
def subtotal(jumpseller: JumpsellerClient) -> Any:
    return jumpseller.place_order(lines=[{"price": "12.30", "tax": "23"}])["subtotal"]


@case("coupon", lines=(1.666667, 5.0, 25.0), order=(0.0, 5.0, 25.0), pieces=(1.67, 5.01, 24.99))
def coupon(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=[{"price": "10.00", "qty": 3, "tax": "23"}], coupon="5.00")
    return order["products"][0]["discount"], order["discount"], order["total"]


@case("coupon-rest", lost=(12.3, 0.0, 4.92), shipping=(15.0, 2.7, 2.22), order=(15.0, 0.0, 2.22))
def coupon_rest(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=CUP, shipping="4.92", coupon="15.00")
    return order["discount"], order["shipping_discount"], order["total"]


@case("rate", number=(23.0, False), text=("23.0", True))
def rate(jumpseller: JumpsellerClient) -> Any:
    tax = line_of(jumpseller)["taxes"][0]
    return tax["rate"], "amount" in tax


@case(
    "shop-rounding",
    line=(2.86, 16.57),
    rate=(2.86, 16.58),
    document=(2.85, 16.58),
    piece=(2.87, 16.59),
    line_net=(2.86, 16.59),
    net_and_vat=(2.85, 16.57),
)
def shop_rounding(jumpseller: JumpsellerClient) -> Any:
    # with VAT the lines are 7.58295, 7.11432 and 1.8815, the pieces 2.52765, 3.55716 and 1.8815
    taxed = [{"price": "2.055", "qty": 3, "tax": "23"}, {"price": "2.892", "qty": 2, "tax": "23"}]
    order = jumpseller.place_order(SERRA, lines=[*taxed, {"price": "1.775", "tax": "6"}])
    return order["tax"], order["total"]


@case("shipping-rounding", apart=(0.12, 0.12, 1.24), with_goods=(0.11, 0.12, 1.23))
def shipping_rounding(jumpseller: JumpsellerClient) -> Any:
    jumpseller.switch("shop-rounding", "rate")
    order = jumpseller.place_order(
        SERRA, lines=[{"price": "0.50", "tax": "23"}], shipping={"price": "0.50", "tax": "23"}
    )
    return order["tax"], order["shipping_tax"], order["total"]


@case("shipping-price", as_products=(True, 16.3), with_tax=(True, 16.3), without_tax=(False, 17.22))
def shipping_price(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=CUP, shipping={"price": "4.00", "tax": "23"})
    return order["shipping_taxes"][0]["tax_on_shipping_price"], order["total"]


@case("shipping-taxes", split=(["0.560", "0.110"], 0.67), added=(["0.888", "0.232"], 1.12))
def shipping_taxes(jumpseller: JumpsellerClient) -> Any:
    jumpseller.switch("rate", "text")
    lines = [{"price": "12.00", "tax": "23"}, {"price": "8.00", "tax": "6"}]
    order = jumpseller.place_order(lines=lines, shipping={"price": "5.00", "tax": ["23", "6"]})
    return [tax["amount"] for tax in order["shipping_taxes"]], order["shipping_tax"]


ECOVALUE: list[Any] = ["23", {"rate": "0.50", "fixed": True, "name": "Ecovalor"}]


@case("fixed-tax", unit=(5.6, 25.6), line=(5.1, 25.1), unit_taxed=(5.83, 25.83))
def fixed_tax(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(SERRA, lines=[{"price": "10.00", "qty": 2, "tax": ECOVALUE}])
    return order["tax"], order["total"]


@case("fixed-tax-shown", yes=(2.8, 2.8, 12.8), no=(2.3, 2.3, 12.8))
def fixed_tax_shown(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(SERRA, lines=[{"price": "10.00", "tax": ECOVALUE}])
    return order["tax"], order["products"][0]["tax"], order["total"]


@case("texts", typed="Pires & <b>Taça</b>", entities="Pires &amp; &lt;b&gt;Taça&lt;/b&gt;")
def texts(jumpseller: JumpsellerClient) -> Any:
    name = "Pires & <b>Taça</b>"
    order = jumpseller.place_order(lines=[{**CUP[0], "name": name}], buyer={"name": name, "surname": ""})
    assert order["products"][0]["name"] == order["billing_address"]["name"] == order["customer"]["fullname"]
    return order["products"][0]["name"]


@case("country-code", two_letters="ES", three_letters="ESP", words="Espanha", missing=None)
def country_code(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=CUP, address="es")
    assert order["shipping_address"]["country_code"] == order["billing_address"]["country_code"]
    return order["billing_address"]["country_code"]


@case("deleted-customer", null=(None, None), empty=("", ""), place_kept=("", "PT"))
def deleted_customer(jumpseller: JumpsellerClient) -> Any:
    number = jumpseller.place_order(lines=CUP, nif="123456789", pay=True)["id"]
    order = jumpseller.change_order(number, "forget")
    assert "123456789" not in json.dumps(order) and order["total"] == 12.3
    return tuple((order["billing_address"] or {}).get(name) for name in ("name", "country_code"))


@case("refund", nowhere=(12.3, 2), history=(12.3, 3), total=(9.3, 2))
def refund(jumpseller: JumpsellerClient) -> Any:
    number = jumpseller.place_order(lines=CUP, pay=True)["id"]
    order = jumpseller.change_order(number, "refund", amount="3.00")
    assert order["refunds"][0]["amount"] == "3.00"
    return order["total"], len(order["history"])


@case("created-state", no=("pending_payment", "paid"), yes=("created", "paid"))
def created_state(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=CUP)
    return order["status_enum"], jumpseller.change_order(order["id"], "pay")["status_enum"]


@case("completed-at", payment=(None, PAID), checkout=(CREATED, CREATED))
def completed_at(jumpseller: JumpsellerClient) -> Any:
    order = jumpseller.place_order(lines=CUP, created_at=CREATED)
    return order["completed_at"], jumpseller.change_order(order["id"], "pay", paid_at=PAID)["completed_at"]


@case("state-history", yes=2, no=0)
def state_history(jumpseller: JumpsellerClient) -> Any:
    return len(jumpseller.stored_order(jumpseller.place_order(lines=CUP, pay=True)["id"])["history"])


@case("product-numbers", number=(12.3, 40), text=("12.30", "40"))
def product_numbers(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    product = jumpseller.get("/products/search.json?query=TACA-01")[0]["product"]
    return product["price"], product["stock"]


@case("orders-after", list=([1002, 1003], 200), one=([1002], 404))
def orders_after(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    numbers = [jumpseller.place_order(lines=CUP)["id"] for _ in range(3)]
    answer = jumpseller.get(f"/orders/after/{numbers[0]}.json")
    found = answer if isinstance(answer, list) else [answer]
    last = jumpseller.call("GET", f"/orders/after/{numbers[2]}.json")
    return [one["order"]["id"] for one in found], last.status_code


@case("wrapped-store", bare=SADO, wrapped=None)
def wrapped_store(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    shown = jumpseller.get("/store/info.json")
    assert shown.get("store", shown)["code"] == SADO
    return shown.get("code")


# --- documents --------------------------------------------------------------------------------------------


@case("documents-post", twice=([200, 200], 2), once=([200, 200], 1))
def documents_post(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    path = f"/orders/{jumpseller.place_order(lines=CUP)['id']}/documents.json"
    posted = [jumpseller.call("POST", path, json={"document": DOCUMENT}).status_code for _ in range(2)]
    return posted, len(jumpseller.get(path))


@case("public-id-slash", refused=404, accepted=200)
def public_id_slash(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    path = f"/orders/{jumpseller.place_order(lines=CUP)['id']}/documents"
    jumpseller.call("POST", f"{path}.json", json={"document": DOCUMENT})
    return jumpseller.call("DELETE", f"{path}/FT%202026%2F12.json").status_code


# --- accounts ---------------------------------------------------------------------------------------------


def consent_page(jumpseller: JumpsellerClient) -> Any:
    return jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query())


@case("consent-framed", refused=("SAMEORIGIN", True), allowed=(None, False))
def consent_framed(jumpseller: JumpsellerClient) -> Any:
    headers = consent_page(jumpseller).headers
    return headers.get("X-Frame-Options"), "Content-Security-Policy" in headers


@case("consent-coop", none=None, same_origin="same-origin")
def consent_coop(jumpseller: JumpsellerClient) -> Any:
    return consent_page(jumpseller).headers.get("Cross-Origin-Opener-Policy")


@case("consent-again", at_once=[200, 302, 200], asked=[200, 200, 200])
def consent_again(jumpseller: JumpsellerClient) -> Any:
    jumpseller.browser.get(f"/admin/{SADO}/")
    before = consent_page(jumpseller).status_code
    jumpseller.install()
    installed = consent_page(jumpseller).status_code
    jumpseller.browser.post(f"/admin/{SADO}/apps/quick-invoice/uninstall")
    return [before, installed, consent_page(jumpseller).status_code]


@case("store-permitted", yes=(200, False), no=(403, True))
def store_permitted(jumpseller: JumpsellerClient) -> Any:
    page = consent_page(jumpseller)
    return page.status_code, "does not have permission" in page.text


@case("pkce", checked=400, ignored=200)
def pkce(jumpseller: JumpsellerClient) -> Any:
    code = jumpseller.consent(code_challenge="never-met", code_challenge_method="S256")["code"]
    return jumpseller.exchange(code, code_verifier="x" * 50).status_code


@case("refresh-tokens", rotate=(False, 400), stay=(True, 200))
def refresh_tokens(jumpseller: JumpsellerClient) -> Any:
    first = jumpseller.install()["refresh_token"]
    second = (jumpseller.refresh(first).json or {})["refresh_token"]
    return second == first, jumpseller.refresh(first).status_code


@case("old-access-token", lives_on=200, revoked=401)
def old_access_token(jumpseller: JumpsellerClient) -> Any:
    jumpseller.refresh(jumpseller.install()["refresh_token"])
    return jumpseller.call("GET", "/store/info.json").status_code


@case("token-scope", no=False, yes=True)
def token_scope(jumpseller: JumpsellerClient) -> Any:
    return "scope" in jumpseller.install()


@case("token-client", body=401, body_or_basic=200)
def token_client(jumpseller: JumpsellerClient) -> Any:
    fields = {"grant_type": "refresh_token", "refresh_token": jumpseller.install()["refresh_token"]}
    basic = base64.b64encode(b"quick-invoice:sandbox-secret").decode()
    answer = jumpseller.browser.post("/oauth/token", data=fields, headers={"Authorization": f"Basic {basic}"})
    return answer.status_code


# --- the app in the admin ---------------------------------------------------------------------------------


def app_page(jumpseller: JumpsellerClient) -> Any:
    return jumpseller.browser.get(f"/admin/{SADO}/apps/quick-invoice")


@case("app-url-parameters", none=[True, False, False], store=[False, True, False], junk=[False, False, True])
def app_url_parameters(jumpseller: JumpsellerClient) -> Any:
    text = app_page(jumpseller).text
    addresses = (f'src="{APP_URL}/"', f'src="{APP_URL}/?store={SADO}"', "store=outra-loja&amp;")
    return [address in text for address in addresses]


@case("app-opens", frame=[True, False], tab=[False, True])
def app_opens(jumpseller: JumpsellerClient) -> Any:
    return [mark in app_page(jumpseller).text for mark in ('<iframe name="app"', 'target="_blank"')]


@case("install-begins", app_url=(None, True), authorize=("/oauth/authorize?client_id=quick-invoice", True))
def install_begins(jumpseller: JumpsellerClient) -> Any:
    location = app_page(jumpseller).location
    assert "state=" not in (location or "")
    jumpseller.install()
    begin = location and location.removeprefix("http://localhost:2").partition("&")[0]
    return begin, "<iframe" in app_page(jumpseller).text


@case("hooks-on-uninstall", deleted=(0, 0, False), kept=(1, 0, False))
def hooks_on_uninstall(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    jumpseller.subscribe(HOOK_URL, "order_paid")
    about = jumpseller.browser.post(f"/sandbox/shops/{SADO}/uninstall").json or {}
    return len(about["hooks"]), about["tokens"], about["installed"]


# --- webhooks ---------------------------------------------------------------------------------------------


def paid_deliveries(jumpseller: JumpsellerClient, orders: int = 1, ship: bool = False) -> list[Any]:
    """Place paid orders and return the deliveries of `order_paid` to a receiver, oldest first."""
    receiver = WebhookReceiver()
    try:
        jumpseller.install()
        jumpseller.subscribe(receiver.url, "order_paid")
        for _ in range(orders):
            number = jumpseller.place_order(lines=CUP, pay=True)["id"]
        if ship:
            jumpseller.change_order(number, "ship")
        found = jumpseller.deliveries(event="order_paid")
        assert len(receiver.received) == len(found)
        return found[::-1]
    finally:
        receiver.stop()


@case("paid-on-shipping", no=1, yes=2)
def paid_on_shipping(jumpseller: JumpsellerClient) -> Any:
    return len(paid_deliveries(jumpseller, ship=True))


@case("hook-copies", one=1, two=2, five=5)
def hook_copies(jumpseller: JumpsellerClient) -> Any:
    return len(paid_deliveries(jumpseller))


@case("hook-losses", none=6, every_third=4, all=0)
def hook_losses(jumpseller: JumpsellerClient) -> Any:
    return len(paid_deliveries(jumpseller, 6))


@case("hook-order", in_turn=True, shuffled=False)
def hook_order(jumpseller: JumpsellerClient) -> Any:
    due = [one["due"] for one in paid_deliveries(jumpseller, 6)]
    return due == sorted(due)


def only_hook(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    jumpseller.subscribe(HOOK_URL, "order_paid")
    return next(iter(jumpseller.parts.platform.shops[SADO].hooks.values()))


@case("hook-resume", put=False, anew=True)
def hook_resume(jumpseller: JumpsellerClient) -> Any:
    hook = only_hook(jumpseller)
    hook["paused"] = True
    sent = {"hook": {"event": "order_paid", "url": HOOK_URL}}
    assert jumpseller.call("PUT", f"/hooks/{hook['id']}.json", json=sent).status_code == 200
    jumpseller.subscribe(HOOK_URL, "order_paid")
    assert not list(jumpseller.parts.platform.shops[SADO].hooks.values())[-1].get("paused")
    return bool(hook["paused"])


@case("hook-pause-shown", no=[None], yes=[True])
def hook_pause_shown(jumpseller: JumpsellerClient) -> Any:
    hook = only_hook(jumpseller)
    jumpseller.browser.post(f"/sandbox/shops/{SADO}/pause-hooks", json={})
    assert jumpseller.parts.platform.shops[SADO].hooks[hook["id"]]["paused"]
    return [one["hook"].get("paused") for one in jumpseller.get("/hooks.json")]


# --- limits -----------------------------------------------------------------------------------------------


@case("rate-limits", on=(True, True), off=(False, False))
def rate_limits(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    answers = [jumpseller.call("GET", "/store/languages.json") for _ in range(100)]
    header = "Jumpseller-PerMinuteRateLimit-Remaining" in answers[-1].headers
    return 429 in {answer.status_code for answer in answers}, header


@case("limit-answer", _429=(429, True), _403=(403, True))
def limit_answer(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    jumpseller.parts.limits.ban(SADO, 60)
    answer = jumpseller.call("GET", "/store/info.json")
    return answer.status_code, "Jumpseller-PerSecondRateLimit-Limit" in answer.headers


# --- products and stock -----------------------------------------------------------------------------------


@case("products-after", list="first 100", fifty="first 50", newest_first="last 100", newest_alone="last 50",
      missing=404)  # fmt: skip
def products_after(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    jumpseller.load(120)
    every = sorted(jumpseller.parts.platform.shops[SADO].products)
    answer = jumpseller.call("GET", "/products/after/0.json?limit=100")
    found = [one["product"]["id"] for one in answer.json] if answer.status_code == 200 else []  # type: ignore[union-attr]
    known = {
        "first 100": every[:100],
        "first 50": every[:50],
        "last 100": every[:-101:-1],
        "last 50": every[-50:],
    }
    return next((name for name, numbers in known.items() if numbers == found), answer.status_code)


@case("product-deleted", whole=["product"], id=["id"], empty=[])
def product_deleted(jumpseller: JumpsellerClient) -> Any:
    receiver = WebhookReceiver()
    try:
        jumpseller.install()
        jumpseller.subscribe(receiver.url, "product_deleted")
        jumpseller.call("DELETE", f"/products/{jumpseller.product('TACA-01')['product']}.json")
        return list(json.loads(receiver.wait_for(1)[0]["body"]))
    finally:
        receiver.stop()


@case("stock-on-sale", placed=(37, 37), paid=(40, 37), never=(40, 40))
def stock_on_sale(jumpseller: JumpsellerClient) -> Any:
    number = jumpseller.place_order(lines=[{"sku": "TACA-01", "qty": 3}])["id"]
    placed = jumpseller.product("TACA-01")["stock"]
    jumpseller.change_order(number, "pay")
    return placed, jumpseller.product("TACA-01")["stock"]


@case("stock-on-cancel", returned=[40, 40], kept=[39, 38])
def stock_on_cancel(jumpseller: JumpsellerClient) -> Any:
    left = []
    for act in ("cancel", "abandon"):
        jumpseller.change_order(jumpseller.place_order(lines=CUP)["id"], act)
        left.append(jumpseller.product("TACA-01")["stock"])
    return left


@case("stock-hook-on-sale", sent=[1, 1], none=[0, 0])
def stock_hook_on_sale(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    events = ("product_stock_updated", "product_updated")
    jumpseller.subscribe(HOOK_URL, *events)
    jumpseller.place_order(lines=CUP, pay=True)
    return [len(jumpseller.deliveries(event=event)) for event in events]


@case("oversold", to_zero=(0, 40), below_zero=(-2, 40))
def oversold(jumpseller: JumpsellerClient) -> Any:
    number = jumpseller.place_order(lines=[{"sku": "TACA-01", "qty": 42}])["id"]
    left = jumpseller.product("TACA-01")["stock"]
    jumpseller.change_order(number, "cancel")
    return left, jumpseller.product("TACA-01")["stock"]


@case("plain-stock", sum=(45, 30), main=(40, 30), main_put=(45, 35))
def plain_stock(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    cup = jumpseller.product("TACA-01")
    jumpseller.edit_product(cup["product"], stock={list(cup["locations"])[1]: 5})
    path = f"/products/{cup['product']}.json"
    shown = jumpseller.get(path)["product"]["stock"]
    put = jumpseller.call("PUT", path, json={"product": {"stock": 30}})
    return shown, (put.json or {})["product"]["stock"]


@case("unlimited-by-place", null=[None], zero=[0], left_out=[])
def unlimited_by_place(jumpseller: JumpsellerClient) -> Any:
    jumpseller.install()
    voucher = jumpseller.product("VALE-25")
    asked = f"location_ids={min(voucher['locations'])}&product_ids={voucher['product']}"
    return [row["stock"] for row in jumpseller.get(f"/products_locations?{asked}")]
