"""A preview shows the document as it would be issued, with its reasons, or what is missing; it changes nothing."""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shopapp.errors import UnreachableError
from shopapp.fiscal.order import OrderLine
from shopapp.fiscal.party import Address, Party
from shopapp.messages.fiscal_rules import PAYMENT_MEANS, RULES, SUBJECTS
from shopapp.models import Decision, Document
from shopapp.models.decision import MERCHANT
from tests.fakes import World, paid_order, world
from tests.security.conftest import StoreSession, csrf_token_of, log_in
from tests.security.test_csrf import everything
from tests.unit.web.conftest import page_text

__all__ = ["world"]

ROOT = Path(__file__).resolve().parents[4]
NAME = re.compile(r"(VAT|EU|EX|EXM|VOU|DOC|DATE|ID|NUM|DIS|CUR|NC)[0-9]")
BUYER = Party(name="Ana Exemplo", tax_id="123456789", address=Address("Rua 1", "1000-100", "Lisboa", "PT"))


@pytest.fixture
def shop(app: Flask, db: SQLAlchemy, world: World) -> StoreSession:
    """Return a store whose merchant issues manually."""
    world.account.settings = {**world.account.settings, "automatic": False, "exemption": "M07"}
    db.session.commit()
    client = log_in(app, world.store)
    return StoreSession(world.store, {}, client, csrf_token_of(client, "/setup/keys/fakebooks"))


def preview(shop: StoreSession, document: Document) -> str:
    answer = shop.client.get(f"/documents/{document.id}/preview")
    assert answer.status_code == 200
    return page_text(answer)


def rules_of(shop: StoreSession, path: str) -> list[str]:
    return re.findall(r'data-rule="(\w+)"', shop.client.get(path).get_data(as_text=True))


def test_a_waiting_document_is_shown_as_it_would_be_issued(world: World, shop: StoreSession) -> None:
    lines = (
        OrderLine("1", "Caneca", Decimal(1), Decimal("12.30"), sku="CAN-1", charged=Decimal(23)),
        OrderLine("2", "Oficina de roda", Decimal(1), Decimal("45.00"), sku="FOR-1", charged=Decimal(0)),
    )
    world.pay_order("1001", lines=lines, total=Decimal("57.30"), buyer=BUYER)
    world.run_due_work()
    assert f'/documents/{world.document().id}/preview"' in shop.client.get(
        f"/documents/{world.document().id}"
    ).get_data(as_text=True)
    page = preview(shop, world.document())
    for text in (
        "O que seria emitido: fatura-recibo de 57,30 €", "Caneca", "23%", "IVA 23% de 10,00 2,30 €",
        "Isento de IVA: M07, Isento artigo 9.º do CIVA", "Ana Exemplo", "123 456 789", "2026FR", "Pagamento",
        "IVA à taxa do local de onde a encomenda sai. CIVA art. 6.º n.º 1",
        "O NIF que o cliente deu fica no documento.",
    ):  # fmt: skip
        assert text in page, text
    world.run_due_work()
    assert world.document().state == "waiting" and world.provider.ledger == []


def test_a_preview_follows_the_order_as_it_is_now(world: World, shop: StoreSession) -> None:
    world.pay_order("1001")
    world.run_due_work()
    assert "de 12,30 €" in preview(shop, world.document())
    line = OrderLine("1", "Caneca", Decimal(2), Decimal("12.30"), sku="CAN-1", charged=Decimal(23))
    world.shop.orders["1001"] = paid_order("1001", lines=(line,), total=Decimal("24.60"))
    assert "de 24,60 €" in preview(shop, world.document())


def test_a_preview_changes_nothing(world: World, shop: StoreSession, db: SQLAlchemy) -> None:
    world.pay_order("1001")
    world.pay_order("1002", total=Decimal("1.00"))
    world.run_due_work()
    before = everything(db)
    for number in ("1001", "1002"):
        preview(shop, world.document(number))
    assert everything(db) == before and world.provider.ledger == []


def test_a_blocked_document_says_what_is_missing_and_where_to_fix_it(
    world: World, shop: StoreSession, db: SQLAlchemy
) -> None:
    world.account.settings = {**world.account.settings, "automatic": True, "exemption": ""}
    line = OrderLine("1", "Oficina", Decimal(1), Decimal("12.30"), charged=Decimal(0))
    world.pay_order("1001", lines=(line,))
    world.run_due_work()
    document = world.document()
    assert (document.state, document.reason) == ("blocked", "exemption-missing")
    page = preview(shop, document)
    assert (
        "Nada pode ser emitido por agora" in page
        and "«Oficina» está a 0% e não tem motivo de isenção." in page
    )
    assert f'class="btn btn-main" href="/documents/{document.id}"' in shop.client.get(
        f"/documents/{document.id}/preview"
    ).get_data(as_text=True)
    assert "DOC1" in rules_of(shop, f"/documents/{document.id}/preview")
    Decision.record(world.account.id, "product-tax", "Oficina", "M07", MERCHANT)
    db.session.commit()
    assert "O que seria emitido" in preview(shop, world.document())


def test_an_unreachable_shop_is_not_a_fault_of_the_order(world: World, shop: StoreSession) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.shop.errors["order"] = [UnreachableError("unreachable")] * 9
    page = preview(shop, world.document())
    assert "Não conseguimos ler tudo o que é preciso" in page and "Leia de novo" in page
    assert world.document().state == "waiting"


def test_a_cancelled_order_has_no_preview_document(world: World, shop: StoreSession) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.shop.orders["1001"] = paid_order("1001", status="cancelled")
    assert "Cancelada na loja antes de haver documento." in preview(shop, world.document())


def test_an_issued_document_shows_its_own_rules(world: World, shop: StoreSession) -> None:
    world.account.settings = {**world.account.settings, "automatic": True}
    world.pay_order("1001")
    world.run_due_work()
    path = f"/documents/{world.document().id}"
    answer = shop.client.get(f"{path}/preview")
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    draft = world.document().draft
    assert draft is not None and set(rules_of(shop, path)) == set(draft.rules)


def test_a_pending_credit_note_has_a_preview(world: World, shop: StoreSession, db: SQLAlchemy) -> None:
    from shopapp.documents import merchant_actions

    series = {"FR": "2026FR", "NC": "2026NC"}
    world.account.settings = {**world.account.settings, "automatic": True, "series": series}
    world.pay_order("1001")
    world.run_due_work()
    note = merchant_actions.credit_document(
        world.document(), 1, {"amount": "2.30", "reason": "Devolução parcial"}
    )
    page = preview(shop, note)
    assert "nota de crédito de 2,30 €" in page and "Corrige FR 2026FR/1" in page


def test_a_warning_is_shown_before_the_document_is_issued(world: World, shop: StoreSession) -> None:
    untaxed = OrderLine("1", "Oficina de roda", Decimal(1), Decimal("45.00"), charged=Decimal(0))
    Decision.record(world.account.id, "product-tax", "Oficina de roda", "M07", MERCHANT)
    world.pay_order("1001", lines=(untaxed,), total=Decimal("45.00"))
    world.run_due_work()
    assert "Nenhuma linha da encomenda tem IVA na loja." in preview(shop, world.document())


# Descriptions of the rules


def rules_given() -> set[str]:
    """Return the names of the rules in the sources of `fiscal`."""
    return {
        node.value
        for path in (ROOT / "shopapp" / "fiscal").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and NAME.fullmatch(node.value)
        or isinstance(node, ast.Constant)
        and node.value == "EXM1"
    }


def test_every_fiscal_rule_has_a_sentence() -> None:
    assert {"VAT1", "EXM1", "NC5", "DIS2"} <= rules_given()
    assert rules_given() == set(RULES)


def test_every_rule_has_a_subject_and_a_documented_source() -> None:
    shown = (ROOT / "docs" / "fiscal.md").read_text()
    for name, (text, source) in RULES.items():
        assert text.endswith(".") and name.rstrip("0123456789") in SUBJECTS, name
        assert name[:-1] in shown, name
        laws = re.findall(r"art\. ([0-9]+)", source.split(";")[0])
        assert all(f"art. {law}" in shown or f", {law}" in shown for law in laws), (name, source)


def test_every_means_of_payment_has_a_label() -> None:
    table = (ROOT / "shopapp" / "fiscal" / "tables" / "means-of-payment.csv").read_text().splitlines()[1:]
    assert {row.split(",")[1] for row in table} == set(PAYMENT_MEANS)
