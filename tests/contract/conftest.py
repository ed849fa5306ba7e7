"""The mode in which the contract suites reach the external system, and the provider account of each test."""

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
    """Return how this test reaches the external system: `live`, `replayed` or `recorded`."""
    wanted = str(getattr(request, "param", "live"))
    return "recorded" if wanted == "replayed" and MODE["record"] else wanted


@pytest.fixture(params=list(PROVIDERS))
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of the provider under test."""
    return str(request.param)


@pytest.fixture
def account(
    request: pytest.FixtureRequest, mode: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[ProviderAccount]:
    """Yield an account; afterwards check that no address and no log line contains a secret."""
    caplog.set_level(logging.DEBUG)
    found = ACCOUNTS[name]()
    with found.opened(mode, request.node.originalname.removeprefix("test_"), tmp_path):
        yield found
        for secret in found.secrets():
            assert not any(secret in url for url in found.urls)
            assert secret not in caplog.text
