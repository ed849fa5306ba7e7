"""The yearly limits of the law, counted from our own documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_credit_note, make_document, make_store
from shopapp.models import Document, Store
from shopapp.models.account_settings import AccountSettings
from shopapp.models.queries.thresholds import threshold_warnings

TODAY = date(2026, 11, 20)


@pytest.fixture
def store(db: SQLAlchemy) -> Store:
    store = make_store()
    make_account(store)
    return store


def sell(store: Store, net: str, year: int = 2026, **values: Any) -> Document:
    at = datetime(year, 6, 1, 12, tzinfo=UTC)
    return make_document(store, at=at, net=Decimal(net), total=net, **values)


def warned(store: Store, **settings: Any) -> list[tuple[str, str]]:
    found = threshold_warnings(store, AccountSettings(**settings), TODAY)
    return [(one.code, str(one.total)) for one in found]


@pytest.mark.parametrize(
    ("net", "codes"),
    [
        ("7999.99", []),
        ("8000.00", ["distance-near"]),
        ("10000.00", ["distance-near"]),
        ("10000.01", ["distance-passed"]),
    ],
)
def test_distance_sales_warn_from_four_fifths_of_their_limit(
    store: Store, net: str, codes: list[str]
) -> None:
    sell(store, net, is_distance_sale=True)
    sell(store, "50000.00")
    assert [code for code, _ in warned(store)] == codes
    assert warned(store, oss_registered=True) == warned(store, threshold_exceeded=True) == []


def test_distance_sales_of_last_year_count_as_well(store: Store) -> None:
    sell(store, "9000.00", 2025, is_distance_sale=True)
    sell(store, "99999.00", 2024, is_distance_sale=True)
    sell(store, "100.00", is_distance_sale=True)
    assert warned(store) == [("distance-near", "9000.00")]


def test_what_was_credited_or_annulled_does_not_count(store: Store) -> None:
    sale = sell(store, "9000.00", is_distance_sale=True)
    note = make_credit_note(sale, "1500.00")
    note.net, note.issued_on = Decimal("1500.00"), TODAY
    sell(store, "9000.00", is_distance_sale=True, alarm="annulled")
    assert warned(store) == []


@pytest.mark.parametrize(
    ("net", "codes"),
    [
        ("11999.99", []),
        ("12000.00", ["small-business-near"]),
        ("15000.01", ["small-business-passed"]),
        ("18750.00", ["small-business-passed"]),
        ("18750.01", ["small-business-ended"]),
    ],
)
def test_a_small_business_is_warned_of_the_limits_of_its_exemption(
    store: Store, net: str, codes: list[str]
) -> None:
    sell(store, net)
    assert [code for code, _ in warned(store, regime="art53_exempt")] == codes
    assert warned(store, regime="normal") == []
