"""How the contract suites reach the other side, and the provider account that each test is given."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopapp.providers import PROVIDERS
from tests.contract.accounts import ACCOUNTS
from tests.contract.cassette import MODE
from tests.contract.provider_account import ProviderAccount


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> str:
    """How this test reaches the other side: `live`, `replayed` or `recorded`."""
    wanted = str(getattr(request, "param", "live"))
    return "recorded" if wanted == "replayed" and MODE["record"] else wanted


@pytest.fixture(params=list(PROVIDERS))
def name(request: pytest.FixtureRequest) -> str:
    """Which provider this test is about."""
    return str(request.param)


@pytest.fixture
def account(
    request: pytest.FixtureRequest, mode: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[ProviderAccount]:
    """An account; afterwards no secret may be in an address or in the log."""
    caplog.set_level(logging.DEBUG)
    found = ACCOUNTS[name]()
    with found.opened(mode, request.node.originalname.removeprefix("test_"), tmp_path):
        yield found
        for secret in found.secrets():
            assert not any(secret in url for url in found.urls)
            assert secret not in caplog.text
