"""Sales, manual changes, failures and killed workers happen in any order: both sides end equal.

No movement is made twice, the shop never has less than zero, and at the end nothing moves any more.
`HYPOTHESIS_PROFILE=nightly` makes 2,000 runs, otherwise 20 for each direction.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from shopapp.documents import credit_notes, merchant_actions, returns
from shopapp.errors import MerchantError
from shopapp.inventory import movements, stock_runs
from shopapp.models import Document, Product, StockChange, StockReservation, SyncedSku, SyncRun, Webhook, db
from shopapp.models.followup import RETURN, FollowUp
from tests.fakes import PLATFORM_STATE, PROVIDER_STATE
from tests.state_machines.machine_runs import NIGHTLY, TIMEOUT, few_or_all, play
from tests.state_machines.stock_machine import (
    NEW_SKU,
    NOT_SYNCED_SKUS,
    SOLD_SKUS,
    STOCK_FAILPOINTS,
    SYNCED_SKUS,
    StockMachine,
)

RUNS, STEPS = (1000, 80) if NIGHTLY else (20, 50)
"""Runs for each of the two directions."""
DELIVERY = st.sampled_from(("sent", "sent", "twice", "late", "lost"))
SKU, PICK, PIECES = st.sampled_from(SYNCED_SKUS), st.integers(0, 99), st.integers(1, 3)
IS_FREE = st.sampled_from((False, False, False, True))
SECONDS = st.sampled_from((0, 0, 3, 20, 130, 310))
METHODS = (
    "set_stock", "set_stock", "move_stock", "move_stock", "move_stock", "goods", "goods_of", "stock_at", "order",
    "levels", "changed_levels", "articles", "stock_moved",
)  # fmt: skip
KINDS = ("lost", "lost", "never", "late", "busy", "down")
WORK = ("reconcile", "leases", "cancelled", "begin", "hook", "document", "doubt", "follow-up", "goods")
OTHER_WORK = (
    (),
    ("goods",),
    ("hook", "document", "goods"),
    ("130", "goods", "goods"),
    ("130", "begin", "goods", "hook", "document", "goods"),
    ("130", "leases", "goods", "310", "follow-up", "doubt", "goods"),
    ("130", "leases", "310", "follow-up", "310", "follow-up", "goods"),
)


class Machine(StockMachine):
    """The possible events, and the conditions that must hold after each of them."""

    @initialize(flags=st.tuples(*[st.booleans()] * 5), lossy=st.booleans())
    def start_sync(self, flags: tuple[bool, bool, bool, bool, bool], lossy: bool) -> None:
        documents_move, two, changes, knows, gives = flags
        self.webhooks_get_lost = lossy
        self._set_up_stock(self.to, documents_move, two, (changes, knows), gives)

    # The shop

    @rule(
        sku=st.sampled_from(SOLD_SKUS),
        other=st.sampled_from(SOLD_SKUS),
        pieces=PIECES,
        paid=st.booleans(),
        delivery=DELIVERY,
        is_free=IS_FREE,
    )
    def sell(self, sku: str, other: str, pieces: int, paid: bool, delivery: str, is_free: bool) -> None:
        self._place_order({sku: pieces, other: 1}, paid, delivery, is_free)

    @rule(pick=PICK, what=st.sampled_from(("pay", "pay", "cancel")), delivery=DELIVERY)
    def pay_or_cancel(self, pick: int, what: str, delivery: str) -> None:
        """Pay or cancel an order."""
        if self.number > 1000:
            number = str(1001 + pick % (self.number - 1000))
            status = PLATFORM_STATE.orders[number].status
            if what == "pay" and status == "open":
                self._pay_order(number, delivery)
            elif what == "cancel" and status != "cancelled":
                self._cancel_order(number, delivery)

    @rule(sku=SKU, pieces=st.integers(0, 15), pick=PICK, delivery=DELIVERY)
    def edit_shop(self, sku: str, pieces: int, pick: int, delivery: str) -> None:
        PLATFORM_STATE.stock.set_level(sku, pieces, self.places[pick % len(self.places)][1])
        self.causes[sku] += 1
        self._send_product_webhook(sku, delivery)

    # The provider

    @rule(sku=SKU, pieces=st.integers(-12, 12), counted=st.booleans(), pick=PICK)
    def edit_provider(self, sku: str, pieces: int, counted: bool, pick: int) -> None:
        """Sell, buy or count stock at the provider."""
        article, warehouse = self._article(sku), self.places[pick % len(self.places)][0]
        assert article is not None
        self.causes[sku] += 1
        if counted:
            PROVIDER_STATE.stock.set_level(article, abs(pieces) + Decimal("0.5") * (pick % 2), warehouse)
        else:
            PROVIDER_STATE.stock.add(article, Decimal(pieces), warehouse)

    @rule(sku=SKU, pick=PICK)
    def rename_article(self, sku: str, pick: int) -> None:
        """Rename an article that the app knows; an unknown one would count as another article."""
        article = self._article(sku)
        if article is None or not self.webhooks_get_lost or not self.is_article_known(sku):
            return
        self.causes[sku] += 1
        PROVIDER_STATE.articles[article.article_id] = replace(
            article, code=f"{sku}~{pick}" if pick % 3 else sku
        )

    # Failures

    @rule(verb=st.sampled_from(METHODS), kind=st.sampled_from(KINDS), acts=st.sampled_from(OTHER_WORK))
    def plan_fault(self, verb: str, kind: str, acts: tuple[str, ...]) -> None:
        self._plan_fault(verb, kind)
        self._run_others(acts)

    @rule(act=st.sampled_from(("goods", "goods", "document", "follow-up")),
          kill=st.sampled_from(("", *STOCK_FAILPOINTS)),
          sleep=st.sampled_from(("", *STOCK_FAILPOINTS)), meanwhile=st.sampled_from(OTHER_WORK),
          answer=st.sampled_from(("well", "well", "lost", "never", "late", "busy")), seconds=SECONDS)  # fmt: skip
    def faulty_step(
        self, act: str, kill: str, sleep: str, meanwhile: tuple[str, ...], answer: str, seconds: int
    ) -> None:
        """Run one step whose worker is killed or frozen, or whose provider fails."""
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

    # The workers, the clock, the merchant

    @rule(act=st.sampled_from((*WORK, "goods", "goods", "hook", "document", "follow-up")), seconds=SECONDS)
    def work(self, act: str, seconds: int) -> None:
        self._advance(seconds)
        self._run_step(act)

    @rule(seconds=SECONDS)
    def all_work(self, seconds: int) -> None:
        self._advance(seconds)
        self._do_due_work()

    @rule(what=st.sampled_from(("catalogue", "stock")))
    def start_run(self, what: str) -> None:
        self._start_run(what)

    @rule()
    def turn_direction(self) -> None:
        """Reverse the direction of the sync."""
        self._set_direction({"to-shop": "to-provider", "to-provider": "to-shop"}[self.direction])

    @rule(pick=PICK, run=st.booleans())
    def undo(self, pick: int, run: bool) -> None:
        """Undo one of the last changes, or all changes of a run."""
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

    @rule(pick=PICK, what=st.sampled_from(("all", "pieces", "broken", "money", "return", "aside")))
    def click_button(self, pick: int, what: str) -> None:
        """Credit a document in some way, take pieces back without money, or dismiss an order."""
        with self.app.app_context():
            states = ("waiting", "pending") if what == "aside" else ("issued",)
            rows = db.session.query(Document).filter(Document.state.in_(states), Document.kind != "NC").all()
            if rows:
                row = rows[pick % len(rows)]
                self._count_causes(PLATFORM_STATE.orders[row.order_id])
                with contextlib.suppress(MerchantError, merchant_actions.StateConflictError):
                    if what == "aside":
                        merchant_actions.dismiss_document(row, "FT 1/1")
                    elif what == "return":
                        merchant_actions.return_pieces(
                            row, returns.next_return_number(row), {row.lines[0].ref: Decimal(1)}
                        )
                    else:
                        merchant_actions.credit_document(
                            row,
                            credit_notes.next_cause_number(row, "credit"),
                            self._credit_request(row, what),
                        )
            db.session.rollback()

    def _credit_request(self, document: Document, what: str) -> dict[str, Any]:
        ref = document.lines[0].ref if document.lines else ""
        requests: dict[str, dict[str, Any]] = {
            "all": {},
            "pieces": {"lines": [[ref, "1", ""]]},
            "broken": {"lines": [[ref, "1", ""]], "unstocked": [ref]},
            "money": {"amount": "0.50"},
        }
        return requests[what]

    # Conditions that must hold

    @invariant()
    def no_movement_is_made_twice(self) -> None:
        references = [move.reference for move in PROVIDER_STATE.stock.movements]
        assert len(references) == len(set(references)), references

    @invariant()
    def no_existing_article_is_created(self) -> None:
        made = [new.code for new in PROVIDER_STATE.created_articles]
        assert made in ([], [NEW_SKU]), f"made: {made}"

    @invariant()
    def skus_without_stock_are_left_alone(self) -> None:
        alone = {key for key, one in PLATFORM_STATE.stock.items.items() if one.sku in NOT_SYNCED_SKUS}
        assert not [one for one in PLATFORM_STATE.stock.writes if one[:2] in alone]
        ids = {article.article_id for sku in NOT_SYNCED_SKUS if (article := self._article(sku))}
        named = {one.code: one.article_id for one in PROVIDER_STATE.articles.values()}
        shop_changes = [move for move in PROVIDER_STATE.stock.movements if move.reference.startswith("QI-S-")]
        assert not [move for move in shop_changes if named.get(move.code) in ids]

    # The end

    def _do_due_work(self) -> None:
        """Do all due work."""
        for _ in range(50):
            if not sum(bool(self._run_step(act)) for act in WORK):
                return

    def _run_to_rest(self, beats: int = 40) -> None:
        for _ in range(beats):
            self._do_due_work()
            if not self.late_calls and not self.waiting():
                return
            self._advance(60)
        raise AssertionError(f"unfinished: {self.waiting()}")

    def waiting(self) -> list[str]:
        """Return the unfinished work."""
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
        """Stop all faults and actions: both sides come to rest, equal, and stay so."""
        if not hasattr(self, "places"):
            return
        self._clear_faults()
        self._advance(700)
        self._run_to_rest()
        self._resync_all()
        self._run_to_rest()
        # Where no webhook was lost, nothing waits for the next catalogue run.
        assert self.webhooks_get_lost or not self.level_differences(), self.level_differences()
        # Articles are looked up again once a week.
        self._advance(8 * 86_400)
        self._run_to_rest()
        self._resync_all()
        self._run_to_rest()
        assert not self.level_differences(), self.level_differences()
        self.no_movement_is_made_twice()
        self._check_journal()
        self._check_returns()
        self._check_number_of_changes()
        self._check_rest()

    def _resync_all(self) -> None:
        """Sync every SKU again that the merchant undid, and every one that is contested or refused."""
        with self.app.app_context():
            for row in SyncedSku.query.filter(SyncedSku.reason != "").all():
                stock_runs.resync(row)
                self.causes[row.sku] += 1
            db.session.commit()

    def _check_journal(self) -> None:
        rows, shop_stock = self.stock_changes(), PLATFORM_STATE.stock
        shop_changes = [row for row in rows if row.side == "shop"]
        names = {key: one.sku for key, one in shop_stock.items.items()}
        written = Counter((names[one[:2]], one[2], one[4]) for one in shop_stock.writes)
        # After a lost answer it is unknown who set the quantity.
        sure = [
            row for row in shop_changes if row.state in ("done", "undone") and row.ended_at == row.planned_at
        ]
        done = Counter((row.sku, row.location, int(row.after)) for row in sure)
        assert all(written[key] >= times for key, times in done.items()), "a change was never made"
        told = {(row.sku, row.location, int(row.after)) for row in shop_changes}
        assert set(written) <= told, "a quantity was set without a change in the journal"
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

    def _check_returns(self) -> None:
        """Check that no more pieces of a document come back than it sold."""
        with self.app.app_context():
            for document in Document.query.filter(Document.state == "issued", Document.kind != "NC"):
                left = Counter(movements.moved_quantities(document))
                for note in Document.query.filter_by(original_id=document.id, state="issued", kind="NC"):
                    left.update(movements.moved_quantities(note))
                for one in FollowUp.query.filter_by(document_id=document.id, kind=RETURN):
                    left.update(returns.quantities_of_return(document, one))
                assert all(pieces >= 0 for pieces in left.values()), f"{document.number}: {left}"
            db.session.rollback()

    def _check_number_of_changes(self) -> None:
        writes = Counter(row.sku for row in self.stock_changes() if row.cause != "sale" or row.stocked_id)
        for sku, times in writes.items():
            assert times <= 2 * self.causes[sku] + 1, (
                f"{sku} was altered {times} times for {self.causes[sku]}"
            )

    def _check_rest(self) -> None:
        before = (
            len(PLATFORM_STATE.stock.writes),
            len(PROVIDER_STATE.stock.movements),
            len(self.stock_changes()),
        )
        for seconds in (310, 90_000):
            self._advance(seconds)
            self._run_to_rest()
        assert before == (
            len(PLATFORM_STATE.stock.writes),
            len(PROVIDER_STATE.stock.movements),
            len(self.stock_changes()),
        ), "no rest"


@TIMEOUT
@few_or_all
@pytest.mark.parametrize("to", ["to-shop", "to-provider"])
def test_whatever_happens_both_sides_end_equal_and_at_rest(in_memory: Flask, to: str, few: bool) -> None:
    machine = type("Machine", (Machine,), {"app": in_memory, "to": to})
    play(machine, RUNS, STEPS, few)
