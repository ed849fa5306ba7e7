"""The provider's lists as last read, typed: `Account.choices` is stored as JSON and converted here alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class ListedSeries(NamedTuple):
    """A series that numbers documents of one kind."""

    code: str
    kind: str
    open: bool = True
    label: str = ""
    drafts: bool = False
    """Whether it may hold drafts."""


class ListedChoice(NamedTuple):
    """An exemption, a warehouse or a shop location."""

    code: str
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class ProviderLists:
    """What the account offers to choose from, and the shop's locations."""

    read_at: datetime | None = None
    kinds: tuple[str, ...] = ()
    series: tuple[ListedSeries, ...] = ()
    exemptions: tuple[ListedChoice, ...] = ()
    warehouses: tuple[ListedChoice, ...] = ()
    locations: tuple[ListedChoice, ...] = ()
    """The shop's."""
    rates: tuple[Decimal, ...] = ()
    """VAT rates in percent."""
    problems: tuple[str, ...] = ()
    searches: bool = False
    articles: bool = False
    """Whether the account lets us look up articles."""
    stock_changes: bool = False

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> ProviderLists:
        """Return the lists as stored, also by an older release whose rows are shorter."""
        known = stored or {}
        read_at = known.get("at")
        return cls(
            read_at=datetime.fromisoformat(read_at) if read_at else None,
            kinds=tuple(known.get("kinds", ())),
            series=tuple(ListedSeries(*row[:5]) for row in known.get("series", ())),
            exemptions=_choices(known.get("exemptions", ())),
            warehouses=_choices(known.get("warehouses", ())),
            locations=_choices(known.get("locations", ())),
            rates=tuple(Decimal(rate) for rate in known.get("rates", ())),
            problems=tuple(known.get("problems", ())),
            searches=bool(known.get("searches")),
            articles=bool(known.get("articles")),
            stock_changes=bool(known.get("stock_changes")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form in which they are stored."""
        return {
            "at": self.read_at.isoformat() if self.read_at else None,
            "kinds": list(self.kinds),
            "series": [list(one) for one in self.series],
            "exemptions": [list(one) for one in self.exemptions],
            "warehouses": [list(one) for one in self.warehouses],
            "rates": [str(rate) for rate in self.rates],
            "problems": list(self.problems),
            "searches": self.searches,
            "articles": self.articles,
            "stock_changes": self.stock_changes,
            "locations": [[one.code, one.label] for one in self.locations],
        }

    def find_series(self, kind: str, code: str) -> ListedSeries | None:
        """Return the listed series of that code for that kind."""
        return next((one for one in self.series if (one.kind, one.code) == (kind, code)), None)


def _choices(rows: Any) -> tuple[ListedChoice, ...]:
    return tuple(ListedChoice(str(row[0]), str(row[1]), *(bool(one) for one in row[2:3])) for row in rows)
