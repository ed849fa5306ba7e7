"""Encrypt every value with the newest key, and make every mark again with it, while all other processes go on.

A value is read and written while its row is locked, so no change made meanwhile is lost; a row that somebody else holds
is left for the next pass. The values that already need the newest key are passed over, so the command can be stopped
and started again at any time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import load_only
from sqlalchemy.orm.attributes import flag_modified

from shopapp import encryption
from shopapp.encryption import DecryptionError
from shopapp.models import db
from shopapp.models.key_usage import KeyedColumn, count_by_key, keyed_columns
from shopapp.models.sealed_columns import CLEAR

BATCH_ROWS = 25
PASSES = 5
_PROGRESS_SECONDS = 5.0


def add_commands(app: Flask) -> None:
    """Add the commands `keys` and `reseal` to the app."""

    @app.cli.command("keys")
    def keys() -> None:
        """Show how many values need each key of SEAL_KEYS, and which key may be removed."""
        click.echo("\n".join(describe_usage()))

    @app.cli.command("reseal")
    def reseal_command() -> None:
        """Encrypt every value with the newest key of SEAL_KEYS, beside the running processes; safe to repeat."""
        if unreadable := reseal_all(click.echo):
            raise click.ClickException("no key of SEAL_KEYS decrypts:\n" + "\n".join(unreadable))
        click.echo("\n".join(describe_usage()))


def describe_usage() -> list[str]:
    """Return a table of how many rows of each column need which key, and what may be removed. Changes nothing."""
    usage, ours = count_by_key(), encryption.key_ids()
    rows: Counter[str] = Counter()
    for found in usage.values():
        rows.update(found)
    others = sorted(rows.keys() - {*ours, CLEAR})
    names = [*ours, *others, CLEAR]
    lines = [f"{'column':26}" + "".join(f"{name:>12}" for name in names)]
    for name, found in usage.items():
        lines.append(f"{name:26}" + "".join(f"{found[key_id]:12}" for key_id in names))
    lines.append(f"{'all':26}" + "".join(f"{rows[key_id]:12}" for key_id in names))
    return lines + [_verdict(key_id, at, rows) for at, key_id in enumerate((*ours, *others))]


def _verdict(key_id: str, place: int, rows: Counter[str]) -> str:
    if key_id not in encryption.key_ids():
        return f"{key_id}: NOT IN SEAL_KEYS, and {rows[key_id]} values need it: put it back"
    if place == 0:
        return f"{key_id}: the newest, with which everything is encrypted from now on"
    if rows[key_id]:
        return f"{key_id}: {rows[key_id]} values need it: run `flask --app wsgi reseal` before you remove it"
    if rows[CLEAR]:
        return (
            f"{key_id}: run `flask --app wsgi reseal` before you remove it: {rows[CLEAR]} values say no key"
        )
    return f"{key_id}: nothing needs it: it may be removed, once every process was restarted with the newest"


def reseal_all(say: Callable[[str], None]) -> list[str]:
    """Encrypt and mark everything with the newest key. Commits.

    Return `column id` for each value that no key decrypts, which is left as it is.
    """
    columns = keyed_columns()
    # marks are made from encrypted values: the column that cannot be read is then named first
    columns.sort(key=lambda column: column.is_mark)
    for _ in range(PASSES):
        unreadable: list[str] = []
        done = sum(_reseal_column(column, say, unreadable) for column in columns)
        if not done:
            break
    return sorted(set(unreadable))


def _reseal_column(column: KeyedColumn, say: Callable[[str], None], unreadable: list[str]) -> int:
    """Work through one column from the first row to the last; return how many rows were written. Commits."""
    last, done, said = 0, 0, time.monotonic()
    while True:
        began = time.monotonic()
        numbers = _lock_outdated(column, last)
        if not numbers:
            db.session.rollback()
            break
        done += _reseal_rows(column, numbers, unreadable)
        db.session.commit()
        db.session.expunge_all()
        last = numbers[-1]
        if time.monotonic() - said > _PROGRESS_SECONDS:
            said = time.monotonic()
            say(f"{column.name}: {done} rows, up to {last}")
        # as long again for everybody else
        time.sleep(time.monotonic() - began)
    if done:
        say(f"{column.name}: {done} rows")
    return done


def _lock_outdated(column: KeyedColumn, after: int) -> Sequence[int]:
    """Lock the next rows that need another key than the newest, without waiting for anybody, and return their ids."""
    model = column.model
    rows = select(model.id).where(model.id > after, column.is_outdated).order_by(model.id).limit(BATCH_ROWS)
    return db.session.scalars(rows.with_for_update(skip_locked=True, key_share=True)).all()


def _reseal_rows(column: KeyedColumn, numbers: Sequence[int], unreadable: list[str]) -> int:
    try:
        return _write_rows(column, numbers)
    except DecryptionError:
        db.session.expunge_all()
    if len(numbers) == 1:
        unreadable.append(f"{column.name} {numbers[0]}")
        return 0
    return sum(_reseal_rows(column, [number], unreadable) for number in numbers)


def _write_rows(column: KeyedColumn, numbers: Sequence[int]) -> int:
    needed = load_only(column.model.id, *column.needed, column.attribute)
    rows = db.session.scalars(
        select(column.model)
        .where(column.model.id.in_(numbers))
        .options(needed)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        _write_row(column, row)
    db.session.flush()
    return len(rows)


def _write_row(column: KeyedColumn, row: Any) -> None:
    if column.is_mark:
        row.make_marks()
    elif column.descriptor:
        setattr(row, column.descriptor, getattr(row, column.descriptor))
    else:
        flag_modified(row, column.attribute.key)
