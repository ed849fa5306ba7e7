"""The machine's world: a time that is told, a shop, two invoicing programs, and workers that die or stand still.

Base of the machine in test_machine.py. Fakes only for shop, programs and clock; moves and tables are the real ones.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask import Flask
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import text

from shopapp import fault, followups, issuing, opening, resolving, sweeping
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import (
    CredentialsError,
    RefusedError,
    ThrottledError,
    UncertainError,
    UnreachableError,
)
from shopapp.models import Account, Document, Store, db, set_clock
from shopapp.providers.base import Once
from tests import fakes
from tests.fakes import SHOP, FakeBooks, Office, World, an_order

CALL, LEASE, SETTLE = 45, 120, 300
MOST = 1012
"""The number of the last order of a run."""
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POINTS = (
    "after_take", "before_claim", "after_claim", "before_send", "after_send", "before_settle", "after_settle",
    "draft_before_record", "draft_after_record",
)  # fmt: skip
ANSWERS = (
    "well", "well", "lost", "lost", "lost", "never", "late", "late", "late", "busy", "down", "refused", "keys",
)  # fmt: skip
ACTS: dict[str, Callable[[], object]] = {
    "hook": opening.open_hook, "document": issuing.step, "doubt": resolving.step, "follow-up": followups.step,
    "leases": sweeping.expire_leases, "reconcile": lambda: sweeping.reconcile(600),
    "cancelled": sweeping.notice_cancelled,
}  # fmt: skip
MEANWHILE = (
    (),
    ("document",),
    ("leases", "document"),
    ("cancel", "hook", "document"),
    ("40", "doubt", "document"),
    ("40", "leases", "doubt", "document"),
    ("130", "leases", "40", "doubt", "document", "document"),
    ("130", "leases", "310", "doubt", "document"),
    ("130", "leases", "310", "doubt", "40", "document", "doubt", "document"),
)
"""What others do while a worker stands still; a number is a time that passes."""
OFFICES: dict[str, Office] = {}
"""The programs, by the key of the account there."""


class Killed(BaseException):
    """The worker is gone, as after kill -9: nothing of it runs any more."""


class Books(FakeBooks):
    """The verbs of a program, over the one that the account's key opens."""

    def __init__(self, credentials: Any, wire: Any, now: Any) -> None:
        super().__init__(credentials, wire, now)
        self._office = OFFICES[credentials["key"]]

    @property
    def once(self) -> Once:
        return self._office.promise


def _at_its_own(verb: str) -> Callable[..., Any]:
    """The verb of FakeBooks, carried out at this account's office, whoever else is called meanwhile."""
    act = getattr(FakeBooks, verb)

    def done(self: Books, *given: Any) -> Any:
        former, fakes.OFFICE = fakes.OFFICE, self._office
        try:
            return act(self, *given)
        finally:
            fakes.OFFICE = former

    return done


for _verb in ("issue", "find", "open_draft", "finalise", "finalised", "drop_draft", "drop_drafts"):
    setattr(Books, _verb, _at_its_own(_verb))


class Virtual(RuleBasedStateMachine):
    """One shop, its account with a program that makes one promise, and what befalls whoever works for it."""

    app: Flask
    promise: Once
    acts = ACTS

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.monotonic = 0.0
        self.number = 1000
        self.late: list[tuple[datetime, str, Callable[[], object]]] = []
        """Calls that a program still works on: when, for which reference, what it will do."""
        self.kill_at = ""
        self.sleep_at: tuple[str, tuple[str, ...]] | None = None
        self.digests: dict[int, str] = {}
        set_clock(lambda: self.now)
        with self.app.app_context():
            for statement in self.app.extensions["emptying"]:
                db.session.execute(text(statement))
            db.session.commit()
            OFFICES.clear()
            self.world = World()
            OFFICES["secret"] = fakes.OFFICE
            fakes.OFFICE.promise = self.promise
            series = {"FR": "2026FR", "NC": "2026NC"}
            self.world.account.settings = {**self.world.account.settings, "series": series}
            self.store_id, self.first_account = self.world.store.id, self.world.account.id
            db.session.commit()
        fault.point = self._point
        issuing.time = SimpleNamespace(monotonic=lambda: self.monotonic)  # type: ignore[attr-defined]

    @property
    def random(self) -> random.Random:
        return random.Random(str(self.now) + str(self.number))

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
            if act in self.acts:
                self._do(act)
            elif act == "cancel":
                self._cancel(self.number)
            else:
                self._pass(int(act))

    def _do(self, act: str) -> Any:
        """What the act gives, done by a worker of its own; None when it died over it."""
        with self.app.app_context(), contextlib.suppress(Killed):
            try:
                return self.acts[act]()
            finally:
                db.session.rollback()
        return None

    # the shop

    def _order(self, hook: bool = True, cents: int = 1230) -> None:
        if self.number == MOST:
            return
        self.number += 1
        self._place(str(self.number), Decimal(cents) / 100, self.now)
        if hook:
            with self.app.app_context():
                self.world.hook(str(self.number))

    @staticmethod
    def _place(number: str, price: Decimal, created: datetime) -> None:
        plain = an_order(number, created_at=created)
        line = plain.lines[0]
        SHOP.orders[number] = replace(plain, lines=(replace(line, unit_price=price),), total=price)

    def _cancel(self, number: int, hook: bool = True) -> None:
        SHOP.orders[str(number)] = replace(SHOP.orders[str(number)], status="cancelled")
        if hook:
            with self.app.app_context():
                self.world.hook(str(number), "order_canceled", more=str(self.now))

    # the programs

    def _open_account(self, promise: Once) -> None:
        """The merchant goes over to another program; documents under way stay with the former."""
        key = f"key-{len(OFFICES)}"
        OFFICES[key] = Office(promise=promise)
        with self.app.app_context():
            store = db.session.get_one(Store, self.store_id)
            former = Account.of(store)
            assert former is not None
            account = Account.connected(store, "fakebooks", key)
            account.credentials, account.settings = {"key": key}, dict(former.settings)
            db.session.commit()

    def _answer(
        self, kind: str, sleep: str, meanwhile: tuple[str, ...]
    ) -> Callable[[Draft, str], Issued | None]:
        def answer(draft: Draft, key: str) -> Issued | None:
            office = fakes.OFFICE
            if sleep == "sent":
                # between check and send: no longer than a call may last, where only a window protects
                short = office.promise is Once.BY_SEARCH
                self._sleep(tuple(act for act in meanwhile if act in ACTS) if short else meanwhile)
            if kind in _ERRORS:
                raise _ERRORS[kind]()
            if kind == "late":
                after = timedelta(seconds=self.random.randrange(1, SETTLE - CALL))
                reference = office.drafts[key][0] if office.promise is Once.BY_DRAFT else key
                self.late.append((self.now + after, reference, lambda: _book_if_there(office, draft, key)))
                raise UncertainError("outcome-unknown", how="timeout")
            made = _book(office, draft, key)
            if sleep == "answered":
                self._sleep(meanwhile)
            if kind == "lost":
                raise UncertainError("outcome-unknown", how="timeout")
            return made

        return answer

    # what there is

    def ledger(self) -> list[tuple[str, str, Draft, str]]:
        """Every document that was ever issued: the account's key, our reference, the draft, its number."""
        return [
            (key, reference, draft, f"{draft.kind} 2026{draft.kind}/{at}")
            for key, office in OFFICES.items()
            for at, (reference, draft) in enumerate(office.ledger, 1)
        ]

    def digest(self, draft: Draft) -> str:
        """The draft's digest, reckoned once."""
        if id(draft) not in self.digests:
            self.digests[id(draft)] = draft.digest()
        return self.digests[id(draft)]

    def rows(self) -> list[Any]:
        """Our documents."""
        names = ("order_id", "cause", "reference", "state", "reason", "number", "total", "draft_hash", "alarm",
                 "account_id", "draft_id")  # fmt: skip
        with self.app.app_context():
            found = db.session.query(*(getattr(Document, name) for name in names)).all()
            db.session.rollback()
            return found


_ERRORS: dict[str, Callable[[], Exception]] = {
    "never": lambda: UncertainError("outcome-unknown", how="cut"),
    "busy": lambda: ThrottledError("throttled", retry_after=5.0),
    "down": lambda: UnreachableError("unreachable"),
    "refused": lambda: RefusedError("provider-refused", answer="Série fechada."),
    "keys": lambda: CredentialsError("keys-refused", field="key"),
}


def _book(office: Office, draft: Draft, key: str) -> Issued:
    """The document, as the office makes it of the call or of its draft."""
    if office.promise is not Once.BY_DRAFT:
        return office.book(draft, key)
    if key not in office.made:
        reference, kept = office.drafts[key]
        office.made[key] = office.book(kept, reference)
    return office.made[key]


def _book_if_there(office: Office, draft: Draft, key: str) -> None:
    """Nothing; a draft that was removed meanwhile is not finalised any more."""
    if office.promise is not Once.BY_DRAFT or key in office.drafts or key in office.made:
        _book(office, draft, key)
