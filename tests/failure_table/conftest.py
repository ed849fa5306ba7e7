"""A world on an empty database; nothing that a test of one row leaves behind reaches the next.

`world` is the fake platform's. A test marked with `EVERY_PLATFORM` runs with Shopkit's too, under the marker `sweep`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from limits.storage import MemoryStorage

from sandbox.core.server import start
from sandbox.plain.app import create_app
from sandbox.plain.document_ledger import DocumentLedger
from shopapp import failpoints
from shopapp.connections import shop_calls
from shopapp.models import set_clock
from shopapp.web import webhooks
from tests.failure_table import shopkit_world
from tests.failure_table.concurrency import use_plain_provider
from tests.fakes import World
from tests.fakes import world as fake_world

__all__ = ["fake_world"]


@pytest.fixture
def world(
    app: Flask, fake_world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[World]:
    """Return the world whose store is on the platform of the test's parameter, the fake one without."""
    if getattr(request, "param", "fakeshop") == "fakeshop":
        yield fake_world
        return
    # no count of one test's calls, and no pause, reaches the next
    monkeypatch.setattr(shop_calls, "storage_from_string", lambda url, **more: MemoryStorage())
    app.extensions.pop("shop_calls", None)
    yield from shopkit_world.opened(app, fake_world)
    app.extensions.pop("shop_calls", None)


@pytest.fixture(autouse=True)
def _reset_globals() -> Iterator[None]:
    webhooks.clear_store_cache()
    yield
    webhooks.clear_store_cache()
    set_clock(None)
    failpoints.arm("")


@pytest.fixture
def plain(app: Flask, world: World, tmp_path: Path) -> Iterator[DocumentLedger]:
    """Run the sandbox's plain provider with the world's account, and return its ledger."""
    stand_in = create_app(tmp_path)
    running = start(stand_in)
    use_plain_provider(app, world, running.url)
    yield stand_in.extensions["document_ledger"]
    running.stop()
