"""What both machines stand on: the app on a database in memory, fakes outside, and everything put back afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from flask import Flask

from shopapp import create_app, fault, goods, issuing, movements, stocking
from shopapp.models import Store, db, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from tests.fakes import FakeShop
from tests.fault.virtual import Books


@pytest.fixture(scope="module")
def in_memory(settings: dict[str, str]) -> Iterator[Flask]:
    """The app on SQLite in memory; what a machine sets for its workers (time, death, release) is its alone."""
    app = create_app({**settings, "DATABASE_URL": "sqlite://", "LOG_LEVEL": "CRITICAL"})
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setitem(PLATFORMS, "fakeshop", FakeShop)
        patch.setitem(PROVIDERS, "fakebooks", Books)
        # set to what they are, so that what a machine makes of them is undone
        patch.setattr(fault, "point", fault.point)
        patch.setattr(Store, "release", Store.release)
        for module in (goods, issuing, movements, stocking):
            patch.setattr(module, "time", module.time)  # type: ignore[attr-defined]
        db.create_all()
        app.extensions["emptying"] = [f"DELETE FROM {t.name}" for t in reversed(db.metadata.sorted_tables)]
        gc.freeze()
        yield app
        db.session.remove()
        db.engine.dispose()
    gc.unfreeze()
    set_clock(None)
