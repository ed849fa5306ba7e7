"""Every page in Chromium: axe finds no problem, no page scrolls sideways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright

from dev.local_stack import LocalStack
from dev.merchant import Merchant
from dev.screenshots import Screenshots, visit_pages, visit_products
from tests.conftest import CHROMIUM_ARGS

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.sweep]


@pytest.fixture(scope="module")
def alone() -> Iterator[LocalStack]:
    """Return a local stack for these tests alone, because they change its data."""
    with LocalStack(clock_scale=60, settings={"WEB_PROCESSES": "1"}) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser_here(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
    yield browser
    browser.close()


@pytest.mark.timeout(400)
def test_axe_finds_no_problem_on_any_page(alone: LocalStack, browser_here: Browser) -> None:
    page = browser_here.new_page(locale="pt-PT")
    shots = Screenshots(page, None, {"narrow": (375, 812)})
    seen = 0
    for name in visit_pages(alone, page):
        shots.take(name)
        seen += 1
    assert seen > 25
    assert not shots.problems, "\n" + "\n".join(dict.fromkeys(shots.problems))


@pytest.mark.timeout(400)
def test_axe_finds_no_problem_on_any_page_of_products(alone: LocalStack, browser_here: Browser) -> None:
    page = signed_in(alone, browser_here)
    # Lists with many columns are also checked at desktop width.
    wide = ("products", "products-waiting", "products-changes", "product-missing", "setup-choices-stock")
    narrow, both = Screenshots(page, None, {"narrow": (375, 812)}), Screenshots(page, None)
    seen = 0
    for name in visit_products(alone, page):
        (both if name in wide else narrow).take(name)
        seen += 1
    assert seen > 20
    wrong = dict.fromkeys([*narrow.problems, *both.problems])
    assert not wrong, "\n" + "\n".join(wrong)


def signed_in(stack: LocalStack, browser: Browser) -> Page:
    """Return a page with the session of the shop's store; worker and clock are stopped."""
    merchant = Merchant(stack)
    page = browser.new_page(locale="pt-PT")
    page.goto(f"{stack.admin_url}/admin/{merchant.shop}/apps")
    page.goto(f"{stack.app_url}/install")
    if page.get_by_role("button", name="Yes, Authorize").count():
        page.get_by_role("button", name="Yes, Authorize").click()
    page.wait_for_url("**/welcome")
    for part in ("worker", "clock"):
        stack.kill(part)
    return page


def test_the_progress_of_a_run_updates_until_the_run_ends(alone: LocalStack, browser_here: Browser) -> None:
    from dev.factories import PROVIDER_LISTS, make_account
    from dev.stock_factories import make_sync_run
    from shopapp import create_app
    from shopapp.models import Store, SyncRun, db, now

    page = signed_in(alone, browser_here)
    with create_app(alone.env).app_context():
        store = Store.find("jumpseller", Merchant(alone).shop)
        assert store is not None
        store.ready_at = store.ready_at or now()
        account = make_account(store, fingerprint="progress", choices={**PROVIDER_LISTS, "articles": True})
        make_sync_run(account, "catalogue")
        run = make_sync_run(account, "create", "open", seen=10, total=100)
        page.goto(f"{alone.app_url}/products")
        assert page.locator("#now progress").get_attribute("value") == "10"
        assert run.save_progress(seen=50)
        db.session.commit()
        page.locator("#now").get_by_text("50 de 100").wait_for()
        assert page.locator("#now progress").get_attribute("value") == "50"
        SyncRun.query.filter_by(id=run.id).one().end("done")
        page.get_by_role("button", name="Comparar agora").wait_for()
        assert page.locator("#now").count() == 0
