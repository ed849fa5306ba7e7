"""The base of every table: the database, the column types, the one clock, and encrypted attributes.

Money is stored as whole cents and instants in UTC; they come back as Decimal and as aware datetimes.
"""

from __future__ import annotations

import contextvars
import hashlib
import json
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    DateTime,
    Delete,
    Dialect,
    Engine,
    Integer,
    String,
    Update,
    bindparam,
    event,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeDecorator

from shopapp import encryption

CENT = Decimal("0.01")


class Base(DeclarativeBase):
    """The declarative base."""


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
"""Rows keep what they read after a commit: reading an attribute never opens a transaction unnoticed."""


class Money(TypeDecorator[Decimal]):
    """An amount with two decimals, stored as whole cents; ValueError for anything finer."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        cents = value * 100
        if cents != int(cents):
            raise ValueError(f"{value} is finer than a cent")
        return int(cents)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) * CENT


class DecimalText(TypeDecorator[Decimal]):
    """A decimal stored as its own text: quantities, unit prices, rates."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware when it goes in and comes out, stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


T = TypeVar("T")
P = ParamSpec("P")

BigId = BigInteger().with_variant(Integer, "sqlite")

_virtual_clock: Callable[[], datetime] | None = None


def set_clock(clock: Callable[[], datetime] | None) -> None:
    """Take the time from `clock` in every comparison (virtual time); None restores the real time."""
    global _virtual_clock
    _virtual_clock = clock


def db_now(seconds: float = 0) -> ColumnElement[datetime]:
    """Return SQL for now plus some seconds, by the database's own clock where it has one (PostgreSQL)."""
    if _virtual_clock is None and db.engine.dialect.name == "postgresql":
        return func.clock_timestamp() + timedelta(seconds=seconds)
    return bindparam(
        None, callable_=lambda: _app_now() + timedelta(seconds=seconds), type_=UtcDateTime(), unique=True
    )


def app_now_or_none() -> datetime | None:
    """Return now as a value for the database, or None where the database's own clock sets it (PostgreSQL)."""
    if _virtual_clock is None and db.engine.dialect.name == "postgresql":
        return None
    return _app_now()


def _app_now() -> datetime:
    return _virtual_clock() if _virtual_clock else datetime.now(UTC)


def now() -> datetime:
    """Return the instant that `db_now()` means, as a value. Leaves no transaction open that it opened."""
    if _virtual_clock is None and db.engine.dialect.name == "postgresql":
        alone = not db.session().in_transaction()
        read: datetime = db.session.execute(func.clock_timestamp().select()).scalar_one()
        if alone:
            # a commit: after a rollback every row would be read again
            db.session.commit()
        return read.astimezone(UTC)
    return _app_now()


def cached_statement(build: Callable[P, T]) -> Callable[P, T]:
    """Build the statement once for each database, clock and arguments; workers execute some all the time.

    Building is slower than executing. What changes between two executions must be a bound parameter, as in `db_now`;
    an argument must take few values, as each is cached.
    """
    built: dict[Any, T] = {}

    @wraps(build)
    def statement(*args: P.args, **kwargs: P.kwargs) -> T:
        key = db.engine.dialect.name, _virtual_clock is None, args, *kwargs.items()
        if key not in built:
            built[key] = build(*args, **kwargs)
        return built[key]

    return statement


def insert_into(row: type[Any]) -> Any:
    """Return an INSERT of the database in use, which supports ON CONFLICT."""
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(row)


def execute_update(statement: Update | Delete) -> int:
    """Execute the statement and return the number of rows that it changed. Not committed.

    Rows in the session keep what they read: refresh the one that you continue to use. A statement whose WHERE names
    the state that was read is a compare-and-set: 0 means that someone else was first.
    """
    done = db.session.execute(statement.execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def new_uid() -> str:
    """Return 128 random bits in hex."""
    return secrets.token_hex(16)


class UidModel(db.Model):  # type: ignore[name-defined,misc]
    """A row with a number and a random uid; the uid binds encrypted values to their row."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))

    def __init__(self, **values: Any) -> None:
        super().__init__(uid=values.pop("uid", None) or new_uid(), **values)


def stored_hash(secret: str) -> str:
    """Return the hash by which a random secret is found, of which only this is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


class SealedText:
    """A text attribute that is stored encrypted in the column `<name>_sealed` of its row."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.column = name + "_sealed"

    def associated_data(self, row: Any) -> str:
        return f"{row.__tablename__}.{self.column}.{row.uid}"

    def to_bytes(self, value: Any) -> bytes:
        return value.encode()  # type: ignore[no-any-return]

    def from_bytes(self, content: bytes) -> Any:
        return content.decode()

    def __get__(self, row: Any, owner: type) -> Any:
        if row is None:
            return self
        kept = getattr(row, self.column)
        return None if kept is None else self.from_bytes(encryption.decrypt(kept, self.associated_data(row)))

    def __set__(self, row: Any, value: Any) -> None:
        setattr(row, self.column, self.sealed(row, value))

    def sealed(self, row: Any, value: Any) -> bytes | None:
        """Return the encrypted bytes of a value, for an UPDATE that names the column itself."""
        return None if value is None else encryption.encrypt(self.to_bytes(value), self.associated_data(row))


class SealedJson(SealedText):
    """A `SealedText` whose value is anything that JSON can express."""

    def to_bytes(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False).encode()

    def from_bytes(self, content: bytes) -> Any:
        return json.loads(content.decode())


class SealedBytes(SealedText):
    """A `SealedText` whose value is bytes."""

    def to_bytes(self, value: Any) -> bytes:
        return value  # type: ignore[no-any-return]

    def from_bytes(self, content: bytes) -> Any:
        return content


_MAX_FOLDED = 1000


def fold_for_search(text: str) -> str:
    """Return the text's first 1,000 characters in lower case without accents or repeated spaces."""
    plain = unicodedata.normalize("NFKD", text[:_MAX_FOLDED].casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


_is_read_only: contextvars.ContextVar[bool] = contextvars.ContextVar("reading", default=False)


@contextmanager
def read_only() -> Iterator[None]:
    """Take no write lock of SQLite in this block, which must not write."""
    token = _is_read_only.set(True)
    try:
        yield
    finally:
        _is_read_only.reset(token)


def _treat_idle_timeout_as_disconnect(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", "") == "25P03":
        context.is_disconnect = True
        raise OperationalError(context.statement, {}, context.original_exception, connection_invalidated=True)


def configure_engine(engine: Engine) -> None:
    """Make SQLite durable and queue its writers (WAL, FULL, BEGIN IMMEDIATE).

    On PostgreSQL a connection that the server ended because its transaction was idle counts as disconnected.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "handle_error", _treat_idle_timeout_as_disconnect)
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if _is_read_only.get() else "BEGIN IMMEDIATE")
