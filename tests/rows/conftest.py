"""A world on an empty database, and nothing that one row of the failure table leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from sandbox.plain.app import create_app
from sandbox.plain.books import Books
from sandbox.web import start
from shopapp import fault
from shopapp.models import set_clock
from shopapp.web import hooks
from shopapp.web.limits import limiter
from tests.fakes import World, world
from tests.rows.together import open_at

__all__ = ["world"]


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    hooks.forget()
    yield
    hooks.forget()
    set_clock(None)
    fault.arm("")
    if limiter.initialized:
        limiter.reset()


@pytest.fixture
def plain(app: Flask, world: World, tmp_path: Path) -> Iterator[Books]:
    """The ledger of the sandbox's plain program, which really runs; the world's account is one with it."""
    stand_in = create_app(tmp_path)
    running = start(stand_in)
    open_at(app, world, running.url)
    yield stand_in.extensions["books"]
    running.stop()
