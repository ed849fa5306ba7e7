"""Made-up rows for tests and screenshots: a store, its account, and a document in each state.

Plain functions with defaults, called inside an app context; each commits. All people and companies are
invented; only the check digit of their tax ids is valid.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update

from shopapp.fiscal.document import Customer, Draft, DraftLine, Reference, TaxGroup
from shopapp.fiscal.party import Address
from shopapp.models import (
    Account,
    Attempt,
    Document,
    DocumentLine,
    FollowUp,
    Sale,
    Store,
    Webhook,
    cause,
    db,
    now,
)
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, PENDING, REVIEW, VOID, WAITING

LISBON = ZoneInfo("Europe/Lisbon")
CREDENTIALS = {"key": "a" * 36 + "7c41", "code": "b" * 36 + "9d52", "nif": "509999990", "entity": "4711"}
SETTINGS: dict[str, Any] = {
    "kind": "FR", "series": {"FR": "2026FR", "FT": "2026FT", "NC": "2026NC"}, "exemption": "", "warehouse": "",
    "ship_from": "PT", "regime": "normal", "automatic": True, "retailer": True,
    "oss_registered": False, "threshold_exceeded": False, "moves_stock": False, "email_buyer": False, "alert": True,
    "alert_email": "geral@olariadosado.example", "starts_on": "2026-01-01",
}  # fmt: skip
PROVIDER_LISTS: dict[str, Any] = {
    "kinds": ["FT", "FR", "FS", "NC"],
    "series": [
        ["2026FR", "FR", True],
        ["2026FT", "FT", True],
        ["2026NC", "NC", True],
        ["2025FR", "FR", False],
    ],
    "exemptions": [
        ["M07", "Isento artigo 9.º do CIVA", False],
        ["M99", "Não sujeito ou não tributado", False],
    ],
    "warehouses": [["SET", "Setúbal", True], ["EST", "Estremoz", False]],
    "rates": ["23", "13", "6"],
}
REASONS = {
    WAITING: "automatic-off", BLOCKED: "nif-invalid", REVIEW: "outcome-unknown", IN_DOUBT: "outcome-unknown",
    VOID: "set-aside",
}  # fmt: skip


def make_store(code: str = "olariadosado", ready: bool = True, **values: Any) -> Store:
    """Return an installed store with tokens, by default ready to issue for a long time."""
    known = {"name": "Olaria do Sado", "email": f"geral@{code}.example", "country": "PT", "language": "pt"}
    store = Store.install(values.pop("platform", "jumpseller"), code, **{**known, **values})
    store.set_tokens(f"access-of-{code}", f"refresh-of-{code}", 3600)
    store.hooks_token = f"hooks-token-of-{code}"
    store.hooks_checked_at = store.hooks_token_read_at = now()
    if ready:
        store.ready_at = now() - timedelta(days=300)
    db.session.commit()
    return store


def make_account(store: Store, settings: dict[str, Any] | None = None, **values: Any) -> Account:
    """Return the store's current account with iGEST, its settings saved."""
    account = Account.connect(store, "igest", values.pop("fingerprint", f"entity of {store.code}"))
    account.credentials = values.pop("credentials", CREDENTIALS)
    account.tails = {"key": ["7c41", "2026-11-20"], "code": ["9d52", "2026-11-20"]}
    account.label, account.nif = "Olaria do Sado, Lda.", "509999990"
    account.facts = {"region": "PT", "warehouses": True}
    account.choices = {**PROVIDER_LISTS, "at": now().isoformat()}
    account.settings = {**SETTINGS, **(settings or {})}
    account.checked_at = now()
    for name, value in values.items():
        setattr(account, name, value)
    db.session.commit()
    return account


def make_draft(
    total: str = "173.12", name: str = "Maria do Carmo Albuquerque", tax_id: str = "123456789"
) -> Draft:
    """Return a draft of one line at 23 % and one exempt, adding up to `total`."""
    exempt = Decimal("45.00") if Decimal(total) > 60 else Decimal("0.00")
    gross = Decimal(total) - exempt
    net = (gross / Decimal("1.23")).quantize(Decimal("0.01"))
    lines = [_line("1", "Painel de azulejo «Rio Sado», 12 peças de 14 × 14 cm", "AZJ-1412", net, gross, "23")]
    groups = [TaxGroup("PT", Decimal(23), "NOR", net, gross - net, gross)]
    if exempt:
        lines.append(
            _line("2", "Formação: iniciação à roda de oleiro, 3 horas", "FOR-RODA", exempt, exempt, "0")
        )
        groups.append(TaxGroup("PT", Decimal(0), "ISE", exempt, Decimal(0), exempt, "M07"))
    address = Address("Rua dos Oleiros, 14, 2.º Esq.", "7170-010", "Redondo", "PT")
    return Draft(
        kind="FR", date=date(2026, 11, 20), lines=tuple(lines), summary=tuple(groups), net=net + exempt,
        customer=Customer(tax_id, name, bool(tax_id), address=address, email="mc@example.pt"),
        vat=gross - net, gross=Decimal(total), series="2026FR", rules=("DOC1", "DATE1", "ID2", "VAT1", "NUM1", "NUM2"),
    )  # fmt: skip


def _line(ref: str, text: str, sku: str, net: Decimal, gross: Decimal, rate: str) -> DraftLine:
    return DraftLine(
        ref=ref, description=text, quantity=Decimal(1), unit_price_net=net, discount_percent=Decimal(0), region="PT",
        vat_rate=Decimal(rate), tax_code="NOR" if rate != "0" else "ISE", net=net, vat=gross - net, gross=gross,
        sku=sku, exemption_code="" if rate != "0" else "M07",
        exemption_mention="" if rate != "0" else "Isento artigo 9.º do CIVA",
    )  # fmt: skip


def make_document(
    store: Store,
    state: str = ISSUED,
    order_id: str = "",
    *,
    total: str = "173.12",
    name: str = "Maria do Carmo Albuquerque",
    tax_id: str = "123456789",
    number: str = "",
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
    at: datetime | None = None,
    **values: Any,
) -> Document:
    """Return a document in that state, with the sale, webhook, attempt, lines and transitions that belong to it."""
    order_id = order_id or str(10_000 + secrets.randbelow(10**8))
    at = at or now() - timedelta(minutes=10)
    account = Account.find_current(store)
    _make_sale(store, order_id, Decimal(total), at, cancelled=state == VOID and reason == "cancelled")
    Document.create_if_absent(store, order_id, values.pop("cause", "sale"), state=PENDING)
    db.session.commit()
    document = db.session.query(Document).order_by(Document.id.desc()).first()
    assert document is not None
    document.set_buyer({"name": name, "tax_id": tax_id, "address": ["Rua dos Oleiros, 14", "7170-010 Redondo", "PT"],
                      "email": "mc@example.pt"})  # fmt: skip
    document.paid_at, document.total = at, Decimal(total)
    reason = REASONS.get(state, "") if reason is None else reason
    if detail is None:
        detail = {"nif": "123456780"} if reason == "nif-invalid" else {}
    document.state, document.reason, document.detail = state, reason, detail
    if state in (ISSUED, ISSUING, IN_DOUBT, REVIEW):
        _record_attempt(document, account, make_draft(total, name, tax_id), at)
    if state == ISSUED:
        _record_issued(document, number or f"FR 2026FR/{document.id}", at)
    for column, value in values.items():
        setattr(document, column, value)
    db.session.commit()
    _record_transitions(document, at)
    return document


def make_credit_note(original: Document, total: str = "45.00", state: str = ISSUED, act: int = 1) -> Document:
    """Return a credit note that takes `total` of an issued document's first line back."""
    note = make_document(
        original.store, state, original.order_id, total=total, number=f"NC 2026NC/{original.id}", reason="",
        cause=cause.credit(act), original_id=original.id, account_id=original.account_id, kind="NC", series="2026NC",
    )  # fmt: skip
    draft = note.draft
    if draft is not None:
        why = (Reference(original.number or "", "Devolução parcial"),)
        rules = ("NC1", "NC2", "NC3", "NC4", "NC5")
        draft = replace(draft, kind="NC", series="2026NC", references=why, rules=rules)
        note.draft_text, note.draft_hash = draft.to_bytes().decode(), draft.digest()
    else:
        note.total = None
    Sale.get_or_create(original.store_id, original.order_id).total = original.total
    db.session.commit()
    return note


def _make_sale(store: Store, order_id: str, total: Decimal, at: datetime, cancelled: bool) -> None:
    sale = Sale.get_or_create(store.id, order_id)
    sale.status, sale.total, sale.currency = "cancelled" if cancelled else "paid", total, "EUR"
    sale.paid_at = sale.ordered_at = sale.checked_at = at
    sale.paid_source = "platform"
    body = f'{{"order": {{"id": {order_id}}}}}'.encode()
    db.session.commit()
    Webhook.record(store.id, "order_paid", hashlib.sha256(body).hexdigest(), body)
    db.session.execute(
        update(Webhook).where(Webhook.store_id == store.id, Webhook.body_hash == hashlib.sha256(body).hexdigest())
        .values(state="opened", order_id=order_id, received_at=at)
    )  # fmt: skip
    db.session.commit()


def _record_attempt(document: Document, account: Account | None, draft: Draft, at: datetime) -> None:
    text = draft.to_bytes().decode()
    document.account_id = account.id if account else None
    document.draft_text, document.draft_hash = text, draft.digest()
    document.kind, document.series, document.attempt, document.frozen = draft.kind, draft.series, 1, True
    document.net, document.vat, document.total = draft.net, draft.vat, draft.gross
    attempt = Attempt(
        document_id=document.id, number=1, draft_hash=draft.digest(), started_at=at + timedelta(seconds=3)
    )
    attempt.text = text
    if document.state != ISSUING:
        attempt.ended_at = at + timedelta(seconds=5)
        attempt.outcome = "issued" if document.state == ISSUED else "unknown"
        attempt.code = "" if document.state == ISSUED else "outcome-unknown"
    else:
        document.lease_until = now() + timedelta(seconds=100)
    db.session.add(attempt)


def _record_issued(document: Document, number: str, at: datetime) -> None:
    draft = document.draft
    assert draft is not None
    document.number, document.provider_id, document.issued_on = (
        number,
        f"id-{document.id}",
        at.astimezone(LISBON).date(),
    )
    document.issued_at, document.provider_total, document.settled_by = (
        at + timedelta(seconds=5),
        draft.gross,
        "provider",
    )
    document.pdf_url, document.atcud = f"http://127.0.0.1:9/pdf/{document.id}", f"JF8K2Q7T-{document.id}"
    for position, line in enumerate(draft.lines):
        db.session.add(DocumentLine.from_draft_line(document.id, position, line))
    for kind in ("attach", "history"):
        FollowUp.enqueue(document, kind)
    db.session.execute(
        update(FollowUp)
        .where(FollowUp.document_id == document.id)
        .values(state="done", ended_at=at + timedelta(seconds=8))
    )


def _record_transitions(document: Document, at: datetime) -> None:
    """Record the transitions that lead to the document's state."""
    ways = {
        WAITING: [(PENDING, WAITING)], BLOCKED: [(PENDING, BLOCKED)], ISSUING: [(PENDING, ISSUING)],
        ISSUED: [(PENDING, ISSUING), (ISSUING, ISSUED)], IN_DOUBT: [(PENDING, ISSUING), (ISSUING, IN_DOUBT)],
        REVIEW: [(PENDING, ISSUING), (ISSUING, IN_DOUBT), (IN_DOUBT, REVIEW)], VOID: [(PENDING, VOID)],
    }  # fmt: skip
    for old, new in ways.get(document.state, []):
        reason, detail = (
            (document.reason, document.detail) if new == document.state or new == IN_DOUBT else ("", {})
        )
        issued = {
            "number": document.number, "total": str(document.provider_total), "atcud": document.atcud,
        }  # fmt: skip
        document.log_transition(old, new, reason, issued if new == ISSUED else detail)
    from shopapp.models import Transition

    db.session.execute(
        update(Transition).where(Transition.document_id == document.id).values(at=at + timedelta(seconds=4))
    )
    db.session.commit()


def make_documents_in_every_state(store: Store, account: Account | None = None) -> dict[str, Document]:
    """Return, by name, a document in every state and of every kind that a page treats differently."""
    account = account or make_account(store)
    plain = {
        state: make_document(store, state) for state in (WAITING, PENDING, ISSUING, ISSUED, IN_DOUBT, REVIEW)
    }
    more = {
        "nif": make_document(store, BLOCKED),
        "exemption": make_document(store, BLOCKED, reason="exemption-missing", detail={"line": "Oficina de roda"}),
        "refused": make_document(
            store, BLOCKED, reason="provider-refused", detail={"answer": "A série não existe."}, total="64.90"
        ),
        "tax": make_document(
            store, BLOCKED, reason="tax-differs",
            detail={"line": "Vaso", "charged": "22", "lawful": "23", "vat_charged": "9.02", "vat": "9.35",
                    "cause": "22>23",
                    "question": {"kind": "tax-difference", "subjects": ["22>23 VASO", "22>23"],
                                 "answers": {"follow-law": "9.35"}}},
        ),
        "cancelled-after": make_document(store, ISSUED, alarm="cancelled-after"),
        "differs": make_document(
            store, ISSUED, alarm="total-differs", alarm_detail={"ours": "173.12", "theirs": "173.13"},
            provider_total=Decimal("173.13"),
        ),
        "consumer": make_document(store, ISSUED, name="Consumidor final", tax_id="", total="18.45"),
        "older": make_document(store, WAITING, reason="older"),
        "aside": make_document(store, VOID),
        "cancelled": make_document(store, VOID, reason="cancelled"),
    }  # fmt: skip
    credited = make_document(store, ISSUED)
    notes = {
        "credited": credited,
        "note": make_credit_note(credited),
        "note-blocked": _make_blocked_credit_note(store),
    }
    return {**plain, **more, **notes}


def _make_blocked_credit_note(store: Store) -> Document:
    note = make_credit_note(make_document(store, ISSUED), state=BLOCKED)
    note.reason, note.detail = "series-missing", {"kind": "NC"}
    db.session.commit()
    return note
