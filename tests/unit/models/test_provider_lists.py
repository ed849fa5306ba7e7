"""The typed form of values stored as JSON: a provider's lists, and an account's settings."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from shopapp.models.account_settings import AccountSettings
from shopapp.models.provider_lists import ListedChoice, ListedSeries, ProviderLists


def test_lists_come_back_as_they_were_stored() -> None:
    lists = ProviderLists(
        read_at=datetime(2026, 11, 30, 16, tzinfo=UTC),
        kinds=("FR",),
        series=(ListedSeries("2026FR", "FR", True, "Loja", True),),
        warehouses=(ListedChoice("SET", "Setúbal", True),),
        locations=(ListedChoice("loc-1", "Loja"),),
        rates=(Decimal("23"),),
        articles=True,
    )
    assert ProviderLists.from_json(lists.to_json()) == lists


def test_lists_of_an_older_release_have_shorter_rows_and_fewer_keys() -> None:
    lists = ProviderLists.from_json({"series": [["2026FR", "FR", True]], "warehouses": [["SET", "Setúbal"]]})
    assert lists.series == (ListedSeries("2026FR", "FR"),)
    assert (lists.find_series("FR", "2026FR"), lists.find_series("FT", "2026FR")) == (lists.series[0], None)
    assert lists.warehouses == (ListedChoice("SET", "Setúbal"),) and not lists.articles


def test_settings_ignore_unknown_keys_and_default_missing_ones() -> None:
    settings = AccountSettings.from_json(
        {"kind": "FT", "of-a-later-release": 1, "stock_places": [["SET", ""]]}
    )
    assert (settings.kind, settings.automatic, settings.stock_places) == ("FT", True, (("SET", ""),))
    assert AccountSettings.from_json({}) == AccountSettings.from_json(None) == AccountSettings()
