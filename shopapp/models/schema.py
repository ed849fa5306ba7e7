"""The tables as a whole: how the engine connects to them, how migrations bring them up to date, whose keys fit.

Called by `create_app` and by the command `release`; knows no subject.
"""

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
"""How long anyone waits for a locked database; a hook then answers 503."""
IDLE_TRANSACTION_SECONDS = 60
"""How long a transaction may stand idle before PostgreSQL ends it: no call to the outside is made inside one, so
whoever is in one for that long is frozen, and would hold its rows for ever."""


def migrate(url: str) -> None:
    """Nothing; runs every migration that the database does not have yet. Safe to repeat."""
    # only a release needs Alembic: every other start goes without
    from alembic import command
    from alembic.config import Config

    root = Path(__file__).resolve().parents[2]
    settings = Config()
    settings.set_main_option("script_location", str(root / "migrations"))
    settings.attributes["url"] = url
    command.upgrade(settings, "head")


def engine_options(url: str) -> dict[str, Any]:
    """What the engine needs for this database: short waits, and UTC."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False}}
    waits = (
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c"
        f" idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS}s -c timezone=UTC"
    )
    return {
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": LOCK_TIMEOUT_SECONDS,
        "connect_args": {"connect_timeout": LOCK_TIMEOUT_SECONDS, "options": waits},
    }


def encryption_keys_match() -> bool:
    """False when a sealed value is there that none of our keys opens; the oldest and the newest of a kind are tried."""
    try:
        with read_only():
            return all(
                _can_decrypt(row, name) for row, name in ((Store, "access_token"), (Account, "credentials"))
            )
    except SQLAlchemyError:
        # no tables yet, or a database that is away: nothing of it can be read, or spoilt
        return True
    finally:
        db.session.rollback()


def _can_decrypt(row: Any, name: str) -> bool:
    sealed = getattr(row, name + "_sealed")
    ends = [select(end(row.id)).where(sealed.is_not(None)).scalar_subquery() for end in (func.min, func.max)]
    # a release that has columns to come must be able to ask, too
    few = select(row).options(load_only(row.uid, sealed)).where(row.id.in_(ends))
    for found in db.session.scalars(few):
        try:
            getattr(found, name)
        except DecryptionError:
            return False
    return True
