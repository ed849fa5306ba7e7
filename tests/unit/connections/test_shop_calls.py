"""A shop's calls an hour are counted for all processes together."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from shopapp.connections import shop_calls
from shopapp.connections.shop import platform_of
from shopapp.connections.shop_calls import ShopCalls
from shopapp.errors import ThrottledError
from shopapp.models import db
from tests.fakes import FakePlatform, World

NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def shop() -> int:
    """A store id that no other test counts."""
    return uuid.uuid4().int % 10**9


@pytest.fixture
def processes(app: Flask) -> tuple[ShopCalls, ShopCalls]:
    """The counts as two processes of the app have them."""
    url = app.config["REDIS_URL"]
    return ShopCalls(url), ShopCalls(url)


def _calls(counts: ShopCalls, shop: int, times: int, purpose: str, per_hour: int = 20) -> int:
    """Return how many of so many calls may be made."""
    made = 0
    for _ in range(times):
        try:
            counts.take(shop, per_hour, purpose)  # type: ignore[arg-type]
        except ThrottledError as error:
            assert error.code == "shop-calls-used" and 1 <= (error.retry_after or 0) <= 3600
        else:
            made += 1
    return made


def test_processes_share_the_limit_and_the_last_tenth_is_for_issuing(
    processes: tuple[ShopCalls, ShopCalls], shop: int
) -> None:
    one, other = processes
    assert _calls(one, shop, 10, "comfort") == 10
    assert _calls(other, shop, 10, "comfort") == 8
    assert _calls(one, shop, 5, "issuing") == 2
    assert _calls(other, shop + 1, 1, "comfort") == 1, "another shop has calls of its own"


def test_nobody_calls_before_the_time_that_the_shop_told(
    processes: tuple[ShopCalls, ShopCalls], shop: int
) -> None:
    one, other = processes
    one.pause(shop, 600)
    with pytest.raises(ThrottledError) as raised:
        other.take(shop, 20, "issuing")
    assert 500 < (raised.value.retry_after or 0) <= 600
    one.pause(shop, 20)
    with pytest.raises(ThrottledError) as raised:
        other.take(shop, 20, "issuing")
    assert (raised.value.retry_after or 0) <= 20


def test_without_redis_a_process_counts_alone_and_uses_less(shop: int) -> None:
    alone = ShopCalls(NO_REDIS)
    assert _calls(alone, shop, 100, "issuing", per_hour=200) == 20
    alone.pause(shop, 60)
    assert _calls(alone, shop, 1, "issuing", per_hour=100_000) == 0


def test_an_answer_above_the_limit_stops_the_stores_other_calls(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch, shop: int
) -> None:
    monkeypatch.setattr(FakePlatform, "calls_per_hour", 50)
    monkeypatch.setitem(app.extensions, "shop_calls", ShopCalls(NO_REDIS))
    world.shop.errors["taxes"] = [ThrottledError("throttled", retry_after=300)]
    platform = platform_of(world.store)
    db.session.commit()
    with pytest.raises(ThrottledError):
        platform.taxes()
    world.pay_order()
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason, "order" in world.shop.calls) == ("pending", "shop-calls-used", False)
    assert row.not_before is not None


def test_issuing_goes_on_when_other_work_must_wait(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePlatform, "calls_per_hour", 1000)
    counts = ShopCalls(NO_REDIS)
    monkeypatch.setitem(app.extensions, "shop_calls", counts)
    assert _calls(counts, world.store.id, 200, "comfort", per_hour=1000) == 90
    world.pay_order()
    world.run_due_work()
    assert world.document().state == "issued" and "attach" not in world.shop.calls


def test_a_platform_without_such_a_limit_is_not_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_calls, "shop_calls", lambda: pytest.fail("counted"))
    world.pay_order()
    world.run_due_work()
    assert world.document().state == "issued"
