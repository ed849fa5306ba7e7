"""The only clock is the database's time, read without side effects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import sqlite

from dev.factories import make_store
from shopapp.encryption import DecryptionError
from shopapp.models import now
from shopapp.models.base import Money


def test_reading_the_time_leaves_no_transaction_open(db: SQLAlchemy) -> None:
    assert now().tzinfo is not None
    assert not db.session().in_transaction()


def test_reading_the_time_does_not_end_an_open_transaction(db: SQLAlchemy) -> None:
    db.session.connection()
    now()
    assert db.session().in_transaction()


def test_the_database_and_the_tests_have_the_same_time(db: SQLAlchemy) -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1), "make dates would test nothing"


def test_an_amount_finer_than_a_cent_is_not_stored() -> None:
    money = Money()
    assert money.process_bind_param(Decimal("12.30"), sqlite.dialect()) == 1230
    with pytest.raises(ValueError):
        money.process_bind_param(Decimal("12.305"), sqlite.dialect())


def test_a_sealed_value_belongs_to_its_row_and_column(db: SQLAlchemy) -> None:
    one, other = make_store("olaria"), make_store("quinta")
    other.access_token_sealed = one.access_token_sealed
    with pytest.raises(DecryptionError):
        _ = other.access_token
    one.refresh_token_sealed = one.access_token_sealed
    with pytest.raises(DecryptionError):
        _ = one.refresh_token
    db.session.rollback()
