"""For each switch of the Jumpseller stand-in, by its name, the flow in which it matters.

Each function takes the world with the switch in its position, and fails when the app does not cope.
"""

from __future__ import annotations

import re

import pytest
import requests

from dev.browser import StepFailed
from dev.merchant import wait_until
from tests.end_to_end.order_steps import ORDER_STEPS, SwitchSteps, assert_issued, both_shops, full_order
from tests.end_to_end.stack_world import BOOK, FULL_ORDER, MUG, TIMEOUT, StackWorld, use_new_address


def paid_later(world: StackWorld, position: str) -> None:
    """Place the order first and pay it afterwards."""
    placed = [(m, int(m.place_order(**{**FULL_ORDER, "pay": False})["id"])) for m in both_shops(world)]
    for merchant, order in placed:
        merchant.change_order(order, "pay")
    assert_issued(world, *placed)


def simple_order(world: StackWorld, position: str) -> None:
    merchant = world.merchants["olariadosado"]
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])))


def attached_once(world: StackWorld, position: str) -> None:
    """Lose the answer to the call that attaches the document, so that it is repeated: the order has it once."""
    merchant = world.merchants["olariadosado"]
    world.inject_fault("jumpseller", path="/v1/orders", method="POST", kind="500-after", times=2)
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert_issued(world, (merchant, order))
    number = str(world.document_row(merchant, order)["id"])
    wait_until(
        lambda: world.database.count("follow_up", f"document_id = {number} AND state = 'done'") == 2,
        "follow-ups",
        TIMEOUT,
    )
    found = world.shop_order(merchant, order)
    assert len(found["documents"]) == 1
    assert sum("Quick Invoice" in str(line["message"]) for line in found["history"]) == 1


def reauthorised(world: StackWorld, position: str) -> None:
    """Authorise again from another place: the shop keeps its one row and its webhooks."""
    merchant = world.merchants["olariadosado"]
    before = world.database.count("store")
    use_new_address(merchant)
    merchant.install()
    assert world.database.count("store") == before
    simple_order(world, position)


def authorisation_denied(world: StackWorld, position: str) -> None:
    """Check that a shop that may not authorise apps shows its merchant why, and that installed shops continue."""
    merchant = world.merchants["olariadosado"]
    use_new_address(merchant)
    if position == "yes":
        merchant.install()
    else:
        with pytest.raises(StepFailed):
            merchant.install()
        assert merchant.browser.status >= 400 and merchant.browser.text
    simple_order(world, position)


def token_expired(world: StackWorld, position: str) -> None:
    """Expire the access token twice, so that the tokens of the first refresh are used for the second one."""
    for _ in range(2):
        url = f"{world.stack.admin_url}/sandbox/shops/olariadosado/expire"
        requests.post(url, json={}, timeout=30).raise_for_status()
        simple_order(world, position)


def opened_in_the_admin(world: StackWorld, position: str) -> None:
    """Check that the address that the admin opens shows only this merchant's shop, whatever parameters it has."""
    merchant = world.merchants["olariadosado"]
    admin = merchant.browser.open(f"{world.stack.admin_url}/admin/olariadosado/apps/quick-invoice")
    found = re.search(rf'"({re.escape(world.stack.app_url)}/[^"]*)"', admin.body.decode())
    assert found, admin.text
    address = found.group(1).replace("&amp;", "&")
    assert "Olaria do Sado" in merchant.browser.open(address).text
    stranger = world.new_merchant().browser.open(address)
    assert "Abrir Quick Invoice" in stranger.text and "Olaria" not in stranger.text
    simple_order(world, position)


def installed_from_app_list(world: StackWorld, position: str) -> None:
    """Install from the shop's list of apps; where the platform itself starts it, the merchant starts it again."""
    shop = f"nova{position[:3]}"
    url = f"{world.stack.admin_url}/sandbox/shops"
    requests.post(url, json={"code": shop, "name": "Loja Nova"}, timeout=30).raise_for_status()
    merchant = world.new_merchant(shop)
    browser = merchant.browser.open(f"{world.stack.admin_url}/admin/{shop}/apps").follow("Instalar")
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
    assert_issued(
        world, (merchant, int(merchant.place_order(id=9000 + len(position), lines=[MUG], pay=True)["id"]))
    )


def reinstalled(world: StackWorld, position: str) -> None:
    """Check that after an uninstall and a new authorisation each event has exactly one webhook of ours."""
    merchant = world.merchants["quintadaserra"]
    url = f"{world.stack.admin_url}/sandbox/shops/quintadaserra"
    requests.post(f"{url}/uninstall", json={}, timeout=30).raise_for_status()
    use_new_address(merchant)
    merchant.install()

    def one_of_each() -> bool:
        hooks = requests.get(url, timeout=30).json()["hooks"]
        ours = [hook["event"] for hook in hooks if world.stack.app_url in hook["url"]]
        return bool(ours) and sorted(ours) == sorted(set(ours))

    wait_until(one_of_each, "one hook of each event", TIMEOUT)
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])))


def shipped(world: StackWorld, position: str) -> None:
    """Ship the paid order, which some shops report as one more payment."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert_issued(world, (merchant, order))
    merchant.change_order(order, "ship")
    world.finished_deliveries()
    wait_until(lambda: world.database.count("hook", "state = 'new'") == 0, "hooks opened", TIMEOUT)
    assert_issued(world, (merchant, order))


def three_orders(world: StackWorld, position: str) -> None:
    """Sell three orders, some of whose webhooks arrive never, twice, or in any order."""
    merchant = world.merchants["olariadosado"]
    assert_issued(
        world, *((merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])) for _ in range(3))
    )


def webhook_paused(world: StackWorld, position: str) -> None:
    """Pause the webhook with eight failures, which the API does not show: the next order is still found."""
    merchant = world.merchants["olariadosado"]
    url = f"{world.stack.admin_url}/sandbox/shops/olariadosado"
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert_issued(world, (merchant, order))
    for _ in range(8):
        merchant.change_order(order, "hook", changes={"signature": "bm9uZQ=="})
    hooks = wait_until(
        lambda: [hook for hook in requests.get(url, timeout=30).json()["hooks"] if hook.get("paused")],
        "paused",
        TIMEOUT,
    )
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])))
    for hook in hooks:
        merchant.browser.open(f"{world.stack.admin_url}/admin/olariadosado/hooks")
        requests.post(f"{world.stack.admin_url}/admin/olariadosado/hooks/{hook['id']}/resume", timeout=30)
    heard = world.database.count("hook")
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])))
    wait_until(lambda: world.database.count("hook") > heard, "the woken hook", TIMEOUT)


def webhook_pause_noticed(world: StackWorld, position: str) -> None:
    """Pause all webhooks: the app sees it in the list or by silence, subscribes again, and notifies the merchant."""
    merchant = world.merchants["olariadosado"]
    act = f"{world.stack.admin_url}/sandbox/shops/olariadosado/pause-hooks"
    world.database.execute(
        "UPDATE store SET hooks_problem = '', hooks_problem_at = NULL, unheard = 0, unheard_at = NULL"
    )
    requests.post(act, json={}, timeout=30).raise_for_status()
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])))
    if position == "no":
        wait_until(
            lambda: world.database.store("olariadosado")["unheard"],
            "an order that no hook announced",
            TIMEOUT,
        )
        # as if hours had passed without a webhook
        for what in ("hook SET received_at", "store SET unheard_at"):
            world.database.execute(
                f"UPDATE {what} = '2026-01-01 00:00:00' WHERE {what.split()[-1]} IS NOT NULL"
            )
    wanted = {"no": "silent", "yes": "paused"}[position]
    wait_until(
        lambda: world.database.store("olariadosado")["hooks_problem"] == wanted,
        f"hooks found {wanted}",
        TIMEOUT,
    )
    assert "avisos" in merchant.browser.open(f"{world.stack.app_url}/").text
    heard = world.database.count("hook")
    assert_issued(world, (merchant, int(merchant.place_order(lines=[MUG], pay=True)["id"])))
    wait_until(lambda: world.database.count("hook") > heard, "the webhook that was created again", TIMEOUT)


def rate_limited(world: StackWorld, position: str) -> None:
    """Reach the shop's rate limit before the order is read: it waits, and the merchant need not authorise again."""
    merchant = world.merchants["olariadosado"]
    ban = f"{world.stack.admin_url}/sandbox/shops/olariadosado/ban"
    requests.post(ban, json={"seconds": 600}, timeout=30).raise_for_status()
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: world.document_row(merchant, order).get("reason") == "throttled", "put off", TIMEOUT)
    requests.post(ban, json={"seconds": 0}, timeout=30).raise_for_status()
    world.database.execute("UPDATE document SET not_before = NULL WHERE state = 'pending'")
    assert_issued(world, (merchant, order))
    assert world.database.store("olariadosado")["state"] == "installed"


STEPS_BY_SWITCH: dict[str, SwitchSteps] = {
    **ORDER_STEPS,
    "created-state": paid_later,
    "completed-at": paid_later,
    "state-history": paid_later,
    "wrapped-store": reauthorised,
    "documents-post": attached_once,
    "public-id-slash": attached_once,
    "consent-framed": reauthorised,
    "consent-coop": reauthorised,
    "consent-again": reauthorised,
    "store-permitted": authorisation_denied,
    "pkce": reauthorised,
    "refresh-tokens": token_expired,
    "old-access-token": token_expired,
    "token-scope": reauthorised,
    "token-client": reauthorised,
    "app-url-parameters": opened_in_the_admin,
    "app-opens": opened_in_the_admin,
    "install-begins": installed_from_app_list,
    "hooks-on-uninstall": reinstalled,
    "paid-on-shipping": shipped,
    "hook-copies": three_orders,
    "hook-losses": three_orders,
    "hook-order": shipped,
    "hook-resume": webhook_paused,
    "hook-pause-shown": webhook_pause_noticed,
    "rate-limits": full_order,
    "limit-answer": rate_limited,
}
