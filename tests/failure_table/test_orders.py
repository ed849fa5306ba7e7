"""Rows 37 to 43 of the failure table: an order changes while its document is issued, or afterwards."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopapp import failpoints
from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import NotAllowedError, OrderError, RefusedError, ThrottledError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance
from shopapp.models import Decision, Document, FollowUp, Transition, db, set_clock
from shopapp.orders import polling, webhooks
from tests.failure_table.concurrency import (
    EVERY_PLATFORM,
    IS_NIGHTLY,
    expire_everything,
    run_concurrently,
    run_in_another_worker,
)
from tests.fakes import World, paid_order
from tests.security.conftest import ORIGIN, csrf_token_of, log_in


class Killed(BaseException):
    """Raised where a worker is killed with kill -9."""


def click(client: FlaskClient, token: str, path: str, **form: str) -> int:
    """Press a button and return the status."""
    sent = {"csrf_token": token, **form}
    return client.post(path, data=sent, headers={"Origin": ORIGIN, "Referer": f"{ORIGIN}/"}).status_code


def test_row_37_twenty_clicks_from_two_windows_are_one_document(app: Flask, world: World) -> None:
    world.account.settings = {**world.account.settings, "automatic": False}
    db.session.commit()
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason) == ("waiting", "automatic-off")
    path, window = f"/documents/{row.id}/issue", log_in(app, world.store)
    token = csrf_token_of(window)
    cookie = window.get_cookie("__Host-session") or window.get_cookie("session")
    assert cookie is not None
    count = itertools.count()

    def one_click() -> int:
        if next(count) % 4 == 0:
            world.run_due_work()
        tab = app.test_client()
        tab.set_cookie(cookie.key, cookie.value, secure=cookie.secure)
        return click(tab, token, path)

    answers = run_concurrently(app, 20, one_click, inside=True)
    world.run_due_work()
    assert set(answers) <= {303, 409} and 303 in answers
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)
    moves = db.session.scalars(select(Transition).where(Transition.new == "issuing"))
    assert len(list(moves)) == 1


def test_row_37_while_it_is_sent_or_in_doubt_the_button_says_so(app: Flask, world: World) -> None:
    window = log_in(app, world.store)
    token = csrf_token_of(window)
    said: list[tuple[str, int]] = []

    def clicked(draft: Draft, reference: str) -> Issued | None:
        row = world.document()
        said.append((row.state, click(window, token, f"/documents/{row.id}/issue")))
        raise Killed

    world.provider.planned_issues = [clicked]
    world.pay_order("1001")
    with pytest.raises(Killed):
        world.run_due_work()
    expire_everything()
    maintenance.expire_leases()
    row = world.document()
    said.append((row.state, click(window, token, f"/documents/{row.id}/issue")))
    assert said == [("issuing", 409), ("review", 409)]
    assert world.provider.ledger == []


def of_price(number: str, price: str) -> Any:
    """Return the order with another price for its one mug."""
    order = paid_order(number)
    return replace(order, lines=(replace(order.lines[0], unit_price=Decimal(price)),), total=Decimal(price))


@EVERY_PLATFORM
def test_row_38_an_order_edited_before_the_claim_is_issued_as_read_and_then_frozen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    world.shop.orders["1001"] = of_price("1001", "20.00")

    def at(name: str) -> None:
        if name == "before_claim":
            world.shop.orders["1001"] = of_price("1001", "30.00")
        if name == "before_send":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "hit", at)
        with pytest.raises(Killed):
            world.run_due_work()
    frozen = world.document().draft_hash
    expire_everything()
    maintenance.expire_leases()
    merchant_actions.confirm_not_issued(world.document())
    world.run_due_work()
    # Whatever the shop says now, these bytes are sent, or none.
    assert [draft.digest() for _, draft in world.provider.ledger] == [frozen]
    assert world.document().total == Decimal("20.00")


@EVERY_PLATFORM
def test_row_38_an_order_edited_after_its_document_is_flagged_once_and_never_issued_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "REREAD_INTERVAL", timedelta(0))
    world.pay_order("1001")
    # paid in part by a gift card, which is part of what was paid
    has_gift_cards = world.store.platform == "fakeshop"
    if has_gift_cards:
        Decision.record(world.account.id, "gift-card-use", "*", "multi-purpose", "test")
        world.pay_order("1002", total=Decimal("7.30"), gift_cards=Decimal("5.00"))
    world.run_due_work()
    first, seen = world.document().number, []
    for price in ("12.30", "20.00", "20.00"):
        world.shop.orders["1001"] = of_price("1001", price)
        world.store.reconciled_at = world.store.reconcile_lease_until = None
        db.session.commit()
        maintenance.poll_due_stores(0)
        world.run_due_work()
        row = world.document()
        told = [move for move in row.transitions if move.reason == "changed-after"]
        seen.append((price, row.alarm, len(told)))
        merchant_actions.dismiss_alarm(row)
    assert seen == [("12.30", "", 0), ("20.00", "changed-after", 1), ("20.00", "", 1)]
    if has_gift_cards:
        assert (world.document("1002").state, world.document("1002").alarm) == ("issued", "")
    assert (world.document().number, world.document().total) == (first, Decimal("12.30"))
    assert len(world.provider.ledger) == 1 + has_gift_cards


@EVERY_PLATFORM
def test_row_38_an_order_edited_while_its_document_is_sent_is_flagged(app: Flask, world: World) -> None:
    def edited(draft: Draft, reference: str) -> Issued | None:
        world.shop.orders["1001"] = of_price("1001", "20.00")
        world.receive_webhook("1001", "order_updated")
        assert run_in_another_worker(app, world.run_due_work) is None
        return None

    world.provider.planned_issues = [edited]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.alarm, row.total) == ("issued", "changed-after", Decimal("12.30"))
    assert len(world.provider.ledger) == 1


@EVERY_PLATFORM
@pytest.mark.parametrize("how", ["cancelled", "deleted"])
@pytest.mark.parametrize("is_read_meanwhile", [True, False], ids=["read meanwhile", "read later"])
def test_row_39_an_order_cancelled_while_its_document_is_sent_is_flagged_once_it_is_known(
    app: Flask, world: World, how: str, is_read_meanwhile: bool
) -> None:
    def cancelled(draft: Draft, reference: str) -> Issued | None:
        if how == "deleted":
            del world.shop.orders["1001"]
            world.receive_webhook(
                "1001", "order_deleted" if world.store.platform == "shopkit" else "order_updated"
            )
        else:
            world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="cancelled")
            world.receive_webhook("1001", "order_canceled")
        run_in_another_worker(app, world.run_due_work if is_read_meanwhile else webhooks.process_next_webhook)
        return None

    world.provider.planned_issues = [cancelled]
    world.pay_order("1001")
    world.run_due_work()
    if is_read_meanwhile:
        maintenance.flag_cancelled()
    row = world.document()
    assert (row.state, row.alarm, len(world.provider.ledger)) == ("issued", "cancelled-after", 1)
    assert maintenance.flag_cancelled() == 0


@EVERY_PLATFORM
def test_row_39_an_order_cancelled_before_anything_was_sent_has_no_document(world: World) -> None:
    world.pay_order("1001")
    world.shop.orders["1001"] = replace(paid_order("1001"), status="cancelled")
    world.receive_webhook("1001", "order_canceled")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("void", "cancelled")
    assert world.provider.ledger == []


@pytest.mark.timeout(1800)
def test_row_40_credit_notes_never_exceed_the_invoice_whatever_is_requested(world: World) -> None:
    world.account.settings = {**world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    db.session.commit()
    for run in range(100 if IS_NIGHTLY else 2):
        number, chance = str(1001 + run), random.Random(run)
        world.pay_order(number)
        world.run_due_work()
        for act in range(1, 6):
            _asks(world, number, act, f"{chance.randint(1, 1400) / 100:.2f}")
            invoice = world.document(number)
            notes = db.session.query(Document).filter_by(original_id=invoice.id, state="issued").all()
            credited = sum((note.total or Decimal(0) for note in notes), Decimal(0))
            assert credited + credit_notes.creditable_amount(invoice) == invoice.total == Decimal("12.30")
    kinds = [draft.kind for _, draft in world.provider.ledger]
    assert "NC" in kinds and len(world.issued_references()) == len(set(world.issued_references()))


def _asks(world: World, number: str, act: int, amount: str) -> None:
    """Request a credit note over the amount as the merchant, with the form sent twice."""
    for _ in range(2):
        try:
            merchant_actions.credit_document(
                world.document(number), act, {"amount": amount, "reason": "Devolução"}
            )
        except (NotAllowedError, merchant_actions.StateConflictError):
            db.session.rollback()
        world.run_due_work()


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "another currency": ({"currency": "USD"}, "blocked"),
    "no currency that there is": ({"currency": "XXX"}, "blocked"),
    "free": ({"total": Decimal(0), "discount": Decimal("12.30")}, "waiting"),
    "a total that nothing explains": ({"total": Decimal("12.31")}, "blocked"),
    "a discount above the price": ({"discount": Decimal("99.00")}, "blocked"),
    "999 lines": ({"lines": 999, "price": "0.005", "total": Decimal("5.00")}, ""),
}


@pytest.mark.parametrize("name", ODD)
def test_row_41_an_odd_order_is_right_to_the_cent_or_stopped_with_its_reason(world: World, name: str) -> None:
    changes, state = ODD[name]
    changes = dict(changes)
    if count := changes.pop("lines", 0):
        line, price = paid_order().lines[0], Decimal(changes.pop("price"))
        changes["lines"] = tuple(replace(line, ref=str(at), unit_price=price) for at in range(count))
    world.pay_order("1001", **changes)
    world.run_due_work()
    row = world.document()
    assert row.state == (state or row.state) and row.state in ("issued", "blocked", "waiting")
    if row.state == "issued":
        draft = world.provider.ledger[0][1]
        assert draft.gross == changes["total"] == sum(line.gross for line in draft.lines)
        assert isinstance(draft.gross, Decimal)
    else:
        assert row.reason and world.provider.ledger == []


RATES = {"PT": 23, "PT-MA": 22, "PT-AC": 16}
EDGES = [
    ("PT", "2026-12-31T23:59:59", "2026-12-31"), ("PT", "2027-01-01T00:00:00", "2027-01-01"),
    ("PT-AC", "2027-01-01T00:59:59", "2026-12-31"), ("PT-AC", "2027-01-01T01:00:00", "2027-01-01"),
    ("PT-MA", "2027-01-01T00:00:00", "2027-01-01"),
    ("PT", "2026-07-01T22:59:59", "2026-07-01"), ("PT", "2026-07-01T23:00:00", "2026-07-02"),
    ("PT-AC", "2026-07-01T23:59:59", "2026-07-01"), ("PT-AC", "2026-07-02T00:00:00", "2026-07-02"),
    ("PT", "2026-10-24T23:00:00", "2026-10-25"), ("PT", "2026-10-25T23:59:59", "2026-10-25"),
    ("PT", "2026-03-28T23:59:59", "2026-03-28"), ("PT", "2026-03-29T23:00:00", "2026-03-30"),
]  # fmt: skip


def test_row_42_the_date_is_the_local_one_around_midnight_new_year_and_clock_changes(
    world: World,
) -> None:
    dated = {}
    for at, (place, instant, _) in enumerate(sorted(EDGES, key=lambda edge: edge[1])):
        clock = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        set_clock(lambda c=clock: c)  # type: ignore[misc]
        world.account.settings = {**world.account.settings, "ship_from": place}
        world.store.ready_at = clock - timedelta(hours=1)
        world.store.token_expires_at = clock + timedelta(hours=1)
        db.session.commit()
        mug = replace(paid_order().lines[0], charged=Decimal(RATES[place]))
        world.pay_order(str(1001 + at), created_at=clock, paid_at=clock, lines=(mug,))
        world.run_due_work()
        draft = world.document(str(1001 + at)).draft
        assert draft is not None, instant
        dated[place, instant] = str(draft.date)
    assert dated == {(place, instant): date for place, instant, date in EDGES}


@EVERY_PLATFORM
@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (UnreachableError("unreachable", how="status-503"), "due"),
        (ThrottledError("throttled", retry_after=1.0), "due"),
        (OrderError("order-missing"), "failed"),
    ],
    ids=["503", "429", "gone"],
)
def test_row_43_a_document_that_cannot_be_shown_on_the_order_stays_issued(
    world: World, failure: Exception, state: str
) -> None:
    world.shop.errors["attach"] = [failure] * 2
    world.pay_order("1001")
    world.run_due_work()
    owed = db.session.scalars(select(FollowUp).where(FollowUp.kind == "attach")).one()
    assert (world.document().state, owed.state) == ("issued", state)
    for _ in range(3):
        expire_everything()
        world.run_due_work()
    db.session.expire_all()
    shown = world.shop.attachments.get("1001", [])
    assert (owed.state, len(shown)) == (("failed", 0) if state == "failed" else ("done", 1))
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


@EVERY_PLATFORM
def test_row_39_an_order_cancelled_while_being_partly_credited_blocks_no_other_order(world: World) -> None:
    chosen = {**world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}, "credit_cancelled": True}
    world.account.settings = chosen
    db.session.commit()
    world.pay_order("1001")
    world.run_due_work()
    world.provider.planned_issues = [_refuses]
    merchant_actions.credit_document(world.document(), 1, {"amount": "5.00", "reason": "Devolução"})
    world.run_due_work()
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="cancelled")
    world.receive_webhook("1001", "order_canceled")
    world.pay_order("1002")
    world.run_due_work()
    assert world.document("1002").state == "issued"
    assert (world.document().state, world.document().alarm) == ("issued", "cancelled-after")


def _refuses(draft: Draft, reference: str) -> Issued | None:
    raise RefusedError("provider-refused", answer="Não.")
