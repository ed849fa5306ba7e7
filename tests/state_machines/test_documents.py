"""Everything may happen in any order, in virtual time: no document is ever issued twice.

A worker may be killed or frozen at any failpoint; orders are edited and cancelled, documents credited and
reissued, and the merchant decides and changes the provider at any moment. `HYPOTHESIS_PROFILE=nightly` makes
5,000 runs.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import MerchantError
from shopapp.models import Account, Document, Store, db
from shopapp.providers.base import IssueGuarantee
from tests.fakes import PLATFORM_STATE, atcud_of
from tests.state_machines.document_machine import (
    ANSWERS,
    FAILPOINTS,
    MACHINE_STEPS,
    OTHER_WORK,
    PROVIDER_STATES,
    DocumentMachine,
)
from tests.state_machines.machine_runs import NIGHTLY, TIMEOUT, few_or_all, play

RUNS, STEPS = (1250, 100) if NIGHTLY else (30, 60)
"""Runs for each of the four guarantees."""
EXPECTED_ALARMS = ("", "cancelled-after", "changed-after")
PICK, CENTS = st.integers(0, 99), st.integers(100, 9999)


class Machine(DocumentMachine):
    """The possible events, and the conditions that must hold after each of them."""

    # The shop

    @initialize()
    def place_first_order(self) -> None:
        self._order()

    @rule(
        what=st.sampled_from(("paid", "paid", "again", "edited", "cancelled")),
        pick=PICK,
        hook=st.booleans(),
        cents=CENTS,
    )
    def change_order(self, what: str, pick: int, hook: bool, cents: int) -> None:
        """Pay, edit or cancel an order; its webhook arrives, arrives again, or is lost."""
        number = 1001 + pick % (self.number - 1000)
        order = PLATFORM_STATE.orders[str(number)]
        if what == "paid":
            self._order(hook, cents)
        elif what == "edited" and order.status == "paid":
            self._place(str(number), Decimal(cents) / 100, order.created_at)
        elif what == "cancelled":
            self._cancel(number, hook)
        elif what == "again":
            event = "order_canceled" if order.status == "cancelled" and hook else "order_paid"
            with self.app.app_context():
                self.world.receive_webhook(str(number), event, more=str(self.random.random()))

    # The workers and the clock

    @rule(acts=st.sampled_from(OTHER_WORK))
    def other_work(self, acts: tuple[str, ...]) -> None:
        self._run_others(acts)

    @rule(act=st.sampled_from(tuple(MACHINE_STEPS)), seconds=st.sampled_from((0, 0, 40, 310)))
    def work(self, act: str, seconds: int) -> None:
        self._advance(seconds)
        self._run_step(act)

    @rule(
        answer=st.sampled_from(ANSWERS), kill=st.sampled_from(("",) * 8 + FAILPOINTS),
        sleep=st.sampled_from(("",) * 4 + (*FAILPOINTS, "sent", "answered")), meanwhile=st.sampled_from(OTHER_WORK),
        which=st.sampled_from(("document", "document", "doubt")), fresh=st.booleans(),
        then=st.sampled_from(OTHER_WORK),
    )  # fmt: skip
    def faulty_step(
        self, answer: str, kill: str, sleep: str, meanwhile: tuple[str, ...], which: str, fresh: bool,
        then: tuple[str, ...],
    ) -> None:  # fmt: skip
        """Run one step in which the provider fails, or the worker is killed or frozen; then other work."""
        if fresh:
            self._resume_accounts()
            self._order()
        for _ in range(2):
            self._run_step("hook")
        for provider_state in PROVIDER_STATES.values():
            provider_state.planned_issues = [self._provider_answer(answer, sleep, meanwhile)]
        self.kill_at = kill
        self.sleep_at = (sleep, meanwhile) if sleep in FAILPOINTS else None
        self._run_step(which)
        self.kill_at, self.sleep_at = "", None
        for provider_state in PROVIDER_STATES.values():
            provider_state.planned_issues = []
        self._run_others(then)

    # The merchant

    @rule(what=st.sampled_from(("decide", "decide", "decide", "issue", "aside", "seen", "mail")), pick=PICK)
    def click_button(self, what: str, pick: int) -> None:
        """Decide a document that waits for the merchant, or press any button, shown on the page or not."""
        with self.app.app_context():
            rows = db.session.query(Document).order_by(Document.id).all()
            if what == "decide":
                rows = [row for row in rows if row.state in ("review", "blocked")]
            if rows:
                self._click(rows[pick % len(rows)], what)
            db.session.rollback()

    @rule(pick=PICK, share=st.integers(1, 120), again=st.booleans())
    def credit_document(self, pick: int, share: int, again: bool) -> None:
        """Credit an issued document in part, in full, or by more than its total."""
        with self.app.app_context():
            rows = db.session.query(Document).filter(Document.state == "issued", Document.kind != "NC").all()
            if rows:
                row = rows[pick % len(rows)]
                asked: dict[str, Any] = {"reason": "Devolução"}
                if share < 90 or share > 110:
                    amount = (row.total or Decimal(0)) * share / 100
                    asked["amount"] = str(amount.quantize(Decimal("0.01")))
                number = credit_notes.next_cause_number(row, "credit")
                with contextlib.suppress(MerchantError, merchant_actions.StateConflictError):
                    merchant_actions.credit_document(
                        row, number, asked, {"name": "Outro Nome"} if again else None
                    )
            db.session.rollback()

    @rule(
        what=st.sampled_from(("provider", "automatic", "credit")),
        guarantee=st.sampled_from(tuple(IssueGuarantee)),
    )
    def change_settings(self, what: str, guarantee: IssueGuarantee) -> None:
        """Change the provider, whatever is still open at the present one, or another setting."""
        if what == "provider":
            if len(PROVIDER_STATES) < 3:
                self._switch_provider(guarantee)
            return
        name = {"automatic": "automatic", "credit": "credit_cancelled"}[what]
        with self.app.app_context():
            account = self._account()
            account.settings = {**account.settings, name: not account.settings.get(name, name == "automatic")}
            db.session.commit()

    def _account(self) -> Account:
        account = Account.find_current(db.session.get_one(Store, self.store_id))
        assert account is not None
        return account

    def _resume_accounts(self) -> None:
        """Resume every account, and have the current one issue automatically."""
        with self.app.app_context():
            for account in db.session.query(Account).all():
                if account.refused_at or account.paused_until:
                    merchant_actions.resume_account(account)
            account = self._account()
            if not account.settings["automatic"]:
                account.settings = {**account.settings, "automatic": True}
            db.session.commit()

    def _click(self, row: Document, what: str) -> None:
        try:
            if what == "decide":
                self._decide(row)
            elif what == "issue":
                merchant_actions.request_issue(row)
            elif what == "aside":
                merchant_actions.dismiss_document(row, "FT 1/1")
            elif what == "seen":
                merchant_actions.dismiss_alarm(row)
            else:
                merchant_actions.resend_email(row, "ana@example.pt")
        except (MerchantError, merchant_actions.StateConflictError):
            db.session.rollback()

    def _decide(self, row: Document) -> None:
        if any(reference == row.reference for _, reference, _ in self.late_calls):
            return  # A person who looks while the provider still works on the call may be wrong.
        if row.state == "blocked":
            # A credit note that was retried after another one had credited everything: its page says to
            # dismiss it.
            merchant_actions.dismiss_document(
                row
            ) if row.reason == "credit-nothing-left" else merchant_actions.request_issue(row)
            return
        made = [
            (draft, number) for _, reference, draft, number in self.ledger() if reference == row.reference
        ]
        if made:
            merchant_actions.confirm_issued(row, made[0][1], made[0][0].gross, atcud_of(made[0][1]))
        else:
            merchant_actions.confirm_not_issued(row)

    # Conditions that must hold

    @invariant()
    def no_document_exists_twice(self) -> None:
        references = [reference for _, reference, _, _ in self.ledger()]
        assert len(references) == len(set(references)), references

    @invariant()
    def recorded_documents_match_the_provider(self) -> None:
        there = {reference: (key, draft, number) for key, reference, draft, number in self.ledger()}
        keys = list(PROVIDER_STATES)
        for row in self.documents():
            if row.state == "issued":
                assert row.reference in there, f"{row.number} was never issued"
                key, draft, number = there[row.reference]
                assert (row.number, row.total) == (number, draft.gross)
                assert row.draft_hash == self.digest(draft), "what is recorded is not what was sent"
                assert keys[row.account_id - self.first_account] == key, "recorded at another account"
                assert row.alarm in EXPECTED_ALARMS, f"{row.alarm} without a cause"
            elif row.state == "void":
                assert row.reference not in there, f"{row.reference} was issued, and is void here"

    @invariant()
    def no_more_is_credited_than_was_issued(self) -> None:
        left: dict[str, Decimal] = {}
        for _, reference, draft, number in self.ledger():
            if draft.kind != "NC":
                left[number] = draft.gross
                continue
            (original,) = draft.references
            assert original.number in left, f"{reference} credits what was not issued"
            left[original.number] -= draft.gross
            assert left[original.number] >= 0, f"{reference} credits too much"

    def teardown(self) -> None:
        """Stop all faults: everything finishes, with one document for each paid order."""
        for _ in range(40):
            self._advance(130)
            self._resume_accounts()
            for act in ("reconcile", "leases", "hook", "document", "doubt", "cancelled", "follow-up"):
                while self._run_step(act) is True:
                    pass
            if not self.late_calls and not self._unfinished():
                break
            self._decide_all()
        self.no_document_exists_twice()
        self.recorded_documents_match_the_provider()
        self.no_more_is_credited_than_was_issued()
        assert not self._unfinished(), f"unfinished: {self._restless()}"
        self.no_order_is_lost()
        self.no_draft_is_left()

    def _decide_all(self) -> None:
        with self.app.app_context():
            rows = (
                db.session.query(Document).filter(Document.state.in_(("review", "blocked", "waiting"))).all()
            )
            for row in rows:
                self._click(row, "issue" if row.state == "waiting" else "decide")
            db.session.rollback()

    def _unfinished(self) -> list[Any]:
        """Return the documents that are not final, and the paid orders without one."""
        rows = self.documents()
        sales = {row.order_id for row in rows if row.cause == "sale"}
        missing = [number for number, order in PLATFORM_STATE.orders.items() if order.status == "paid"]
        return [row for row in rows if row.state not in ("issued", "void")] + list(set(missing) - sales)

    def no_draft_is_left(self) -> None:
        left = [
            draft
            for provider_state in PROVIDER_STATES.values()
            for draft in provider_state.drafts
            if draft not in provider_state.issued
        ]
        assert not left, f"spare drafts: {left}"

    def no_order_is_lost(self) -> None:
        there = {reference for _, reference, _, _ in self.ledger()}
        for row in self.documents():
            if row.state == "void":
                cancelled = PLATFORM_STATE.orders[row.order_id].status == "cancelled"
                assert row.reason == "set-aside" or (cancelled and row.reason == "cancelled"), row
            else:
                assert row.reference in there, row


@TIMEOUT
@few_or_all
@pytest.mark.parametrize("guarantee", IssueGuarantee, ids=lambda guarantee: guarantee.value)
def test_whatever_happens_each_paid_order_has_one_document(
    in_memory: Flask, guarantee: IssueGuarantee, few: bool
) -> None:
    machine = type("Machine", (Machine,), {"app": in_memory, "guarantee": guarantee})
    play(machine, RUNS, STEPS, few)
