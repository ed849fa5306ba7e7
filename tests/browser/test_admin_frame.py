"""The app in the frame of the shop's admin, cross-site, with third-party cookies blocked, in Chromium.

Screenshots are taken where the folder SHOTS is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Playwright, expect

from dev.local_stack import LocalStack
from dev.merchant import Merchant
from tests.conftest import BROWSER_MS, CHROMIUM_ARGS

pytestmark = [pytest.mark.browser, pytest.mark.journey]

BLOCKED = "--test-third-party-cookie-phaseout"
MUG = [{"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"}]


@pytest.fixture(scope="module")
def strict(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Return a Chromium context in which third parties can only set partitioned cookies."""
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_ARGS, BLOCKED])
    yield browser
    browser.close()


@pytest.fixture
def merchant(stack: LocalStack) -> Merchant:
    return Merchant(stack)


@pytest.fixture
def context(strict: Browser, merchant: Merchant) -> Iterator[BrowserContext]:
    for switch, position in {
        "consent-coop": "none",
        "consent-again": "asked",
        "app-url-parameters": "none",
    }.items():
        merchant.set_switch(switch, position)
    context = strict.new_context(locale="pt-PT")
    context.set_default_timeout(BROWSER_MS)
    yield context
    context.close()


def opened(context: BrowserContext, merchant: Merchant) -> tuple[Page, FrameLocator]:
    """Open the shop's admin with the app in its frame."""
    page = context.new_page()
    page.goto(f"{merchant.stack.admin_url}/admin/{merchant.shop}/apps/quick-invoice")
    return page, page.frame_locator("iframe[name=app]")


def consent(context: BrowserContext, frame: FrameLocator) -> Any:
    """Consent, and return the window in which the merchant did so."""
    with context.expect_page() as window:
        frame.get_by_role("link", name="Abrir Quick Invoice").click()
    window.value.get_by_role("button", name="Yes, Authorize").click()
    return window.value


def picture(page: Page, name: str) -> None:
    if os.environ.get("SHOTS"):
        page.screenshot(path=Path(os.environ["SHOTS"]) / "frame" / f"{name}.png", full_page=True)


def test_a_merchant_installs_sets_up_and_sees_an_invoice_in_the_frame(
    context: BrowserContext, merchant: Merchant
) -> None:
    page, frame = opened(context, merchant)
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Cada encomenda paga")
    picture(page, "1-consent")
    window = consent(context, frame)
    expect(frame.get_by_role("heading", level=1)).to_have_text("A loja está autorizada")
    expect(frame.get_by_text("Que programa de faturação usa?")).to_be_visible()
    if not window.is_closed():
        window.wait_for_event("close")
    picture(page, "2-setup")
    frame.get_by_role("button", name="Continuar").click()
    for name, value in merchant.keys().items():
        frame.locator(f"#f-{name}").fill(value)
    frame.get_by_role("button", name="Guardar e verificar").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Escolhas fiscais")
    picture(page, "3-choices")
    frame.get_by_role("button", name="Guardar e verificar tudo").click()
    expect(frame.get_by_text("O que encontrámos")).to_be_visible()
    picture(page, "4-check")
    frame.get_by_role("link", name="Documentos").click()
    number = merchant.place_order(lines=MUG, pay=True)["id"]
    page.reload()
    frame.get_by_role("link", name="Documentos").click()
    row = frame.locator("#rows tr", has_text=f"#{number}")
    expect(row).to_contain_text("Emitido")
    picture(page, "5-listing")
    row.get_by_role("link").first.click()
    expect(frame.get_by_text("Igual ao valor pago")).to_be_visible()
    picture(page, "6-document")


def test_a_refreshed_row_keeps_its_tick_and_the_focus(context: BrowserContext, merchant: Merchant) -> None:
    page, frame = opened(context, merchant)
    consent(context, frame)
    frame.get_by_role("link", name="Documentos").click()
    first = merchant.place_order(lines=MUG, pay=True)["id"]
    row = frame.locator("#rows tr", has_text=f"#{first}")
    if row.count() == 0:
        page.reload()
        frame.get_by_role("link", name="Documentos").click()
    expect(row).to_contain_text("Emitido")
    row.get_by_role("checkbox").check()
    row.get_by_role("link").first.focus()
    second = merchant.place_order(lines=MUG, pay=True)["id"]
    expect(frame.locator("#rows tr", has_text=f"#{second}")).to_contain_text("Emitido")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(row.get_by_role("link").first).to_be_focused()
    expect(frame.locator("#chosen")).to_have_text("1 escolhido")


def test_without_an_opener_a_code_opens_the_session_in_the_frame(
    context: BrowserContext, merchant: Merchant
) -> None:
    merchant.set_switch("consent-coop", "same-origin")
    _, frame = opened(context, merchant)
    window = consent(context, frame)
    code = window.locator("code").inner_text()
    frame.get_by_text("A janela mostrou-lhe um código?").click()
    frame.locator("#f-code").fill(code)
    frame.get_by_role("button", name="Entrar").click()
    expect(frame.get_by_role("navigation", name="Principal")).to_be_visible()
    # The merchant can also continue in the window.
    window.get_by_role("link", name="Continuar aqui").click()
    expect(window.get_by_role("navigation", name="Principal")).to_be_visible()


@pytest.mark.parametrize("parameters", ["store", "junk"])
def test_parameters_added_by_the_admin_give_no_access(
    context: BrowserContext, merchant: Merchant, parameters: str
) -> None:
    merchant.set_switch("app-url-parameters", parameters)
    _, frame = opened(context, merchant)
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Cada encomenda paga")


def test_a_message_from_another_origin_is_ignored(context: BrowserContext, merchant: Merchant) -> None:
    page, frame = opened(context, merchant)
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Cada encomenda paga")
    # the request is held: an answer would bring a new page, on which nothing shows that the form was sent
    entered: list[str] = []
    page.route("**/enter", lambda route: entered.append(route.request.url))
    app = page.frame("app")
    assert app is not None
    app.evaluate(
        "void (window.last = new Promise(done => addEventListener('message', e => e.data === 'last' && done())))"
    )
    page.evaluate(
        """() => {
            const app = document.querySelector("iframe[name=app]").contentWindow;
            for (const message of [{ entry: "x".repeat(43) }, "last"]) app.postMessage(message, "*");
        }"""
    )
    app.evaluate("window.last")
    assert app.evaluate("document.getElementById('enter').dataset.sent") is None
    assert entered == []


def test_a_foreign_page_that_opens_the_welcome_page_gets_no_token(
    context: BrowserContext, merchant: Merchant
) -> None:
    _, frame = opened(context, merchant)
    consent(context, frame)
    expect(frame.get_by_role("navigation", name="Principal")).to_be_visible()
    foreign = context.new_page()
    foreign.goto(f"{merchant.stack.igest_url}/panel/{merchant.entity}/integracoes")
    foreign.evaluate(
        """() => {
            window.received = [];
            window.last = new Promise(done => addEventListener("message", event => {
                received.push(event.data);
                if (event.data === "last") done();
            }));
        }"""
    )
    with context.expect_page() as window:
        foreign.evaluate("address => void window.open(address)", f"{merchant.stack.app_url}/welcome")
    window.value.wait_for_load_state("load")
    assert window.value.locator("#entry-token").count() == 1, "the page holds a token"
    window.value.evaluate("window.opener.postMessage('last', '*')")
    foreign.evaluate("window.last")
    assert foreign.evaluate("received") == ["last"]


def test_another_site_can_neither_frame_the_app_nor_get_its_token(
    context: BrowserContext, merchant: Merchant
) -> None:
    page, frame = opened(context, merchant)
    consent(context, frame)
    expect(frame.get_by_role("navigation", name="Principal")).to_be_visible()
    stack = merchant.stack
    foreign = context.new_page()
    foreign.goto(f"{stack.igest_url}/panel/{merchant.entity}/integracoes")
    received = foreign.evaluate(
        """async (address) => {
            const received = [];
            addEventListener("message", event => received.push(event.data));
            const frame = document.createElement("iframe");
            frame.src = address + "/documents";
            document.body.append(frame);
            await new Promise(done => frame.addEventListener("load", done));
            let seen = "nothing";
            try { seen = frame.contentDocument ? "something" : "nothing"; } catch { seen = "nothing"; }
            return [seen, received];
        }""",
        stack.app_url,
    )
    assert received == ["nothing", []]
    assert [one.url for one in foreign.frames[1:]] == ["chrome-error://chromewebdata/"]
