"""What the merchant says about a buyer of whom the shop says too little."""

from __future__ import annotations

from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_document
from shopapp.fiscal.decisions import ALL
from shopapp.models import Account, Decision
from shopapp.models.document import BLOCKED, PENDING
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text, reload


@pytest.mark.parametrize(
    ("reason", "detail", "sentence", "action"),
    [
        ("country-missing", {}, "A encomenda não diz o país do cliente", "country"),
        ("country-unreadable", {"country": "ZZ"}, "Não sabemos que país é «ZZ»", "country"),
        ("customer-erased", {}, "Os dados do cliente foram apagados na loja", "erased"),
        ("business-unproven", {"name": "Beispiel AG", "nif": "CHE1"}, "Beispiel AG diz ser uma empresa", "business"),
        ("nif-unreadable", {"nif": "ΕΛ1"}, "letras ou algarismos de outro alfabeto", "tax-id"),
    ],
)  # fmt: skip
def test_a_buyer_who_stops_a_document_is_explained_with_the_form_that_goes_on(
    shop: StoreSession, reason: str, detail: dict[str, Any], sentence: str, action: str
) -> None:
    document = make_document(shop.store, BLOCKED, reason=reason, detail=detail)
    answer = shop.client.get(f"/documents/{document.id}")
    assert sentence in page_text(answer)
    page = answer.get_data(as_text=True)
    assert f'action="/documents/{document.id}/{action}"' in page
    assert ('<option value="PT">Portugal</option>' in page) is (action in ("country", "erased"))


@pytest.mark.parametrize(
    ("reason", "action"), [("country-missing", "country"), ("customer-erased", "erased")]
)
@pytest.mark.parametrize("country", ["", "ZZ", "<b>"])
def test_a_country_must_be_chosen(
    shop: StoreSession, db: SQLAlchemy, reason: str, action: str, country: str
) -> None:
    document = make_document(shop.store, BLOCKED, reason=reason)
    answer = shop.post(f"/documents/{document.id}/{action}", {"country": country})
    assert answer.status_code == 422 and "Escolha o país." in page_text(answer)
    assert reload(db, document).corrections is None


@pytest.mark.parametrize(
    ("reason", "action", "form", "kept"),
    [
        ("country-unreadable", "country", {"country": "FR"}, {"country": "FR"}),
        ("customer-erased", "erased", {"country": "PT"}, {"country": "PT", "is_erased": False, "tax_id": ""}),
        ("customer-erased", "erased", {"country": "PT", "nif": "123 456 789"},
         {"country": "PT", "is_erased": False, "tax_id": "123456789"}),
        ("business-unproven", "business", {}, {"is_confirmed_business": True}),
    ],
)  # fmt: skip
def test_the_answer_is_kept_for_the_next_draft(
    shop: StoreSession, db: SQLAlchemy, reason: str, action: str, form: dict[str, str], kept: dict[str, Any]
) -> None:
    document = make_document(shop.store, BLOCKED, reason=reason)
    shop.post(f"/documents/{document.id}/{action}", form)
    assert reload(db, document).corrections == kept


def test_an_invalid_tax_id_of_a_deleted_buyer_is_refused_where_it_was_typed(shop: StoreSession) -> None:
    document = make_document(shop.store, BLOCKED, reason="customer-erased")
    answer = shop.post(f"/documents/{document.id}/erased", {"country": "PT", "nif": "123456780"})
    assert answer.status_code == 422 and "Este NIF não é válido." in page_text(answer)
    assert 'value="123456780"' in answer.get_data(as_text=True)
    assert '<option value="PT" selected>' in answer.get_data(as_text=True)


@pytest.mark.parametrize("always", ["", "yes"])
def test_the_country_of_orders_without_an_address_is_asked_once_for_all_of_them(
    shop: StoreSession, db: SQLAlchemy, always: str
) -> None:
    question = {"question": {"kind": "buyer-country", "subjects": [ALL], "answers": {}}}
    document, other = (
        make_document(shop.store, BLOCKED, reason="country-missing", detail=question, order_id=number)
        for number in ("1001", "1002")
    )
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert "Usar este país em todas as encomendas sem morada" in page
    shop.post(f"/documents/{document.id}/country", {"country": "PT", "always": always})
    account = Account.find_current(shop.store)
    assert account is not None
    decided = Decision.in_force(account.id).find("buyer-country", ALL)
    assert decided == ("PT" if always else "")
    assert reload(db, document).state == PENDING
    assert reload(db, other).state == (PENDING if always else BLOCKED)
    if always:
        assert "País dos clientes sem morada" in page_text(shop.client.get("/decisions"))
