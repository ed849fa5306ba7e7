"""The schema as a whole: engine options, migrations, and whether our encryption keys fit the stored values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import load_only

from shopapp.encryption import DecryptionError

from .account import Account
from .base import db, read_only
from .store import Store

LOCK_TIMEOUT_SECONDS = 3
"""How long a statement waits for a locked database; a webhook then gets a 503."""
IDLE_TRANSACTION_SECONDS = 60
"""How long a transaction may be idle before PostgreSQL ends it. No external call is made inside one, so a process that
is idle for that long is frozen and would keep its rows locked for ever.
"""


def migrate(url: str) -> None:
    """Run every migration that the database does not have yet. Safe to repeat."""
    # only a release needs Alembic: every other start avoids importing it
    from alembic import command
    from alembic.config import Config

    root = Path(__file__).resolve().parents[2]
    settings = Config()
    settings.set_main_option("script_location", str(root / "migrations"))
    settings.attributes["url"] = url
    command.upgrade(settings, "head")


def engine_options(url: str) -> dict[str, Any]:
    """Return the options of the engine for this database: short waits, UTC, and no values in errors."""
    if url.startswith("sqlite"):
        return {
            "hide_parameters": True,
            "connect_args": {"timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False},
        }
    waits = (
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c"
        f" idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS}s -c timezone=UTC"
    )
    return {
        "hide_parameters": True,
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": LOCK_TIMEOUT_SECONDS,
        "connect_args": {"connect_timeout": LOCK_TIMEOUT_SECONDS, "options": waits},
    }


def encryption_keys_match() -> bool:
    """Return False when our keys do not decrypt the oldest or the newest encrypted value of a kind."""
    try:
        with read_only():
            return all(
                _can_decrypt(row, name) for row, name in ((Store, "access_token"), (Account, "credentials"))
            )
    except SQLAlchemyError:
        # no tables yet, or the database is away: nothing can be read, or damaged
        return True
    finally:
        db.session.rollback()


def _can_decrypt(row: Any, name: str) -> bool:
    sealed = getattr(row, name + "_sealed")
    ends = [select(end(row.id)).where(sealed.is_not(None)).scalar_subquery() for end in (func.min, func.max)]
    # only these columns: a release asks before its migrations have added others
    few = select(row).options(load_only(row.uid, sealed)).where(row.id.in_(ends))
    for found in db.session.scalars(few):
        try:
            getattr(found, name)
        except DecryptionError:
            return False
    return True
