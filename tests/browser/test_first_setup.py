"""A merchant's first set-up in Chromium, inside the shop's admin: from the list of apps to the PDF.

The app is in a cross-site frame, where Chromium blocks third-party cookies. Each step is checked
with axe at two widths, and its screenshot taken where the folder SHOTS is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from dev.local_stack import LocalStack
from dev.merchant import Merchant
from tests.conftest import BROWSER_MS
from tests.end_to_end.stack_world import StackWorld, running_world

pytestmark = [pytest.mark.browser, pytest.mark.journey]

WIDTHS = (1440, 375)


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world() as world:
        yield world


@pytest.fixture
def folder() -> Path | None:
    """Return the folder for the screenshots; None: none is taken."""
    if not os.environ.get("SHOTS"):
        return None
    found = Path(os.environ["SHOTS"]) / "walk"
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def merchant(world: StackWorld) -> Iterator[Merchant]:
    """Return the merchant of a shop that is already set up, without a browser."""
    yield world.merchant()
    world.reset_stand_ins()


class Walk:
    """The window of the admin with the app in its frame, and the problems that axe found at each step."""

    def __init__(self, context: BrowserContext, stack: LocalStack, shop: str, folder: Path | None) -> None:
        context.set_default_timeout(BROWSER_MS)
        self.context, self.stack, self.shop, self.folder = context, stack, shop, folder
        self.page = context.new_page()
        self.problems: list[str] = []
        self.steps = 0

    def admin(self, path: str, page: Page | None = None) -> Page:
        page = page or self.page
        page.goto(f"{self.stack.admin_url}/admin/{self.shop}/{path}")
        return page

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe[name=app]")

    def see(self, name: str, page: Page | None = None) -> None:
        """Record the problems that axe finds in the app's pages at both widths, and take the screenshots."""
        page = page or self.page
        self.steps += 1
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if self.folder is not None:
                page.screenshot(path=self.folder / f"{self.steps:02}-{name}-{width}.png", full_page=True)
            found: Any = Axe().run(page)
            for violation in found.response["violations"]:
                # The admin around the frame is the stand-in's own page.
                nodes = [
                    node for node in violation["nodes"] if page is not self.page or len(node["target"]) > 1
                ]
                if nodes:
                    self.problems.append(f"{name} at {width}: {violation['id']}: {nodes[0]['target']}")
        page.set_viewport_size({"width": 1440, "height": 900})

    def open_consent(self) -> Page:
        """Return the window with the platform's consent page."""
        with self.context.expect_page() as opened:
            self.frame.get_by_role("link", name="Abrir Quick Invoice").click()
        expect(opened.value.get_by_role("button", name="Yes, Authorize")).to_be_visible()
        return opened.value

    def consent(self) -> Page:
        """Consent, and return the window."""
        window = self.open_consent()
        window.get_by_role("button", name="Yes, Authorize").click()
        return window

    def consent_and_close(self) -> None:
        """Consent, and wait until the window closes by itself."""
        window = self.open_consent()
        with window.expect_event("close"):
            window.get_by_role("button", name="Yes, Authorize").click()


@pytest.fixture
def walk(context: BrowserContext, world: StackWorld, folder: Path | None) -> Walk:
    world.set_switch("jumpseller", "consent-again", "asked")
    return Walk(context, world.stack, "olariadosado", folder)


def inside(walk: Walk) -> None:
    expect(walk.frame.get_by_role("navigation", name="Principal")).to_be_visible()


def signed_out(walk: Walk) -> None:
    expect(walk.frame.get_by_role("link", name="Abrir Quick Invoice")).to_be_visible()


def type_code(walk: Walk, code: str) -> None:
    walk.frame.get_by_text("A janela mostrou-lhe um código?").click()
    walk.frame.locator("#f-code").fill(code)
    walk.frame.get_by_role("button", name="Entrar").click()


def test_from_the_app_list_to_the_pdf(
    context: BrowserContext, world: StackWorld, folder: Path | None
) -> None:
    walk = Walk(context, world.stack, "quintadaserra", folder)
    entity = Merchant(world.stack, "quintadaserra", "40377")
    walk.admin("apps").get_by_role("link", name="Instalar").click()
    signed_out(walk)
    walk.see("consent")
    walk.consent_and_close()
    inside(walk)
    walk.see("authorised")
    walk.frame.get_by_role("button", name="Continuar").click()
    for name, value in entity.keys().items():
        walk.frame.locator(f"#f-{name}").fill(value)
    walk.see("keys")
    walk.frame.get_by_role("button", name="Guardar e verificar").click()
    expect(walk.frame.locator("#f-exemption")).to_be_visible()
    walk.frame.locator("#f-exemption").select_option("M07")
    walk.see("choices")
    walk.frame.get_by_role("button", name="Guardar e verificar tudo").click()
    expect(walk.frame.get_by_text("O que encontrámos")).to_be_visible()
    walk.see("check")
    walk.frame.get_by_role("link", name="Documentos").click()
    expect(walk.frame.get_by_text("Ainda não há documentos")).to_be_visible()
    walk.see("empty")

    shop = walk.admin("orders/new", context.new_page())
    shop.locator("[name=sku0]").select_option("AZEITE-5L")
    shop.locator("[name=qty0]").fill("3")
    shop.locator("[name=discount0]").fill("1.50")
    shop.locator("[name=nif]").fill("123456789")
    shop.get_by_role("button", name="Encomendar sem pagar").click()
    order = shop.url.rsplit("/", 1)[1]
    shop.get_by_role("button", name="Pagar", exact=True).click()
    # Only the visible window polls.
    walk.page.bring_to_front()
    row = walk.frame.locator("#rows tr", has_text=f"#{order}")
    # The list refreshes itself every three seconds.
    expect(row).to_contain_text("Emitido")
    document = world.check_document(entity, int(order))
    expect(row).to_contain_text(document["number"])
    walk.see("listing")
    row.get_by_role("link").first.click()
    expect(walk.frame.get_by_role("heading", level=1)).to_contain_text(document["number"])
    walk.see("document")
    with walk.page.expect_download() as downloading:
        walk.frame.get_by_role("link", name="Descarregar PDF").click()
    assert downloading.value.path().read_bytes().startswith(b"%PDF-")
    walk.frame.get_by_role("link", name="Início").click()
    expect(walk.frame.get_by_role("heading", level=1)).to_be_visible()
    walk.see("home")
    shown = world.wait_until_shown(entity, int(order))
    assert len(shown["documents"]) == 1
    assert not walk.problems, "\n".join(walk.problems)


def test_the_frame_keeps_only_the_apps_cookie(walk: Walk, merchant: Merchant) -> None:
    walk.admin("apps/quick-invoice")
    walk.consent()
    inside(walk)
    frame = walk.page.frame(name="app")
    assert frame
    tried = [
        "try_lax=1; path=/; SameSite=Lax",
        "try_none=1; path=/; Secure; SameSite=None",
        "try_parted=1; path=/; Secure; SameSite=None; Partitioned",
    ]
    kept = frame.evaluate(
        "(all) => { for (const one of all) document.cookie = one; return document.cookie; }", tried
    )
    assert "try_parted=1" in kept, "this Chromium keeps no partitioned cookie: the control says nothing"
    assert "try_lax" not in kept and "try_none" not in kept, "third-party cookies are not blocked"
    cookies = {one["name"]: one for one in walk.context.cookies(walk.stack.app_url)}
    ours = cookies["__Host-session"]
    assert (ours["secure"], ours["httpOnly"], ours["sameSite"]) == (True, True, "None")
    assert ours.get("partitionKey")


def test_when_the_consent_page_cuts_the_opener_a_code_opens_the_frame(
    walk: Walk, world: StackWorld, merchant: Merchant
) -> None:
    world.set_switch("jumpseller", "consent-coop", "same-origin")
    walk.admin("apps/quick-invoice")
    window = walk.consent()
    code = window.locator("code").inner_text()
    walk.see("code", window)
    signed_out(walk)
    type_code(walk, code)
    inside(walk)
    # The same code does not work twice.
    walk.context.clear_cookies(name="__Host-session")
    walk.page.reload()
    signed_out(walk)
    type_code(walk, code)
    expect(walk.frame.get_by_text("Este código já não serve")).to_be_visible()
    assert not walk.problems, "\n".join(walk.problems)


@pytest.mark.parametrize("position", ["refused", "allowed"])
def test_consent_happens_in_a_window_even_if_it_may_be_framed(
    walk: Walk, world: StackWorld, merchant: Merchant, position: str
) -> None:
    world.set_switch("jumpseller", "consent-framed", position)
    walk.admin("apps/quick-invoice")
    walk.consent_and_close()
    inside(walk)


def test_without_scripts_a_code_opens_the_frame(
    browser: Browser, world: StackWorld, merchant: Merchant, folder: Path | None
) -> None:
    world.set_switch("jumpseller", "consent-again", "asked")
    context = browser.new_context(locale="pt-PT", java_script_enabled=False)
    walk = Walk(context, world.stack, merchant.shop, folder)
    walk.admin("apps/quick-invoice")
    window = walk.consent()
    code = window.locator("code").inner_text()
    type_code(walk, code)
    inside(walk)
    order = int(merchant.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"])
    world.wait_until_final(merchant, order, "issued")
    walk.frame.get_by_role("link", name="Documentos").click()
    expect(walk.frame.locator("#rows tr", has_text=f"#{order}")).to_contain_text("Emitido")
    # In the consent window the app is at top level.
    window.get_by_role("link", name="Continuar aqui").click()
    expect(window.get_by_role("navigation", name="Principal")).to_be_visible()
    context.close()


def test_the_app_works_when_the_admin_opens_it_in_a_tab(
    walk: Walk, world: StackWorld, merchant: Merchant
) -> None:
    world.set_switch("jumpseller", "app-opens", "tab")
    with walk.context.expect_page() as opened:
        walk.admin("apps/quick-invoice").get_by_role("link", name="Abrir Quick Invoice").click()
    tab = opened.value
    tab.get_by_role("link", name="continue sem janela").click()
    tab.get_by_role("button", name="Yes, Authorize").click()
    tab.get_by_role("link", name="Continuar aqui").click()
    expect(tab.get_by_role("navigation", name="Principal")).to_be_visible()
    walk.see("tab", tab)
    assert not walk.problems, "\n".join(walk.problems)
