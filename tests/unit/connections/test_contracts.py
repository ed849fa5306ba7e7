"""An adapter is returned as one of its optional contracts, or reported as lacking it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shopapp.connections.contracts import require
from shopapp.providers.articles import SupportsArticles
from shopapp.providers.drafts import SupportsDrafts
from tests.fakes import FakeInvoicing


def test_an_adapter_is_returned_as_a_contract_that_it_names() -> None:
    adapter = FakeInvoicing({}, None, lambda: datetime.now(UTC))
    assert require(adapter, SupportsDrafts) is adapter


def test_a_contract_that_the_adapter_does_not_name_is_our_fault() -> None:
    adapter = FakeInvoicing({}, None, lambda: datetime.now(UTC))
    with pytest.raises(TypeError, match="FakeInvoicing does not implement SupportsArticles"):
        require(adapter, SupportsArticles)
