"""A merchant on Shopkit in Chromium: key, invoicing program, choices, a paid order, its document, a link to sign in.

Screenshots are taken at two widths where the folder SHOTS is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dev.local_stack import LocalStack
from dev.merchant import wait_until
from dev.shopkit_merchant import ShopkitPhcGoMerchant
from tests.conftest import BROWSER_MS

pytestmark = [pytest.mark.browser, pytest.mark.journey]

See = Callable[[str, Page], None]


@pytest.fixture
def merchant(stack: LocalStack) -> ShopkitPhcGoMerchant:
    return ShopkitPhcGoMerchant(stack)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="pt-PT")
    context.set_default_timeout(BROWSER_MS)
    yield context
    context.close()


@pytest.fixture
def see() -> See:
    """Return a function that finds no problem of accessibility on a page, and takes its screenshots."""
    shots = os.environ.get("SHOTS")

    def look(name: str, page: Page) -> None:
        for width in (375, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if shots:
                folder = Path(shots) / "key-shop"
                folder.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
            found: Any = Axe().run(page)
            assert not found.response["violations"], f"{name} {width}: {found.response['violations']}"

    return look


def last_link(stack: LocalStack, shop: str) -> str:
    """Wait for the link that was mailed to the shop, and return it."""

    def found() -> str:
        mails = requests.get(f"{stack.mailbox_url}/sandbox/messages", timeout=30).json()
        texts = [str(mail) for mail in mails if shop in str(mail)]
        links = [link for text in texts for link in re.findall(r"http://[\w.:]+/sign-in/[\w/]+#[\w-]+", text)]
        return links[-1] if links else ""

    return str(wait_until(found, "the mailed link"))


def test_a_merchant_connects_sets_up_sees_an_invoice_and_comes_back_by_a_link(
    context: BrowserContext, browser: Browser, stack: LocalStack, merchant: ShopkitPhcGoMerchant, see: See
) -> None:
    page, about = context.new_page(), merchant.about()
    page.goto(stack.app_url)
    see("1-consent", page)
    page.get_by_role("link", name="Ligar uma loja Shopkit").click()
    page.get_by_label("Nome ou endereço da loja").fill(about["name"])
    page.get_by_label("Chave da loja").fill("0" * 40)
    page.get_by_role("button", name="Ligar a loja").click()
    expect(page.get_by_role("alert")).to_contain_text("O Shopkit não aceitou esta chave")
    see("2-refused", page)
    page.get_by_label("Nome ou endereço da loja").fill("Outra loja")
    page.get_by_label("Chave da loja").fill(about["key"])
    page.get_by_label("Segredo dos avisos").fill(about["webhook_secret"])
    page.get_by_role("button", name="Ligar a loja").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("É esta a sua loja?")
    see("3-confirm", page)
    page.get_by_role("button", name=f"Sim, ligar {about['name']}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A loja está ligada")
    see("4-setup", page)
    page.get_by_label("PHC GO").check()
    page.get_by_role("button", name="Continuar").click()
    for name, value in merchant.keys().items():
        page.locator(f"#f-{name}").fill(value)
    page.get_by_role("button", name="Guardar e verificar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Escolhas fiscais")
    page.get_by_role("button", name="Guardar e verificar tudo").click()
    expect(page.get_by_text("O que encontrámos")).to_be_visible()

    office = context.new_page()
    office.goto(f"{stack.shopkit_url}/admin/{merchant.shop}/orders/new")
    office.get_by_role("button", name="Encomendar e pagar", exact=True).click()
    number = re.search(r"\d+", office.get_by_role("heading", level=1).inner_text())
    assert number
    order = int(number.group(0))

    def invoice() -> str:
        return next(str(one["invoice_url"]) for one in merchant.shop_orders() if int(one["id"]) == order)

    wait_until(invoice, "the invoice on the order")
    page.goto(f"{stack.app_url}/documents")
    row = page.locator("#rows tr", has_text=f"#{order}")
    expect(row).to_contain_text("Emitido")
    row.get_by_role("link").first.click()
    expect(page.get_by_text("Igual ao valor pago")).to_be_visible()
    see("5-document", page)
    office.reload()
    buyer = requests.get(office.locator("#invoice").evaluate("link => link.href"), timeout=30)
    assert buyer.status_code == 200 and buyer.content.startswith(b"%PDF")

    page.goto(f"{stack.app_url}/setup")
    see("6-connected", page)
    page.get_by_role("button", name="Sair").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cada encomenda paga, uma fatura certificada")
    page.goto(f"{stack.app_url}/sign-in/shopkit")
    see("7-sign-in", page)
    page.get_by_label("Endereço da loja").fill(merchant.shop)
    page.get_by_role("button", name="Enviar ligação de entrada").click()
    expect(page.get_by_text("Veja o e-mail da loja.")).to_be_visible()
    see("8-asked", page)
    link = last_link(stack, merchant.shop)
    stranger = browser.new_context(locale="pt-PT").new_page()
    stranger.goto(link)
    stranger.get_by_role("button", name="Entrar").click()
    expect(stranger.get_by_role("alert")).to_contain_text("Esta ligação não abre nada aqui")
    see("9-not-here", stranger)
    stranger.context.close()
    page.goto(link)
    expect(page.get_by_text("Falta só um clique.")).to_be_visible()
    assert "#" not in page.url
    see("10-link", page)
    page.get_by_role("button", name="Entrar").click()
    expect(page.get_by_text(about["name"]).first).to_be_visible()
    page.goto(f"{stack.app_url}/setup/sessions")
    see("11-sessions", page)


def test_one_shops_link_never_opens_another(
    context: BrowserContext, stack: LocalStack, merchant: ShopkitPhcGoMerchant
) -> None:
    quinta = ShopkitPhcGoMerchant(stack, "quintadaserra")
    for one in (merchant, quinta):
        one.install()
    page = context.new_page()
    page.goto(f"{stack.app_url}/sign-in/shopkit")
    page.get_by_label("Endereço da loja").fill(quinta.shop)
    page.get_by_role("button", name="Enviar ligação de entrada").click()
    page.goto(last_link(stack, quinta.shop))
    page.get_by_role("button", name="Entrar").click()
    expect(page.locator(".whose")).to_contain_text(quinta.about()["name"])
    expect(page.locator("body")).not_to_contain_text(merchant.about()["name"])
