"""The base of the state machines: virtual time, a shop, providers, and workers that die or freeze.

Only shop, providers and clock are fakes; the code of the app and its tables are the real ones.
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

from shopapp import failpoints
from shopapp.connections import send_window
from shopapp.documents import followups, issue, recover
from shopapp.errors import CredentialsError, RefusedError, ThrottledError, UncertainError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance
from shopapp.models import Account, Document, Store, db, set_clock
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests import fakes
from tests.fakes import PLATFORM_STATE, FakeProvider, ProviderState, World, paid_order

CALL, LEASE, SETTLE = 45, 120, 300
LAST_ORDER = 1012
"""The number of the last order of one run."""
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAILPOINTS = (
    "after_take", "before_claim", "after_claim", "before_send", "after_send", "before_settle", "after_settle",
    "draft_before_record", "draft_after_record",
)  # fmt: skip
ANSWERS = (
    "well", "well", "lost", "lost", "lost", "never", "late", "late", "late", "busy", "down", "refused", "keys",
)  # fmt: skip
MACHINE_STEPS: dict[str, Callable[[], object]] = {
    "hook": webhooks.process_next_webhook,
    "document": issue.issue_next_document,
    "doubt": recover.recover_next_document,
    "follow-up": followups.run_next_followup,
    "leases": maintenance.expire_leases,
    "reconcile": lambda: maintenance.poll_due_stores(600),
    "cancelled": maintenance.flag_cancelled,
}
OTHER_WORK = (
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
"""Work that other workers do while one is frozen; a number is the seconds that pass."""
PROVIDER_STATES: dict[str, ProviderState] = {}
"""The providers, by the key in the account's credentials."""


class Killed(BaseException):
    """Raised where a worker is killed; a BaseException, so that no handler of ours runs."""


class RoutedProvider(FakeProvider):
    """A fake provider that works on the state of the account whose key it was given."""

    def __init__(self, credentials: Any, wire: Any, now: Any) -> None:
        super().__init__(credentials, wire, now)
        self._state = PROVIDER_STATES[credentials["key"]]

    @property
    def guarantee(self) -> IssueGuarantee:
        return self._state.guarantee


def _route_to_account(method: str) -> Callable[..., Any]:
    """Return the method of FakeProvider, run on the state of its own account."""
    act = getattr(FakeProvider, method)

    def call(self: RoutedProvider, *given: Any) -> Any:
        former, fakes.PROVIDER_STATE = fakes.PROVIDER_STATE, self._state
        try:
            return act(self, *given)
        finally:
            fakes.PROVIDER_STATE = former

    return call


for _method in (
    "issue",
    "find_by_reference",
    "open_draft",
    "finalise",
    "finalised_document",
    "drop_draft",
    "drop_drafts",
):
    setattr(RoutedProvider, _method, _route_to_account(_method))


class DocumentMachine(RuleBasedStateMachine):
    """One shop, its account at a provider with one guarantee, and the workers."""

    app: Flask
    guarantee: IssueGuarantee
    steps = MACHINE_STEPS

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.monotonic = 0.0
        self.number = 1000
        self.late_calls: list[tuple[datetime, str, Callable[[], object]]] = []
        """Calls that a provider still works on: when they take effect, the reference, the effect."""
        self.kill_at = ""
        self.sleep_at: tuple[str, tuple[str, ...]] | None = None
        self.digests: dict[int, str] = {}
        set_clock(lambda: self.now)
        with self.app.app_context():
            for statement in self.app.extensions["emptying"]:
                db.session.execute(text(statement))
            db.session.commit()
            PROVIDER_STATES.clear()
            self.world = World()
            PROVIDER_STATES["secret"] = fakes.PROVIDER_STATE
            fakes.PROVIDER_STATE.guarantee = self.guarantee
            series = {"FR": "2026FR", "NC": "2026NC"}
            self.world.account.settings = {**self.world.account.settings, "series": series}
            self.store_id, self.first_account = self.world.store.id, self.world.account.id
            db.session.commit()
        failpoints.hit = self._hit_failpoint
        for module in (issue, send_window):
            module.time = SimpleNamespace(monotonic=lambda: self.monotonic)  # type: ignore[attr-defined]

    @property
    def random(self) -> random.Random:
        return random.Random(str(self.now) + str(self.number))

    # Time

    def _advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds
        due = [each for each in self.late_calls if each[0] <= self.now]
        self.late_calls = [each for each in self.late_calls if each[0] > self.now]
        for _, _, act in due:
            act()

    def _hit_failpoint(self, name: str) -> None:
        if self.kill_at == name:
            self.kill_at = ""
            raise Killed
        if self.sleep_at and self.sleep_at[0] == name:
            self._pause_worker(self.sleep_at[1])

    def _pause_worker(self, meanwhile: tuple[str, ...]) -> None:
        """Freeze this worker while time passes and the others work."""
        self.sleep_at = None
        assert not db.session().in_transaction(), "a transaction is open where a worker may be frozen"
        self._advance(10)
        self._run_others(meanwhile)

    def _run_others(self, acts: tuple[str, ...]) -> None:
        for act in acts:
            if act in self.steps:
                self._run_step(act)
            elif act == "cancel":
                self._cancel(self.number)
            else:
                self._advance(int(act))

    def _run_step(self, act: str) -> Any:
        """Run the step in a new worker and return its result; None when the worker was killed."""
        with self.app.app_context(), contextlib.suppress(Killed):
            try:
                return self.steps[act]()
            finally:
                db.session.rollback()
        return None

    # The shop

    def _order(self, hook: bool = True, cents: int = 1230) -> None:
        if self.number == LAST_ORDER:
            return
        self.number += 1
        self._place(str(self.number), Decimal(cents) / 100, self.now)
        if hook:
            with self.app.app_context():
                self.world.receive_webhook(str(self.number))

    @staticmethod
    def _place(number: str, price: Decimal, created: datetime) -> None:
        plain = paid_order(number, created_at=created)
        line = plain.lines[0]
        PLATFORM_STATE.orders[number] = replace(plain, lines=(replace(line, unit_price=price),), total=price)

    def _cancel(self, number: int, hook: bool = True) -> None:
        PLATFORM_STATE.orders[str(number)] = replace(PLATFORM_STATE.orders[str(number)], status="cancelled")
        if hook:
            with self.app.app_context():
                self.world.receive_webhook(str(number), "order_canceled", more=str(self.now))

    # The providers

    def _switch_provider(self, guarantee: IssueGuarantee) -> None:
        """Connect another provider; documents already begun stay with the former one."""
        key = f"key-{len(PROVIDER_STATES)}"
        PROVIDER_STATES[key] = ProviderState(guarantee=guarantee)
        with self.app.app_context():
            store = db.session.get_one(Store, self.store_id)
            former = Account.find_current(store)
            assert former is not None
            account = Account.connect(store, "fakebooks", key)
            account.credentials, account.settings = {"key": key}, dict(former.settings)
            db.session.commit()

    def _provider_answer(
        self, kind: str, sleep: str, meanwhile: tuple[str, ...]
    ) -> Callable[[Draft, str], Issued | None]:
        def answer(draft: Draft, key: str) -> Issued | None:
            provider_state = fakes.PROVIDER_STATE
            if sleep == "sent":
                # SEARCHABLE relies on the send window, so no more time may pass here than a call may last.
                short = provider_state.guarantee is IssueGuarantee.SEARCHABLE
                self._pause_worker(
                    tuple(act for act in meanwhile if act in MACHINE_STEPS) if short else meanwhile
                )
            if kind in _ERRORS:
                raise _ERRORS[kind]()
            if kind == "late":
                after = timedelta(seconds=self.random.randrange(1, SETTLE - CALL))
                reference = (
                    provider_state.drafts[key][0]
                    if provider_state.guarantee is IssueGuarantee.DRAFT_FIRST
                    else key
                )
                self.late_calls.append(
                    (self.now + after, reference, lambda: _record_unless_dropped(provider_state, draft, key))
                )
                raise UncertainError("outcome-unknown", how="timeout")
            made = _record_document(provider_state, draft, key)
            if sleep == "answered":
                self._pause_worker(meanwhile)
            if kind == "lost":
                raise UncertainError("outcome-unknown", how="timeout")
            return made

        return answer

    # Existing documents

    def ledger(self) -> list[tuple[str, str, Draft, str]]:
        """Return every document ever issued: the account's key, our reference, the draft, the number."""
        return [
            (key, reference, draft, f"{draft.kind} 2026{draft.kind}/{at}")
            for key, provider_state in PROVIDER_STATES.items()
            for at, (reference, draft) in enumerate(provider_state.ledger, 1)
        ]

    def digest(self, draft: Draft) -> str:
        """Return the draft's digest, computed once."""
        if id(draft) not in self.digests:
            self.digests[id(draft)] = draft.digest()
        return self.digests[id(draft)]

    def documents(self) -> list[Any]:
        """Return the columns of our documents."""
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


def _record_document(provider_state: ProviderState, draft: Draft, key: str) -> Issued:
    """Issue the document from the call, or from the provider's draft."""
    if provider_state.guarantee is not IssueGuarantee.DRAFT_FIRST:
        return provider_state.record_document(draft, key)
    if key not in provider_state.issued:
        reference, kept = provider_state.drafts[key]
        provider_state.issued[key] = provider_state.record_document(kept, reference)
    return provider_state.issued[key]


def _record_unless_dropped(provider_state: ProviderState, draft: Draft, key: str) -> None:
    """Issue the document, unless its provider draft has been deleted in the meantime."""
    if (
        provider_state.guarantee is not IssueGuarantee.DRAFT_FIRST
        or key in provider_state.drafts
        or key in provider_state.issued
    ):
        _record_document(provider_state, draft, key)
