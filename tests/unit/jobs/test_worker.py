"""A job does due work in turns, and survives a busy database."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dev.servers import Valkey
from shopapp.documents import followups, issue
from shopapp.jobs import worker
from shopapp.jobs.queue import WorkQueue
from shopapp.jobs.worker import drain_due_work, run_job
from shopapp.models import FollowUp, Webhook, db
from shopapp.orders import webhooks
from tests.fakes import World


def test_endless_webhooks_do_not_keep_a_document_from_being_issued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    assert webhooks.process_next_webhook() is True
    issued, step = [], issue.issue_next_document

    def stepped() -> bool:
        issued.append(step())
        return issued[-1]

    monkeypatch.setattr(webhooks, "process_next_webhook", lambda: not issued)
    monkeypatch.setattr(issue, "issue_next_document", stepped)
    monkeypatch.setattr(worker, "WEBHOOK_SECONDS", 0.05)
    drain_due_work(time.monotonic() + 20)
    assert issued[0] is True
    assert world.document("1001").state == "issued"


def test_stores_take_turns_however_many_webhooks_one_has(world: World) -> None:
    small, other = world.add_store("small"), world.add_store("other")
    for number in range(1001, 1007):
        world.pay_order(str(number))
    world.pay_order("2001", store=small)
    world.pay_order("3001", store=other)
    for _ in range(3):
        assert webhooks.process_next_webhook() is True
    opened = db.session.scalars(select(Webhook.store_id).where(Webhook.state == "opened"))
    assert sorted(opened) == [world.store.id, small.id, other.id]


def test_stores_take_turns_however_many_follow_ups_one_has(world: World) -> None:
    small = world.add_store("small")
    world.add_account(small)
    for number in range(1001, 1005):
        world.pay_order(str(number))
    world.pay_order("2001", store=small)
    while webhooks.process_next_webhook() or issue.issue_next_document():
        pass
    for _ in range(2):
        assert followups.run_next_followup() is True
    done = db.session.scalars(select(FollowUp.store_id).where(FollowUp.state == "done"))
    assert sorted(done) == [world.store.id, small.id]


def test_a_job_goes_on_when_the_database_was_busy_for_a_moment(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    busy, opens = ["busy", "still busy"], webhooks.process_next_webhook

    def opened() -> bool:
        if busy:
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception(busy.pop()))
        return opens()

    monkeypatch.setattr(webhooks, "process_next_webhook", opened)
    monkeypatch.setattr(worker, "_app", app)
    monkeypatch.setattr(worker, "_BUSY_RETRY_SECONDS", 0)
    run_job()
    assert world.document("1001").state == "issued"


def test_a_job_ends_quietly_when_the_database_stays_away(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> bool:
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    for name in ("drain_due_work", "has_work"):
        monkeypatch.setattr(worker, name, away)
    monkeypatch.setattr(worker, "_app", app)
    monkeypatch.setattr(worker, "_BUSY_RETRY_SECONDS", 0)
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.05)
    run_job()


def test_workers_are_notified_at_once_after_redis_is_back(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.start()
    try:
        work_queue = WorkQueue(valkey.url, 2, 60)
        assert work_queue.notify_now() is True
        valkey.kill()
        assert work_queue.notify_now() is False
        valkey.start()
        assert work_queue.notify_now() is True
        valkey.kill()
        valkey.start()
        # Nothing was sent during the outage, so the queue still believes its connection to be open.
        assert work_queue.notify_now() is True
    finally:
        valkey.stop()
