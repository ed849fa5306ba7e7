"""Rows 31 to 36 of the failure table: a store's access, install and uninstall. The shop is the sandbox's stand-in.

Rows 31 to 33 are about tokens that expire, which a key never does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from sandbox.core import server
from sandbox.jumpseller import components_of, create_app
from shopapp import failpoints
from shopapp.connections.shop import platform_of
from shopapp.errors import UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance, offboarding
from shopapp.jobs.clock import tick
from shopapp.models import Document, Store, db, now, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.platforms.jumpseller.adapter import SCOPE
from shopapp.providers.base import IssueGuarantee
from tests.failure_table.concurrency import EVERY_PLATFORM, expire_everything, run_concurrently
from tests.failure_table.shopkit_world import ShopkitWorld
from tests.fakes import World

MUG = {"sku": "TACA-01", "name": "Taça", "qty": 1, "price": "12.30", "tax": "IVA 23%"}


class Killed(BaseException):
    """Raised where a worker is killed with kill -9."""


class Shop:
    """The first shop of the stand-in, which serves the world's store; its refresh tokens rotate."""

    def __init__(self, app: Flask, world: World) -> None:
        stand_in = create_app(None, "http://localhost", "http://localhost")
        self.running, self.parts = server.start(stand_in), components_of(stand_in)
        self.parts.switches.set("rate-limits", "off")
        self.world, self.shop = world, self.parts.platform.shops["olariadosado"]
        url = self.running.url
        app.config.update(JUMPSELLER_ACCOUNTS_URL=url, JUMPSELLER_API_URL=f"{url}/v1")
        world.store.platform, world.store.code = "jumpseller", "olariadosado"
        self.authorised()

    def authorised(self) -> None:
        """Authorise as the merchant, so that the store has current tokens."""
        asked = {"scope": SCOPE, "redirect_uri": "http://localhost/install/callback", "code_challenge": ""}
        code = self.parts.oauth_tokens.issue_code(self.shop, asked)
        tokens = self.parts.oauth_tokens.exchange(code, asked["redirect_uri"], None)
        store = Store.install("jumpseller", "olariadosado")
        store.set_tokens(tokens["access_token"], tokens["refresh_token"], 3600)
        store.hooks_checked_at = now()
        db.session.commit()

    def sell(self) -> str:
        """Sell and pay an order, receive its webhook, and return its number."""
        number = self.parts.orders.place(self.shop, {"lines": [MUG], "pay": True})["id"]
        self.world.receive_webhook(str(number))
        return str(number)

    def expires(self, how: str = "expire") -> None:
        """Expire the access token, with `revoke` also the refresh token."""
        self.parts.oauth_tokens.expire(self.shop, how)

    def webhooks(self) -> list[Any]:
        """Return the webhooks that the shop has."""
        return list(self.shop.hooks.values())

    def state(self, number: str) -> str:
        """Return the state of the order's document."""
        return self.world.document(number).state


class KeyShop(Shop):
    """The same at Shopkit, where an access is a key."""

    def __init__(self, world: ShopkitWorld) -> None:
        self.world, self.stand_in, self.shop = world, world.stand_in, world.stand_in.shop

    def authorised(self) -> None:
        """Paste the shop's present key as the merchant."""
        self.world.authorise()

    def sell(self) -> str:
        number = str(1001 + len(self.world.shop.orders))
        self.world.pay_order(number)
        return number

    def expires(self, how: str = "expire") -> None:
        """Have the merchant replace the key, which is then refused."""
        assert how == "revoke", "a key does not expire"
        self.stand_in.parts.state.replace_key(self.shop)

    def webhooks(self) -> list[Any]:
        return list(self.shop.webhooks.values())


@pytest.fixture
def shop(app: Flask, world: World) -> Iterator[Shop]:
    if isinstance(world, ShopkitWorld):
        yield KeyShop(world)
        return
    made = Shop(app, world)
    yield made
    made.running.stop()
    made.parts.close()


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the refresh tokens that were used."""
    spent: list[str] = []
    refresh = Jumpseller.refresh

    def spend(self: Jumpseller, token: str) -> Any:
        spent.append(token)
        return refresh(self, token)

    monkeypatch.setattr(Jumpseller, "refresh", spend)
    return spent


def test_row_31_a_token_that_expires_in_the_middle_is_refreshed_once(
    shop: Shop, refreshed: list[str]
) -> None:
    first = shop.sell()
    shop.world.run_due_work()
    shop.expires()
    second = shop.sell()
    shop.world.run_due_work()
    assert (shop.state(first), shop.state(second), len(refreshed)) == ("issued", "issued", 1)


@pytest.mark.parametrize("hours", [-2, 2])
def test_row_31_a_clock_that_is_hours_off_costs_only_a_refresh(
    shop: Shop, refreshed: list[str], hours: int
) -> None:
    began = now()
    set_clock(lambda: began + timedelta(hours=hours))
    for _ in range(3):
        # When our clock is slow, an expired token looks valid; when it is fast, no token does.
        shop.expires()
        number = shop.sell()
        shop.world.store.ready_at = now() - timedelta(hours=5)
        db.session.commit()
        shop.world.run_due_work()
        assert shop.state(number) == "issued"
    assert len(refreshed) == 3 and shop.world.store.state == "installed"


def test_row_32_sixteen_refreshes_at_once_use_one_refresh_token(
    app: Flask, shop: Shop, refreshed: list[str]
) -> None:
    store_id = shop.world.store.id
    for round_ in (1, 2, 3):
        shop.expires()

        def use() -> str:
            store = db.session.get_one(Store, store_id)
            db.session.commit()
            return platform_of(store).store_info().code

        assert run_concurrently(app, 16, use) == ["olariadosado"] * 16
        assert len(refreshed) == len(set(refreshed)) == round_
    db.session.expire_all()
    assert shop.world.store.state == "installed"


def test_row_33_a_death_between_refresh_and_commit_asks_for_consent_and_loses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed = ["refresh_before_commit"]

    def at(name: str) -> None:
        if name in armed:
            armed.remove(name)
            raise Killed

    monkeypatch.setattr(failpoints, "hit", at)
    shop.expires()
    number = shop.sell()
    with pytest.raises(Killed):
        shop.world.run_due_work()
    db.session.rollback()
    shop.world.store.token_lease_until = now() - timedelta(seconds=1)
    db.session.commit()
    expire_everything()
    shop.world.run_due_work()
    assert (shop.world.store.state, shop.state(number)) == ("reauthorise", "pending")
    _goes_on(shop, number)


@EVERY_PLATFORM
def test_row_34_a_revoked_grant_waits_for_consent_and_then_goes_on_by_itself(shop: Shop) -> None:
    shop.expires("revoke")
    numbers = [shop.sell() for _ in range(3)]
    shop.world.run_due_work()
    assert shop.world.store.state == "reauthorise"
    expire_everything()
    shop.world.run_due_work()
    assert [shop.state(number) for number in numbers] == ["pending"] * 3
    assert shop.world.provider.ledger == []
    _goes_on(shop, *numbers)


def _goes_on(shop: Shop, *numbers: str) -> None:
    """Authorise again as the merchant, and check that every waiting order is issued without further help."""
    shop.authorised()
    expire_everything()
    shop.world.run_due_work()
    assert [shop.state(number) for number in numbers] == ["issued"] * len(numbers)
    assert len(shop.world.provider.ledger) == len(numbers)


@EVERY_PLATFORM
@pytest.mark.parametrize("known", [True, False], ids=["doubt settled", "doubt not to be settled"])
def test_row_35_an_uninstalled_store_has_its_doubts_settled_then_its_secrets_wiped(
    app: Flask, world: World, known: bool
) -> None:
    def lost(draft: Draft, reference: str) -> Issued | None:
        if known:
            world.provider.record_document(draft, reference)
        raise UncertainError("outcome-unknown", how="cut")

    clock = [now()]
    set_clock(lambda: clock[0])
    world.provider.guarantee, world.provider.planned_issues = IssueGuarantee.SEARCHABLE, [lost]
    app.config["SETTLE_SECONDS"] = 1e9
    world.pay_order("1001", created_at=clock[0], paid_at=clock[0])
    world.run_due_work()
    assert world.document().state == "in_doubt"
    world.pay_order("1002")
    offboarding.uninstall_store(world.store)
    world.store.state = "reauthorise"
    db.session.commit()
    world.run_due_work()
    offboarding.uninstall_store(world.store)
    tick(app)
    assert (world.document("1002").state, world.document("1002").reason) == ("void", "uninstalled")
    db.session.refresh(world.account)
    assert world.account.credentials is not None
    assert (world.store.access_token, world.store.refresh_token) == (None, None)
    for _ in range(7):
        clock[0] += timedelta(hours=12)
        world.run_due_work()
        tick(app)
    db.session.refresh(world.account)
    assert world.document().state == ("issued" if known else "review")
    assert world.account.credentials is None and len(world.provider.ledger) == known


@EVERY_PLATFORM
def test_row_36_a_store_installed_three_times_is_one_store(
    shop: Shop,
) -> None:
    first = shop.sell()
    shop.world.run_due_work()
    store_id = shop.world.store.id
    for _ in range(3):
        shop.world.store.state = "uninstalled"
        db.session.commit()
        shop.authorised()
        shop.world.store.hooks_checked_at = None
        db.session.commit()
        maintenance.check_webhooks(3600)
        shop.world.receive_webhook(first, more="again")
        shop.world.run_due_work()
    assert [store.id for store in db.session.query(Store)] == [store_id]
    assert [row.state for row in db.session.query(Document)] == ["issued"]
    assert len(shop.world.provider.ledger) == 1
    hooks = sorted((hook["event"], hook["url"]) for hook in shop.webhooks())
    assert [event for event, _ in hooks] == sorted(PLATFORMS[shop.world.store.platform].events)
    assert all(a != b for a, b in itertools.pairwise(hooks))
