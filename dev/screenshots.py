"""Take a screenshot of every page, wide and narrow, light and dark, and list the problems that axe finds.

`python -m dev.screenshots FOLDER [NAME...]`. Installs through the real pages in Chromium, then adds made-up
documents in every state, so that each page has content. Exits 1 when axe finds a problem or a page scrolls
sideways.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright

from dev.demo.scenarios import COURSE, MUG
from dev.local_stack import LocalStack
from dev.merchant import Merchant
from dev.phcgo_merchant import PhcGoMerchant
from dev.sample_data import (
    load_documents,
    load_products,
    load_special_documents,
    load_waiting_documents,
    set_run_progress,
    stop_issuing,
)

AXE = Axe().axe_script
SIZES = {"wide": (1440, 900), "narrow": (375, 812)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update"]  # fmt: skip

WIDEST = """() => [...document.querySelectorAll('body *')]
    .map(e => [Math.round(e.getBoundingClientRect().right),
               `${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 40)}"`])
    .sort((a, b) => b[0] - a[0]).slice(0, 3).map(each => each.join(' '))"""
"""A script that lists the elements that reach furthest to the right."""


class Screenshots:
    """Screenshots of one browser page in a folder (None: only checks), and the list of problems."""

    def __init__(self, page: Page, folder: Path | None, sizes: Mapping[str, tuple[int, int]] = SIZES) -> None:
        self.page, self.folder, self.sizes = page, folder, sizes
        self.problems: list[str] = []

    def take(self, name: str) -> None:
        """Check the page and take its screenshot in both sizes and both colour schemes."""
        for size, (width, height) in self.sizes.items():
            self.page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES:
                self.page.emulate_media(color_scheme=scheme)
                self._save_picture(f"{name}-{size}-{scheme}")
                self._check_accessibility(f"{name} {size} {scheme}", only_colours=scheme != SCHEMES[0])
        self._open_details(name)

    def _save_picture(self, name: str) -> None:
        if self.folder is not None:
            self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    def _check_accessibility(self, where: str, only_colours: bool = False) -> None:
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if only_colours:
            # The second scheme is the same page in other colours.
            options["runOnly"] = ["color-contrast", "link-in-text-block"]
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        found = self.page.evaluate("options => axe.run(options)", options)
        for violation in found["violations"]:
            targets = ", ".join(str(node["target"]) for node in violation["nodes"][:3])
            self.problems.append(f"{where}: {violation['id']}: {violation['help']} ({targets})")
        self._check_width(where)

    def _check_width(self, where: str) -> None:
        too_wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if too_wide > 0:
            widest = self.page.evaluate(WIDEST)
            self.problems.append(f"{where}: scrolls sideways by {too_wide} px: {widest}")

    def _open_details(self, name: str) -> None:
        """Check folded sections too, narrow and dark, where layout problems appear first."""
        if self.page.evaluate("[...document.querySelectorAll('details')].map(d => d.open = true).length"):
            self._save_picture(f"{name}-open")
            self._check_accessibility(f"{name} open")
        self.page.set_viewport_size({"width": 320, "height": 700})
        self._check_width(f"{name} at 320")


def visit_pages(stack: LocalStack, page: Page) -> Iterator[str]:
    """Visit every page except those of products; yield the name of each when it can be taken."""
    merchant = Merchant(stack)
    yield from visit_setup(stack, page, merchant)
    for part in ("worker", "clock"):
        stack.kill(part)
    documents = load_documents(stack, merchant.shop)
    yield from visit_documents(stack, page, documents)
    yield from visit_corrections(stack, page, merchant, documents)
    page.goto(f"{stack.app_url}/nowhere")
    yield "not-found"
    stop_issuing(stack, merchant.shop)
    page.goto(f"{stack.app_url}/")
    yield "home-stopped"


def visit_setup(stack: LocalStack, page: Page, merchant: Merchant) -> Iterator[str]:
    """Visit the pages from the consent to a store that is set up and has no documents."""
    page.goto(f"{stack.admin_url}/admin/{merchant.shop}/apps")
    page.goto(f"{stack.app_url}/")
    yield "consent"
    page.goto(f"{stack.app_url}/install/callback?state=x&code=y")
    yield "refused"
    page.goto(f"{stack.app_url}/install")
    if page.get_by_role("button", name="Yes, Authorize").count():
        page.get_by_role("button", name="Yes, Authorize").click()
    page.wait_for_url("**/welcome")
    yield "welcome"
    page.get_by_role("link", name="Continuar aqui").click()
    yield "setup"
    page.goto(f"{stack.app_url}/setup/keys/igest")
    yield "setup-keys"
    keys = merchant.keys()
    for name, value in keys.items():
        page.fill(f"#f-{name}", value if name != "code" else "0" * 40)
    page.get_by_role("button", name="Guardar e verificar").click()
    yield "setup-keys-refused"
    for name, value in keys.items():
        page.fill(f"#f-{name}", value)
    page.get_by_role("button", name="Guardar e verificar").click()
    page.wait_for_url("**/setup/choices")
    yield "setup-choices"
    page.get_by_role("button", name="Guardar e verificar tudo").click()
    page.wait_for_url("**/setup/check")
    yield "setup-check"
    page.goto(f"{stack.app_url}/documents")
    yield "documents-empty"
    page.goto(f"{stack.app_url}/")
    yield "home-quiet"


def visit_documents(stack: LocalStack, page: Page, documents: Mapping[str, int]) -> Iterator[str]:
    """Visit the first page, the list, each of these documents, and a refused answer about one in review."""
    page.goto(f"{stack.app_url}/")
    yield "home"
    page.goto(f"{stack.app_url}/help")
    yield "help"
    page.goto(f"{stack.app_url}/help/contabilista")
    yield "help-accountant"
    page.goto(f"{stack.app_url}/documents")
    page.locator("#rows input").nth(2).check()
    yield "documents"
    page.goto(f"{stack.app_url}/documents")
    page.locator("#q").fill("ninguem")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/documents?s=*")
    yield "documents-none"
    chosen = "&".join(f"id={documents[name]}" for name in ("nif", "issued", "older"))
    page.goto(f"{stack.app_url}/documents/bulk?do=issue&{chosen}")
    yield "bulk"
    for name, number in documents.items():
        page.goto(f"{stack.app_url}/documents/{number}")
        yield f"document-{name}"
    page.goto(f"{stack.app_url}/documents/{documents['review']}")
    page.fill("#f-number", "abc")
    page.fill("#f-total", "1,00")
    page.get_by_role("button", name="Existe: guardar o número").click()
    yield "document-review-wrong"


def visit_corrections(
    stack: LocalStack, page: Page, merchant: Merchant, documents: Mapping[str, int]
) -> Iterator[str]:
    """Visit credit notes in each way and with each refusal, and previews of documents."""
    issued = f"{stack.app_url}/documents/{documents['issued']}/credit"
    for way in ("all", "lines", "again"):
        page.goto(f"{issued}?what={way}")
        yield f"credit-{way}"
    for way, typed in (
        ("goods", {"#f-q1": "1", "#f-refund": "20,00"}),
        ("money", {"#f-amount": "3,00"}),
        ("stock", {"#f-q1": "1"}),
        ("goods", {"#f-q1": "dois", "#f-refund": "-1"}),
        ("money", {"#f-amount": "1000,00"}),
    ):
        page.goto(f"{issued}?what=lines&way={way}")
        for field, text in typed.items():
            page.fill(field, text)
        if way != "stock":
            with page.expect_navigation():
                page.locator(".review button").evaluate("button => button.click()")
        yield f"credit-{way}" if page.locator("[role=alert]").count() == 0 else f"credit-{way}-wrong"
    page.goto(f"{stack.app_url}/documents/{documents['note']}/credit")
    yield "credit-refused"
    orders = {
        "preview": merchant.place_order(
            lines=[MUG, COURSE], shipping="4.92", coupon="3.00", nif="123456789", pay=True
        ),
        "preview-blocked": merchant.place_order(lines=[MUG], nif="123456780", pay=True),
    }
    waiting = load_waiting_documents(
        stack, merchant.shop, {name: str(order["id"]) for name, order in orders.items()}
    )
    for name, number in waiting.items():
        page.goto(f"{stack.app_url}/documents/{number}/preview")
        yield name
    page.goto(f"{stack.app_url}/documents/{documents['waiting']}/preview")
    yield "preview-missing"


def visit_products(stack: LocalStack, page: Page, code: str = "") -> Iterator[str]:
    """Visit products in every state, the stock history with undo, and the empty list.

    Worker and clock must be stopped. Without a code, a new account of the browser's store is used.
    """
    page.goto(f"{stack.app_url}/products")
    yield "products-new"
    shop = code or Merchant(stack).shop
    ids = load_products(stack, shop, own=bool(code))
    for name, path in {
        "products": "", "products-waiting": "?estado=espera", "products-missing": "?estado=por-criar",
        "products-none": "?q=ninguem", "products-making": "/missing", "products-changes": "/changes",
        "products-run": f"/changes?run={ids['run']}", "products-undo": f"/changes/{ids['by-hand']}/undo",
        "products-undo-run": f"/changes/runs/{ids['run']}/undo",
        "products-too-late": f"/changes/{ids['undone']}/undo", "product-unlimited": f"/{ids['goods-unlimited']}",
    }.items():  # fmt: skip
        page.goto(f"{stack.app_url}/products{path}")
        yield name
    for name in ("sold", "bound", "missing", "refused", "no-sku", "twice", "contested", "stuck", "unsure"):
        page.goto(f"{stack.app_url}/products/{ids[f'goods-{name}']}")
        yield f"product-{name}"
    page.goto(f"{stack.app_url}/products/{ids['goods-missing']}")
    page.get_by_role("button", name="Criar o artigo").click()
    yield "product-missing-wrong"
    page.goto(f"{stack.app_url}/products")
    page.get_by_role("button", name="Comparar agora").click()
    yield "products-running"
    for name in ("midway", "settling", "failed"):
        page.goto("about:blank")  # Otherwise the page's script would reload it at that moment.
        set_run_progress(stack, shop, name)
        page.goto(f"{stack.app_url}/products")
        yield f"products-{name}"
    page.goto(f"{stack.app_url}/")
    yield "home-products"
    page.goto(f"{stack.app_url}/setup/choices#produtos")
    page.locator("#f-stock-to-shop, #f-no_sku-generic").first.check()
    yield "setup-choices-stock"


def visit_phcgo(stack: LocalStack, page: Page) -> Iterator[str]:
    """Visit the keys, settings and products of a second shop, whose invoicing system is PHC GO."""
    merchant = PhcGoMerchant(stack, "quintadaserra")
    page.goto(f"{stack.admin_url}/admin/{merchant.shop}/apps")
    page.goto(f"{stack.app_url}/install")
    page.get_by_role("button", name="Yes, Authorize").click()
    page.wait_for_url("**/welcome")
    page.get_by_role("link", name="Continuar aqui").click()
    page.goto(f"{stack.app_url}/setup/keys/phcgo")
    yield "phcgo-keys"
    for name, value in merchant.keys().items():
        page.fill(f"#f-{name}", value)
    page.get_by_role("button", name="Guardar e verificar").click()
    page.wait_for_url("**/setup/choices")
    yield "phcgo-choices"
    save = page.get_by_role("button", name="Guardar e verificar tudo")
    page.locator("#f-stock-to-shop").check()
    save.click()
    yield "phcgo-choices-wrong"
    page.goto(f"{stack.app_url}/setup/choices")
    save.click()
    page.wait_for_url("**/setup/check")
    yield "phcgo-check"
    for name, number in load_special_documents(stack, merchant.shop).items():
        page.goto(f"{stack.app_url}/documents/{number}")
        yield f"phcgo-document-{name}"
    page.goto(f"{stack.app_url}/documents?t=NE")
    yield "phcgo-documents-notes"
    page.goto(f"{stack.app_url}/")
    yield "phcgo-home"
    yield from (f"phcgo-{name}" for name in visit_products(stack, page, merchant.shop))


def main() -> int:
    """Take all screenshots; return 0 when axe found nothing and no page scrolls sideways."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/shots")
    folder.mkdir(parents=True, exist_ok=True)
    only = sys.argv[2:]
    with tempfile.TemporaryDirectory() as kept, LocalStack(Path(kept)) as stack, sync_playwright() as play:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        with play.chromium.launch(executable_path=path, args=ARGS) as browser:
            page = browser.new_page(locale="pt-PT")
            shots = Screenshots(page, folder)
            for name in chain(
                visit_pages(stack, page), visit_products(stack, page), visit_phcgo(stack, page)
            ):
                if not only or name in only:
                    shots.take(name)
    print("\n".join(dict.fromkeys(shots.problems)) or f"Pictures in {folder}; axe found nothing.")
    return 1 if shots.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
