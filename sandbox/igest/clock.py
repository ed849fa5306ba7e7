"""The stand-in's clock: Lisbon time, which a test may put on another day or hour.

Asked by the rules, the access check and the pages. Nothing else here reads the machine's time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.web import Shelf

LISBON = ZoneInfo("Europe/Lisbon")


class Clock:
    """Now and today in Lisbon, moved by as much as was asked for; a restart keeps the move."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._moved = timedelta(seconds=shelf.all("clock").get("moved", 0))

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._moved).astimezone(LISBON)

    def today(self) -> date:
        return self.now().date()

    def put_on(self, day: date) -> None:
        """Nothing; today is that day, the hour stays what it is."""
        self.put_at(datetime.combine(day, datetime.now(LISBON).time(), LISBON))

    def put_at(self, moment: datetime) -> None:
        """Nothing; now is that moment of Lisbon time."""
        here = moment if moment.tzinfo else moment.replace(tzinfo=LISBON)
        self._move(here.astimezone(UTC) - datetime.now(UTC))

    def put_back(self) -> None:
        """Nothing; the clock shows the real time again."""
        self._move(timedelta(0))

    def _move(self, by: timedelta) -> None:
        self._moved = by
        self._shelf.put("clock", "moved", by.total_seconds())
