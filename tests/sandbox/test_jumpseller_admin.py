"""The shop admin of the Jumpseller stand-in: pages without scripts, and the effect of their buttons."""

from __future__ import annotations

import html
import json
import re

import pytest

from sandbox.jumpseller.admin_orders import DAMAGED_ROWS
from sandbox.jumpseller.examples import EXAMPLES
from tests.sandbox.jumpseller_client import SADO, SERRA, JumpsellerClient


def page(jumpseller: JumpsellerClient, path: str, shop: str = SADO) -> str:
    answer = jumpseller.browser.get(f"/admin/{shop}/{path}")
    assert answer.status_code == 200
    return answer.text


def test_the_first_page_leads_to_the_first_shop(jumpseller: JumpsellerClient) -> None:
    assert jumpseller.browser.get("/").location == f"/admin/{SADO}/"
    first = page(jumpseller, "")
    assert "Olaria do Sado" in first
    assert f'href="/admin/{SERRA}/"' in first


@pytest.mark.parametrize(
    "path", ["", "apps", "apps/quick-invoice", "orders", "orders/new", "products", "taxes", "hooks"]
)
def test_every_page_says_that_it_is_a_sandbox_and_needs_no_script(
    jumpseller: JumpsellerClient, path: str
) -> None:
    text = page(jumpseller, path)
    assert "Sandbox" in text
    assert "<script" not in text
    assert '<html lang="pt">' in text


def test_unknown_shops_and_orders_are_not_found(jumpseller: JumpsellerClient) -> None:
    assert jumpseller.browser.get("/admin/nobody/").status_code == 404
    assert jumpseller.browser.get(f"/admin/{SADO}/orders/1").status_code == 404
    assert jumpseller.browser.post(f"/admin/{SADO}/orders/1/pay").status_code == 404


def test_the_app_is_installed_opened_and_uninstalled(jumpseller: JumpsellerClient) -> None:
    assert ">Instalar</a>" in page(jumpseller, "apps")
    jumpseller.install()
    installed = page(jumpseller, "apps")
    assert ">Abrir</a>" in installed
    assert "Desinstalar" in installed
    jumpseller.browser.post(f"/admin/{SADO}/apps/quick-invoice/uninstall")
    assert ">Instalar</a>" in page(jumpseller, "apps")


def test_an_order_is_placed_by_form_paid_shipped_and_cancelled(jumpseller: JumpsellerClient) -> None:
    form = {
        "sku0": "AZJ-15-AZUL",
        "qty0": "2",
        "sku1": "LIV-OLA-01",
        "discount1": "1,59",
        "shipping": "4,92",
        "nif": "123456789",
        "place": "porto",
        "name": "Rui Teste Exemplo",
    }
    came = jumpseller.browser.post(f"/admin/{SADO}/orders/new", data=form)
    assert came.location == f"/admin/{SADO}/orders/1001"
    shown = page(jumpseller, "orders/1001")
    assert "68.43 EUR" in shown
    assert "Pagamento pendente" in shown
    for button, state in (("pay", "Pago"), ("ship", "Pago"), ("pay", "Pago"), ("cancel", "Cancelado")):
        jumpseller.browser.post(f"/admin/{SADO}/orders/1001/{button}")
        assert f'<span class="state">{state}</span>' in page(jumpseller, "orders/1001")
    assert "1001" in page(jumpseller, "orders")
    order = jumpseller.stored_order(1001)
    assert order["customer"]["fullname"] == "Rui Teste Exemplo"
    assert order["billing_address"]["city"] == "Porto"


def test_an_order_can_be_paid_at_once_with_coupon_and_untaxed_shipping(jumpseller: JumpsellerClient) -> None:
    form = {
        "sku0": "TACA-01",
        "coupon": "2,30",
        "coupon_code": "DOIS",
        "shipping": "3",
        "shipping_tax": "no",
        "gift_card": "5",
        "company": "Empresa Exemplo",
        "pay": "yes",
    }
    jumpseller.browser.post(f"/admin/{SADO}/orders/new", data=form)
    order = jumpseller.stored_order(1001)
    assert (order["status_enum"], order["total"], order["coupons"]) == ("paid", 8.0, "DOIS")
    assert order["shipping_taxes"] == []
    assert order["gift_cards_discount"] == 5.0


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_placed_paid_and_shown(jumpseller: JumpsellerClient, example: str) -> None:
    came = jumpseller.browser.post(f"/admin/{SADO}/orders/new", data={"example": example, "pay": "yes"})
    assert came.location == f"/admin/{SADO}/orders/1001"
    assert '<span class="state">Pago</span>' in page(jumpseller, "orders/1001")
    assert EXAMPLES[example].title in page(jumpseller, "orders/new")
    jumpseller.install()
    assert len(jumpseller.get("/orders.json")) == 1
    assert (jumpseller.browser.get("/sandbox/examples").json or {})[example]["spec"]["lines"]


def test_an_order_is_edited_as_json_and_keeps_the_rest(jumpseller: JumpsellerClient) -> None:
    sent = {"lines": [{"sku": "TACA-01", "qty": 2}], "address": "es", "nif": "123456789", "pay": True}
    jumpseller.browser.post(f"/admin/{SADO}/orders/new", data={"json": json.dumps(sent)})
    before = jumpseller.stored_order(1001)
    spec = json.loads(
        html.unescape(page(jumpseller, "orders/1001").split('spellcheck="false">')[1].split("</")[0])
    )
    spec["lines"][0]["qty"] = 3
    form = {"spec": json.dumps(spec), "raw": json.dumps({"total": 1})}
    jumpseller.browser.post(f"/admin/{SADO}/orders/1001/edit", data=form)
    after = jumpseller.stored_order(1001)
    assert (after["products"][0]["qty"], after["total"]) == (3, 1)
    assert {**after, "products": 0} == {**before, "products": 0, "subtotal": 36.9, "tax": 6.9, "total": 1}
    for wrong in ("{", "[]", '{"lines": []}'):
        answer = jumpseller.browser.post(f"/admin/{SADO}/orders/1001/edit", data={"spec": wrong})
        assert answer.status_code == 422 and 'role="alert"' in answer.text


def test_money_goes_back_without_goods_and_the_customer_is_deleted(jumpseller: JumpsellerClient) -> None:
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    jumpseller.browser.post(f"/admin/{SADO}/orders/{number}/refund", data={"amount": "3,00"})
    assert "Reembolsado: 3.00 EUR" in page(jumpseller, f"orders/{number}")
    assert jumpseller.browser.post(f"/admin/{SADO}/orders/{number}/refund", data={}).status_code == 422
    jumpseller.browser.post(f"/admin/{SADO}/orders/{number}/forget")
    assert jumpseller.stored_order(number)["customer"] is None
    assert "Apagar os dados" not in page(jumpseller, f"orders/{number}")


def test_a_list_shows_a_damaged_row_and_the_order_itself_is_whole(jumpseller: JumpsellerClient) -> None:
    jumpseller.install()
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    rows = []
    for row in DAMAGED_ROWS:
        jumpseller.browser.post(f"/admin/{SADO}/orders/{number}/list-row", data={"row": row})
        (shown,) = (one["order"] for one in jumpseller.get("/orders.json"))
        rows.append((shown.get("id"), "created_at" in shown, shown["total"]))
    assert rows == [(number, True, 12.3), (None, True, 12.3), (number, False, 12.3), (number, True, "n/d")]
    assert jumpseller.get(f"/orders/{number}.json")["order"]["total"] == 12.3


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"json": "{"}, "Este JSON não se consegue ler"),
        (
            {"json": '{"lines": [{"sku": "TACA-01"}], "switches": {"rate": "roman"}}'},
            "rate can be number, text",
        ),
        ({"json": '{"example": "none"}'}, "no example is called none"),
        ({}, "Escolha pelo menos um artigo."),
        ({"sku0": "TACA-01", "shipping": "muito"}, "Um dos números não se consegue ler."),
        ({"sku0": "TACA-01", "qty0": "x"}, "Um dos números não se consegue ler."),
    ],
)
def test_a_form_that_cannot_be_read_comes_back_with_a_sentence(
    jumpseller: JumpsellerClient, form: dict[str, str], problem: str
) -> None:
    answer = jumpseller.browser.post(f"/admin/{SADO}/orders/new", data=form)
    assert answer.status_code == 422
    assert problem in answer.text
    assert jumpseller.browser.get(f"/sandbox/shops/{SADO}/orders").json == []


def test_documents_and_history_are_shown_on_the_order(jumpseller: JumpsellerClient) -> None:
    jumpseller.install()
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    document = {"document_type": 1, "public_id": "FT 2026-1", "url": "https://app.example/d/abc"}
    jumpseller.call("POST", f"/orders/{number}/documents.json", json={"document": document})
    sent = {"order_history": {"message": "FT 2026/1 <emitida>"}}
    jumpseller.call("POST", f"/orders/{number}/history.json", json=sent)
    shown = page(jumpseller, f"orders/{number}")
    assert '<a href="https://app.example/d/abc"' in shown
    assert "FT 2026/1 &lt;emitida&gt;" in shown
    assert "FT 2026-1" in page(jumpseller, "orders")


def test_the_real_admins_address_of_an_order_leads_to_its_page(jumpseller: JumpsellerClient) -> None:
    page(jumpseller, "", SERRA)
    assert jumpseller.browser.get("/admin/orders/edit/1001").location == f"/admin/{SERRA}/orders/1001"


def test_the_real_admins_address_of_a_product_leads_to_its_row(jumpseller: JumpsellerClient) -> None:
    page(jumpseller, "", SERRA)
    listed = page(jumpseller, "products", SERRA)
    number, name = re.findall(
        r'action="/admin/\w+/products/(\d+)[^"]*">\s*<label>Nome <input[^>]*value="([^"]+)"', listed
    )[0]
    led = jumpseller.browser.get(f"/admin/products/edit/{number}").location
    assert led is not None and led.startswith(f"/admin/{SERRA}/products?q=")
    assert f"/products/{number}" in page(jumpseller, led.removeprefix(f"/admin/{SERRA}/"), SERRA)
    assert jumpseller.browser.get("/admin/products/edit/999999999").status_code == 404


def test_the_webhook_button_sends_the_event_of_the_state(jumpseller: JumpsellerClient) -> None:
    jumpseller.install()
    jumpseller.subscribe("http://127.0.0.1:9/h", "order_paid", "order_canceled")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    form = re.search(r'name="event" value="(\w+)"', page(jumpseller, f"orders/{number}"))
    assert form
    assert form[1] == "order_paid"
    jumpseller.browser.post(f"/admin/{SADO}/orders/{number}/hook", data={"event": form[1]})
    assert len(jumpseller.deliveries(event="order_paid")) == 2
    assert "order_paid" in page(jumpseller, "hooks")


def test_a_product_gets_another_name_sku_price_tax_and_stock(jumpseller: JumpsellerClient) -> None:
    cup = jumpseller.product("TACA-01")
    path = f"/admin/{SADO}/products/{cup['product']}"
    main, second = cup["locations"]
    form = {"name": "Taça", "sku": "TACA-02", "price": "10,60", "tax": "IVA 6%"}
    jumpseller.browser.post(
        path, data={**form, f"stock-{main}": "7", f"stock-{second}": "2", "counted": "yes"}
    )
    line = jumpseller.place_order(lines=[{"sku": "TACA-02"}])["products"][0]
    assert (line["name"], line["price"], line["taxes"][0]["rate"]) == ("Taça", 10.6, 6.0)
    assert jumpseller.product("TACA-02")["locations"] == {main: 6, second: 2}
    jumpseller.browser.post(path, data={"tax": "", "sku": "", "counted": "no"})
    order = jumpseller.place_order(lines=[{"product_id": cup["product"]}])["products"][0]
    assert (order["sku"], order["taxes"]) == (None, [])
    assert jumpseller.browser.post(path, data={"price": "x"}).status_code == 422
    assert jumpseller.browser.post(path, data={f"stock-{main}": "x"}).status_code == 422
    assert jumpseller.browser.post(path, data={"variant": "1"}).status_code == 404


def test_a_variant_is_edited_alone(jumpseller: JumpsellerClient) -> None:
    blue, green = jumpseller.product("AZJ-15-AZUL"), jumpseller.product("AZJ-15-VERDE")
    main = min(blue["locations"])
    form = {"variant": blue["variant"], "sku": "AZJ-15-AZUL", f"stock-{main}": "99"}
    jumpseller.browser.post(f"/admin/{SADO}/products/{blue['product']}", data=form)
    assert jumpseller.product("AZJ-15-AZUL")["locations"][main] == 99
    assert jumpseller.product("AZJ-15-VERDE") == green


def test_the_products_are_searched_and_come_in_pages(jumpseller: JumpsellerClient) -> None:
    jumpseller.load(120)
    assert 'value="P00001"' in page(jumpseller, "products")
    assert 'value="P00120"' not in page(jumpseller, "products")
    assert 'value="P00120"' in page(jumpseller, "products?page=3")
    assert 'value="P00120"' in page(jumpseller, "products?q=p00120")


def test_products_without_a_sku_are_ordered_by_their_number(jumpseller: JumpsellerClient) -> None:
    jumpseller.load([{"name": "Sem SKU", "price": "2.00"}])
    number = max(jumpseller.parts.platform.shops[SADO].products)
    assert f'value="#{number}/"' in page(jumpseller, "orders/new")
    jumpseller.browser.post(f"/admin/{SADO}/orders/new", data={"sku0": f"#{number}/"})
    assert jumpseller.stored_order(1001)["products"][0]["name"] == "Sem SKU"


def test_a_tax_is_added_and_removed(jumpseller: JumpsellerClient) -> None:
    jumpseller.browser.post(f"/admin/{SADO}/taxes", data={"rate": "21"})
    assert "<td>IVA 21%</td>" in page(jumpseller, "taxes")
    tax = list(jumpseller.parts.platform.shops[SADO].taxes.values())[-1]
    order = jumpseller.place_order(lines=[{"price": "12.10", "tax": "IVA 21%"}])
    assert (order["tax"], order["products"][0]["taxes"][0]["id"]) == (2.1, tax["id"])
    jumpseller.browser.post(f"/admin/{SADO}/taxes/{tax['id']}/remove")
    assert "<td>IVA 21%</td>" not in page(jumpseller, "taxes")
    assert jumpseller.stored_order(order["id"])["tax"] == 2.1
    assert jumpseller.browser.post(f"/admin/{SADO}/taxes", data={"rate": "x"}).status_code == 422
