"""A machine that lets everything happen in any order, in virtual time: never is a document there twice.

Fakes only for the shop, the invoicing program and the clock; the moves and the tables (SQLite in memory) are the real
ones. A worker may be killed at any named point, or stand still there while others work on. `HYPOTHESIS_PROFILE=nightly`
runs it five thousand times.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shopapp import create_app, deciding, fault, followups, issuing, opening, resolving, sweeping
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import MerchantError, ThrottledError, UncertainError, UnreachableError
from shopapp.models import Document, db, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from shopapp.providers.base import Once
from tests.fakes import OFFICE, SHOP, FakeBooks, FakeShop, World, an_order

CALL, LEASE, SETTLE = 45, 120, 300
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
RUNS, STEPS = (1250, 100) if NIGHTLY else (25, 50)
"""For each of the four promises: more steps take `make test` too long."""
MOST = 1012
"""The number of the last order of a run."""
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POINTS = (
    "after_take", "before_claim", "after_claim", "before_send", "after_send", "before_settle", "after_settle",
    "draft_before_record", "draft_after_record",
)  # fmt: skip
ANSWERS = ("well", "well", "lost", "lost", "never", "late", "late", "busy", "down")
ACTS: dict[str, Callable[[], object]] = {
    "hook": opening.open_hook, "document": issuing.step, "doubt": resolving.step, "follow-up": followups.step,
    "leases": sweeping.expire_leases, "reconcile": lambda: sweeping.reconcile(600),
    "cancelled": sweeping.notice_cancelled,
}  # fmt: skip
MEANWHILE = (
    (),
    ("document",),
    ("leases", "document"),
    ("40", "leases", "doubt", "document"),
    ("130", "leases", "40", "doubt", "document", "document"),
    ("130", "leases", "310", "doubt", "document"),
    ("130", "leases", "310", "doubt", "40", "document", "doubt", "document"),
)
"""What others do while a worker stands still; a number is a time that passes."""


class Killed(BaseException):
    """The worker is gone, as after kill -9: nothing of it runs any more."""


class Machine(RuleBasedStateMachine):
    """One shop, one office with one promise, and workers that die and sleep."""

    app: Flask
    promise: Once

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.monotonic = 0.0
        self.number = 1000
        self.late: list[tuple[datetime, str, Callable[[], object]]] = []
        """Calls that the office still works on: when, for which reference, what it will do."""
        self.kill_at = ""
        self.sleep_at: tuple[str, tuple[str, ...]] | None = None
        set_clock(lambda: self.now)
        with self.app.app_context():
            for table in reversed(db.metadata.sorted_tables):
                db.session.execute(table.delete())
            db.session.commit()
            self.world = World()
            OFFICE.promise = self.promise
        fault.point = self._point
        issuing.time = SimpleNamespace(monotonic=lambda: self.monotonic)  # type: ignore[attr-defined]

    # what time does

    def _pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds
        due = [each for each in self.late if each[0] <= self.now]
        self.late = [each for each in self.late if each[0] > self.now]
        for _, _, act in due:
            act()

    def _point(self, name: str) -> None:
        if self.kill_at == name:
            self.kill_at = ""
            raise Killed
        if self.sleep_at and self.sleep_at[0] == name:
            self._sleep(self.sleep_at[1])

    def _sleep(self, meanwhile: tuple[str, ...]) -> None:
        """This worker stands still; time goes on, and the others work."""
        self.sleep_at = None
        assert not db.session().in_transaction(), "a transaction is open where a worker may stand still"
        self._pass(10)
        self._others(meanwhile)

    def _others(self, acts: tuple[str, ...]) -> None:
        for act in acts:
            if act in ACTS:
                self._do(act)
            else:
                self._pass(int(act))

    def _do(self, act: str) -> None:
        with self.app.app_context(), contextlib.suppress(Killed):
            try:
                ACTS[act]()
            finally:
                db.session.rollback()

    # the shop

    @initialize()
    def begins(self) -> None:
        self.order()

    @rule(hook=st.booleans(), cents=st.integers(100, 9999))
    def paid(self, hook: bool = True, cents: int = 1230) -> None:
        self.order(hook, cents)

    def order(self, hook: bool = True, cents: int = 1230) -> None:
        if self.number == MOST:
            return
        self.number += 1
        with self.app.app_context():
            price = Decimal(cents) / 100
            self._place(str(self.number), price)
            if hook:
                self.world.hook(str(self.number))

    def _place(self, number: str, price: Decimal) -> None:
        plain = an_order(number, created_at=self.now)
        line = plain.lines[0]
        SHOP.orders[number] = replace(plain, lines=(replace(line, unit_price=price),), total=price)

    @rule(pick=st.integers(0, 99), event=st.sampled_from(("order_paid", "order_paid", "order_canceled")))
    def hook_again(self, pick: int, event: str) -> None:
        number = str(1001 + pick % (self.number - 1000))
        if event == "order_canceled" and SHOP.orders[number].status == "paid":
            return
        with self.app.app_context():
            self.world.hook(number, event, more=str(self.random.random()))

    @property
    def random(self) -> random.Random:
        return random.Random(str(self.now) + str(self.number))

    @rule(pick=st.integers(0, 3), cents=st.integers(100, 9999))
    def edited(self, pick: int, cents: int) -> None:
        open_orders = [number for number, state, *_ in self._rows() if state != "issued"]
        if open_orders:
            number = open_orders[pick % len(open_orders)]
            created = SHOP.orders[number].created_at
            self._place(number, Decimal(cents) / 100)
            SHOP.orders[number] = replace(SHOP.orders[number], created_at=created, paid_at=created)

    # the workers and the clock

    @rule(acts=st.sampled_from(MEANWHILE))
    def goes_on(self, acts: tuple[str, ...]) -> None:
        self._others(acts)

    @rule(act=st.sampled_from(tuple(ACTS)), seconds=st.sampled_from((0, 0, 40, 310)))
    def work(self, act: str, seconds: int) -> None:
        self._pass(seconds)
        self._do(act)

    @rule(
        answer=st.sampled_from(ANSWERS), kill=st.sampled_from(("",) * 8 + POINTS),
        sleep=st.sampled_from(("",) * 4 + (*POINTS, "sent", "answered")), meanwhile=st.sampled_from(MEANWHILE),
        which=st.sampled_from(("document", "document", "doubt")), fresh=st.booleans(),
    )  # fmt: skip
    def odd_step(
        self, answer: str, kill: str, sleep: str, meanwhile: tuple[str, ...], which: str, fresh: bool
    ) -> None:
        """One step of a worker in which the office answers oddly, the worker dies, or stands still."""
        if fresh:
            self.order()
        for _ in range(2):
            self._do("hook")
        OFFICE.next = [self._answer(answer, sleep, meanwhile)]
        self.kill_at = kill
        self.sleep_at = (sleep, meanwhile) if sleep in POINTS else None
        self._do(which)
        OFFICE.next, self.kill_at, self.sleep_at = [], "", None

    def _answer(
        self, kind: str, sleep: str, meanwhile: tuple[str, ...]
    ) -> Callable[[Draft, str], Issued | None]:
        def answer(draft: Draft, key: str) -> Issued | None:
            if sleep == "sent":
                # between check and send: no longer than a call may last, where only a window protects
                short = self.promise is Once.BY_SEARCH
                self._sleep(tuple(act for act in meanwhile if act in ACTS) if short else meanwhile)
            if kind == "never":
                raise UncertainError("outcome-unknown", how="cut")
            if kind == "busy":
                raise ThrottledError("throttled", retry_after=5.0)
            if kind == "down":
                raise UnreachableError("unreachable")
            if kind == "late":
                after = timedelta(seconds=self.random.randrange(1, SETTLE - CALL))
                self.late.append((self.now + after, self._reference(key), lambda: self._book(draft, key)))
                raise UncertainError("outcome-unknown", how="timeout")
            made = self._book(draft, key)
            if sleep == "answered":
                self._sleep(meanwhile)
            if kind == "lost":
                raise UncertainError("outcome-unknown", how="timeout")
            return made

        return answer

    def _reference(self, key: str) -> str:
        return OFFICE.drafts[key][0] if self.promise is Once.BY_DRAFT else key

    def _book(self, draft: Draft, key: str) -> Issued:
        if self.promise is not Once.BY_DRAFT:
            return OFFICE.book(draft, key)
        if key not in OFFICE.made:
            reference, kept = OFFICE.drafts[key]
            OFFICE.made[key] = OFFICE.book(kept, reference)
        return OFFICE.made[key]

    # the merchant

    @rule(pick=st.integers(0, 99))
    def decides(self, pick: int) -> None:
        with self.app.app_context():
            rows = db.session.query(Document).filter(Document.state.in_(("review", "blocked"))).all()
            if rows:
                self._decide(rows[pick % len(rows)])
            db.session.rollback()

    def _decide(self, row: Document) -> None:
        if any(reference == row.reference for _, reference, _ in self.late):
            return  # a person who looks while the office still works on it can err: nothing is promised there
        if row.state == "blocked":
            deciding.issue(row)
            return
        made = [
            (at, draft)
            for at, (reference, draft) in enumerate(OFFICE.ledger, 1)
            if reference == row.reference
        ]
        try:
            if made:
                at, draft = made[0]
                deciding.exists(row, f"{draft.kind} 2026{draft.kind}/{at}", draft.gross)
            else:
                deciding.absent(row)
        except (MerchantError, deciding.AlreadyMoved):
            db.session.rollback()

    # what must hold

    @invariant()
    def nothing_is_there_twice(self) -> None:
        references = [reference for reference, _ in OFFICE.ledger]
        assert len(references) == len(set(references)), references

    @invariant()
    def what_is_recorded_is_true(self) -> None:
        ledger = {
            f"{one.kind} 2026{one.kind}/{at}": (ref, one) for at, (ref, one) in enumerate(OFFICE.ledger, 1)
        }
        with self.app.app_context():
            for row in db.session.query(Document).filter(Document.state == "issued"):
                assert row.number in ledger, f"{row.number} was never issued"
                reference, draft = ledger[row.number]
                assert reference == row.reference
                assert row.draft_hash == draft.digest(), "what is recorded is not what was sent"
                assert row.total == draft.gross
                assert row.alarm in ("", "cancelled-after", "changed-after"), f"{row.alarm} though all is well"
            db.session.rollback()

    def teardown(self) -> None:
        """Nothing goes wrong any more: everything comes to rest, one document for each paid order."""
        for _ in range(40):
            self._pass(130)
            for act in ("reconcile", "leases", "hook", *("document", "doubt") * 4):
                self._do(act)
            for pick in range(4):
                self.decides(pick)
            if not self.late and self._at_rest():
                break
        self.nothing_is_there_twice()
        self.what_is_recorded_is_true()
        assert self._at_rest(), self._rows()

    def _at_rest(self) -> bool:
        rows = self._rows()
        return len(rows) == self.number - 1000 and all(state == "issued" for _, state, *_ in rows)

    def _rows(self) -> list[tuple[Any, ...]]:
        with self.app.app_context():
            found = [
                (row.order_id, row.state, row.reason, row.attempt, row.draft_id)
                for row in db.session.query(Document)
            ]
            db.session.rollback()
            return found


@pytest.fixture(scope="module")
def in_memory(settings: dict[str, str]) -> Iterator[Flask]:
    """The app on SQLite in memory, with the fakes outside."""
    app = create_app({**settings, "DATABASE_URL": "sqlite://"})
    point, clock = fault.point, issuing.time  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setitem(PLATFORMS, "fakeshop", FakeShop)
        patch.setitem(PROVIDERS, "fakebooks", FakeBooks)
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()
    fault.point, issuing.time = point, clock  # type: ignore[attr-defined]
    set_clock(None)


@pytest.mark.parametrize("promise", Once, ids=lambda once: once.value)
def test_whatever_happens_there_is_one_document_for_each_paid_order(in_memory: Flask, promise: Once) -> None:
    machine = type("Machine", (Machine,), {"app": in_memory, "promise": promise})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )  # fmt: skip
