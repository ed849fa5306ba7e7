"""The tables as a whole: how the engine connects to them, and the migrations that bring them up to date.

Called by `create_app` and by the command `release`; knows no subject.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

BUSY_SECONDS = 3
"""How long anyone waits for a locked database; a hook then answers 503."""


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
        return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    waits = f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC"
    return {
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": BUSY_SECONDS,
        "connect_args": {"connect_timeout": BUSY_SECONDS, "options": waits},
    }
