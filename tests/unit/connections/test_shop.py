"""A store's token is refreshed once for all callers, and a used refresh token never costs the store its access."""

from __future__ import annotations

import contextvars
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from shopapp.connections.http import new_http_client
from shopapp.connections.shop import platform_of, record_lost_access
from shopapp.errors import CredentialsError, StoreAccessError
from shopapp.jobs import offboarding
from shopapp.models import Store, db, now
from tests.fakes import World


def _expires_in(world: World, seconds: float) -> None:
    world.store.token_expires_at = now() + timedelta(seconds=seconds)
    db.session.commit()


def _use(store_id: int) -> None:
    store = db.session.get_one(Store, store_id)
    db.session.commit()
    platform_of(store).store_info()


def test_a_fresh_token_is_used_as_it_is(world: World) -> None:
    _use(world.store.id)
    assert world.shop.refresh_count == 0


def test_a_token_near_its_end_is_refreshed_first(world: World) -> None:
    _expires_in(world, 60)
    _use(world.store.id)
    db.session.expire_all()
    assert (world.shop.refresh_count, world.store.access_token, world.store.refresh_token) == (
        1,
        "access-1",
        "refresh-1",
    )


def test_sixteen_at_once_refresh_once(app: Flask, world: World) -> None:
    _expires_in(world, 60)
    store_id, failed = world.store.id, []
    start = threading.Barrier(16)

    def use() -> None:
        def inside() -> None:
            with app.app_context():
                start.wait()
                try:
                    _use(store_id)
                except Exception as error:  # noqa: BLE001  (the test fails below with what it was)
                    failed.append(repr(error))

        contextvars.Context().run(inside)

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, world.shop.refresh_count) == ([], 1)


def test_a_refused_grant_asks_for_a_new_authorisation(world: World) -> None:
    _expires_in(world, 60)
    world.shop.errors["refresh"] = [CredentialsError("grant-refused")]
    with pytest.raises(CredentialsError):
        _use(world.store.id)
    db.session.expire_all()
    assert world.store.state == "reauthorise"


def test_tokens_stored_by_another_process_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _expires_in(world, 60)
    store_id = world.store.id

    def other_was_faster(self: Any, refresh_token: str) -> Any:
        store = db.session.get_one(Store, store_id)
        store.set_tokens("theirs", "their-refresh", 3600)
        db.session.commit()
        raise CredentialsError("grant-refused")

    monkeypatch.setattr("tests.fakes.FakePlatform.refresh", other_was_faster)
    _use(store_id)
    db.session.expire_all()
    assert (world.store.state, world.store.access_token) == ("installed", "theirs")


def test_a_merchant_who_authorised_meanwhile_is_not_asked_again(world: World) -> None:
    refused = world.store.access_token
    world.store.set_tokens("new", "refresh-new", 3600)
    db.session.commit()
    record_lost_access(world.store, refused)
    assert (world.store.state, world.store.access_token) == ("installed", "new")


def test_a_merchant_whose_token_is_refused_for_good_is_asked_to_authorise(world: World) -> None:
    record_lost_access(world.store, world.store.access_token)
    assert world.store.state == "reauthorise"


def test_no_call_goes_out_while_a_transaction_is_open(world: World) -> None:
    wire = new_http_client()
    db.session.get(Store, world.store.id)
    db.session.execute(db.select(1))
    with pytest.raises(RuntimeError, match="transaction is open"):
        wire.read("GET", "http://127.0.0.1:9/")


def test_an_uninstalled_store_stays_uninstalled_when_a_call_has_no_token(world: World) -> None:
    offboarding.uninstall_store(world.store)
    with pytest.raises(StoreAccessError) as caught:
        _use(world.store.id)
    record_lost_access(world.store, caught.value.refused_token)
    assert world.store.state == "uninstalled"
