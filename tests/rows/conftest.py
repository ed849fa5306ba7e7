"""A world on an empty database, and nothing that one row of the failure table leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopapp import fault
from shopapp.models import set_clock
from shopapp.web import hooks
from shopapp.web.limits import limiter
from tests.fakes import world

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
