"""Rows 20 to 30 of the failure table: each answer of an invoicing system, and the resulting state of the document."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dev.factories import make_draft
from dev.torture.plain_provider import PlainProvider
from sandbox.core.server import start
from sandbox.plain.app import create_app
from shopapp import failpoints
from shopapp.documents import issue, merchant_actions, recover
from shopapp.errors import UncertainError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.http_client import HttpClient
from shopapp.jobs import maintenance
from shopapp.models import Account, Document, db, now, set_clock
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests.failure_table.concurrency import expire_everything, use_plain_provider
from tests.fakes import World
from tests.unit.hostile_server import HostileServer, Script, certificate, send_and_close, send_forever


class Killed(BaseException):
    """Raised where a worker is killed with kill -9."""


class Clock:
    """A clock that moves only when the test moves it."""

    def __init__(self) -> None:
        self.now = now()
        set_clock(lambda: self.now)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def lost(draft: Draft, reference: str) -> Issued | None:
    raise UncertainError("outcome-unknown", how="timeout")


def http(status: str, body: bytes, *headers: bytes) -> bytes:
    """Return an answer as it is sent over the wire."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n"
    more = b"".join(header + b"\r\n" for header in headers)
    return head % (status.encode(), len(body)) + more + b"\r\n" + body


def sent_to(app: Flask, world: World, script: Script, number: str) -> tuple[Document, HostileServer]:
    """Return the document of an order sent to a provider with this answer, and that provider."""
    expire_everything()
    server = HostileServer(script)
    use_plain_provider(app, world, server.url.removesuffix("/path"), "by_person")
    world.pay_order(number)
    world.run_due_work()
    server.stop()
    return world.document(number), server


AFTER = ("drop-after", "500-after", "garbage-after", "cut-after", "wrong-type-after")


@pytest.mark.parametrize("promise", ["by_search", "by_key", "by_draft"])
def test_row_20_an_answer_lost_after_issuing_is_found_and_not_sent_twice(
    app: Flask, world: World, tmp_path: Path, promise: str
) -> None:
    program = create_app(tmp_path, promise)
    running = start(program)
    use_plain_provider(app, world, running.url, promise)
    faults, books = program.extensions["faults"], program.extensions["document_ledger"]
    for at, kind in enumerate(AFTER):
        world.pay_order(str(1001 + at))
        faults.configure({"share": 1, "writes": [kind]})
        webhooks.process_next_webhook()
        issue.issue_next_document()
        faults.configure({"share": 0})
        row = world.document(str(1001 + at))
        assert row.state in ("in_doubt", "pending"), kind
        for _ in range(3):
            expire_everything()
            world.run_due_work()
        row = world.document(str(1001 + at))
        assert (row.state, row.number, row.alarm) == ("issued", f"FR 2026P/{at + 1}", ""), kind
    running.stop()
    assert [each["reference"] for each in books.documents] == [
        f"QI-{world.store.id}-{1001 + at}" for at in range(len(AFTER))
    ]


@pytest.mark.parametrize("after", [1, 31, 121, 299])
def test_row_21_a_document_that_appears_until_the_settle_window_is_over_is_found(
    world: World, after: int
) -> None:
    clock = Clock()
    world.provider.guarantee, world.provider.planned_issues = IssueGuarantee.SEARCHABLE, [lost]
    world.pay_order("1001", created_at=clock.now, paid_at=clock.now)
    world.run_due_work()
    row = world.document()
    assert row.state == "in_doubt" and row.draft is not None
    late, began = row.draft, clock.now
    for second in sorted({after, 31, 61, 121, 301, 602, 903}):
        clock.now = began + timedelta(seconds=second)
        if second == after:
            world.provider.record_document(late, row.reference)
        world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def test_row_22_a_search_that_lags_or_fails_leaves_the_document_in_doubt(world: World) -> None:
    clock = Clock()
    world.provider.guarantee = IssueGuarantee.SEARCHABLE

    def hides(draft: Draft, reference: str) -> Issued | None:
        world.provider.record_document(draft, reference)
        world.provider.hidden_references.add(reference)
        raise UncertainError("outcome-unknown", how="cut")

    world.provider.planned_issues = [hides]
    world.provider.search_errors = [UnreachableError("unreachable")] * 2
    world.pay_order("1001", created_at=clock.now, paid_at=clock.now)
    for _ in range(12):
        world.run_due_work()
        assert world.document().state == "in_doubt"
        clock.passes(5)
    world.provider.hidden_references.clear()
    for _ in range(30):
        clock.passes(20)
        world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def test_row_22_a_reference_that_is_merely_like_ours_is_not_ours() -> None:
    like = ("QI-1-120", "QI-1-1", "QI-11-12", "qi-1-12", "QI-2-12", "QI-1-12-credit1", " QI-1-12")
    entries = [
        {"reference": one, "id": str(at), "number": f"FR 1/{at}", "total": "1.00"}
        for at, one in enumerate(like)
    ]
    server = HostileServer(send_and_close(http("200 OK", json.dumps({"documents": entries}).encode())))
    credentials = {"key": "key-of-1", "entity": "1", "promise": "by_search"}
    provider = PlainProvider(credentials, HttpClient(5, True), server.url.removesuffix("/path"), datetime.now)
    assert provider.find_by_reference("QI-1-12", make_draft()) == []
    assert [one.number for one in provider.find_by_reference("QI-1-120", make_draft())] == ["FR 1/0"]
    server.stop()


def test_row_23_six_hours_without_the_provider_cost_few_calls_and_no_document(
    world: World,
) -> None:
    clock, down = Clock(), [True]
    other = world.add_store("other")
    world.add_account(other)
    calls: list[tuple[float, str]] = []
    began = clock.now

    def answers(draft: Draft, reference: str) -> Issued | None:
        calls.append(((clock.now - began).total_seconds(), reference))
        if down[0] and reference.startswith(f"QI-{world.store.id}-"):
            raise UnreachableError("unreachable")
        return None

    world.provider.planned_issues = [answers] * 2000
    for number in range(1001, 1006):
        world.pay_order(str(number), created_at=clock.now, paid_at=clock.now)
    for number in range(6 * 4):
        if number % 8 == 0:
            world.pay_order(str(5001 + number), store=other, created_at=clock.now, paid_at=clock.now)
        world.run_due_work()
        assert number % 8 or world.document(str(5001 + number), other).state == "issued"
        clock.passes(900)
    in_vain = [at for at, reference in calls if reference.startswith(f"QI-{world.store.id}-")]
    assert len(in_vain) < 60, "a program that is down is hammered"
    assert {world.document(str(number)).state for number in range(1001, 1006)} == {"pending"}
    down[0] = False
    for _ in range(4):
        clock.passes(900)
        world.run_due_work()
    assert {world.document(str(number)).state for number in range(1001, 1006)} == {"issued"}


BODIES = {
    "an error": b'{"error": "tente mais tarde"}', "a number that is none": b'{"number": null, "total": "12.30"}',
    "another schema": b'{"data": {"document": {"no": "FR 1/1"}}}', "a list": b"[]", "nothing": b"",
    "a log-in page": b"<!doctype html><title>Entrar</title>", "half": b'{"id": "1", "number": "FR 1/1", "to',
    "a total that is none": b'{"id": "1", "number": "FR 1/1", "total": "NaN?"}', "no total": b'{"id": "1"}',
}  # fmt: skip


def test_row_24_a_200_with_an_unknown_body_puts_the_document_in_doubt(app: Flask, world: World) -> None:
    for at, (name, body) in enumerate(BODIES.items()):
        row, server = sent_to(app, world, send_and_close(http("200 OK", body)), str(1001 + at))
        assert (row.state, row.number, len(server.requests)) == ("review", None, 1), name


def test_row_25_an_endless_answer_ends_in_time_and_in_doubt(app: Flask, world: World) -> None:
    app.config["CALL_SECONDS"] = 1.5
    bomb = gzip.compress(b"\0" * (10 * 1024 * 1024))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    scripts: dict[str, Script] = {
        "dripping": send_forever(head, b" ", pause=0.05),
        "endless": send_forever(head, b" " * 65536),
        "a bomb": send_and_close(http("200 OK", bomb, b"Content-Encoding: gzip")),
    }
    for at, (name, script) in enumerate(scripts.items()):
        row, server = sent_to(app, world, script, str(1001 + at))
        assert (row.state, len(server.requests)) == ("review", 1), name


def test_row_26_a_redirect_is_not_followed_and_leaves_the_document_in_doubt(app: Flask, world: World) -> None:
    other = HostileServer(send_and_close(http("200 OK", b"{}")))
    for at, status in enumerate(("302 Found", "307 Temporary Redirect", "308 Permanent Redirect")):
        answer = http(status, b"", b"Location: " + other.url.encode())
        row, server = sent_to(app, world, send_and_close(answer), str(1001 + at))
        assert (row.state, len(server.requests)) == ("review", 1), status
    other.stop()
    assert other.connections == 0


def test_row_26_an_untrusted_certificate_means_not_sent(app: Flask, world: World, tmp_path: Path) -> None:
    server = HostileServer(send_and_close(http("200 OK", b"{}")), certificate(tmp_path)[0])
    use_plain_provider(app, world, server.url.removesuffix("/path"), "by_person")
    world.pay_order("1001")
    world.run_due_work()
    server.stop()
    row = world.document()
    assert (row.state, row.reason, row.attempt, server.requests) == ("pending", "unreachable", 1, [])
    assert row.frozen is False


def test_row_27_refused_keys_are_tried_once(app: Flask, world: World) -> None:
    server = HostileServer(send_and_close(http("401 Unauthorized", b"{}")))
    use_plain_provider(app, world, server.url.removesuffix("/path"), "by_person")
    for number in range(1001, 1006):
        world.pay_order(str(number))
    for _ in range(4):
        world.run_due_work()
        expire_everything()
    server.stop()
    rows = [world.document(str(number)) for number in range(1001, 1006)]
    assert len(server.requests) <= 3
    assert (
        sorted((row.state, row.reason) for row in rows)
        == [("blocked", "keys-refused")] + [("pending", "")] * 4
    )
    world.account.provider = "fakebooks"
    db.session.refresh(world.account)
    world.account.provider = "fakebooks"
    merchant_actions.resume_account(world.account)
    world.run_due_work()
    assert {world.document(str(number)).state for number in range(1001, 1006)} == {"issued"}


@pytest.mark.parametrize("cents", ["-0.01", "0.01"])
def test_row_28_a_cent_of_difference_is_recorded_with_an_alarm_and_not_sent_again(
    world: World, cents: str
) -> None:
    def differs(draft: Draft, reference: str) -> Issued | None:
        return replace(world.provider.record_document(draft, reference), total=draft.gross + Decimal(cents))

    world.provider.planned_issues = [differs]
    world.pay_order("1001")
    for _ in range(3):
        world.run_due_work()
        expire_everything()
    row = world.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "total-differs")
    assert (row.total, row.provider_total) == (Decimal("12.30"), Decimal("12.30") + Decimal(cents))
    assert len(world.provider.ledger) == 1


@pytest.mark.parametrize(
    "point", ["before_send", "draft_before_record", "draft_after_record", "after_send", "before_settle"]
)
def test_row_29_wherever_a_drafting_worker_dies_one_document_and_no_orphan_draft_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    armed = [point]

    def at(name: str) -> None:
        if name in armed:
            armed.remove(name)
            raise Killed

    monkeypatch.setattr(failpoints, "hit", at)
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    world.pay_order("1001")
    with contextlib.suppress(Killed):
        world.run_due_work()
    assert armed == []
    for _ in range(3):
        expire_everything()
        maintenance.expire_leases()
        expire_everything()
        world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)
    assert world.provider.drafts.keys() <= world.provider.issued.keys()


def test_row_30_a_document_in_doubt_stays_with_the_account_that_it_was_sent_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.provider.guarantee, world.provider.planned_issues = IssueGuarantee.SEARCHABLE, [lost]
    world.pay_order("1001")
    world.run_due_work()
    first, asked = world.account.id, []
    other = Account.connect(world.store, "fakebooks", "another entity")
    other.credentials, other.settings = {"key": "of another"}, dict(world.account.settings)
    db.session.commit()
    opens: Callable[..., Any] = recover.provider_of

    def opened(account: Account, *more: Any) -> Any:
        asked.append(account.id)
        return opens(account, *more)

    monkeypatch.setattr(recover, "provider_of", opened)
    expire_everything()
    world.run_due_work()
    assert (world.document().state, asked) == ("in_doubt", [first])
    row = world.document()
    assert row.draft is not None
    world.provider.record_document(row.draft, row.reference)
    expire_everything()
    world.run_due_work()
    row = world.document()
    assert (row.state, row.account_id, len(world.provider.ledger)) == ("issued", first, 1)
    assert set(asked) == {first}
    world.pay_order("1002")
    world.run_due_work()
    assert world.document("1002").account_id == other.id
