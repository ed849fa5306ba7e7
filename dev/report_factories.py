"""Made-up issued documents for the reports: any line, day and means of payment; a month of a shop; a year of thousands.

Called inside an app context. All people and companies are invented.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dev.factories import LISBON
from shopapp.fiscal.document import Customer, Draft, DraftLine, PaymentMeans, Reference, TaxGroup
from shopapp.fiscal.party import Address
from shopapp.models import Account, Document, DocumentLine, Sale, Store, db, new_uid, record_facts
from shopapp.models import cause as causes
from shopapp.models.document import ISSUED

TAX_CODES = {"23": "NOR", "22": "NOR", "16": "NOR", "13": "INT", "6": "RED", "0": "ISE"}
MENTIONS = {"M05": "Artigo 14.º do CIVA", "M07": "Artigo 9.º do CIVA", "M16": "Artigo 14.º do RITI"}


def line(gross: str, rate: str = "23", region: str = "PT", exemption: str = "", **values: Any) -> DraftLine:
    """Return a line of that amount with VAT."""
    whole = Decimal(gross)
    net = (whole / (1 + Decimal(rate) / 100)).quantize(Decimal("0.01"))
    is_abroad = not region.startswith("PT")
    return DraftLine(
        ref="1", description=values.pop("description", "Caneca de barro"), quantity=Decimal(1), unit_price_net=net,
        discount_percent=Decimal(0), region=region, vat_rate=Decimal(rate),
        tax_code="OUT" if is_abroad else TAX_CODES[rate], net=net, vat=whole - net, gross=whole, sku="CANECA",
        exemption_code=exemption, exemption_mention=MENTIONS.get(exemption, ""), **values,
    )  # fmt: skip


def issue(
    store: Store,
    lines: Sequence[DraftLine],
    at: datetime,
    number: str = "",
    *,
    kind: str = "FR",
    original: Document | None = None,
    payments: Sequence[PaymentMeans] | None = None,
    country: str = "PT",
    warnings: Sequence[str] = (),
    issued_on: date | None = None,
    **values: Any,
) -> Document:
    """Return a document with these lines, issued on its day in Lisbon, of an order that was paid at that moment."""
    order_id = original.order_id if original else values.pop("order_id", "") or str(10_000 + _next(store))
    running = _next(store) + 1
    gross, vat = sum((x.gross for x in lines), Decimal(0)), sum((x.vat for x in lines), Decimal(0))
    buyer = Customer("123456789", "Maria do Carmo Albuquerque", True, country,
                     Address("Rua dos Oleiros, 14", "7170-010", "Redondo", country))  # fmt: skip
    draft = Draft(
        kind=kind, date=issued_on or at.astimezone(LISBON).date(), customer=buyer, lines=tuple(lines),  # type: ignore[arg-type]
        summary=tuple(_groups(lines)), net=gross - vat, vat=vat, gross=gross, series=f"2026{kind}",
        payments=tuple(payments if payments is not None else () if kind == "NC" else [PaymentMeans("MB", gross)]),
        references=(Reference(original.number or "", "Devolução"),) if original else (), warnings=tuple(warnings),
    )  # fmt: skip
    account = Account.find_current(store)
    cause = causes.credit(running) if original else causes.SALE
    document = Document(
        store_id=store.id, account_id=account.id if account else None, order_id=order_id, cause=cause, state=ISSUED,
        kind=kind, reference=causes.reference_for(store.id, order_id, cause), link_token=new_uid(),
        original_id=original.id if original else None, number=number or f"{kind} 2026{kind}/{running}",
        series=f"2026{kind}", atcud=f"JF8K2Q7T-{running}", issued_on=draft.date, issued_at=at, paid_at=at,
        created_at=at, changed_at=at, net=draft.net, vat=vat, total=gross, provider_total=gross, provider_vat=vat,
        provider_id=f"id-{running}", draft_hash=draft.digest(), settled_by="provider", frozen=True,
    )  # fmt: skip
    document.set_buyer(buyer.as_buyer())
    document.draft_text = draft.to_bytes().decode()
    for name, value in values.items():
        setattr(document, name, value)
    db.session.add(document)
    db.session.flush()
    for position, each in enumerate(lines):
        db.session.add(DocumentLine.from_draft_line(document.id, position, each))
    record_facts(document.id, draft)
    if not original:
        sale = Sale.get_or_create(store.id, order_id)
        sale.record("paid", at, "platform", total=gross, currency="EUR", ordered_at=at)
    db.session.commit()
    return document


def _next(store: Store) -> int:
    return db.session.query(Document).filter_by(store_id=store.id).count()


def _groups(lines: Sequence[DraftLine]) -> Iterator[TaxGroup]:
    for key in dict.fromkeys((x.region, x.vat_rate, x.tax_code, x.exemption_code) for x in lines):
        mine = [x for x in lines if (x.region, x.vat_rate, x.tax_code, x.exemption_code) == key]
        net, vat = sum((x.net for x in mine), Decimal(0)), sum((x.vat for x in mine), Decimal(0))
        yield TaxGroup(key[0], key[1], key[2], net, vat, net + vat, key[3])


def vies_proof(number: str = "ES12345674", asked_at: str = "2026-11-09T10:00:00+00:00") -> dict[str, str]:
    """Return a valid answer of VIES as it is stored with a document."""
    return {"number": number, "answer": "valid", "asked_at": asked_at, "consultation": "WAPIAAAAXyz"}


def make_month(store: Store, year: int = 2026, month: int = 11) -> dict[str, Document]:
    """Return documents of every kind that a report treats differently, by name, beside forty plain sales."""
    day = datetime(year, month, 1, 12, tzinfo=UTC)
    rng = random.Random(month)
    for n in range(40):
        rate = rng.choice(("23", "23", "23", "6", "13"))
        gross = f"{rng.randrange(900, 19_000) / 100:.2f}"
        issue(store, [line(gross, rate)], day + timedelta(days=rng.randrange(27), minutes=n),
              payments=[PaymentMeans(rng.choice(("MB", "CC", "MB", "OU")), Decimal(gross))])  # fmt: skip
    plain = issue(store, [line("123.00"), line("21.20", "6")], day + timedelta(days=3))
    oss = issue(
        store, [line("48.00", "20", "FR")], day + timedelta(days=4), country="FR", is_distance_sale=True
    )
    voucher = [PaymentMeans("CO", Decimal("20.00")), PaymentMeans("MB", Decimal("30.00"))]
    return {
        "plain": plain,
        "oss": oss,
        "business": issue(store, [line("310.00", "0", exemption="M16")], day + timedelta(days=9), country="ES",
                          vat_check=vies_proof()),  # fmt: skip
        "export": issue(store, [line("89.90", "0", exemption="M05")], day + timedelta(days=12), country="US"),
        "course": issue(store, [line("45.00", "0", exemption="M07")], day + timedelta(days=12)),
        "madeira": issue(store, [line("12.20", "22", "PT-MA")], day + timedelta(days=13)),
        "card": issue(store, [line("50.00", "0", exemption="M99", kind="giftcard")], day + timedelta(days=14)),
        "used": issue(store, [line("50.00")], day + timedelta(days=15), payments=voucher),
        "late": issue(store, [line("33.00")], day + timedelta(days=16), issued_on=date(year, month, 19)),
        "annulled": issue(store, [line("77.00")], day + timedelta(days=17), provider_state="annulled"),
        "odd": issue(store, [line("19.99")], day + timedelta(days=18), provider_total=Decimal("20.00")),
        "note": issue(store, [line("24.60")], day + timedelta(days=20), kind="NC", original=plain),
        "oss-note": issue(store, [line("12.00", "20", "FR")], day + timedelta(days=21), kind="NC", original=oss),
        "warned": issue(store, [line("61.00")], day + timedelta(days=22), warnings=["shipping-tax-changed"]),
        "far": issue(store, [line("14.00")], day + timedelta(days=23), number=f"FR {year}FR/{900 + month}"),
    }  # fmt: skip
