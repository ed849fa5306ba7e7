"""The app of both state machines: a database in memory, fakes for external systems, no lasting changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from shopapp import create_app, failpoints
from shopapp.connections import send_window
from shopapp.documents import issue
from shopapp.inventory import movements, scheduler, stock_sync
from shopapp.models import Store, db, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from tests.fakes import FakePlatform
from tests.state_machines.document_machine import RoutedProvider


@pytest.fixture(scope="module")
def in_memory(settings: dict[str, str]) -> Iterator[Flask]:
    """Return the app on SQLite in memory.

    Whatever a machine replaces (time, failpoints, leases) is restored afterwards.
    """
    app = create_app({**settings, "DATABASE_URL": "sqlite://", "LOG_LEVEL": "CRITICAL"})
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setitem(PLATFORMS, "fakeshop", FakePlatform)
        patch.setitem(PROVIDERS, "fakebooks", RoutedProvider)
        # Set to their present values, so that they are restored when a machine has replaced them.
        patch.setattr(failpoints, "hit", failpoints.hit)
        patch.setattr(Store, "release_lease", Store.release_lease)
        for module in (scheduler, issue, movements, stock_sync, send_window):
            patch.setattr(module, "time", module.time)  # type: ignore[attr-defined]
        db.create_all()
        app.extensions["emptying"] = [f"DELETE FROM {t.name}" for t in reversed(db.metadata.sorted_tables)]
        yield app
        db.session.remove()
        db.engine.dispose()
    set_clock(None)
