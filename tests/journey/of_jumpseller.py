"""The journey that brings each switch of the Jumpseller stand-in into play, by the switch's name.

Called by test_switches.py. Each takes the world with the switch in its position, and fails when the road does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from dev.browser import Lost
from dev.merchant import Merchant, until
from tests.journey.living import BOOK, MUG, PATIENCE, RICH, World, come_from_elsewhere

Journey = Callable[[World, str], None]


def both(world: World) -> list[Merchant]:
    """A shop whose prices have VAT inside, and one whose prices have not."""
    return [world.merchants["olariadosado"], world.merchants["quintadaserra"]]


def issued(world: World, *placed: tuple[Merchant, int]) -> None:
    for merchant, order in placed:
        row = world.settled(merchant, order)
        assert row["state"] == "issued", (row["state"], row["reason"], row["detail"])
        assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    for merchant, order in placed:
        world.judged(merchant, order)


def rich(world: World, position: str) -> None:
    """The order with everything in it, in both shops."""
    issued(world, *((m, int(m.order(**RICH)["id"])) for m in both(world)))


def paid_later(world: World, position: str) -> None:
    """The order is placed first and paid afterwards."""
    placed = [(m, int(m.order(**{**RICH, "pay": False})["id"])) for m in both(world)]
    for merchant, order in placed:
        merchant.act(order, "pay")
    issued(world, *placed)


def plain(world: World, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    issued(world, (merchant, int(merchant.order(lines=[MUG, BOOK], pay=True)["id"])))


def shown_once(world: World, position: str) -> None:
    """The answer of showing the document is lost, so that it is shown again: the order has it once."""
    merchant = world.merchants["olariadosado"]
    world.fault("jumpseller", path="/v1/orders", method="POST", kind="500-after", times=2)
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    issued(world, (merchant, order))
    number = str(world.row(merchant, order)["id"])
    until(
        lambda: world.rows.count("follow_up", f"document_id = {number} AND state = 'done'") == 2,
        "follow-ups",
        PATIENCE,
    )
    found = world.shop_order(merchant, order)
    assert len(found["documents"]) == 1
    assert sum("Quick Invoice" in str(line["message"]) for line in found["history"]) == 1


def installed_again(world: World, position: str) -> None:
    """The merchant authorises once more, from another place; the shop stays one row with its hooks."""
    merchant = world.merchants["olariadosado"]
    before = world.rows.count("store")
    come_from_elsewhere(merchant)
    merchant.install()
    assert world.rows.count("store") == before
    plain(world, position)


def not_permitted(world: World, position: str) -> None:
    """A shop that may not authorise apps: the merchant is told, and what was installed goes on."""
    merchant = world.merchants["olariadosado"]
    come_from_elsewhere(merchant)
    if position == "yes":
        merchant.install()
    else:
        with pytest.raises(Lost):
            merchant.install()
        assert merchant.browser.status >= 400 and merchant.browser.text
    plain(world, position)


def token_ran_out(world: World, position: str) -> None:
    """The access token runs out twice, so that the pair of the first refresh is used for the second."""
    for _ in range(2):
        url = f"{world.house.admin_url}/sandbox/shops/olariadosado/expire"
        requests.post(url, json={}, timeout=30).raise_for_status()
        plain(world, position)


def opened_in_the_admin(world: World, position: str) -> None:
    """The address that the admin opens shows this merchant's shop and nobody else's, whatever it carries."""
    merchant = world.merchants["olariadosado"]
    admin = merchant.browser.open(f"{world.house.admin_url}/admin/olariadosado/apps/quick-invoice")
    found = re.search(rf'"({re.escape(world.house.app_url)}/[^"]*)"', admin.body.decode())
    assert found, admin.text
    address = found.group(1).replace("&amp;", "&")
    assert "Olaria do Sado" in merchant.browser.open(address).text
    stranger = world.visitor().browser.open(address)
    assert "Abrir Quick Invoice" in stranger.text and "Olaria" not in stranger.text
    plain(world, position)


def first_install(world: World, position: str) -> None:
    """A shop installs from its list of apps; begun by the platform itself, it is begun anew by the merchant."""
    shop = f"nova{position[:3]}"
    url = f"{world.house.admin_url}/sandbox/shops"
    requests.post(url, json={"code": shop, "name": "Loja Nova"}, timeout=30).raise_for_status()
    merchant = world.visitor(shop)
    browser = merchant.browser.open(f"{world.house.admin_url}/admin/{shop}/apps").follow("Instalar")
    if position == "authorize":
        browser.send("Yes, Authorize", press="Yes, Authorize")
        assert browser.status == 400, "an answer to a question that we never asked was believed"
        browser.follow("Começar de novo")
        if "Yes, Authorize" in browser.text:
            browser.send("Yes, Authorize", press="Yes, Authorize")
        assert "/welcome" in browser.url, browser.text
    else:
        merchant.install()
    merchant.connect()
    merchant.choose(exemption="M07")
    issued(world, (merchant, int(merchant.order(id=9000 + len(position), lines=[MUG], pay=True)["id"])))


def uninstalled_and_back(world: World, position: str) -> None:
    """After an uninstall and a new authorisation each event has one hook of ours."""
    merchant = world.merchants["quintadaserra"]
    url = f"{world.house.admin_url}/sandbox/shops/quintadaserra"
    requests.post(f"{url}/uninstall", json={}, timeout=30).raise_for_status()
    come_from_elsewhere(merchant)
    merchant.install()

    def one_of_each() -> bool:
        hooks = requests.get(url, timeout=30).json()["hooks"]
        ours = [hook["event"] for hook in hooks if world.house.app_url in hook["url"]]
        return bool(ours) and sorted(ours) == sorted(set(ours))

    until(one_of_each, "one hook of each event", PATIENCE)
    issued(world, (merchant, int(merchant.order(lines=[MUG], pay=True)["id"])))


def shipped(world: World, position: str) -> None:
    """The paid order is shipped, which some shops tell as one more payment."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    issued(world, (merchant, order))
    merchant.act(order, "ship")
    world.settled_hooks()
    until(lambda: world.rows.count("hook", "state = 'new'") == 0, "hooks opened", PATIENCE)
    issued(world, (merchant, order))


def three(world: World, position: str) -> None:
    """Three orders: some of their hooks come never, twice, or in any order."""
    merchant = world.merchants["olariadosado"]
    issued(world, *((merchant, int(merchant.order(lines=[MUG], pay=True)["id"])) for _ in range(3)))


def paused(world: World, position: str) -> None:
    """Eight failures pause the hook, which the platform's API does not tell: the next order is found all the same."""
    merchant = world.merchants["olariadosado"]
    url = f"{world.house.admin_url}/sandbox/shops/olariadosado"
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    issued(world, (merchant, order))
    for _ in range(8):
        merchant.act(order, "hook", changes={"signature": "bm9uZQ=="})
    hooks = until(
        lambda: [hook for hook in requests.get(url, timeout=30).json()["hooks"] if hook.get("paused")],
        "paused",
        PATIENCE,
    )
    issued(world, (merchant, int(merchant.order(lines=[MUG], pay=True)["id"])))
    for hook in hooks:
        merchant.browser.open(f"{world.house.admin_url}/admin/olariadosado/hooks")
        requests.post(f"{world.house.admin_url}/admin/olariadosado/hooks/{hook['id']}/resume", timeout=30)
    heard = world.rows.count("hook")
    issued(world, (merchant, int(merchant.order(lines=[MUG], pay=True)["id"])))
    until(lambda: world.rows.count("hook") > heard, "the woken hook", PATIENCE)


def pause_noticed(world: World, position: str) -> None:
    """All hooks are paused: seen in the list where it shows, else by silence; made anew, and the merchant told."""
    merchant = world.merchants["olariadosado"]
    act = f"{world.house.admin_url}/sandbox/shops/olariadosado/pause-hooks"
    world.rows.change(
        "UPDATE store SET hooks_problem = '', hooks_problem_at = NULL, unheard = 0, unheard_at = NULL"
    )
    requests.post(act, json={}, timeout=30).raise_for_status()
    issued(world, (merchant, int(merchant.order(lines=[MUG], pay=True)["id"])))
    if position == "no":
        until(
            lambda: world.rows.store("olariadosado")["unheard"], "an order that no hook announced", PATIENCE
        )
        # as when hours pass without a hook
        for what in ("hook SET received_at", "store SET unheard_at"):
            world.rows.change(f"UPDATE {what} = '2026-01-01 00:00:00' WHERE {what.split()[-1]} IS NOT NULL")
    wanted = {"no": "silent", "yes": "paused"}[position]
    until(
        lambda: world.rows.store("olariadosado")["hooks_problem"] == wanted, f"hooks found {wanted}", PATIENCE
    )
    assert "avisos" in merchant.browser.open(f"{world.house.app_url}/").text
    heard = world.rows.count("hook")
    issued(world, (merchant, int(merchant.order(lines=[MUG], pay=True)["id"])))
    until(lambda: world.rows.count("hook") > heard, "the hook that was made anew", PATIENCE)


def over_the_limit(world: World, position: str) -> None:
    """The shop is called too often when the order is to be read: it waits, and nobody is told to authorise anew."""
    merchant = world.merchants["olariadosado"]
    ban = f"{world.house.admin_url}/sandbox/shops/olariadosado/ban"
    requests.post(ban, json={"seconds": 600}, timeout=30).raise_for_status()
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    until(lambda: world.row(merchant, order).get("reason") == "throttled", "put off", PATIENCE)
    requests.post(ban, json={"seconds": 0}, timeout=30).raise_for_status()
    world.rows.change("UPDATE document SET not_before = NULL WHERE state = 'pending'")
    issued(world, (merchant, order))
    assert world.rows.store("olariadosado")["state"] == "installed"


CASES: dict[str, Journey] = {
    "line-discount": rich,
    "line-tax": rich,
    "order-tax": rich,
    "tax-base": rich,
    "coupon": rich,
    "rate": rich,
    "shop-rounding": rich,
    "created-state": paid_later,
    "completed-at": paid_later,
    "state-history": paid_later,
    "wrapped-store": installed_again,
    "documents-post": shown_once,
    "public-id-slash": shown_once,
    "consent-framed": installed_again,
    "consent-coop": installed_again,
    "consent-again": installed_again,
    "store-permitted": not_permitted,
    "pkce": installed_again,
    "refresh-tokens": token_ran_out,
    "old-access-token": token_ran_out,
    "token-scope": installed_again,
    "token-client": installed_again,
    "app-url-parameters": opened_in_the_admin,
    "app-opens": opened_in_the_admin,
    "install-begins": first_install,
    "hooks-on-uninstall": uninstalled_and_back,
    "paid-on-shipping": shipped,
    "hook-copies": three,
    "hook-losses": three,
    "hook-order": shipped,
    "hook-resume": paused,
    "hook-pause-shown": pause_noticed,
    "rate-limits": rich,
    "limit-answer": over_the_limit,
}
