"""Load a dump of the old code into an empty database, and count its rows.

It imports nothing of the app, so that the code under test can't affect how the dump is read.
"""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import sqlalchemy
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
TEST_ONLY = {
    "SECRET_KEY": "made-up and used by one test only",
    "SEAL_KEYS": base64.b64encode(b"made up, used by one test only!!").decode(),
}
"""The invented keys under which the dumps were written; they are used nowhere else."""


def load(url: str) -> None:
    """Load the dump of this kind of database, with its tables, into the empty database at this address."""
    kind = "sqlite" if url.startswith("sqlite") else "postgres"
    dump = (HERE / f"before-0006.{kind}.sql").read_text()
    if kind == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(dump)
        connection.close()
        return
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.connect() as opened, opened.connection.cursor() as cursor:
        cursor.execute(dump)
        opened.connection.commit()


def counted(url: str) -> dict[str, int]:
    """Count the rows of each table that the database itself lists."""
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    names = sqlalchemy.inspect(engine).get_table_names()
    with engine.connect() as connection:
        count = "SELECT count(*) FROM "
        return {name: connection.scalar(sqlalchemy.text(f'{count}"{name}"')) or 0 for name in names}
