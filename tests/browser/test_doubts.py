"""Documents in doubt, settled by hand, or of another total, in Chromium; the provider's ledger is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, expect

from dev.merchant import Merchant, wait_until
from tests.databases import DatabaseServer
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.sweep]

CENT_OFF = [{**MUG, "price": "2.055", "qty": 3}, {**MUG, "sku": "TACA-02", "price": "2.892", "qty": 2}, BOOK]
"""Lines that are 27.85 when rounded by rate, and 27.84 when rounded line by line."""


@pytest.fixture(scope="module")
def world(server: DatabaseServer) -> Iterator[StackWorld]:
    with running_world(database_url=server.create_migrated_database()) as world:
        world.merchant(email_buyer="yes")
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.reset_stand_ins()


@pytest.fixture
def page(context: BrowserContext, world: StackWorld, olaria: Merchant) -> Page:
    """Return a page with the merchant's session."""
    page = context.new_page()
    page.goto(f"{world.stack.admin_url}/admin/{olaria.shop}/apps")
    page.goto(f"{world.stack.app_url}/install")
    if page.get_by_role("button", name="Yes, Authorize").count():
        page.get_by_role("button", name="Yes, Authorize").click()
    page.wait_for_url("**/welcome")
    return page


def placed(world: StackWorld, merchant: Merchant, state: str = "issued", **spec: object) -> int:
    """Pay a new order and return its number once it is in this state."""
    order = int(merchant.place_order(**{"lines": [MUG], "pay": True, **spec})["id"])
    world.wait_until_final(merchant, order, state)
    return order


def lost(world: StackWorld, merchant: Merchant, kind: str) -> int:
    """Pay an order whose document is in doubt, as the provider never answered."""
    world.inject_fault("igest", kind=kind)
    return placed(world, merchant, "review")


def opened(page: Page, world: StackWorld, merchant: Merchant, order: int) -> Page:
    """Open the page of that order's document."""
    page.goto(f"{world.stack.app_url}/documents/{world.document_row(merchant, order)['id']}")
    return page


def answer_exists(page: Page, number: str, total: str = "12,30", atcud: str = "") -> None:
    page.get_by_label("Número no iGEST").fill(number)
    page.get_by_label("Total que lá está").fill(total)
    page.get_by_label("ATCUD do documento").fill(atcud)
    page.get_by_role("button", name="Existe: guardar o número").click()


def answer_missing(page: Page, button: str = "Não existe: emitir") -> None:
    page.get_by_label("Procurei no iGEST e esta venda não tem fatura.").check()
    page.get_by_role("button", name=button).click()


def ledger(merchant: Merchant) -> dict[str, list[str]]:
    """Return the numbers of all documents that the provider has issued, by their reference."""
    found: dict[str, list[str]] = {}
    for row in merchant.issued_documents():
        found.setdefault(row["reference"], []).append(row["number"])
    return found


def assert_ledger_grew(
    world: StackWorld, merchant: Merchant, before: dict[str, list[str]], expected: dict[int, str]
) -> None:
    """Assert that since `before` each of these orders, and nothing else, got one document of this number."""
    store = world.database.store(merchant.shop)["id"]
    assert ledger(merchant) == before | {
        f"QI-{store}-{order}": [number] for order, number in expected.items()
    }


def next_numbers(last: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the numbers that will follow this document's in its series, with their ATCUDs."""
    series, _, last_number = last["number"].rpartition("/")
    code = last["atcud"].rpartition("-")[0]
    for number in range(int(last_number) + 1, int(last_number) + 9):
        yield f"{series}/{number}", f"{code}-{number}"


def test_a_wrong_answer_goes_once_the_order_that_has_the_number_is_paid(
    world: StackWorld, olaria: Merchant, page: Page
) -> None:
    known = world.check_document(olaria, placed(world, olaria))
    (first, atcud), (second, _), *_rest = next_numbers(known)
    before = ledger(olaria)
    order = lost(world, olaria, "drop-before")
    opened(page, world, olaria, order)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Não sabemos se o iGEST emitiu")
    assert first not in page.content()
    answer_exists(page, first)
    expect(page.get_by_text("Falta o que só o documento mostra")).to_be_visible()
    answer_exists(page, first, atcud=atcud)
    expect(page.get_by_role("heading", level=1)).to_contain_text(first)
    following = placed(world, olaria)
    opened(page, world, olaria, following)
    expect(page.get_by_role("heading", level=1)).to_contain_text(first)
    expect(page.get_by_text("Igual ao valor pago")).to_be_visible()
    world.wait_until_final(olaria, order, "review")
    opened(page, world, olaria, order)
    expect(page.locator(".lead")).to_contain_text(f"#{following}")
    answer_missing(page)
    world.wait_until_final(olaria, order, "issued")
    opened(page, world, olaria, order)
    expect(page.get_by_role("heading", level=1)).to_contain_text(second)
    assert_ledger_grew(world, olaria, before, {following: first, order: second})


def test_a_wrong_answer_is_undone_before_another_order_needs_the_number(
    world: StackWorld, olaria: Merchant, page: Page
) -> None:
    known = world.check_document(olaria, placed(world, olaria))
    (first, atcud), (second, _), *_rest = next_numbers(known)
    before = ledger(olaria)
    order = lost(world, olaria, "drop-before")
    opened(page, world, olaria, order)
    answer_exists(page, first, atcud=atcud)
    page.get_by_text("Esta ligação está errada: desfazer").click()
    page.get_by_role("button", name="Desfazer a ligação").click()
    expect(page.get_by_text("Ligação desfeita.")).to_be_visible()
    assert ledger(olaria) == before
    following = placed(world, olaria)
    opened(page, world, olaria, order)
    answer_missing(page)
    world.wait_until_final(olaria, order, "issued")
    opened(page, world, olaria, order)
    expect(page.get_by_role("heading", level=1)).to_contain_text(second)
    assert_ledger_grew(world, olaria, before, {following: first, order: second})


def test_an_order_cancelled_while_in_doubt_gets_no_document(
    world: StackWorld, olaria: Merchant, page: Page
) -> None:
    before = ledger(olaria)
    order = lost(world, olaria, "drop-before")
    opened(page, world, olaria, order)
    expect(page.get_by_role("button", name="Não existe: emitir")).to_be_visible()
    olaria.change_order(order, "cancel")
    # The open page updates itself.
    expect(page.get_by_text("Esta encomenda foi cancelada na loja.")).to_be_visible()
    answer_missing(page, "Não existe: fica sem efeito")
    world.wait_until_final(olaria, order, "void")
    opened(page, world, olaria, order)
    expect(page.locator(".page-head")).to_contain_text("Sem efeito")
    following = placed(world, olaria)
    number = world.check_document(olaria, following)["number"]
    assert_ledger_grew(world, olaria, before, {following: number})


def test_a_document_settled_by_hand_says_where_its_pdf_is(
    world: StackWorld, olaria: Merchant, page: Page
) -> None:
    before = ledger(olaria)
    order = lost(world, olaria, "drop-after")
    document = world.check_document(olaria, order)
    opened(page, world, olaria, order)
    answer_exists(page, document["number"], atcud=document["atcud"])
    expect(page.get_by_role("heading", name="Foi registado por si: o PDF está no iGEST")).to_be_visible()
    expect(page.get_by_text("Não temos o PDF, por isso não o enviámos ao cliente.")).to_be_visible()
    expect(page.get_by_role("link", name="Descarregar PDF")).to_have_count(0)
    shown = world.wait_until_shown(olaria, order)["documents"]
    assert len(shown) == 1
    buyer = requests.get(shown[0]["url"], timeout=30)
    assert (buyer.status_code, document["number"] in buyer.text) == (404, True)
    assert "Peça o PDF a" in buyer.text
    page.get_by_role("button", name="Já o enviei").click()
    expect(page.get_by_text("Disse-nos que já o enviou ao cliente.")).to_be_visible()
    expect(page.get_by_role("button", name="Já o enviei")).to_have_count(0)
    row = world.document_row(olaria, order)
    due = f"document_id = {row['id']} AND state = 'due'"
    wait_until(lambda: world.database.count("follow_up", due) == 0, "nothing more to do", TIMEOUT)
    assert mails(world, document["number"]) == []
    assert_ledger_grew(world, olaria, before, {order: document["number"]})


def mails(world: StackWorld, words: str) -> list[dict[str, Any]]:
    """Return the e-mails to the buyer in which these words stand."""
    found = requests.get(f"{world.stack.mailbox_url}/sandbox/messages", timeout=30).json()
    return [
        mail
        for mail in found
        if words in mail["subject"] + mail["text"] and "ana.exemplo@example.pt" in mail["to"]
    ]


def test_a_total_that_is_a_cent_off_stops_the_account_until_the_merchant_decides(
    world: StackWorld, olaria: Merchant, page: Page
) -> None:
    before = ledger(olaria)
    world.set_switch("igest", "rounding", "line")
    order = placed(world, olaria, lines=CENT_OFF)
    (document,) = world.issued_documents(olaria, order)
    assert document["totals"]["gross"] == "27.84"
    waiting = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: world.document_row(olaria, waiting), "the next order is known", TIMEOUT)
    page.goto(world.stack.app_url)
    expect(page.get_by_text("A faturação está parada").first).to_be_visible()
    page.get_by_role("link", name="Comparar e decidir").click()
    figures = page.get_by_role("table", name="Valores enviados").get_by_role("row", name="Total")
    expect(figures).to_contain_text("27,85")
    expect(figures).to_contain_text("27,84")
    expect(page.get_by_text("1 encomenda espera pela sua decisão")).to_be_visible()
    # Nothing but the notice to the merchant is due or done.
    where = (
        f"document_id = {world.document_row(olaria, order)['id']} AND kind IN ('email', 'attach', 'history')"
    )
    assert world.database.count("follow_up", where) == 0
    assert mails(world, document["number"]) == []
    assert world.shop_order(olaria, order)["documents"] == []
    assert world.issued_documents(olaria, waiting) == []
    page.get_by_role("button", name="Estão certos: continuar").click()
    expect(page.get_by_text("Guardado: a faturação continua.")).to_be_visible()
    world.wait_until_final(olaria, waiting, "issued")
    following = world.check_document(olaria, waiting)["number"]
    wait_until(lambda: mails(world, document["number"]), "the mail to the buyer", TIMEOUT)
    assert len(world.wait_until_shown(olaria, order)["documents"]) == 1
    assert_ledger_grew(world, olaria, before, {order: document["number"], waiting: following})
