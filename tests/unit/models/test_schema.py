"""The migrations create exactly the tables that the models describe, on every database."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from shopapp.models import db as tables


def test_the_migrations_create_the_tables_of_the_models(app: Flask) -> None:
    with app.app_context(), tables.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    assert found == []
