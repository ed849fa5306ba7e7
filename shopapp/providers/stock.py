"""Providers whose stock can be read, and those that also accept single stock movements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .articles import SupportsArticles


@dataclass(frozen=True, slots=True)
class StockLevel:
    """The quantity of an article in a warehouse ('' where the account has none)."""

    code: str
    warehouse: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class StockLevelPage:
    """One page of levels."""

    levels: tuple[StockLevel, ...]
    after: str = ""
    """The cursor of the next page; '' on the last one."""
    sync_token: str = ""
    """The starting point of the next sync; only on the last page."""


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A quantity to add to an article's stock (or to take from it, when below zero), under a reference of ours."""

    code: str
    warehouse: str
    quantity: Decimal
    reference: str
    reason: str = ""
    """A short sentence in Portuguese, kept with the movement."""


class SupportsStock(SupportsArticles):
    """A provider that reports the stock of its articles."""

    @abstractmethod
    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """Ask for the levels of at most fifty articles in every warehouse. Changes nothing.

        An article that is missing from the answer has no level. Raises TransientError or CredentialsError.
        """

    @abstractmethod
    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        """Ask for one page of the levels that changed since the sync that gave `sync_token`. Changes nothing.

        Gives all levels where `sync_token` is empty, or where this account cannot ask for changes
        (`AccountFeatures.stock_changes`). `after` is the cursor of the page before. Raises TransientError or
        CredentialsError.
        """


class SupportsStockMovements(SupportsStock):
    """A provider that accepts single stock movements, besides those of its documents."""

    @abstractmethod
    def move_stock(self, movement: StockMovement) -> None:
        """Send the movement in a single call. Never repeated by the adapter.

        Raises RefusedError `stock-refused`, CredentialsError or TransientError when nothing moved, UncertainError when
        it may have.
        """

    @abstractmethod
    def has_stock_movement(self, reference: str) -> bool | None:
        """Ask whether a movement with exactly this reference exists. Changes nothing.

        Return None where the provider cannot be asked. Raises TransientError or CredentialsError when it could not
        look.
        """
