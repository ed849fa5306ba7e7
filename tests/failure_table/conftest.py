"""A world on an empty database; nothing that a test of one row leaves behind reaches the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from sandbox.core.server import start
from sandbox.plain.app import create_app
from sandbox.plain.document_ledger import DocumentLedger
from shopapp import failpoints
from shopapp.models import set_clock
from shopapp.web import webhooks
from tests.failure_table.concurrency import use_plain_provider
from tests.fakes import World, world

__all__ = ["world"]


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
