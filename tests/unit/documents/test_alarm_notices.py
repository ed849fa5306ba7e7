"""The merchant is told of each new alarm by e-mail, once, and what only they can know is asked and not done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from shopapp import mail as shopapp_mail
from shopapp.documents import figures, merchant_actions
from shopapp.fiscal.document import Issued
from shopapp.models import Document, FollowUp, db
from shopapp.models.document import BLOCKED
from tests.fakes import World, paid_order


@pytest.fixture
def post(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the subjects of the e-mails to the merchant."""
    sent: list[str] = []
    monkeypatch.setattr(shopapp_mail, "send", lambda to, subject, *rest: sent.append(subject))
    app.config["SMTP_URL"] = "smtp://127.0.0.1:9"
    world.account.settings = {
        **world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}, "alert": True,
        "alert_email": "loja@example.pt",
    }  # fmt: skip
    db.session.commit()
    return sent


def _change(world: World, event: str = "order_updated", **changes: Any) -> None:
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], **changes)
    world.receive_webhook("1001", event, more=str(len(world.shop.calls)))
    world.run_due_work()


def _cancel(world: World) -> None:
    _change(world, "order_canceled", status="cancelled")


def _unpay(world: World) -> None:
    _change(world, status="open")


def _edit(world: World, total: str = "20.00") -> None:
    line = replace(paid_order().lines[0], unit_price=Decimal(total))
    _change(world, lines=(line,), total=Decimal(total))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (_cancel, "foi cancelada depois de faturada"),
        (_unpay, "deixou de estar paga"),
        (_edit, "mudou na loja depois de faturada"),
    ],
)
def test_an_order_that_changes_after_its_document_is_told_by_mail_once(
    world: World, post: list[str], event: Callable[[World], None], words: str
) -> None:
    world.pay_order("1001")
    world.run_due_work()
    assert post == []
    event(world)
    event(world)
    assert len(post) == 1 and words in post[0] and "#1001" in post[0]


def test_a_second_edit_is_not_mailed_before_the_first_was_seen_and_is_mailed_after(
    world: World, post: list[str]
) -> None:
    world.pay_order("1001")
    world.run_due_work()
    _edit(world)
    _edit(world, "21.00")
    assert len(post) == 1 and world.document().alarm_detail["theirs"] == "21.00"
    merchant_actions.dismiss_alarm(world.document())
    _edit(world, "22.00")
    assert len(post) == 2


def test_each_cancellation_of_an_order_paid_in_between_is_told(world: World, post: list[str]) -> None:
    world.pay_order("1001")
    world.run_due_work()
    for _ in range(2):
        _cancel(world)
        _change(world, "order_paid", status="paid")
    assert len(post) == 2


def test_a_notice_whose_cause_is_gone_is_not_sent(world: World, post: list[str]) -> None:
    world.pay_order("1001")
    world.run_due_work()
    FollowUp.notify_of_alarm(world.document())
    world.run_due_work()
    assert post == []


def test_a_difference_found_later_is_told_and_stops_the_mail_to_the_buyer(
    world: World, post: list[str]
) -> None:
    world.pay_order("1001")
    world.run_due_work()
    document = world.document()
    FollowUp.enqueue_again(document, "email", to="ana@example.pt")
    draft = document.draft
    assert draft is not None
    figures.compare_again(document, Issued("1", document.number or "", total=draft.net, vat=draft.vat))
    db.session.commit()
    world.run_due_work()
    assert len(post) == 1 and "difere do enviado" in post[0]


# goods that have left


@pytest.mark.parametrize("sent", [False, True])
def test_a_cancelled_order_is_credited_by_itself_only_while_its_goods_are_here(
    world: World, post: list[str], sent: bool
) -> None:
    world.account.settings = {**world.account.settings, "credit_cancelled": True}
    world.pay_order("1001")
    world.run_due_work()
    _change(world, has_left=sent)
    _cancel(world)
    note = Document.find(world.store.id, "1001", "credit:1")
    assert (note is None) is sent
    assert (world.document().alarm, len(post)) == (("cancelled-after", 1) if sent else ("", 0))
    if sent:
        assert world.document().alarm_detail == {"sent": "yes"}


def test_a_stopped_order_is_still_told_of(world: World, post: list[str]) -> None:
    world.pay_order("1001", buyer=replace(paid_order().buyer, tax_id="123456788"))
    world.run_due_work()
    assert world.document().state == BLOCKED and len(post) == 1
