"""A machine that lets sales, hands, failures and deaths happen in any order, in virtual time: both sides end equal.

Never is a movement there twice, never has the shop less than nothing, and once nothing happens any more nothing moves.
`HYPOTHESIS_PROFILE=nightly` runs it two thousand times; by day each direction fifteen times.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import MerchantError
from shopapp.inventory import stock_runs
from shopapp.models import Document, Product, StockChange, StockReservation, SyncedSku, SyncRun, Webhook, db
from shopapp.models.followup import FollowUp
from tests.fakes import PLATFORM_STATE, PROVIDER_STATE
from tests.state_machines.stock_machine import (
    NEW_SKU,
    NOT_SYNCED_SKUS,
    SOLD_SKUS,
    STOCK_FAILPOINTS,
    SYNCED_SKUS,
    StockMachine,
)

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
RUNS, STEPS = (1000, 80) if NIGHTLY else (15, 50)
"""For each of the two directions."""
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if NIGHTLY else []))
HEARD = st.sampled_from(("sent", "sent", "twice", "late", "lost"))
SKU, PICK, PIECES = st.sampled_from(SYNCED_SKUS), st.integers(0, 99), st.integers(1, 3)
GIVEN = st.sampled_from((False, False, False, True))
SECONDS = st.sampled_from((0, 0, 3, 20, 130, 310))
VERBS = (
    "set_stock", "set_stock", "move_stock", "move_stock", "move_stock", "goods", "goods_of", "stock_at", "order",
    "levels", "changed_levels", "articles", "stock_moved",
)  # fmt: skip
KINDS = ("lost", "lost", "never", "late", "busy", "down")
WORK = ("reconcile", "leases", "cancelled", "begin", "hook", "document", "doubt", "follow-up", "goods")
MEANWHILE = (
    (),
    ("goods",),
    ("hook", "document", "goods"),
    ("130", "goods", "goods"),
    ("130", "begin", "goods", "hook", "document", "goods"),
    ("130", "leases", "goods", "310", "follow-up", "doubt", "goods"),
    ("130", "leases", "310", "follow-up", "310", "follow-up", "goods"),
)


class Machine(StockMachine):
    """What may happen, and what must hold after each of it."""

    @initialize(flags=st.tuples(*[st.booleans()] * 5), deaf=st.booleans())
    def begins(self, flags: tuple[bool, bool, bool, bool, bool], deaf: bool) -> None:
        documents_move, two, changes, knows, gives = flags
        self.deaf = deaf
        self._set_up_stock(self.to, documents_move, two, (changes, knows), gives)

    # the shop

    @rule(
        sku=st.sampled_from(SOLD_SKUS),
        other=st.sampled_from(SOLD_SKUS),
        pieces=PIECES,
        paid=st.booleans(),
        heard=HEARD,
        given=GIVEN,
    )
    def sells(self, sku: str, other: str, pieces: int, paid: bool, heard: str, given: bool) -> None:
        self._place_order({sku: pieces, other: 1}, paid, heard, given)

    @rule(pick=PICK, what=st.sampled_from(("pay", "pay", "cancel")), heard=HEARD)
    def goes_on(self, pick: int, what: str, heard: str) -> None:
        """An order is paid, or called off."""
        if self.number > 1000:
            number = str(1001 + pick % (self.number - 1000))
            status = PLATFORM_STATE.orders[number].status
            if what == "pay" and status == "open":
                self._pay_order(number, heard)
            elif what == "cancel" and status != "cancelled":
                self._cancel_order(number, heard)

    @rule(sku=SKU, pieces=st.integers(0, 15), pick=PICK, heard=HEARD)
    def shop_is_edited(self, sku: str, pieces: int, pick: int, heard: str) -> None:
        PLATFORM_STATE.stock.set_level(sku, pieces, self.places[pick % len(self.places)][1])
        self.causes[sku] += 1
        self._send_product_webhook(sku, heard)

    # the program

    @rule(sku=SKU, pieces=st.integers(-12, 12), counted=st.booleans(), pick=PICK)
    def over_the_counter(self, sku: str, pieces: int, counted: bool, pick: int) -> None:
        """Goods are sold or bought there, or counted anew."""
        article, warehouse = self._article(sku), self.places[pick % len(self.places)][0]
        assert article is not None
        self.causes[sku] += 1
        if counted:
            PROVIDER_STATE.stock.set_level(article, abs(pieces) + Decimal("0.5") * (pick % 2), warehouse)
        else:
            PROVIDER_STATE.stock.add(article, Decimal(pieces), warehouse)

    @rule(sku=SKU, pick=PICK)
    def is_renamed(self, sku: str, pick: int) -> None:
        """An article that was found is called otherwise; before that it would be another."""
        article = self._article(sku)
        if article is None or not self.deaf or not self.is_article_known(sku):
            return
        self.causes[sku] += 1
        PROVIDER_STATE.articles[article.article_id] = replace(
            article, code=f"{sku}~{pick}" if pick % 3 else sku
        )

    # what goes wrong

    @rule(verb=st.sampled_from(VERBS), kind=st.sampled_from(KINDS), acts=st.sampled_from(MEANWHILE))
    def answers_oddly(self, verb: str, kind: str, acts: tuple[str, ...]) -> None:
        self._plan_fault(verb, kind)
        self._run_others(acts)

    @rule(act=st.sampled_from(("goods", "goods", "document", "follow-up")),
          kill=st.sampled_from(("", *STOCK_FAILPOINTS)),
          sleep=st.sampled_from(("", *STOCK_FAILPOINTS)), meanwhile=st.sampled_from(MEANWHILE),
          answer=st.sampled_from(("well", "well", "lost", "never", "late", "busy")), seconds=SECONDS)  # fmt: skip
    def odd_step(
        self, act: str, kill: str, sleep: str, meanwhile: tuple[str, ...], answer: str, seconds: int
    ) -> None:
        """A worker dies or stands still over what he does; a document's answer is odd."""
        self.causes.update((*SYNCED_SKUS, NEW_SKU))
        for _ in range(3):
            self._run_step("hook")
        self._advance(seconds)
        if act == "document" and answer != "well":
            PROVIDER_STATE.planned_issues = [self._provider_answer(answer, "", ())]
        self.kill_at, self.sleep_at = kill, (sleep, meanwhile) if sleep else None
        self._run_step(act)
        self.kill_at, self.sleep_at = "", None
        PROVIDER_STATE.planned_issues = []

    # the workers, the clock, the merchant

    @rule(act=st.sampled_from((*WORK, "goods", "goods", "hook", "document", "follow-up")), seconds=SECONDS)
    def work(self, act: str, seconds: int) -> None:
        self._advance(seconds)
        self._run_step(act)

    @rule(seconds=SECONDS)
    def all_work(self, seconds: int) -> None:
        self._advance(seconds)
        self._beat()

    @rule(what=st.sampled_from(("catalogue", "stock")))
    def by_hand(self, what: str) -> None:
        self._start_run(what)

    @rule()
    def turns(self) -> None:
        """The other side leads from now on."""
        self._set_direction({"to-shop": "to-provider", "to-provider": "to-shop"}[self.direction])

    @rule(pick=PICK, run=st.booleans())
    def undoes(self, pick: int, run: bool) -> None:
        """One of the last changes is undone, or all of a run."""
        with self.app.app_context():
            changes = db.session.query(StockChange).order_by(StockChange.id.desc()).limit(6).all()
            if changes:
                change = changes[pick % len(changes)]
                self.causes[change.sku] += 1
                with contextlib.suppress(MerchantError):
                    if run and change.run_id:
                        self.causes.update(SYNCED_SKUS)
                        stock_runs.start_undo_run(self._account(), db.session.get_one(SyncRun, change.run_id))
                    else:
                        stock_runs.undo_change(change)
            db.session.commit()

    @rule(pick=PICK, what=st.sampled_from(("credit", "aside")))
    def clicks(self, pick: int, what: str) -> None:
        with self.app.app_context():
            states = ("issued",) if what == "credit" else ("waiting", "pending")
            rows = db.session.query(Document).filter(Document.state.in_(states), Document.kind != "NC").all()
            if rows:
                row = rows[pick % len(rows)]
                self._count_causes(PLATFORM_STATE.orders[row.order_id])
                with contextlib.suppress(MerchantError, merchant_actions.StateConflictError):
                    if what == "credit":
                        merchant_actions.credit_document(
                            row, credit_notes.next_cause_number(row, "credit"), {"reason": "Devolução"}
                        )
                    else:
                        merchant_actions.dismiss_document(row, "FT 1/1")
            db.session.rollback()

    # what must hold

    @invariant()
    def no_movement_is_there_twice(self) -> None:
        references = [move.reference for move in PROVIDER_STATE.stock.movements]
        assert len(references) == len(set(references)), references

    @invariant()
    def a_failed_look_up_is_no_absence(self) -> None:
        made = [new.code for new in PROVIDER_STATE.created_articles]
        assert made in ([], [NEW_SKU]), f"made: {made}"

    @invariant()
    def what_no_level_is_kept_of_is_left_alone(self) -> None:
        alone = {key for key, one in PLATFORM_STATE.stock.items.items() if one.sku in NOT_SYNCED_SKUS}
        assert not [one for one in PLATFORM_STATE.stock.writes if one[:2] in alone]
        ids = {article.article_id for sku in NOT_SYNCED_SKUS if (article := self._article(sku))}
        named = {one.code: one.article_id for one in PROVIDER_STATE.articles.values()}
        ours = [move for move in PROVIDER_STATE.stock.movements if move.reference.startswith("QI-S-")]
        assert not [move for move in ours if named.get(move.code) in ids]

    # the end

    def _beat(self) -> None:
        """Everything due now is done."""
        for _ in range(50):
            if not sum(bool(self._run_step(act)) for act in WORK):
                return

    def _rests(self, beats: int = 40) -> None:
        for _ in range(beats):
            self._beat()
            if not self.late_calls and not self.waiting():
                return
            self._advance(60)
        raise AssertionError(f"no rest: {self.waiting()}")

    def waiting(self) -> list[str]:
        """What is not over."""
        with self.app.app_context():
            found = [
                f"{row.sku} {row.reason}" for row in SyncedSku.query.filter(SyncedSku.due_at.is_not(None))
            ]
            found += [f"run {row.kind} {row.phase}" for row in SyncRun.query.filter(SyncRun.state == "open")]
            found += [
                f"order {row.order_id}"
                for row in StockReservation.query.filter(StockReservation.state == "unread")
            ]
            found += [
                f"product {row.product_id}" for row in Product.query.filter(Product.stale_at.is_not(None))
            ]
            found += [f"hook {row.id}" for row in Webhook.query.filter(Webhook.state == "new")]
            found += [f"owed {row.kind}" for row in FollowUp.query.filter(FollowUp.state == "due")]
            found += [f"change {row.id}" for row in StockChange.query.filter(StockChange.state == "planned")]
            there = ("issued", "void", "waiting")
            found += [f"{row.order_id} {row.state}" for row in Document.query if row.state not in there]
            db.session.rollback()
        return found

    def teardown(self) -> None:
        """Nothing goes wrong any more, and nobody does anything: all comes to rest, equal, and stays so."""
        if not hasattr(self, "places"):
            return
        self._clear_faults()
        self._advance(700)
        self._rests()
        self._merchant_answers()
        self._rests()
        # where every hook came, nothing waits for the next reading of the whole list
        assert self.deaf or not self.level_differences(), self.level_differences()
        # articles are looked up again once a week
        self._advance(8 * 86_400)
        self._rests()
        self._merchant_answers()
        self._rests()
        assert not self.level_differences(), self.level_differences()
        self.no_movement_is_there_twice()
        self._journal_is_true()
        self._causes_bound_writes()
        self._nothing_moves()

    def _merchant_answers(self) -> None:
        """What he undid, or is contested, he lets follow again."""
        with self.app.app_context():
            for row in SyncedSku.query.filter(SyncedSku.reason != "").all():
                stock_runs.resync(row)
                self.causes[row.sku] += 1
            db.session.commit()

    def _journal_is_true(self) -> None:
        rows, shelf = self.stock_changes(), PLATFORM_STATE.stock
        ours = [row for row in rows if row.side == "shop"]
        names = {key: one.sku for key, one in shelf.items.items()}
        written = Counter((names[one[:2]], one[2], one[4]) for one in shelf.writes)
        # of one whose answer was lost nobody can tell who brought the level there
        sure = [row for row in ours if row.state in ("done", "undone") and row.ended_at == row.planned_at]
        done = Counter((row.sku, row.location, int(row.after)) for row in sure)
        assert all(written[key] >= times for key, times in done.items()), "a change was never made"
        told = {(row.sku, row.location, int(row.after)) for row in ours}
        assert set(written) <= told, "a level was set without a word"
        moved, by = (
            {move.reference for move in PROVIDER_STATE.stock.movements},
            {row.reference: row for row in rows},
        )
        for reference in moved:
            assert by[reference].state in ("done", "undone", "unsure"), (
                f"{reference} is {by[reference].state}"
            )
        if PROVIDER_STATE.stock.finds_movements:
            said = {
                row.reference for row in rows if row.side == "provider" and row.state in ("done", "undone")
            }
            assert said <= moved, "a movement was never made"

    def _causes_bound_writes(self) -> None:
        writes = Counter(row.sku for row in self.stock_changes() if row.cause != "sale" or row.stocked_id)
        for sku, times in writes.items():
            assert times <= 2 * self.causes[sku] + 1, (
                f"{sku} was altered {times} times for {self.causes[sku]}"
            )

    def _nothing_moves(self) -> None:
        before = (
            len(PLATFORM_STATE.stock.writes),
            len(PROVIDER_STATE.stock.movements),
            len(self.stock_changes()),
        )
        for seconds in (310, 90_000):
            self._advance(seconds)
            self._rests()
        assert before == (
            len(PLATFORM_STATE.stock.writes),
            len(PROVIDER_STATE.stock.movements),
            len(self.stock_changes()),
        ), "no rest"


@pytest.mark.timeout(0 if NIGHTLY else 600)
@pytest.mark.parametrize("to", ["to-shop", "to-provider"])
def test_whatever_happens_both_sides_end_equal_and_at_rest(in_memory: Flask, to: str) -> None:
    machine = type("Machine", (Machine,), {"app": in_memory, "to": to})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck),
            print_blob=True, phases=PHASES,
        ),
    )  # fmt: skip
