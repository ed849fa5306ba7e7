"""The databases on which the tests run: each kind creates empty databases and migrated ones."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from dev.servers import MissingServer, Postgres

Migration = Callable[[str], None]


class DatabaseServer(Protocol):
    """One kind of database server."""

    kind: str

    def create_database(self) -> str:
        """Create an empty database and return its address."""

    def stop(self) -> None:
        """Delete every database that it created."""


class Sqlite:
    """Files in a folder, in memory where the machine offers it."""

    kind = "sqlite"

    def __init__(self) -> None:
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="sqlite", dir=shm if os.access(shm, os.W_OK) else None))
        self._numbers = itertools.count(1)

    def create_database(self) -> str:
        return f"sqlite:///{self.folder}/{next(self._numbers)}.db"

    def stop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def private_postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL for one test or module, which may damage it; skip where PostgreSQL is not installed."""
    try:
        server = Postgres()
    except MissingServer as problem:
        pytest.skip(str(problem))
    server.start()
    yield server
    server.stop()


class PostgreSQL:
    """Databases of a throw-away server. Raises MissingServer when PostgreSQL is not installed."""

    kind = "postgres"

    def __init__(self) -> None:
        self._server = Postgres()
        self._server.start()
        self._numbers = itertools.count(1)

    def create_database(self) -> str:
        return self._server.create_database(f"shop{next(self._numbers)}")

    def stop(self) -> None:
        self._server.stop()


class Database:
    """One migrated database that many tests share, emptied before each."""

    def __init__(self, server: DatabaseServer, migrate: Migration) -> None:
        self.kind = server.kind
        self.url = server.create_database()
        migrate(self.url)
        self._engine = sqlalchemy.create_engine(self.url, poolclass=NullPool)
        names = sqlalchemy.inspect(self._engine).get_table_names()
        self._tables = [name for name in names if name != "alembic_version"]
        with self._engine.connect() as connection:
            # Rows that a migration itself inserted would belong to the empty state.
            full = [name for name in self._tables if connection.scalar(self._first(name)) is not None]
        assert not full, f"the migrations left rows in {full}: say here how to keep them"

    def delete_rows(self) -> None:
        """Delete the rows of every table."""
        emptied = [f'DELETE FROM "{name}"' for name in self._tables]
        if self.kind == "postgres":
            # Rows may reference each other in a circle, which SQLite checks only where it is asked to.
            circle = "SET LOCAL session_replication_role = replica"
            emptied = ["; ".join([circle, "SET LOCAL lock_timeout = '5s'", *emptied])]
        with self._engine.begin() as connection:
            for statement in emptied:
                connection.exec_driver_sql(statement)

    @staticmethod
    def _first(name: str) -> sqlalchemy.TextClause:
        return sqlalchemy.text(f'SELECT 1 FROM "{name}" LIMIT 1')
