"""A worker's job: what it does in which order, and what does not end it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dev.servers import Valkey
from shopapp import followups, issuing, jobs, opening
from shopapp.models import FollowUp, Hook, db
from tests.fakes import World


def test_hooks_without_end_do_not_keep_a_document_from_being_issued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.paid("1001")
    assert opening.open_hook() is True
    issued, step = [], issuing.step

    def stepped() -> bool:
        issued.append(step())
        return issued[-1]

    monkeypatch.setattr(opening, "open_hook", lambda: not issued)
    monkeypatch.setattr(issuing, "step", stepped)
    monkeypatch.setattr(jobs, "OPEN_SECONDS", 0.05)
    jobs.loop(time.monotonic() + 20)
    assert issued[0] is True
    assert world.document("1001").state == "issued"


def test_the_stores_take_turns_however_many_hooks_one_of_them_has(world: World) -> None:
    small, other = world.add_store("small"), world.add_store("other")
    for number in range(1001, 1007):
        world.paid(str(number))
    world.paid("2001", store=small)
    world.paid("3001", store=other)
    for _ in range(3):
        assert opening.open_hook() is True
    opened = db.session.scalars(select(Hook.store_id).where(Hook.state == "opened"))
    assert sorted(opened) == [world.store.id, small.id, other.id]


def test_the_stores_take_turns_however_much_is_owed_to_one_of_them(world: World) -> None:
    small = world.add_store("small")
    world.add_account(small)
    for number in range(1001, 1005):
        world.paid(str(number))
    world.paid("2001", store=small)
    while opening.open_hook() or issuing.step():
        pass
    for _ in range(2):
        assert followups.step() is True
    done = db.session.scalars(select(FollowUp.store_id).where(FollowUp.state == "done"))
    assert sorted(done) == [world.store.id, small.id]


def test_a_job_goes_on_when_the_database_was_busy_for_a_moment(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.paid("1001")
    busy, opens = ["busy", "still busy"], opening.open_hook

    def opened() -> bool:
        if busy:
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception(busy.pop()))
        return opens()

    monkeypatch.setattr(opening, "open_hook", opened)
    monkeypatch.setattr(jobs, "_app", app)
    monkeypatch.setattr(jobs, "_BUSY_PAUSE", 0)
    jobs.work()
    assert world.document("1001").state == "issued"


def test_a_job_ends_quietly_when_the_database_stays_away(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> bool:
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    for name in ("loop", "_more"):
        monkeypatch.setattr(jobs, name, away)
    monkeypatch.setattr(jobs, "_app", app)
    monkeypatch.setattr(jobs, "_BUSY_PAUSE", 0)
    monkeypatch.setattr(jobs, "LOOP_SECONDS", 0.05)
    jobs.work()


def test_the_bell_rings_at_once_after_redis_came_back(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.start()
    try:
        bell = jobs.Bell(valkey.url, 2, 60)
        assert bell.ring_now() is True
        valkey.kill()
        assert bell.ring_now() is False
        valkey.start()
        assert bell.ring_now() is True
        valkey.kill()
        valkey.start()
        # nobody rang while it was away: the connection looks whole
        assert bell.ring_now() is True
    finally:
        valkey.stop()
