"""The journey that brings each switch of the iGEST stand-in into play, by the switch's name.

Called by test_switches.py. Each takes the world with the switch in its position, and fails when the road does not hold.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import requests

from dev.merchant import Merchant, until
from tests.journey.living import BOOK, COURSE, MUG, MUGS, PATIENCE, RICH, World, paid_total
from tests.journey.of_jumpseller import Journey, both, issued, rich


def told(world: World, merchant: Merchant, order: int, state: str, *words: str) -> None:
    """The order rests in this state, nothing was issued for it, and its page says why."""
    row = world.settled(merchant, order)
    assert (row["state"], bool(row["reason"])) == (state, True), (row["state"], row["reason"])
    assert world.sold(merchant, order) == []
    page = merchant.page(order).text
    assert all(word in page for word in words), page


def another_wire(world: World, position: str) -> None:
    """Where our requests are not understood, the order waits for good keys, and then goes on by itself."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.order(**RICH)["id"])
    if position in ("soap", "swapped"):
        told(world, merchant, order, "blocked", "Ligar o iGEST de novo")
        world.set_back()
        merchant.connect()
        world.settled(merchant, order, "issued")
    issued(world, (merchant, order))


def never_seen(world: World, merchant: Merchant, name: str) -> int:
    """An order of one product that the program does not know yet."""
    line = {**MUG, "sku": name, "name": "Nunca vista"}
    return int(merchant.order(lines=[line], pay=True)["id"])


def lists_anew(world: World, merchant: Merchant) -> None:
    """What the account may do is asked anew."""
    world.rows.change("UPDATE account SET choices = '{}'")
    merchant.choose(exemption="M07")


def refused_then_resent(world: World, position: str) -> None:
    """Where articles are looked up, ours is there before the document; else a refused document is resent."""
    merchant = world.merchants["olariadosado"]
    issued(world, (merchant, never_seen(world, merchant, f"FEITO-{position}")))
    world.put("igest", "article-search", "off")
    lists_anew(world, merchant)
    order = never_seen(world, merchant, f"NOVO-{position}")
    if position == "refused":
        told(world, merchant, order, "blocked", "NOVO-refused")
        world.set_back()
        merchant.resend(order)
        world.settled(merchant, order, "issued")
    issued(world, (merchant, order))
    world.set_back()
    lists_anew(world, merchant)


def looked_up_later(world: World, position: str) -> None:
    """While articles can't be looked up, nothing is issued that needs one; afterwards it is, and one is made."""
    merchant = world.merchants["olariadosado"]
    order = never_seen(world, merchant, f"PROCURA-{position}")
    if position == "off":
        until(lambda: world.row(merchant, order).get("reason") == "unreachable", "put off", PATIENCE)
        assert world.sold(merchant, order) == []
        world.set_back()
        world.rows.change("UPDATE document SET not_before = NULL WHERE state = 'pending'")
        world.rows.change("UPDATE account SET paused_until = NULL")
    issued(world, (merchant, order))
    assert articles_made(world, f"PROCURA-{position}") == ["wire"]


def without_article(world: World, position: str) -> None:
    """An article that the program will not make is none; the order is issued all the same."""
    merchant = world.merchants["olariadosado"]
    order = never_seen(world, merchant, f"CRIA-{position}")
    issued(world, (merchant, order))
    (document,) = world.sold(merchant, order)
    made = position == "on"
    assert [line["ref"] for line in document["lines"] if line["description"] == "Nunca vista"] == [
        f"CRIA-{position}" if made else ""
    ]
    assert articles_made(world, f"CRIA-{position}") == ["wire"] * made


def articles_made(world: World, code: str) -> list[str]:
    """Who made the articles of that reference."""
    entries = requests.get(f"{world.house.igest_url}/sandbox/ledger?kind=article", timeout=30).json()
    return [entry["who"] for entry in entries if entry["ref"] == code]


def doubtful(world: World, position: str) -> None:
    """An answer is lost, with and without a document behind it: the merchant looks, says so, and there is one."""
    merchant = world.merchants["olariadosado"]
    for kind in ("drop-after", "drop-before"):
        world.fault("igest", kind=kind)
        order = int(merchant.order(lines=[MUG, BOOK], pay=True)["id"])
        world.settled(merchant, order, "review")
        assert bool(merchant.settle(order)) == (kind == "drop-after")
        world.settled(merchant, order, "issued")
        issued(world, (merchant, order))


def other_lists(world: World, position: str) -> None:
    """The choices can be made with the lists that the program has, and with those that it lacks."""
    merchant = world.merchants["olariadosado"]
    world.rows.change("UPDATE account SET choices = '{}'")
    merchant.choose(exemption="M07")
    issued(world, (merchant, int(merchant.order(**{**RICH, "lines": [MUGS, COURSE]})["id"])))


def too_many_calls(world: World, position: str) -> None:
    """Two minutes of refusals: the order waits, or says that it was refused, and is issued afterwards."""
    merchant = world.merchants["olariadosado"]
    with requests.Session() as many:
        for _ in range(205):
            many.post(f"{world.house.igest_url}/webservice.php", data="<input/>", timeout=30)
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    if position == "http-429":
        until(lambda: world.row(merchant, order).get("reason") == "throttled", "put off", PATIENCE)
    elif position == "erro":
        told(world, merchant, order, "blocked", "Demasiados pedidos")
    if position != "off":
        assert world.sold(merchant, order) == []
        at = requests.get(f"{world.house.igest_url}/sandbox/clock", timeout=30).json()["now"]
        later = datetime.fromisoformat(at) + timedelta(minutes=3)
        set_office_clock(world, now=later.isoformat())
        world.rows.change("UPDATE document SET not_before = NULL WHERE state = 'pending'")
        world.rows.change("UPDATE account SET paused_until = NULL")
        if position == "erro":
            merchant.connect()
        world.settled(merchant, order, "issued")
    issued(world, (merchant, order))


def paper(world: World, position: str) -> None:
    """The PDF, at once and after its address may have run out: the paper, or a page that says when to come back."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    issued(world, (merchant, order))
    pdf = merchant.page(order).url + "/pdf"
    assert merchant.browser.open(pdf).body.startswith(b"%PDF-")
    at = requests.get(f"{world.house.igest_url}/sandbox/clock", timeout=30).json()["now"]
    set_office_clock(world, now=(datetime.fromisoformat(at) + timedelta(minutes=11)).isoformat())
    merchant.browser.open(pdf)
    if position == "expires":
        assert merchant.browser.status >= 400 and "PDF" in merchant.browser.text, merchant.browser.text
    else:
        assert merchant.browser.body.startswith(b"%PDF-")


def to_the_cent_or_said(world: World, position: str) -> None:
    """The document is of what the buyer paid, or its page says by how much it is not."""
    for merchant in both(world):
        order = int(merchant.order(**RICH)["id"])
        row = world.settled(merchant, order, "issued")
        document = world.sold(merchant, order)
        assert len(document) == 1
        theirs = Decimal(document[0]["totals"]["gross"])
        paid = paid_total(world.shop_order(merchant, order))
        assert row["alarm"] == ("" if theirs == paid else "total-differs")
        if theirs != paid:
            page = merchant.page(order).text
            assert all(f"{figure}".replace(".", ",") in page for figure in (theirs, paid)), page


def exempt(world: World, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    issued(world, (merchant, int(merchant.order(lines=[MUGS, COURSE], pay=True)["id"])))


def islands(world: World, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    placed = (merchant.order(**{**RICH, "address": place}) for place in ("madeira", "acores"))
    issued(world, *((merchant, int(order["id"])) for order in placed))


def set_office_clock(world: World, **to: str) -> None:
    requests.post(f"{world.house.igest_url}/sandbox/clock", json=to, timeout=30).raise_for_status()


CASES: dict[str, Journey] = {
    "soap": another_wire,
    "keys": another_wire,
    "time-window": rich,
    "unknown-article": refused_then_resent,
    "article-search": looked_up_later,
    "article-creation": without_article,
    "repeated-reference": doubtful,
    "search-by-reference": doubtful,
    "document-state": doubtful,
    "stock-on-issue": rich,
    "warehouse-list": other_lists,
    "exemption-list": other_lists,
    "rate-limit": too_many_calls,
    "pdf-url": paper,
    "prices": to_the_cent_or_said,
    "rounding": to_the_cent_or_said,
    "code-on-taxed-line": exempt,
    "other-regions": islands,
    "unknown-elements": rich,
}
