"""The schema as a whole: engine options and migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
