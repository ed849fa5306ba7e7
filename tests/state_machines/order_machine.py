"""An order is paid, cancelled, paid again, edited and refunded in any order, with and without its webhooks.

At rest the money that the merchant keeps is on the provider's documents less its credit notes, or a row asks the
merchant; the provider's stock has moved by the pieces that left less those that came back; and the home page explains
its difference to the cent. The provider's ledger is the judge.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import select

from shopapp.documents import credit_notes, merchant_actions, prepare
from shopapp.errors import MerchantError
from shopapp.fiscal.document import Draft
from shopapp.models import Document, Store, db
from shopapp.models.queries import discrepancies, reconciliation
from shopapp.providers.base import IssueGuarantee
from tests import fakes
from tests.fakes import PLATFORM_STATE
from tests.state_machines.document_machine import START, DocumentMachine
from tests.state_machines.machine_runs import NIGHTLY, play

RUNS, STEPS = 500 if NIGHTLY else 100, 60
"""The runs of each provider, and the steps of each run."""
NUMBERS = ("1001", "1002")
NUMBER, HOOK, CENTS = st.sampled_from(NUMBERS), st.booleans(), st.sampled_from((300, 410, 700))
WORK = ("reconcile", "leases", "hook", "document", "doubt", "cancelled", "follow-up")
HAS_WORK = """
    SELECT EXISTS (SELECT 1 FROM document WHERE state = 'issuing'), EXISTS (SELECT 1 FROM hook WHERE state = 'new'),
    EXISTS (SELECT 1 FROM document WHERE state = 'pending'), EXISTS (SELECT 1 FROM document WHERE state = 'in_doubt'),
    EXISTS (SELECT 1 FROM sale WHERE cancelled_at IS NOT NULL), EXISTS (SELECT 1 FROM follow_up WHERE state = 'due')
"""
"""Whether there are rows at all that each step of WORK but the first looks for: where there are none it is idle."""
EVENTS = {"paid": "order_paid", "cancelled": "order_canceled", "open": "order_updated"}
START_STOCK = 1000


class OrderMachine(DocumentMachine):
    """What shop, buyer and merchant may do to an order, beside which there may be another."""

    @initialize(credits=st.booleans(), orders=st.sampled_from((1, 1, 1, 2)), paid=st.booleans())
    def choose(self, credits: bool, orders: int, paid: bool) -> None:
        drafts = self.guarantee is IssueGuarantee.DRAFT_FIRST
        stock = fakes.PROVIDER_STATE.stock
        stock.documents_move = True
        self.mugs = fakes.PROVIDER_STATE.add_article("CAN-1")
        stock.set_level(self.mugs, START_STOCK)
        self.is_at_rest = self.is_announced = self.is_checked = False
        self.refunded: dict[str, Decimal] = defaultdict(Decimal)
        self.returned: dict[str, Decimal] = defaultdict(Decimal)
        """The pieces of the present sale that the buyer sent back."""
        self.broken: dict[str, Decimal] = defaultdict(Decimal)
        """Those of them that were not put back into stock."""
        self.never_back: dict[str, Decimal] = defaultdict(Decimal)
        """The pieces of former sales that left and did not come back into stock."""
        self.by_hand: dict[int, tuple[str, Decimal, Decimal]] = {}
        """What the merchant credited at the provider itself, by row: the order, the amount and the pieces."""
        with self.app.app_context():
            account = self.world.account
            chosen = {"drafts": drafts, "credit_cancelled": credits, "moves_stock": True}
            account.settings = {**account.settings, **chosen}
            db.session.merge(account)
            db.session.commit()
            self.connection: Any = db.engine.raw_connection().driver_connection
        for number in NUMBERS[:orders]:
            self._place(number, Decimal("4.10"), self.now)
            self._change(number, 410, 3)
            self._set(number, "open", hook=True, event="order_pending_payment")
            if paid:
                self._set(number, "paid", hook=True, event="order_paid")

    # the shop

    def _set(self, number: str, status: Any, hook: bool, event: str) -> None:
        self._advance(1)
        paid_at = self.now if status == "paid" else None
        PLATFORM_STATE.orders[number] = replace(
            PLATFORM_STATE.orders[number], status=status, paid_at=paid_at, paid_source="platform"
        )
        self._touch()
        self.is_announced = self.is_announced and hook
        if hook:
            with self.app.app_context():
                self.world.receive_webhook(number, event, more=str(self.now))

    @staticmethod
    def _change(number: str, cents: int, pieces: int) -> None:
        order, price = PLATFORM_STATE.orders[number], Decimal(cents) / 100
        line = replace(order.lines[0], unit_price=price, quantity=Decimal(pieces))
        PLATFORM_STATE.orders[number] = replace(order, lines=(line,), total=price * pieces)

    @rule(number=NUMBER, status=st.sampled_from(("paid", "paid", "paid", "cancelled", "open")), hook=HOOK)
    def change_status(self, number: str, status: str, hook: bool) -> None:
        order = PLATFORM_STATE.orders.get(number)
        if order is None or status == order.status or (status, order.status) == ("open", "cancelled"):
            return
        if order.status == "paid":
            self.never_back[number] += self.broken[number] + self._kept_after_full_refund(number)
        self._set(number, status, hook, EVENTS[status])
        if self.refunded[number] and status != "paid":
            # a cancellation and a payment between two polls, both unannounced, leave no trace
            self._rest()
        if status == "paid":
            self._forget_refunds(number)

    def _forget_refunds(self, number: str) -> None:
        self.refunded[number] = self.returned[number] = self.broken[number] = Decimal(0)

    def _kept_after_full_refund(self, number: str) -> Decimal:
        """Return the pieces of a sale that is refunded in full: it is not credited again, so they don't come back."""
        sold = [
            draft for _, at, draft, _ in self.ledger() if at.split("-")[2] == number and draft.kind == "FR"
        ]
        if not sold or self.refunded[number] < sold[-1].gross:
            return Decimal(0)
        return sum((line.quantity for line in sold[-1].lines), -self.returned[number])

    @rule(number=NUMBER, cents=CENTS, pieces=st.sampled_from((2, 3, 3)))
    def edit(self, number: str, cents: int, pieces: int) -> None:
        if number not in PLATFORM_STATE.orders:
            return
        if self.refunded[number] < Decimal(cents * pieces) / 100 and self.returned[number] <= pieces:
            self._change(number, cents, pieces)
            self._set(number, PLATFORM_STATE.orders[number].status, True, "order_updated")

    @rule(number=NUMBER, event=st.sampled_from(("order_canceled", "order_paid")))
    def repeat_an_old_webhook(self, number: str, event: str) -> None:
        if number in PLATFORM_STATE.orders:
            self._touch()
            with self.app.app_context():
                self.world.receive_webhook(number, event, more=str(self.now))

    # the merchant

    @rule(number=NUMBER, what=st.sampled_from((25, 50, 100, "piece", "broken piece", "all")))
    def refund(self, number: str, what: int | str) -> None:
        """Give back a share of the money, a piece or all that is left, for an order that stays paid, and credit it."""
        if number not in PLATFORM_STATE.orders or PLATFORM_STATE.orders[number].status != "paid":
            return
        self._rest()
        with self.app.app_context():
            row = Document.current_invoice(self.store_id, number)
            if row is not None and row.state == "issued" and not row.alarm:
                self._refund(row, what)
            db.session.rollback()

    def _refund(self, row: Document, what: int | str) -> None:
        number, left = row.order_id, credit_notes.creditable_amount(row)
        request: dict[str, Any] = {"reason": "Desconto"}
        pieces, paid_pieces = Decimal(0), PLATFORM_STATE.orders[number].lines[0].quantity
        if isinstance(what, int):
            request["amount"] = str((left * what / 100).quantize(Decimal("0.01")))
        elif what == "all":
            pieces = paid_pieces - self.returned[number]
        else:
            pieces = Decimal(1)
            request |= {"lines": [["1", "1", None]], "unstocked": ["1"] if what == "broken piece" else []}
        note = self._credit(row, request) if left else None
        if note is not None:
            self.refunded[number] += note.gross
            self.returned[number] += pieces
            self.broken[number] += pieces if what == "broken piece" else 0

    def _credit(
        self, row: Document, request: dict[str, Any], again: dict[str, str] | None = None
    ) -> Draft | None:
        self._touch()
        with contextlib.suppress(MerchantError, merchant_actions.StateConflictError):
            assert row.account is not None
            note = prepare.draft_credit_note(row, row.account, request)
            number = credit_notes.next_cause_number(row, "credit")
            merchant_actions.credit_document(row, number, request, again)
            return note
        return None

    @rule(number=NUMBER, by_hand=st.booleans())
    def answer(self, number: str, by_hand: bool) -> None:
        """Press the button that the page of the order's document offers."""
        self._rest()
        with self.app.app_context():
            row = Document.current_invoice(self.store_id, number)
            if row is not None and row.state == "issued" and row.alarm:
                self._touch()
                self._answer(row, by_hand)
            db.session.rollback()

    def _answer(self, row: Document, by_hand: bool) -> None:
        if row.alarm in ("cancelled-after", "unpaid-after") and (by_hand or row.id in self.by_hand):
            self._credit_by_hand(row)
            merchant_actions.dismiss_alarm(row)
        elif row.alarm in ("cancelled-after", "unpaid-after"):
            self._credit(row, {"reason": "Encomenda cancelada"})
        elif row.alarm == "paid-again" and row.id in self.by_hand:
            merchant_actions.reissue_document(row)
        elif row.alarm == "paid-again":
            self._credit(row, {"reason": "Encomenda cancelada"})
        elif row.alarm == "changed-after":
            if self._credit(row, {"reason": "Troca"}, {}):
                # the edited order says what the buyer keeps; former refunds belong to the credited document
                self.never_back[row.order_id] += self.broken[row.order_id]
                self._forget_refunds(row.order_id)

    def _credit_by_hand(self, row: Document) -> None:
        """Credit all that is left at the provider, which puts the pieces back, and which we are not told of."""
        pieces = sum((line.quantity for line in prepare.creditable_lines(row)), Decimal(0))
        _, _, before = self.by_hand.get(row.id, ("", Decimal(0), Decimal(0)))
        fakes.PROVIDER_STATE.stock.add(self.mugs, pieces - before, "")
        self.by_hand[row.id] = row.order_id, credit_notes.creditable_amount(row), pieces

    # the workers

    @rule(act=st.sampled_from(WORK), seconds=st.sampled_from((0, 40, 700)))
    def work(self, act: str, seconds: int) -> None:
        self._touch()
        self._advance(seconds)
        if self._due()[act]:
            self._run_step(act)

    def _touch(self) -> None:
        self.is_at_rest = self.is_checked = False

    @rule()
    def rest(self) -> None:
        if not self.is_checked:
            self.is_announced = False
            self._rest()
            self._check()
            self.is_checked = True

    def _rest(self) -> None:
        """Let the workers do all that is due; the shop is only polled where a change of it was not announced."""
        if self.is_at_rest and self.is_announced:
            return
        self._advance(700)
        if not self.is_announced:
            self._run_step("reconcile")
        while self._run_due_steps():
            pass
        self.is_at_rest = self.is_announced = True

    def _run_due_steps(self) -> bool:
        """Run each step that has rows to look at; return whether one did something."""
        results = [self._run_step(act) for act, is_due in self._due().items() if is_due and act != WORK[0]]
        return True in results

    def _due(self) -> dict[str, bool]:
        return dict(zip(WORK, (True, *self.connection.execute(HAS_WORK).fetchone()), strict=True))

    def teardown(self) -> None:
        if "refunded" in self.__dict__:
            self._rest()
            self.is_checked = False
            self.rest()

    # the conditions

    def _check(self) -> None:
        references = [reference for _, reference, _, _ in self.ledger()]
        assert len(references) == len(set(references)), references
        with self.app.app_context():
            rows = db.session.scalars(select(Document).order_by(Document.id)).all()
            asked = {row.order_id for row in rows if row.alarm or row.state in ("blocked", "review")}
            for number in set(PLATFORM_STATE.orders) - asked:
                kept, issued = self._kept(number), self._issued(number)
                if kept != issued:
                    mine = [row for row in rows if row.order_id == number]
                    story = [(row.cause, row.state, [m.reason for m in row.transitions]) for row in mine]
                    raise AssertionError(f"{number}: kept and left {kept}, issued {issued}: {story}")
            self._check_home()
            db.session.rollback()
        moved = sum((self._issued(number)[1] for number in PLATFORM_STATE.orders), Decimal(0))
        assert fakes.PROVIDER_STATE.stock.level(self.mugs) == START_STOCK - moved

    def _kept(self, number: str) -> tuple[Decimal, Decimal]:
        """Return what the merchant keeps of the order, and how many of its pieces left and are not back in stock."""
        order, gone = PLATFORM_STATE.orders[number], self.never_back[number]
        if order.status != "paid":
            return Decimal(0), gone
        back = self.returned[number] - self.broken[number]
        return order.total - self.refunded[number], gone + order.lines[0].quantity - back

    def _issued(self, number: str) -> tuple[Decimal, Decimal]:
        """Return what the order's documents less its credit notes say of money, and of pieces of stock."""
        money = -sum((amount for of, amount, _ in self.by_hand.values() if of == number), Decimal(0))
        moved = -sum((pieces for of, _, pieces in self.by_hand.values() if of == number), Decimal(0))
        for _, reference, draft, _ in self.ledger():
            if reference.split("-")[2] == number:
                sign = -1 if draft.kind == "NC" else 1
                money += sign * draft.gross
                moved += sign * sum(line.quantity for line in draft.lines if line.kind == "goods")
        return money, moved

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


def play_orders(app: Flask, guarantee: IssueGuarantee, few: bool) -> None:
    """Play the runs at a provider with that guarantee; with drafts, unpaid orders have one."""
    machine = type("OrderMachine", (OrderMachine,), {"app": app, "guarantee": guarantee})
    play(machine, RUNS, STEPS, few)
