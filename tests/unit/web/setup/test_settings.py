"""The less common settings: tax exceptions by SKU, sales in the EU, automatic credit notes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from shopapp.models import Account, Decision, now
from shopapp.models.decision import MERCHANT
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text
from tests.unit.web.setup.test_keys import chosen

OPEN: dict[str, Any] = {"warehouse": "SET"}


def save(shop: StoreSession, **changes: Any) -> Any:
    return shop.post("/setup/choices", chosen(**{**OPEN, **changes}))


def settings_of(shop: StoreSession, db: SQLAlchemy) -> dict[str, Any]:
    db.session.rollback()
    db.session.expire_all()
    account = Account.find_current(shop.store)
    assert account is not None
    return account.settings


def decided(shop: StoreSession, db: SQLAlchemy) -> dict[str, Any]:
    """Return the decisions in force, without the kinds that have none."""
    settings_of(shop, db)
    account = Account.find_current(shop.store)
    assert account is not None
    return {kind: known for kind, known in Decision.in_force(account.id).answers.items() if known}


def test_the_tax_of_a_product_is_a_decision_by_sku(shop: StoreSession, db: SQLAlchemy) -> None:
    rows = {"sku_1": " LIV-1 ", "treatment_1": "reduced", "sku_2": "FOR-1", "treatment_2": "M07"}
    assert save(shop, **rows).status_code == 303
    assert decided(shop, db) == {"product-tax": {"LIV-1": "reduced", "FOR-1": "M07"}}
    assert "exceptions" not in settings_of(shop, db)
    page = shop.client.get("/setup/choices").get_data(as_text=True)
    assert re.findall(r'name="sku_\d" value="([^"]*)"', page) == ["FOR-1", "LIV-1", "", ""]
    assert '<option value="reduced" selected>' in page


def test_an_emptied_row_is_removed_and_a_later_one_stays(shop: StoreSession, db: SQLAlchemy) -> None:
    save(shop, sku_1="LIV-1", treatment_1="reduced", sku_2="FOR-1", treatment_2="M07")
    shown = re.findall(
        r'name="decided" value="([^"]*)"', shop.client.get("/setup/choices").get_data(as_text=True)
    )
    assert shown == ["FOR-1", "LIV-1"]
    account = Account.find_current(shop.store)
    assert account is not None
    Decision.record(account.id, "product-tax", "MEL-1", "intermediate", MERCHANT)
    db.session.commit()
    save(shop, decided=shown, sku_1="", treatment_1="M07", sku_4="LIV-1", treatment_4="normal")
    # what was decided elsewhere since the form was opened stays
    assert decided(shop, db) == {"product-tax": {"LIV-1": "normal", "MEL-1": "intermediate"}}


def test_how_gift_cards_are_sold_is_a_decision_that_the_form_shows_and_revokes(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    save(shop, gift_cards="single-purpose", gift_card_use="given")
    assert decided(shop, db) == {"gift-card": {"*": "single-purpose"}, "gift-card-use": {"*": "given"}}
    page = shop.client.get("/setup/choices").get_data(as_text=True)
    assert 'value="single-purpose" checked' in page and 'value="given" checked' in page
    save(shop)
    assert decided(shop, db) == {}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"sku_1": "A", "treatment_1": ""}, "Escolha como tratar o SKU A."),
        ({"sku_1": "A", "treatment_1": "M05"}, "Escolha como tratar o SKU A."),
        ({"sku_1": "A", "treatment_1": "M07", "sku_2": "A", "treatment_2": "normal"}, "Este SKU está em duas linhas."),
    ],
)  # fmt: skip
def test_a_row_without_a_treatment_is_refused_and_stays_on_the_page(
    shop: StoreSession, db: SQLAlchemy, rows: dict[str, str], sentence: str
) -> None:
    before = settings_of(shop, db)
    answer = save(shop, **rows)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and sentence in page_text(answer)
    assert 'value="A"' in page and '<details class="more" open>' in page
    assert settings_of(shop, db) == before


def test_less_common_cases_stay_closed_when_another_field_is_wrong(shop: StoreSession) -> None:
    answer = save(shop, starts_on="amanhã")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Casos menos comuns" in page
    assert '<details class="more" open>' not in page


def test_sales_in_the_union_are_one_question(shop: StoreSession, db: SQLAlchemy) -> None:
    save(shop, threshold_exceeded="no")
    found = settings_of(shop, db)
    assert (found["threshold_exceeded"], found["oss_registered"]) == (False, False)
    save(shop, threshold_exceeded="yes", oss_registered="yes")
    found = settings_of(shop, db)
    assert (found["threshold_exceeded"], found["oss_registered"]) == (True, True)


def test_a_shop_that_turns_out_to_be_under_cash_vat_issues_nothing_by_itself(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    before = settings_of(shop, db)
    shop.store.ready_at = now()
    answer = save(shop, regime="cash")
    assert answer.status_code == 422 and "Parámos a emissão automática" in page_text(answer)
    assert settings_of(shop, db) == {**before, "automatic": False}


def test_cash_vat_is_refused_with_the_reason_and_nothing_is_stored(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    before = settings_of(shop, db)
    shop.store.ready_at = None
    answer = save(shop, regime="cash")
    assert answer.status_code == 422 and "No IVA de caixa as faturas têm série própria" in page_text(answer)
    assert 'value="cash" checked' in answer.get_data(as_text=True)
    assert settings_of(shop, db) == before


def test_shipping_has_the_tax_of_the_goods_or_what_the_shop_charged(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    account = Account.find_current(shop.store)
    assert account is not None
    for chosen_tax in ("as-charged", "follow-goods"):
        save(shop, shipping_tax=chosen_tax)
        page = shop.client.get("/setup/choices").get_data(as_text=True)
        assert f'value="{chosen_tax}" checked' in page
        settings_of(shop, db)
        db.session.refresh(account)
        assert account.fiscal_settings("line").shipping_tax == chosen_tax
    assert save(shop, shipping_tax="free").status_code == 422


def test_cancelled_orders_notify_the_merchant_by_default(shop: StoreSession, db: SQLAlchemy) -> None:
    page = shop.client.get("/setup/choices").get_data(as_text=True)
    assert re.search(r'name="credit_cancelled"[^>]*value="no" checked', page)
    save(shop)
    assert settings_of(shop, db)["credit_cancelled"] is False
    save(shop, credit_cancelled="yes")
    assert settings_of(shop, db)["credit_cancelled"] is True
