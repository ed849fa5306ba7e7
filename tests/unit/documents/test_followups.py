"""Follow-ups have their own retries and never change the document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from shopapp import mail as shopapp_mail
from shopapp.documents import followups, merchant_actions
from shopapp.documents.pdf import read_pdf
from shopapp.errors import CredentialsError, RefusedError, TransientError, UnreachableError
from shopapp.fiscal.party import Party
from shopapp.messages import emails
from shopapp.models import FollowUp, db, now
from shopapp.providers.base import IssueGuarantee
from shopapp.web.documents.timeline import build_timeline
from tests.fakes import World


def _of(world: World, kind: str) -> FollowUp:
    db.session.expire_all()
    return db.session.scalars(db.select(FollowUp).where(FollowUp.kind == kind)).one()


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(shopapp_mail, "send", lambda *mail: sent.append(mail))
    monkeypatch.setattr(emails, "compose_email", lambda kind, document: (f"{kind} {document.number}", "text"))
    return sent


def test_a_platform_that_is_down_delays_only_the_follow_up(world: World) -> None:
    world.shop.errors["attach"] = [UnreachableError("unreachable")]
    world.pay_order("1001")
    world.run_due_work()
    assert world.document().state == "issued"
    assert (_of(world, "attach").state, _of(world, "attach").reason) == ("due", "unreachable")
    _of(world, "attach").not_before = now()
    db.session.commit()
    world.run_due_work()
    assert _of(world, "attach").state == "done"
    assert len(world.shop.attachments["1001"]) == 1


def test_refused_keys_are_not_tried_again_for_what_comes_after_issuing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PDF is not fetched with them either: a provider may lock an account after failed log-ins."""
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST

    def refuses(*_: Any) -> int:
        world.shop.calls.append("attempt")
        raise CredentialsError("keys-refused", field="", answer="")

    monkeypatch.setattr("tests.fakes.FakeProvider.drop_drafts", refuses)
    world.pay_order("1001")
    world.run_due_work()
    followup = _of(world, "tidy")
    assert (followup.state, followup.reason, world.shop.calls.count("attempt")) == ("due", "keys-refused", 1)
    assert followup.not_before - now() > timedelta(seconds=followups.CREDENTIALS_RETRY_SECONDS - 60)
    world.account.refused_at, world.account.refused_code = now(), "keys-refused"
    followup.not_before = now()
    db.session.commit()
    monkeypatch.setattr("tests.fakes.FakeProvider.pdf", refuses)
    world.run_due_work()
    with pytest.raises(CredentialsError):
        read_pdf(world.document())
    assert (_of(world, "tidy").state, world.shop.calls.count("attempt")) == ("due", 1)


def test_a_refused_follow_up_is_shown_as_failed_and_not_repeated(world: World) -> None:
    world.shop.errors["note"] = [RefusedError("store-refused", status=422)]
    world.pay_order("1001")
    world.run_due_work()
    assert (_of(world, "history").state, world.document().state) == ("failed", "issued")


def test_a_follow_up_is_given_up_after_a_day(world: World) -> None:
    world.shop.errors["note"] = [UnreachableError("unreachable")] * 2
    world.pay_order("1001")
    world.run_due_work()
    followup = _of(world, "history")
    followup.not_before, followup.owed_at = now(), now() - timedelta(hours=25)
    db.session.commit()
    world.run_due_work()
    assert _of(world, "history").state == "failed"


def test_a_failed_follow_up_waits_as_long_again_as_it_has_been_queued(world: World) -> None:
    world.shop.errors["note"] = [UnreachableError("unreachable")] * 2
    world.pay_order("1001")
    world.run_due_work()
    first = _of(world, "history").not_before - now()
    assert timedelta(seconds=20) < first < timedelta(seconds=40)
    followup = _of(world, "history")
    followup.not_before, followup.owed_at = now(), now() - timedelta(minutes=5)
    db.session.commit()
    world.run_due_work()
    second = _of(world, "history").not_before - now()
    assert timedelta(minutes=4) < second < timedelta(minutes=6)


def test_a_follow_up_queued_again_starts_with_the_first_delay(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    for _ in range(9):
        FollowUp.enqueue_or_restart(world.document(), "attach")
        db.session.commit()
        world.run_due_work()
    assert _of(world, "attach").tries > 9
    world.shop.errors["attach"] = [UnreachableError("unreachable")]
    FollowUp.enqueue_or_restart(world.document(), "attach")
    db.session.commit()
    world.run_due_work()
    assert _of(world, "attach").not_before - now() < timedelta(seconds=60)


def test_the_buyer_gets_the_document_by_email_only_if_chosen(world: World, post: list[Any]) -> None:
    world.pay_order("1001")
    world.run_due_work()
    assert post == []
    world.account.settings = {**world.account.settings, "email_buyer": True}
    db.session.commit()
    world.pay_order("1002")
    world.run_due_work()
    assert [(to, subject, paper[0]) for to, subject, _, paper in post] == [
        ("ana@example.pt", "buyer FR 2026FR/2", "FR 2026FR/2.pdf")
    ]


def test_the_merchant_may_mail_it_again_to_another_address(world: World, post: list[Any]) -> None:
    world.pay_order("1001")
    world.run_due_work()
    for to in ("a@example.pt", "b@example.pt"):
        merchant_actions.resend_email(world.document(), to)
        world.run_due_work()
    assert [mail[0] for mail in post] == ["a@example.pt", "b@example.pt"]


def test_a_mail_that_cannot_go_now_goes_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise TransientError("mail-unsent")

    monkeypatch.setattr(emails, "compose_email", lambda kind, document: ("subject", "text"))
    monkeypatch.setattr(shopapp_mail, "send", down)
    world.pay_order("1001")
    world.run_due_work()
    merchant_actions.resend_email(world.document(), "a@example.pt")
    world.run_due_work()
    assert (_of(world, "email").state, _of(world, "email").reason) == ("due", "mail-unsent")


@pytest.mark.parametrize("address", ["", "no address", "a@b@c", "a\r\nBcc: x@example.pt"])
def test_a_malformed_address_is_refused_before_any_server_is_called(app: Any, address: str) -> None:
    with app.app_context(), pytest.raises(shopapp_mail.MailRefused):
        shopapp_mail.send(address, "s", "t")


@pytest.mark.parametrize("told", [True, False])
def test_the_merchant_is_told_by_email_of_an_order_that_never_reached_the_provider(
    app: Flask, world: World, post: list[Any], told: bool
) -> None:
    app.config["SMTP_URL"] = "smtp://127.0.0.1:9" if told else ""
    world.account.settings = {**world.account.settings, "alert": True, "alert_email": "loja@example.pt"}
    db.session.commit()
    world.pay_order("1001", buyer=Party(name="Ana Exemplo", email="ana@example.pt", tax_id="123456788"))
    world.run_due_work()
    assert (world.document().state, world.document().account) == ("blocked", None)
    assert [to for to, *_ in post] == ["loja@example.pt"] * told
    with app.test_request_context():
        shown = [event.text for event in build_timeline(world.document(), "")]
    assert ("Avisámos por e-mail." in shown) is told
