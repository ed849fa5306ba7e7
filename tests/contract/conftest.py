"""How the suites of all providers speak to the outside, and the account that each of their tests is given.

The suite of the platforms has a mode and a name of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopapp.providers import PROVIDERS
from tests.contract.accounts import ACCOUNTS, ProviderAccount
from tests.contract.cassette import MODE


@pytest.fixture(params=["replayed", "live"])
def mode(request: pytest.FixtureRequest) -> str:
    """How this test speaks to the outside."""
    if MODE["record"]:
        return "recorded" if request.param == "replayed" else "live"
    return str(request.param)


@pytest.fixture(params=list(PROVIDERS))
def name(request: pytest.FixtureRequest) -> str:
    """Which provider this test is about."""
    return str(request.param)


@pytest.fixture
def account(
    request: pytest.FixtureRequest, mode: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[ProviderAccount]:
    """An account, at the end of which no secret stands in an address or in the log."""
    caplog.set_level(logging.DEBUG)
    scene = request.node.callspec.params.get("scene", "")
    found = ACCOUNTS[name]()
    if mode in ("replayed", "recorded") and scene in found.live_only_scenes:
        mode = "live"
    cassette = request.node.originalname.removeprefix("test_") + (f"-{scene}" if scene else "")
    with found.opened(mode, cassette, tmp_path):
        yield found
        for secret in found.secrets():
            assert not any(secret in url for url in found.urls)
            assert secret not in caplog.text
