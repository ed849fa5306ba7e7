"""What the set-up check and the list of documents tell a merchant without being asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from dev.factories import make_account, make_document, make_store
from shopapp.messages.errors import WARNINGS
from shopapp.models.document import BLOCKED, WAITING
from shopapp.web.setup import check
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


class _NoTaxes:
    def taxes(self) -> list[Any]:
        return []


def _codes(day: date, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(check, "platform_of", lambda store: _NoTaxes())
    account = make_account(store := make_store())
    found = check.check_setup(store, account, account.lists, day)
    return {one.code: check.finding_row(one, "iGEST", "").cause for one in found}


def test_a_pdf_to_a_public_body_counts_until_the_end_of_2026(
    app: Flask, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.test_request_context():
        found = _codes(date(2026, 12, 31), monkeypatch)
    assert "public-bodies-now" not in found
    assert "Até 31/12/2026 um PDF conta" in found["public-bodies"]


def test_from_2027_public_bodies_need_a_structured_invoice_that_we_do_not_send(
    app: Flask, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.test_request_context():
        found = _codes(date(2027, 1, 1), monkeypatch)
    assert "public-bodies" not in found
    assert "só recebem faturas estruturadas (CIUS-PT)" in found["public-bodies-now"]


def test_an_order_with_nothing_to_pay_says_when_a_gift_needs_no_document(shop: StoreSession) -> None:
    document = make_document(shop.store, WAITING, reason="free", total="0.00")
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert "oferta até 50 €, dentro de cinco por mil" in page and "confirme com o contabilista" in page
    assert "Pôr de parte" in page


def test_the_list_says_what_an_issued_document_warns_of(shop: StoreSession) -> None:
    document = make_document(shop.store)
    assert document.draft is not None
    warned = replace(document.draft, warnings=tuple(WARNINGS))
    document.draft_text = warned.to_bytes().decode()
    page = page_text(shop.client.get("/documents"))
    assert [text for text in WARNINGS.values() if f"Aviso: {text}" not in page] == []
    document.state = BLOCKED
    assert "Aviso:" not in page_text(shop.client.get("/documents"))
