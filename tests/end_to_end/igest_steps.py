"""For each switch of the iGEST stand-in, by its name, the flow in which it matters.

Each function takes the world with the switch in its position, and fails when the app does not cope.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import requests

from dev.merchant import Merchant, wait_until
from tests.end_to_end.order_steps import SwitchSteps, assert_issued, both_shops, full_order
from tests.end_to_end.stack_world import BOOK, COURSE, FULL_ORDER, MUG, MUGS, TIMEOUT, StackWorld, paid_total


def assert_held(world: StackWorld, merchant: Merchant, order: int, state: str, *words: str) -> None:
    """Assert that the order stays in this state, nothing was issued for it, and its page says why."""
    row = world.wait_until_final(merchant, order)
    assert (row["state"], bool(row["reason"])) == (state, True), (row["state"], row["reason"])
    assert world.issued_documents(merchant, order) == []
    page = merchant.open_document(order).text
    assert all(word in page for word in words), page


def wrong_wire_format(world: StackWorld, position: str) -> None:
    """Check that an order waits for good keys while our requests are not understood, and then continues by itself."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(**FULL_ORDER)["id"])
    if position in ("soap", "swapped"):
        assert_held(world, merchant, order, "blocked", "Ligar o iGEST de novo")
        world.reset_stand_ins()
        merchant.connect()
        world.wait_until_final(merchant, order, "issued")
    assert_issued(world, (merchant, order))


def unknown_product(world: StackWorld, merchant: Merchant, name: str) -> int:
    """Sell a product that the provider does not know yet."""
    line = {**MUG, "sku": name, "name": "Nunca vista"}
    return int(merchant.place_order(lines=[line], pay=True)["id"])


def refresh_lists(world: StackWorld, merchant: Merchant) -> None:
    """Read the account's lists again."""
    world.database.execute("UPDATE account SET choices = '{}'")
    merchant.choose(exemption="M07")


def refused_then_retried(world: StackWorld, position: str) -> None:
    """Check that our article is created before the document; without look-ups, resend a refused document."""
    merchant = world.merchants["olariadosado"]
    assert_issued(world, (merchant, unknown_product(world, merchant, f"FEITO-{position}")))
    world.set_switch("igest", "article-search", "off")
    refresh_lists(world, merchant)
    order = unknown_product(world, merchant, f"NOVO-{position}")
    if position == "refused":
        assert_held(world, merchant, order, "blocked", "NOVO-refused")
        world.reset_stand_ins()
        merchant.resend(order)
        world.wait_until_final(merchant, order, "issued")
    assert_issued(world, (merchant, order))
    world.reset_stand_ins()
    refresh_lists(world, merchant)


def lookup_unavailable(world: StackWorld, position: str) -> None:
    """Check that nothing that needs an article is issued while look-ups fail, and that it is afterwards."""
    merchant = world.merchants["olariadosado"]
    order = unknown_product(world, merchant, f"PROCURA-{position}")
    if position == "off":
        wait_until(
            lambda: world.document_row(merchant, order).get("reason") == "unreachable", "put off", TIMEOUT
        )
        assert world.issued_documents(merchant, order) == []
        world.reset_stand_ins()
        world.database.execute("UPDATE document SET not_before = NULL WHERE state = 'pending'")
        world.database.execute("UPDATE account SET paused_until = NULL")
    assert_issued(world, (merchant, order))
    assert article_creators(world, f"PROCURA-{position}") == ["wire"]


def article_refused(world: StackWorld, position: str) -> None:
    """Check that an article refused by the provider does not exist, and that the order is issued without it."""
    merchant = world.merchants["olariadosado"]
    order = unknown_product(world, merchant, f"CRIA-{position}")
    assert_issued(world, (merchant, order))
    (document,) = world.issued_documents(merchant, order)
    made = position == "on"
    assert [line["ref"] for line in document["lines"] if line["description"] == "Nunca vista"] == [
        f"CRIA-{position}" if made else ""
    ]
    assert article_creators(world, f"CRIA-{position}") == ["wire"] * made


def article_creators(world: StackWorld, code: str) -> list[str]:
    """Return who created the articles of that reference."""
    entries = requests.get(f"{world.stack.igest_url}/sandbox/ledger?kind=article", timeout=30).json()
    return [entry["who"] for entry in entries if entry["ref"] == code]


def lost_answers(world: StackWorld, position: str) -> None:
    """Lose an answer, with and without a document behind it: the merchant answers, and one document exists."""
    merchant = world.merchants["olariadosado"]
    for kind in ("drop-after", "drop-before"):
        world.inject_fault("igest", kind=kind)
        order = int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])
        world.wait_until_final(merchant, order, "review")
        assert bool(merchant.resolve_uncertain(order)) == (kind == "drop-after")
        world.wait_until_final(merchant, order, "issued")
        assert_issued(world, (merchant, order))


def other_lists(world: StackWorld, position: str) -> None:
    """Save the settings with the lists that the provider has, and without those that it lacks."""
    merchant = world.merchants["olariadosado"]
    world.database.execute("UPDATE account SET choices = '{}'")
    merchant.choose(exemption="M07")
    assert_issued(
        world, (merchant, int(merchant.place_order(**{**FULL_ORDER, "lines": [MUGS, COURSE]})["id"]))
    )


def too_many_calls(world: StackWorld, position: str) -> None:
    """Refuse every call for two minutes: the order waits, or says that it was refused, and is issued afterwards."""
    merchant = world.merchants["olariadosado"]
    with requests.Session() as many:
        for _ in range(205):
            many.post(f"{world.stack.igest_url}/webservice.php", data="<input/>", timeout=30)
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    if position == "http-429":
        wait_until(
            lambda: world.document_row(merchant, order).get("reason") == "throttled", "put off", TIMEOUT
        )
    elif position == "erro":
        assert_held(world, merchant, order, "blocked", "Demasiados pedidos")
    if position != "off":
        assert world.issued_documents(merchant, order) == []
        at = requests.get(f"{world.stack.igest_url}/sandbox/clock", timeout=30).json()["now"]
        later = datetime.fromisoformat(at) + timedelta(minutes=3)
        set_office_clock(world, now=later.isoformat())
        world.database.execute("UPDATE document SET not_before = NULL WHERE state = 'pending'")
        world.database.execute("UPDATE account SET paused_until = NULL")
        if position == "erro":
            merchant.connect()
        world.wait_until_final(merchant, order, "issued")
    assert_issued(world, (merchant, order))


def pdf_download(world: StackWorld, position: str) -> None:
    """Fetch PDFs before and after their addresses may have expired.

    One that was read before is kept. For the other, the answer is the file, or a page that says when to come back.
    """
    merchant = world.merchants["olariadosado"]
    orders = [int(merchant.place_order(lines=[MUG], pay=True)["id"]) for _ in range(2)]
    for order in orders:
        assert_issued(world, (merchant, order))
    read, unread = (merchant.open_document(order).url + "/pdf" for order in orders)
    assert merchant.browser.open(read).body.startswith(b"%PDF-")
    at = requests.get(f"{world.stack.igest_url}/sandbox/clock", timeout=30).json()["now"]
    set_office_clock(world, now=(datetime.fromisoformat(at) + timedelta(minutes=11)).isoformat())
    assert merchant.browser.open(read).body.startswith(b"%PDF-")
    merchant.browser.open(unread)
    if position == "expires":
        assert merchant.browser.status >= 400 and "PDF" in merchant.browser.text, merchant.browser.text
    else:
        assert merchant.browser.body.startswith(b"%PDF-")


def one_wrong_document_at_most(world: StackWorld, position: str) -> None:
    """Check that of several orders one at most has another amount than was paid, and that all go on afterwards.

    The account stops with that one, its pages say so with both figures, and once the merchant has changed iGEST's
    settings the orders that waited are issued, to the cent.
    """
    for merchant in both_shops(world):
        world.set_switch("igest", "prices" if position in ("net", "gross") else "rounding", position)
        _sell_several(world, merchant)


def _sell_several(world: StackWorld, merchant: Merchant) -> None:
    orders = [int(merchant.place_order(**FULL_ORDER)["id"]) for _ in range(4)]

    def all_issued() -> bool:
        return all(world.document_row(merchant, order).get("state") == "issued" for order in orders)

    wait_until(lambda: _stopped(world) or all_issued(), "stopped or issued", TIMEOUT)
    wrong = [order for order in orders if _differs(world, merchant, order)]
    assert len(wrong) <= 1, wrong
    assert bool(wrong) == bool(_stopped(world))
    if wrong:
        assert "A faturação está parada" in merchant.browser.open(world.stack.app_url).text
        page = merchant.open_document(wrong[0])
        paid = paid_total(world.shop_order(merchant, wrong[0]))
        assert f"{paid}".replace(".", ",") in page.text and "Parámos a faturação" in page.text
        world.reset_stand_ins()
        page.send("Mudei as definições")
        wait_until(all_issued, "the waiting orders go on", TIMEOUT)
    for order in set(orders) - set(wrong):
        world.check_document(merchant, order)


def _stopped(world: StackWorld) -> list[Any]:
    return world.database.select("SELECT id FROM account WHERE differs_document_id IS NOT NULL")


def _differs(world: StackWorld, merchant: Merchant, order: int) -> bool:
    """Return whether the order has one document, of another amount than was paid."""
    documents = world.issued_documents(merchant, order)
    assert len(documents) <= 1
    paid = paid_total(world.shop_order(merchant, order))
    return any(Decimal(document["totals"]["gross"]) != paid for document in documents)


def exempt(world: StackWorld, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUGS, COURSE], pay=True)["id"])))


def island_buyers(world: StackWorld, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    placed = (merchant.place_order(**{**FULL_ORDER, "address": place}) for place in ("madeira", "acores"))
    assert_issued(world, *((merchant, int(order["id"])) for order in placed))


def set_office_clock(world: StackWorld, **to: str) -> None:
    requests.post(f"{world.stack.igest_url}/sandbox/clock", json=to, timeout=30).raise_for_status()


STEPS_BY_SWITCH: dict[str, SwitchSteps] = {
    "soap": wrong_wire_format,
    "keys": wrong_wire_format,
    "time-window": full_order,
    "unknown-article": refused_then_retried,
    "article-search": lookup_unavailable,
    "article-creation": article_refused,
    "repeated-reference": lost_answers,
    "search-by-reference": lost_answers,
    "document-state": lost_answers,
    "stock-on-issue": full_order,
    "warehouse-list": other_lists,
    "exemption-list": other_lists,
    "rate-limit": too_many_calls,
    "pdf-url": pdf_download,
    "prices": one_wrong_document_at_most,
    "rounding": one_wrong_document_at_most,
    "code-on-taxed-line": exempt,
    "other-regions": island_buyers,
    "unknown-elements": full_order,
}
