"""The databases on which the tests run: each kind creates empty databases and migrated ones."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
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

    def create_migrated_database(self) -> str:
        """Create a database with all tables and return its address."""

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

    def create_migrated_database(self) -> str:
        url = self.create_database()
        shutil.copy(migrated_sqlite_file(), url.removeprefix("sqlite:///"))
        return url

    def stop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def migrated_sqlite_file() -> Path:
    """Return a database with all tables and without rows, to be copied; made once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="sqlite"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _migrate(f"sqlite:///{folder}/template.db")
    return folder / "template.db"


def _migrate(url: str) -> None:
    # imported late, as most runs of one test need no tables
    from shopapp.models import migrate

    migrate(url)


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
        self._has_template = False

    def create_database(self) -> str:
        return self._server.create_database(f"shop{next(self._numbers)}")

    def create_migrated_database(self) -> str:
        if not self._has_template:
            _migrate(self._server.create_database("template"))
            self._has_template = True
        name = f"shop{next(self._numbers)}"
        self._server.execute(f'CREATE DATABASE "{name}" TEMPLATE template')
        return self._server.url_of(name)

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
        # an app that knows its keys looks at no row when it starts
        emptied = [one + " WHERE name <> 'keys'" if '"pulse"' in one else one for one in emptied]
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
