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

from shopapp import correcting, deciding, levelling
from shopapp.fiscal.errors import MerchantError
from shopapp.models import Document, Hook, Ordered, Product, Run, StockChange, Stocked, db
from shopapp.models.followup import FollowUp
from tests.fakes import OFFICE, SHOP
from tests.fault.stock_virtual import ALONE, FOLLOWED, NEW, POINTS, SOLD, Wares

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
RUNS, STEPS = (1000, 80) if NIGHTLY else (15, 50)
"""For each of the two directions."""
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if NIGHTLY else []))
HEARD = st.sampled_from(("sent", "sent", "twice", "late", "lost"))
SKU, PICK, PIECES = st.sampled_from(FOLLOWED), st.integers(0, 99), st.integers(1, 3)
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


class Machine(Wares):
    """What may happen, and what must hold after each of it."""

    @initialize(flags=st.tuples(*[st.booleans()] * 5), deaf=st.booleans())
    def begins(self, flags: tuple[bool, bool, bool, bool, bool], deaf: bool) -> None:
        documents_move, two, changes, knows, gives = flags
        self.deaf = deaf
        self._stocks(self.to, documents_move, two, (changes, knows), gives)

    # the shop

    @rule(
        sku=st.sampled_from(SOLD), other=st.sampled_from(SOLD), pieces=PIECES, paid=st.booleans(), heard=HEARD,
        given=GIVEN,
    )  # fmt: skip
    def sells(self, sku: str, other: str, pieces: int, paid: bool, heard: str, given: bool) -> None:
        self._sell({sku: pieces, other: 1}, paid, heard, given)

    @rule(pick=PICK, what=st.sampled_from(("pay", "pay", "cancel")), heard=HEARD)
    def goes_on(self, pick: int, what: str, heard: str) -> None:
        """An order is paid, or called off."""
        if self.number > 1000:
            number = str(1001 + pick % (self.number - 1000))
            status = SHOP.orders[number].status
            if what == "pay" and status == "open":
                self._pay(number, heard)
            elif what == "cancel" and status != "cancelled":
                self._call_off(number, heard)

    @rule(sku=SKU, pieces=st.integers(0, 15), pick=PICK, heard=HEARD)
    def shop_is_edited(self, sku: str, pieces: int, pick: int, heard: str) -> None:
        SHOP.shelf.put(sku, pieces, self.places[pick % len(self.places)][1])
        self.causes[sku] += 1
        self._hear(sku, heard)

    # the program

    @rule(sku=SKU, pieces=st.integers(-12, 12), counted=st.booleans(), pick=PICK)
    def over_the_counter(self, sku: str, pieces: int, counted: bool, pick: int) -> None:
        """Goods are sold or bought there, or counted anew."""
        article, warehouse = self._article(sku), self.places[pick % len(self.places)][0]
        assert article is not None
        self.causes[sku] += 1
        if counted:
            OFFICE.depot.put(article, abs(pieces) + Decimal("0.5") * (pick % 2), warehouse)
        else:
            OFFICE.depot.add(article, Decimal(pieces), warehouse)

    @rule(sku=SKU, pick=PICK)
    def is_renamed(self, sku: str, pick: int) -> None:
        """An article that was found is called otherwise; before that it would be another."""
        article = self._article(sku)
        if article is None or not self.deaf or not self.is_found(sku):
            return
        self.causes[sku] += 1
        OFFICE.articles[article.article_id] = replace(article, code=f"{sku}~{pick}" if pick % 3 else sku)

    # what goes wrong

    @rule(verb=st.sampled_from(VERBS), kind=st.sampled_from(KINDS), acts=st.sampled_from(MEANWHILE))
    def answers_oddly(self, verb: str, kind: str, acts: tuple[str, ...]) -> None:
        self._goes_wrong(verb, kind)
        self._others(acts)

    @rule(act=st.sampled_from(("goods", "goods", "document", "follow-up")), kill=st.sampled_from(("", *POINTS)),
          sleep=st.sampled_from(("", *POINTS)), meanwhile=st.sampled_from(MEANWHILE),
          answer=st.sampled_from(("well", "well", "lost", "never", "late", "busy")), seconds=SECONDS)  # fmt: skip
    def odd_step(
        self, act: str, kill: str, sleep: str, meanwhile: tuple[str, ...], answer: str, seconds: int
    ) -> None:
        """A worker dies or stands still over what he does; a document's answer is odd."""
        self.causes.update((*FOLLOWED, NEW))
        for _ in range(3):
            self._do("hook")
        self._pass(seconds)
        if act == "document" and answer != "well":
            OFFICE.next = [self._answer(answer, "", ())]
        self.kill_at, self.sleep_at = kill, (sleep, meanwhile) if sleep else None
        self._do(act)
        self.kill_at, self.sleep_at = "", None
        OFFICE.next = []

    # the workers, the clock, the merchant

    @rule(act=st.sampled_from((*WORK, "goods", "goods", "hook", "document", "follow-up")), seconds=SECONDS)
    def work(self, act: str, seconds: int) -> None:
        self._pass(seconds)
        self._do(act)

    @rule(seconds=SECONDS)
    def all_work(self, seconds: int) -> None:
        self._pass(seconds)
        self._beat()

    @rule(what=st.sampled_from(("catalogue", "stock")))
    def by_hand(self, what: str) -> None:
        self._begin(what)

    @rule()
    def turns(self) -> None:
        """The other side leads from now on."""
        self._follows({"to-shop": "to-provider", "to-provider": "to-shop"}[self.direction])

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
                        self.causes.update(FOLLOWED)
                        levelling.begin_undo(self._account(), db.session.get_one(Run, change.run_id))
                    else:
                        levelling.undo(change)
            db.session.commit()

    @rule(pick=PICK, what=st.sampled_from(("credit", "aside")))
    def clicks(self, pick: int, what: str) -> None:
        with self.app.app_context():
            states = ("issued",) if what == "credit" else ("waiting", "pending")
            rows = db.session.query(Document).filter(Document.state.in_(states), Document.kind != "NC").all()
            if rows:
                row = rows[pick % len(rows)]
                self._happened(SHOP.orders[row.order_id])
                with contextlib.suppress(MerchantError, deciding.AlreadyMoved):
                    if what == "credit":
                        deciding.credit(row, correcting.next_number(row, "credit"), {"reason": "Devolução"})
                    else:
                        deciding.set_aside(row, "FT 1/1")
            db.session.rollback()

    # what must hold

    @invariant()
    def no_movement_is_there_twice(self) -> None:
        references = [move.reference for move in OFFICE.depot.moves]
        assert len(references) == len(set(references)), references

    @invariant()
    def a_failed_look_up_is_no_absence(self) -> None:
        made = [new.code for new in OFFICE.created]
        assert made in ([], [NEW]), f"made: {made}"

    @invariant()
    def what_no_level_is_kept_of_is_left_alone(self) -> None:
        alone = {key for key, one in SHOP.shelf.goods.items() if one.sku in ALONE}
        assert not [one for one in SHOP.shelf.written if one[:2] in alone]
        ids = {article.article_id for sku in ALONE if (article := self._article(sku))}
        named = {one.code: one.article_id for one in OFFICE.articles.values()}
        ours = [move for move in OFFICE.depot.moves if move.reference.startswith("QI-S-")]
        assert not [move for move in ours if named.get(move.code) in ids]

    # the end

    def _beat(self) -> None:
        """Everything due now is done."""
        for _ in range(50):
            if not sum(bool(self._do(act)) for act in WORK):
                return

    def _rests(self, beats: int = 40) -> None:
        for _ in range(beats):
            self._beat()
            if not self.late and not self.waiting():
                return
            self._pass(60)
        raise AssertionError(f"no rest: {self.waiting()}")

    def waiting(self) -> list[str]:
        """What is not over."""
        with self.app.app_context():
            found = [f"{row.sku} {row.reason}" for row in Stocked.query.filter(Stocked.due_at.is_not(None))]
            found += [f"run {row.kind} {row.phase}" for row in Run.query.filter(Run.state == "open")]
            found += [f"order {row.order_id}" for row in Ordered.query.filter(Ordered.state == "unread")]
            found += [
                f"product {row.product_id}" for row in Product.query.filter(Product.stale_at.is_not(None))
            ]
            found += [f"hook {row.id}" for row in Hook.query.filter(Hook.state == "new")]
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
        self._all_is_well()
        self._pass(700)
        self._rests()
        self._merchant_answers()
        self._rests()
        # where every hook came, nothing waits for the next reading of the whole list
        assert self.deaf or not self.unequal(), self.unequal()
        # articles are looked up again once a week
        self._pass(8 * 86_400)
        self._rests()
        self._merchant_answers()
        self._rests()
        assert not self.unequal(), self.unequal()
        self.no_movement_is_there_twice()
        self._journal_is_true()
        self._causes_bound_writes()
        self._nothing_moves()

    def _merchant_answers(self) -> None:
        """What he undid, or is contested, he lets follow again."""
        with self.app.app_context():
            for row in Stocked.query.filter(Stocked.reason != "").all():
                levelling.put_right(row)
                self.causes[row.sku] += 1
            db.session.commit()

    def _journal_is_true(self) -> None:
        rows, shelf = self.journal(), SHOP.shelf
        ours = [row for row in rows if row.side == "shop"]
        names = {key: one.sku for key, one in shelf.goods.items()}
        written = Counter((names[one[:2]], one[2], one[4]) for one in shelf.written)
        # of one whose answer was lost nobody can tell who brought the level there
        sure = [row for row in ours if row.state in ("done", "undone") and row.ended_at == row.planned_at]
        done = Counter((row.sku, row.location, int(row.after)) for row in sure)
        assert all(written[key] >= times for key, times in done.items()), "a change was never made"
        told = {(row.sku, row.location, int(row.after)) for row in ours}
        assert set(written) <= told, "a level was set without a word"
        moved, by = {move.reference for move in OFFICE.depot.moves}, {row.reference: row for row in rows}
        for reference in moved:
            assert by[reference].state in ("done", "undone", "unsure"), (
                f"{reference} is {by[reference].state}"
            )
        if OFFICE.depot.knows_moves:
            said = {
                row.reference for row in rows if row.side == "provider" and row.state in ("done", "undone")
            }
            assert said <= moved, "a movement was never made"

    def _causes_bound_writes(self) -> None:
        writes = Counter(row.sku for row in self.journal() if row.cause != "sale" or row.stocked_id)
        for sku, times in writes.items():
            assert times <= 2 * self.causes[sku] + 1, (
                f"{sku} was altered {times} times for {self.causes[sku]}"
            )

    def _nothing_moves(self) -> None:
        before = (len(SHOP.shelf.written), len(OFFICE.depot.moves), len(self.journal()))
        for seconds in (310, 90_000):
            self._pass(seconds)
            self._rests()
        assert before == (len(SHOP.shelf.written), len(OFFICE.depot.moves), len(self.journal())), "no rest"


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
