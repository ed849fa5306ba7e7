"""Single fields of Jumpseller's JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shopapp.errors import OrderError
from shopapp.platforms.jumpseller import fields


@pytest.mark.parametrize(
    "written",
    ["2026-10-03 19:02:44 UTC", "2026-10-03T19:02:44Z", "2026-10-03T20:02:44+01:00", "2026-10-03 19:02:44"],
)
def test_a_timestamp_is_read_in_each_form_it_comes_in(written: str) -> None:
    assert fields.parse_timestamp(written) == datetime(2026, 10, 3, 19, 2, 44, tzinfo=UTC)


@pytest.mark.parametrize("written", ["", "yesterday", None, "2026-13-03"])
def test_a_text_that_is_no_timestamp_makes_the_order_unreadable(written: str | None) -> None:
    with pytest.raises(OrderError) as raised:
        fields.parse_timestamp(written)
    assert (raised.value.code, raised.value.detail) == ("order-unreadable", {"field": "date"})
