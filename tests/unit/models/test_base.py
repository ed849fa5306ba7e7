"""The only clock is the database's time, read without side effects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask_sqlalchemy import SQLAlchemy

from shopapp.models import now


def test_reading_the_time_leaves_no_transaction_open(db: SQLAlchemy) -> None:
    assert now().tzinfo is not None
    assert not db.session().in_transaction()


def test_reading_the_time_does_not_end_an_open_transaction(db: SQLAlchemy) -> None:
    db.session.connection()
    now()
    assert db.session().in_transaction()


def test_the_database_and_the_tests_have_the_same_time(db: SQLAlchemy) -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1), "make dates would test nothing"
