"""An order is paid, cancelled, paid again, edited and refunded in any order, with and without its webhooks.

At rest the money that the merchant keeps is on the provider's documents less its credit notes, or a row asks the
merchant; and the home page explains its difference to the cent. The provider's ledger is the judge.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import MerchantError
from shopapp.models import Document, Store, db
from shopapp.models.queries import discrepancies, reconciliation
from shopapp.providers.base import IssueGuarantee
from tests import fakes
from tests.fakes import PLATFORM_STATE
from tests.state_machines.document_machine import START, DocumentMachine

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
RUNS, STEPS = (1000, 60) if NIGHTLY else (36, 60)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if NIGHTLY else []))
NUMBERS = ("1001", "1002")
NUMBER, HOOK, CENTS = st.sampled_from(NUMBERS), st.booleans(), st.sampled_from((900, 1230, 2000))
WORK = ("reconcile", "leases", "hook", "document", "doubt", "cancelled", "follow-up")


class Machine(DocumentMachine):
    """What shop, buyer and merchant may do; two orders at a time."""

    guarantee = IssueGuarantee.IDEMPOTENT

    @initialize(drafts=st.booleans(), credits=st.booleans())
    def choose(self, drafts: bool, credits: bool) -> None:
        if drafts:
            fakes.PROVIDER_STATE.guarantee = IssueGuarantee.DRAFT_FIRST
        self.refunded: dict[str, Decimal] = defaultdict(Decimal)
        self.by_hand: dict[int, tuple[str, Decimal]] = {}
        """What the merchant credited at the provider itself, by row: the order and the amount."""
        with self.app.app_context():
            account = self.world.account
            account.settings = {**account.settings, "drafts": drafts, "credit_cancelled": credits}
            db.session.merge(account)
            db.session.commit()
        for number in NUMBERS:
            self._place(number, Decimal("12.30"), self.now)
            self._set(number, "open", hook=True, event="order_pending_payment")

    # the shop

    def _set(self, number: str, status: Any, hook: bool, event: str) -> None:
        self._advance(1)
        paid_at = self.now if status == "paid" else None
        PLATFORM_STATE.orders[number] = replace(
            PLATFORM_STATE.orders[number], status=status, paid_at=paid_at, paid_source="platform"
        )
        if hook:
            with self.app.app_context():
                self.world.receive_webhook(number, event, more=str(self.now))

    @rule(number=NUMBER, hook=HOOK)
    def pay(self, number: str, hook: bool) -> None:
        if PLATFORM_STATE.orders[number].status != "paid":
            self.refunded[number] = Decimal(0)
            self._set(number, "paid", hook, "order_paid")

    @rule(number=NUMBER, hook=HOOK, status=st.sampled_from(("cancelled", "cancelled", "open")))
    def cancel(self, number: str, hook: bool, status: str) -> None:
        if PLATFORM_STATE.orders[number].status != "cancelled":
            event = "order_canceled" if status == "cancelled" else "order_updated"
            self._set(number, status, hook, event)
            if self.refunded[number]:
                # a cancellation and a payment between two polls, both unannounced, leave no trace
                self._rest()

    @rule(number=NUMBER, cents=CENTS)
    def edit(self, number: str, cents: int) -> None:
        order, price = PLATFORM_STATE.orders[number], Decimal(cents) / 100
        if self.refunded[number] < price:
            line = replace(order.lines[0], unit_price=price)
            PLATFORM_STATE.orders[number] = replace(order, lines=(line,), total=price)
            self._set(number, order.status, True, "order_updated")

    @rule(number=NUMBER)
    def repeat_an_old_webhook(self, number: str) -> None:
        with self.app.app_context():
            self.world.receive_webhook(number, "order_canceled", more=str(self.now))
            self.world.receive_webhook(number, "order_paid", more=str(self.now))

    # the merchant

    @rule(number=NUMBER, share=st.sampled_from((25, 50, 100)))
    def refund(self, number: str, share: int) -> None:
        """Give money back for an order that stays paid, and credit it."""
        self._rest()
        with self.app.app_context():
            row = Document.current_invoice(self.store_id, number)
            order = PLATFORM_STATE.orders[number]
            if row is not None and row.state == "issued" and not row.alarm and order.status == "paid":
                amount = (credit_notes.creditable_amount(row) * share / 100).quantize(Decimal("0.01"))
                request = (
                    {"reason": "Desconto"} if share == 100 else {"reason": "Desconto", "amount": str(amount)}
                )
                if amount > 0 and self._credit(row, request):
                    self.refunded[number] += amount
            db.session.rollback()

    def _credit(self, row: Document, request: dict[str, Any], again: dict[str, str] | None = None) -> bool:
        with contextlib.suppress(MerchantError, merchant_actions.StateConflictError):
            number = credit_notes.next_cause_number(row, "credit")
            merchant_actions.credit_document(row, number, request, again)
            return True
        return False

    @rule(number=NUMBER, by_hand=st.booleans())
    def answer(self, number: str, by_hand: bool) -> None:
        """Press the button that the page of the order's document offers."""
        self._rest()
        with self.app.app_context():
            row = Document.current_invoice(self.store_id, number)
            if row is None or row.state != "issued":
                pass
            elif row.alarm in ("cancelled-after", "unpaid-after") and (by_hand or row.id in self.by_hand):
                self.by_hand[row.id] = number, credit_notes.creditable_amount(row)
                merchant_actions.dismiss_alarm(row)
            elif row.alarm in ("cancelled-after", "unpaid-after"):
                self._credit(row, {"reason": "Encomenda cancelada"})
            elif row.alarm == "paid-again" and row.id in self.by_hand:
                merchant_actions.reissue_document(row)
            elif row.alarm == "paid-again":
                self._credit(row, {"reason": "Encomenda cancelada"})
            elif row.alarm == "changed-after":
                self._credit(row, {"reason": "Troca"}, {})
            db.session.rollback()

    # the workers

    @rule(act=st.sampled_from(WORK), seconds=st.sampled_from((0, 40, 700)))
    def work(self, act: str, seconds: int) -> None:
        self._advance(seconds)
        self._run_step(act)

    @rule()
    def rest(self) -> None:
        self._rest()
        self._check()

    def _rest(self) -> None:
        self._advance(700)
        for act in (*WORK, *WORK[2:]):
            while self._run_step(act) is True:
                pass

    def teardown(self) -> None:
        if "refunded" in self.__dict__:
            self._rest()
            self.rest()

    # the conditions

    def _check(self) -> None:
        references = [reference for _, reference, _, _ in self.ledger()]
        assert len(references) == len(set(references)), references
        with self.app.app_context():
            for number in NUMBERS:
                kept, issued = self._money(number)
                rows = db.session.query(Document).filter_by(order_id=number).all()
                asks = [row for row in rows if row.alarm or row.state in ("blocked", "review")]
                story = [(row.cause, row.state, [m.reason for m in row.transitions]) for row in rows]
                assert kept == issued or asks, f"{number}: kept {kept}, issued {issued}: {story}"
            self._check_home()
            db.session.rollback()

    def _money(self, number: str) -> tuple[Decimal, Decimal]:
        """Return what the merchant keeps of the order, and what is on its documents less its credit notes."""
        order = PLATFORM_STATE.orders[number]
        kept = order.total - self.refunded[number] if order.status == "paid" else Decimal(0)
        issued = -sum((amount for of, amount in self.by_hand.values() if of == number), Decimal(0))
        for _, reference, draft, _ in self.ledger():
            if reference.split("-")[2] == number:
                issued += -draft.gross if draft.kind == "NC" else draft.gross
        return kept, issued

    def _check_home(self) -> None:
        store = db.session.get_one(Store, self.store_id)
        period = START.replace(hour=0) - timedelta(days=1), START.replace(hour=0) + timedelta(days=400)
        found = discrepancies.list_discrepancies(store, *period)
        total = reconciliation.period_totals(store, *period)
        assert total.difference == sum((gap.amount for gap in found), Decimal(0))
        unknown = [gap for gap in found if gap.cause in (discrepancies.UNREAD, discrepancies.UNEXPLAINED)]
        assert not unknown, [
            (gap.order_id, gap.cause, gap.amount, gap.sale.status) for gap in unknown if gap.sale
        ]


@pytest.mark.timeout(0 if NIGHTLY else 600)
def test_whatever_becomes_of_an_order_its_money_is_on_documents_or_the_merchant_is_asked(
    in_memory: Flask,
) -> None:
    machine = type("Machine", (Machine,), {"app": in_memory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, derandomize=not NIGHTLY,
            suppress_health_check=list(HealthCheck), print_blob=True, phases=PHASES,
        ),
    )  # fmt: skip
