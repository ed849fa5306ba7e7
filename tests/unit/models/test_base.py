"""The one clock: what the database says it is, without side effects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask_sqlalchemy import SQLAlchemy

from shopapp.models import now


def test_asking_for_the_time_opens_no_transaction_over_which_a_call_could_be_made(db: SQLAlchemy) -> None:
    assert now().tzinfo is not None
    assert not db.session().in_transaction()


def test_asking_for_the_time_ends_no_transaction_that_is_open(db: SQLAlchemy) -> None:
    db.session.connection()
    now()
    assert db.session().in_transaction()


def test_the_database_and_the_tests_stand_at_the_same_moment(db: SQLAlchemy) -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1), "make dates would test nothing"
