"""Clients of new stand-ins, for the tests of any file in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import igest_client, jumpseller_client
from tests.sandbox.igest_client import IgestClient
from tests.sandbox.jumpseller_client import JumpsellerClient
from tests.sandbox.phcgo_client import caller

__all__ = ["caller"]


@pytest.fixture
def igest(tmp_path: Path) -> Iterator[IgestClient]:
    with igest_client.open_client(tmp_path) as client:
        yield client


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with jumpseller_client.open_client() as client:
        yield client
