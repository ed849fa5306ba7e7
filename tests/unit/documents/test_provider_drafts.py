"""A waiting order has a draft that is kept in sync and finalised on payment; order notes and transport guides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.connections.provider import provider_of
from shopapp.connections.subscriptions import subscribe_webhooks
from shopapp.documents import followups, merchant_actions
from shopapp.errors import CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.document import DocumentKind, Draft, Issued
from shopapp.fiscal.order import OrderLine
from shopapp.fiscal.party import Address
from shopapp.jobs import maintenance
from shopapp.models import Account, Article, Document, FollowUp, db, now
from shopapp.providers import PROVIDERS
from shopapp.providers.base import Capabilities, IssueGuarantee, Series, SupportsEmail
from tests.fakes import PROVIDER_STATE, FakeProvider, World, paid_order


class DraftingProvider(FakeProvider, SupportsEmail):
    """A provider with drafts and order notes; it issues a note with a single call."""

    name, label = "drafting", "Drafting Books"
    capabilities = Capabilities(
        credit_notes=True,
        drafts_before_payment=True,
        order_notes=True,
        order_note_drafts=True,
        transport=True,
    )

    def guarantee_for(self, kind: DocumentKind) -> IssueGuarantee:
        return IssueGuarantee.DRAFT_FIRST if kind != "NE" or NOTES_AS_DRAFTS else IssueGuarantee.MANUAL

    @property
    def guarantee(self) -> IssueGuarantee:
        return IssueGuarantee.DRAFT_FIRST

    def email(self, provider_id: str, to: str) -> None:
        self._http.before_call()
        MAILED.append((provider_id, to))


NOTES_AS_DRAFTS: list[bool] = []
MAILED: list[tuple[str, str]] = []


class Early(World):
    """A store whose provider supports drafts and whose merchant has enabled them."""

    def __init__(self) -> None:
        super().__init__()
        NOTES_AS_DRAFTS.clear()
        MAILED.clear()
        self.provider.guarantee = IssueGuarantee.DRAFT_FIRST
        self.account.provider = "drafting"
        self.choose(
            drafts=True, series={kind: f"2026{kind}" for kind in ("FR", "FT", "FS", "NE", "GT", "NC")}
        )

    def choose(self, **chosen: Any) -> None:
        self.account.settings = {**self.account.settings, **chosen}
        db.session.commit()

    def placed(self, number: str = "1001", **changes: Any) -> None:
        """Place an unpaid order and send its webhook."""
        self.shop.orders[number] = paid_order(number, **{"status": "open", "paid_at": None, **changes})
        self.receive_webhook(number, "order_pending_payment")
        self.run_due_work()

    def edited(self, number: str = "1001", event: str = "order_updated", **changes: Any) -> None:
        """Edit the order and send its webhook."""
        self.shop.orders[number] = replace(self.shop.orders[number], **changes)
        self.receive_webhook(number, event, more=str(changes))
        self.run_due_work()

    def now_paid(self, number: str = "1001", **changes: Any) -> None:
        moment = now()
        db.session.commit()
        self.edited(number, "order_paid", status="paid", paid_at=moment, **changes)

    def follow(self) -> None:
        """Make postponed follow-ups due and run them."""
        for owed in db.session.scalars(db.select(FollowUp).where(FollowUp.state == "due")):
            owed.not_before = now()
        db.session.commit()
        self.run_due_work()

    def kept(self) -> list[str]:
        """Return the provider's documents that are still drafts."""
        return [key for key in self.provider.drafts if key not in self.provider.issued]


@pytest.fixture
def early(db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Early]:
    monkeypatch.setitem(PROVIDERS, "drafting", DraftingProvider)
    from shopapp.platforms import PLATFORMS
    from tests.fakes import FakePlatform

    monkeypatch.setitem(PLATFORMS, "fakeshop", FakePlatform)
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeProvider)
    yield Early()
    failpoints.arm("")


TWO = (
    OrderLine(ref="1", description="Caneca", quantity=Decimal(2), unit_price=Decimal("12.30"), sku="CAN-1",
         charged=Decimal(23)),
)  # fmt: skip


def test_a_placed_order_has_a_draft_and_no_document(early: Early) -> None:
    early.placed()
    row = early.document()
    assert (row.state, row.reason) == ("waiting", "unpaid")
    assert early.kept() == [row.draft_id]
    assert row.draft_account_id == early.account.id
    assert early.provider.ledger == []


def test_without_the_setting_a_placed_order_has_no_draft(early: Early) -> None:
    early.choose(drafts=False)
    early.shop.orders["1001"] = paid_order(status="open", paid_at=None)
    early.receive_webhook("1001", "order_pending_payment")
    early.run_due_work()
    assert early.provider.drafts == {}
    assert Document.find(early.store.id, "1001") is None


def test_a_placed_order_that_no_webhook_announced_has_its_draft_too(early: Early) -> None:
    early.shop.orders["1001"] = paid_order(status="open", paid_at=None)
    early.store.reconciled_at = early.store.combed_at = None
    db.session.commit()
    maintenance.poll_due_stores(60)
    early.run_due_work()
    assert early.kept() == [early.document().draft_id]


def test_unpaid_order_webhooks_are_subscribed_only_if_needed(early: Early) -> None:
    for chosen, heard in (
        ({"drafts": True}, True),
        ({"drafts": False, "notes": True}, True),
        ({"notes": False}, False),
    ):
        early.choose(**chosen)
        early.shop.webhooks.clear()
        subscribe_webhooks(early.store)
        assert ("order_pending_payment" in [event for event, _ in early.shop.webhooks]) is heard


def test_the_draft_is_finalised_when_the_order_is_paid(early: Early) -> None:
    early.placed()
    former = early.document().draft_id
    early.now_paid()
    row = early.document()
    assert (row.state, row.number) == ("issued", "FR 2026FR/1")
    assert list(early.provider.issued)[0] == former or former in early.provider.issued
    assert early.provider.drafts_opened == 1
    assert early.kept() == []


def test_an_edited_order_gets_a_new_draft(early: Early) -> None:
    early.placed()
    former = early.document().draft_id
    early.edited(lines=TWO, total=Decimal("24.60"))
    row = early.document()
    assert early.kept() == [row.draft_id]
    assert row.draft_id != former
    assert row.draft is not None and row.draft.gross == Decimal("24.60")
    early.now_paid()
    assert early.document().total == Decimal("24.60")
    assert len(early.provider.ledger) == 1


def test_the_same_order_announced_again_costs_no_call(early: Early) -> None:
    early.placed()
    for more in ("a", "b", "c"):
        early.edited(note=more)
    assert early.provider.drafts_opened == 1


def test_another_day_alone_makes_no_new_draft_before_payment(early: Early) -> None:
    early.placed()
    row = early.document()
    former = row.draft
    assert former is not None
    older = replace(former, date=former.date - timedelta(days=1))
    row.draft_text, row.draft_hash = older.to_bytes().decode(), older.digest()
    db.session.commit()
    early.edited(note="a")
    assert early.provider.drafts_opened == 1
    early.now_paid()
    assert early.provider.drafts_opened == 2
    assert early.kept() == []
    assert early.document().issued_on == former.date


def test_the_paid_content_is_issued_even_if_no_webhook_announced_the_edit(early: Early) -> None:
    early.placed()
    early.now_paid(lines=TWO, total=Decimal("24.60"))
    assert [draft.gross for _, draft in early.provider.ledger] == [Decimal("24.60")]
    assert early.kept() == []


def test_a_cancelled_order_loses_its_draft(early: Early) -> None:
    early.placed()
    early.edited(event="order_canceled", status="cancelled")
    row = early.document()
    assert (row.state, row.draft_id) == ("void", None)
    assert early.provider.drafts == {}


def test_a_dismissed_order_loses_its_draft(early: Early) -> None:
    from shopapp.documents import merchant_actions

    early.placed()
    merchant_actions.dismiss_document(early.document())
    early.run_due_work()
    assert early.provider.drafts == {}


def test_with_automatic_off_the_draft_waits_for_the_merchant(early: Early) -> None:
    from shopapp.documents import merchant_actions

    early.choose(automatic=False)
    early.pay_order()
    early.run_due_work()
    row = early.document()
    assert (row.state, row.reason, early.kept()) == ("waiting", "automatic-off", [row.draft_id])
    merchant_actions.request_issue(row)
    early.run_due_work()
    assert early.document().state == "issued"
    assert early.provider.drafts_opened == 1


def test_a_draft_finalised_by_hand_is_the_document(early: Early) -> None:
    early.placed()
    early.provider.finalise(str(early.document().draft_id))
    early.now_paid()
    row = early.document()
    assert (row.state, row.number) == ("issued", "FR 2026FR/1")
    assert len(early.provider.ledger) == 1


def test_a_draft_finalised_by_hand_before_an_edit_is_the_only_document(early: Early) -> None:
    early.placed()
    early.provider.finalise(str(early.document().draft_id))
    early.edited(lines=TWO, total=Decimal("24.60"))
    row = early.document()
    assert (row.state, row.number, row.account_id) == ("issued", "FR 2026FR/1", early.account.id)
    early.now_paid()
    assert len(early.provider.ledger) == 1


def test_a_draft_finalised_by_hand_with_other_content_makes_no_second_document(early: Early) -> None:
    early.placed()
    early.provider.finalise(str(early.document().draft_id))
    early.now_paid(lines=TWO, total=Decimal("24.60"))
    assert len(early.provider.ledger) == 1
    assert early.document().number == "FR 2026FR/1"


@pytest.mark.parametrize("when", ["early_before_record", "early_after_record", "early_after_drop"])
def test_a_worker_that_dies_leaves_at_most_an_orphan_draft(early: Early, when: str) -> None:
    if when == "early_after_drop":
        early.placed()
    failpoints.arm(f"{when}=raise")
    if when == "early_after_drop":
        early.edited(lines=TWO, total=Decimal("24.60"))
    else:
        early.placed()
    early.follow()
    early.now_paid()
    assert early.document().state == "issued"
    assert len(early.provider.ledger) == 1
    assert early.kept() == []


def test_two_workers_at_one_draft_leave_one(early: Early) -> None:
    early.placed()
    early.edited(lines=TWO, total=Decimal("24.60"))
    early.provider.planned_drafts.append(lambda draft, reference: _another_worker(early))
    early.edited(lines=TWO, total=Decimal("24.60"), note="x")
    early.edited(total=Decimal("12.30"), lines=paid_order().lines)
    early.follow()
    row = early.document()
    assert early.kept() == [row.draft_id]
    early.now_paid()
    assert len(early.provider.ledger) == 1
    assert early.kept() == []


def _another_worker(early: Early) -> None:
    """Open and record a draft in another worker while this one opens its own."""
    from shopapp.documents import provider_drafts as moves

    row = db.session.get_one(Document, early.document().id)
    moves._create_draft(row, early.account, moves._expected_draft(row, early.account))  # type: ignore[arg-type]


def test_a_late_worker_cannot_change_what_another_finalises(early: Early) -> None:
    """A worker freezes after opening its draft; the order is paid and finalised; that draft is deleted."""

    def frozen(draft: Draft, reference: str) -> None:
        early.now_paid()
        db.session.expire_all()

    early.provider.planned_drafts.append(frozen)
    early.placed()
    early.follow()
    assert early.document().state == "issued"
    assert len(early.provider.ledger) == 1
    assert early.kept() == []


def test_a_draft_opened_after_the_order_was_dismissed_is_deleted(early: Early) -> None:
    def meanwhile(draft: Draft, reference: str) -> None:
        from shopapp.documents import merchant_actions

        merchant_actions.dismiss_document(early.document())

    early.provider.planned_drafts.append(meanwhile)
    early.placed()
    early.follow()
    row = early.document()
    assert (row.state, row.draft_id, early.kept()) == ("void", None, [])
    assert row.draft_text is None


def test_a_draft_of_another_total_is_not_kept(early: Early, monkeypatch: pytest.MonkeyPatch) -> None:
    from shopapp.providers.drafts import ProviderDraft

    def wrong(self: Any, draft: Draft, reference: str) -> ProviderDraft:
        return ProviderDraft(PROVIDER_STATE.open_draft(draft, reference), draft.gross + 1)

    monkeypatch.setattr(DraftingProvider, "open_draft", wrong)
    early.placed()
    assert early.provider.drafts == {}
    assert early.document().draft_id is None


def test_a_draft_with_unknown_outcome_is_deleted_when_the_order_is_cancelled(early: Early) -> None:
    def lost(draft: Draft, reference: str) -> None:
        raise UncertainError("outcome-unknown")

    early.provider.planned_drafts.append(lost)
    early.placed()
    assert early.document().draft_id is None
    early.edited(event="order_canceled", status="cancelled")
    assert early.provider.drafts == {}


def test_an_order_that_cannot_be_drafted_loses_its_draft_and_says_why(early: Early) -> None:
    early.placed()
    buyer = replace(early.shop.orders["1001"].buyer, tax_id="123456780")
    early.edited(buyer=buyer)
    row = early.document()
    owed = db.session.scalars(db.select(FollowUp).where(FollowUp.document_id == row.id)).one()
    assert (row.state, row.draft_id, owed.state, owed.reason) == ("waiting", None, "failed", "nif-invalid")
    assert early.provider.drafts == {}


def test_refused_keys_are_not_tried_again_for_a_draft(early: Early) -> None:
    def refused(draft: Draft, reference: str) -> None:
        raise CredentialsError("keys-refused")

    early.provider.planned_drafts.append(refused)
    early.placed()
    assert db.session.get_one(Account, early.account.id).refused_at is not None
    opened = early.provider.drafts_opened
    early.follow()
    assert early.provider.drafts_opened == opened


# Change of provider


def another_program(early: Early, name: str = "fakebooks") -> Account:
    account = Account.connect(early.store, name, "other")
    account.credentials = {"key": "other"}
    account.settings = {"kind": "FR", "series": {"FR": "2026FR"}, "automatic": True}
    db.session.commit()
    return account


def test_a_waiting_draft_is_deleted_when_the_provider_changes(early: Early) -> None:
    early.placed()
    former = early.document().draft_id
    other = another_program(early)
    early.provider.guarantee = IssueGuarantee.MANUAL
    early.now_paid()
    row = early.document()
    assert (row.state, row.account_id) == ("issued", other.id)
    assert former not in early.provider.drafts
    assert len(early.provider.ledger) == 1


def test_a_former_provider_that_does_not_answer_delays_nothing(early: Early) -> None:
    early.placed()
    another_program(early)
    early.provider.guarantee = IssueGuarantee.MANUAL

    def silent(draft_id: str) -> None:
        raise UnreachableError("unreachable")

    early.provider.planned_deletions.append(silent)
    early.now_paid()
    assert early.document().state == "issued"
    early.follow()
    assert early.kept() == []
    assert len(early.provider.ledger) == 1


def test_a_new_provider_with_drafts_gets_the_waiting_draft_again(early: Early) -> None:
    early.placed()
    former = early.document().draft_id
    other = another_program(early, "drafting")
    other.settings = {**other.settings, "drafts": True}
    db.session.commit()
    early.edited(note="x")
    row = early.document()
    assert row.draft_account_id == other.id
    assert early.kept() == [row.draft_id] != [former]
    early.now_paid()
    assert (early.document().account_id, len(early.provider.ledger)) == (other.id, 1)


# Order notes


def note_of(early: Early, number: str = "1001") -> Document | None:
    db.session.expire_all()
    return Document.find(early.store.id, number, "dossier")


def test_a_placed_order_has_its_note_and_the_invoice_follows_it(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()
    note = note_of(early)
    assert note is not None and (note.state, note.kind) == ("issued", "NE")
    early.now_paid()
    assert [draft.kind for _, draft in early.provider.ledger] == ["NE", "FR"]
    assert early.provider.ledger[1][1].follows == note.provider_id
    assert "attach" not in [owed.kind for owed in db.session.scalars(
        db.select(FollowUp).where(FollowUp.document_id == note.id))]  # fmt: skip


def test_an_order_paid_at_once_needs_no_note(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.shop.orders["1001"] = paid_order()
    early.receive_webhook("1001", "order_pending_payment")
    early.receive_webhook("1001", "order_paid")
    early.run_due_work()
    assert [draft.kind for _, draft in early.provider.ledger] == ["FR"]


@pytest.mark.parametrize("events", [("order_canceled", "order_updated"), ("order_updated", "order_canceled")])
def test_a_cancelled_order_loses_its_note_whichever_webhook_is_read_first(
    early: Early, events: tuple[str, str]
) -> None:
    NOTES_AS_DRAFTS.append(True)
    early.choose(notes=True, note_drafts=True)
    early.placed()
    assert len(early.kept()) == 2
    for event in events:
        early.edited(event=event, status="cancelled")
    note = note_of(early)
    assert early.document().state == "void" and note is not None
    assert (note.state, note.reason, note.draft_id) == ("void", "cancelled", None)
    assert early.kept() == []


def test_an_edited_order_is_invoiced_without_its_former_note(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()
    early.now_paid(lines=TWO, total=Decimal("24.60"))
    assert early.provider.ledger[1][1].follows == ""
    assert early.document().total == Decimal("24.60")


def test_a_note_that_cannot_be_used_does_not_hold_the_invoice(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()

    def unusable(draft: Draft, reference: str) -> None:
        if draft.follows:
            raise RefusedError("note-unusable", answer="Fechado")

    early.provider.planned_drafts.append(unusable)
    early.now_paid()
    _due(early)
    assert early.document().state == "issued"
    assert early.provider.ledger[-1][1].follows == ""
    note = note_of(early)
    assert note is not None and note.alarm == "note-unusable"


def _due(early: Early) -> None:
    row = early.document()
    row.not_before = None
    db.session.commit()
    early.run_due_work()


def test_a_refused_note_does_not_hold_the_invoice(early: Early) -> None:
    early.choose(drafts=False, notes=True)

    def refused(draft: Draft, reference: str) -> Issued:
        raise RefusedError("provider-refused", answer="Série fechada")

    early.provider.planned_issues.append(refused)
    early.placed()
    assert note_of(early) is not None and note_of(early).state == "blocked"  # type: ignore[union-attr]
    early.now_paid()
    assert [draft.kind for _, draft in early.provider.ledger] == ["FR"]
    assert note_of(early).state == "void"  # type: ignore[union-attr]


def note_reasons_and_alarm(early: Early) -> list[str]:
    """Return the reasons of the note's transitions about notes, followed by its alarm."""
    note = note_of(early)
    assert note is not None and note.state == "issued"
    return [move.reason for move in note.transitions if move.reason.startswith("note-")] + [note.alarm]


def test_an_open_note_of_a_cancelled_order_is_flagged_once(early: Early) -> None:
    early.choose(drafts=False, notes=True, credit_cancelled=True)
    early.placed()
    early.edited(event="order_canceled", status="cancelled")
    assert early.document().state == "void"
    assert (maintenance.flag_cancelled(), maintenance.flag_cancelled()) == (1, 0)
    assert note_reasons_and_alarm(early) == ["note-cancelled", "note-cancelled"]
    merchant_actions.dismiss_alarm(note_of(early))  # type: ignore[arg-type]
    early.receive_webhook("1001", "order_canceled", more="again")
    early.run_due_work()
    maintenance.flag_cancelled()
    assert note_reasons_and_alarm(early) == ["note-cancelled", ""]
    assert [draft.kind for _, draft in early.provider.ledger] == ["NE"]


def test_a_note_of_an_edited_order_is_flagged_at_once_and_only_once(
    early: Early,
) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()
    early.edited(payments=())
    assert note_reasons_and_alarm(early) == [""], "it still says the same of its lines"
    early.edited(lines=TWO, total=Decimal("24.60"))
    assert note_reasons_and_alarm(early) == ["note-changed", "note-changed"]
    merchant_actions.dismiss_alarm(note_of(early))  # type: ignore[arg-type]
    early.now_paid()
    assert early.document().state == "issued"
    assert note_reasons_and_alarm(early) == ["note-changed", ""]


def test_a_note_that_the_invoice_does_not_follow_is_flagged_on_issue(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()
    early.now_paid(lines=TWO, total=Decimal("24.60"))
    assert early.document().state == "issued"
    assert note_reasons_and_alarm(early) == ["note-changed", "note-changed"]


def test_a_note_that_the_invoice_follows_is_not_flagged(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.placed()
    early.now_paid()
    early.edited(event="order_canceled", status="cancelled")
    maintenance.flag_cancelled()
    assert maintenance.flag_cancelled() == 0
    assert note_reasons_and_alarm(early) == [""]
    assert early.document().alarm == "cancelled-after"


def test_a_note_in_doubt_while_the_order_was_invoiced_is_flagged_too(early: Early) -> None:
    early.choose(drafts=False, notes=True)

    def lost(draft: Draft, reference: str) -> Issued:
        early.provider.record_document(draft, reference)
        raise UncertainError("outcome-unknown", how="cut")

    early.provider.planned_issues.append(lost)
    early.placed()
    assert note_of(early).state == "review"  # type: ignore[union-attr]
    early.now_paid()
    assert early.document().state == "issued"
    merchant_actions.confirm_issued(note_of(early), "NE 2026NE/1", Decimal("12.30"), "JFX4RT2K-1")  # type: ignore[arg-type]
    early.run_due_work()
    assert note_reasons_and_alarm(early) == ["note-changed", "note-changed"]


def test_notes_kept_as_drafts_are_synced_and_never_finalised(early: Early) -> None:
    NOTES_AS_DRAFTS.append(True)
    early.choose(drafts=False, notes=True, note_drafts=True)
    early.placed()
    note = note_of(early)
    assert note is not None and (note.state, note.reason) == ("waiting", "kept-as-draft")
    assert early.kept() == [note.draft_id]
    early.edited(lines=TWO, total=Decimal("24.60"))
    assert early.kept() == [note_of(early).draft_id]  # type: ignore[union-attr]
    early.now_paid()
    assert [draft.kind for _, draft in early.provider.ledger] == ["FR"]
    assert early.provider.ledger[0][1].follows == note_of(early).draft_id  # type: ignore[union-attr]


def test_a_note_kept_as_draft_is_deleted_with_a_cancelled_order(early: Early) -> None:
    NOTES_AS_DRAFTS.append(True)
    early.choose(drafts=True, notes=True, note_drafts=True)
    early.placed()
    early.follow()
    assert len(early.kept()) == 2
    early.edited(event="order_canceled", status="cancelled")
    assert early.provider.drafts == {}


def test_with_draft_and_note_the_draft_follows_the_note(early: Early) -> None:
    early.choose(notes=True)
    early.placed()
    early.follow()
    note, row = note_of(early), early.document()
    assert note is not None and row.draft is not None
    assert row.draft.follows == note.provider_id
    assert early.provider.drafts_opened == 1
    early.now_paid()
    assert early.document().state == "issued"
    assert early.provider.drafts_opened == 1


# Transport data, transport guides and e-mail


LOADING = {"street": "Rua da Olaria 7", "postal_code": "2900-100", "city": "Setúbal"}


def test_transport_is_filled_in_from_the_store_and_the_order(early: Early) -> None:
    early.choose(drafts=False, transport=True, loading=LOADING, leaves_at="23:59")
    early.pay_order()
    early.run_due_work()
    moved = early.provider.ledger[0][1].transport
    assert moved is not None
    assert (moved.loading.street, moved.unloading.city) == ("Rua da Olaria 7", "Lisboa")
    assert (moved.leaves_at.hour, moved.leaves_at.minute) == (23, 59)


def test_a_frozen_draft_keeps_its_transport_and_its_note(early: Early) -> None:
    early.choose(drafts=False, notes=True, transport=True, loading=LOADING)
    early.placed()
    early.now_paid()
    draft = early.provider.ledger[1][1]
    assert draft.transport is not None and draft.follows
    assert Draft.from_bytes(draft.to_bytes()) == draft


def test_a_provider_is_opened_with_the_chosen_series(early: Early) -> None:
    early.account.choices = {
        "series": [["2026FR", "FR", True, "Loja", True], ["2026FR", "FT", True, "", False]],
        "searches": True,
    }  # fmt: skip
    early.choose(series={"FR": "2026FR", "NC": "typed"})
    known = provider_of(early.account, "issuing").features
    assert known.series == {"FR": Series("2026FR", "FR", True, "Loja", True), "NC": Series("typed", "NC")}
    assert known.searches is True


def test_without_a_place_of_loading_the_merchant_is_asked(early: Early) -> None:
    early.choose(drafts=False, transport=True)
    early.pay_order()
    early.run_due_work()
    row = early.document()
    assert (row.state, row.reason) == ("blocked", "loading-missing")


def test_an_order_that_goes_nowhere_has_its_invoice_without_transport(early: Early) -> None:
    early.choose(drafts=False, transport=True, loading=LOADING)
    early.pay_order(ship_to=Address(country="PT"), buyer=replace(paid_order().buyer, address=None))
    early.run_due_work()
    assert early.document().state == "issued"
    assert early.provider.ledger[0][1].transport is None


def test_a_transport_guide_is_issued_after_the_document(early: Early) -> None:
    early.choose(drafts=False, guide=True, transport=True, loading=LOADING, kind="FS")
    early.pay_order()
    early.run_due_work()
    kinds = [draft.kind for _, draft in early.provider.ledger]
    assert kinds == ["FS", "GT"]
    guide = early.provider.ledger[1][1]
    assert guide.transport is not None and guide.payments == ()
    assert early.provider.ledger[0][1].transport is None
    row = Document.find(early.store.id, "1001", "transport")
    assert row is not None and row.original_id == early.document().id


def test_a_provider_that_can_email_emails_the_buyer(early: Early) -> None:
    early.choose(drafts=False, email_buyer=True)
    early.pay_order()
    early.run_due_work()
    assert MAILED == [("id-1", "ana@example.pt")]


def test_every_kind_of_follow_up_has_its_label() -> None:
    assert {"draft", "note", "spare"} <= set(followups._HANDLERS)


Act = Callable[..., Any]


# Articles of the lines


def test_a_draft_names_its_articles_and_is_finalised_unchanged(early: Early) -> None:
    early.enable_articles()
    early.placed()
    row = early.document()
    assert row.draft is not None and [line.article for line in row.draft.lines] == ["CAN-1"]
    former, digest = row.draft_id, row.draft_hash
    early.now_paid()
    row = early.document()
    assert (row.state, row.draft_id, row.draft_hash) == ("issued", former, digest)
    assert early.provider.drafts_opened == 1 and len(early.provider.created_articles) == 1


def test_an_article_renamed_before_payment_is_named_by_its_new_code(early: Early) -> None:
    early.enable_articles()
    known = early.provider.add_article("CAN-1")
    early.placed()
    early.provider.articles[known.article_id] = replace(known, code="CANECA-AZUL")
    Article.invalidate(early.account.id, ["CAN-1"])
    early.now_paid()
    assert [[line.article for line in draft.lines] for _, draft in early.provider.ledger] == [["CANECA-AZUL"]]
    assert early.kept() == [] and early.provider.created_articles == []


def test_a_draft_whose_articles_cannot_be_looked_up_is_retried_alone(early: Early) -> None:
    early.enable_articles()
    early.provider.errors["articles"] = [UnreachableError("unreachable")]
    early.placed()
    row = early.document()
    assert (row.state, row.reason, row.draft_id) == ("waiting", "unpaid", None)
    early.follow()
    assert early.kept() == [early.document().draft_id]


def test_a_draft_that_is_refused_has_its_articles_looked_up_again(early: Early) -> None:
    early.enable_articles()
    early.provider.add_article("CAN-1")
    early.provider.planned_drafts.append(_refused)
    early.placed()
    assert early.document().draft_id is None
    assert Article.find_by_sku(early.account.id, ["CAN-1"])["CAN-1"].looked_at is None


def _refused(draft: Draft, reference: str) -> None:
    raise RefusedError("provider-refused", answer="Artigo desconhecido")


def test_a_note_and_a_guide_name_the_articles_too(early: Early) -> None:
    early.enable_articles()
    early.choose(drafts=False, notes=True, guide=True, loading=LOADING)
    early.placed()
    early.now_paid()
    named = {
        draft.kind: [draft.article_code_of(line) for line in draft.lines]
        for _, draft in early.provider.ledger
    }
    assert named == {"NE": ["CAN-1"], "FR": ["CAN-1"], "GT": ["CAN-1"]}
    assert len(early.provider.created_articles) == 1
