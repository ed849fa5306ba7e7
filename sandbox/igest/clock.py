"""The stand-in's clock: Lisbon time, which a test may put on another day or hour.

Asked by the rules, the access check and the pages. Nothing else here reads the machine's time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.core import JsonStorage

LISBON = ZoneInfo("Europe/Lisbon")


class Clock:
    """Now and today in Lisbon, moved by as much as was asked for; a restart keeps the move."""

    def __init__(self, storage: JsonStorage) -> None:
        self._storage = storage
        self._offset = timedelta(seconds=storage.all("clock").get("moved", 0))

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._offset).astimezone(LISBON)

    def today(self) -> date:
        return self.now().date()

    def set_day(self, day: date) -> None:
        """Nothing; today is that day, the hour stays what it is."""
        self.set_time(datetime.combine(day, datetime.now(LISBON).time(), LISBON))

    def set_time(self, moment: datetime) -> None:
        """Nothing; now is that moment of Lisbon time."""
        local_time = moment if moment.tzinfo else moment.replace(tzinfo=LISBON)
        self._set_offset(local_time.astimezone(UTC) - datetime.now(UTC))

    def reset(self) -> None:
        """Nothing; the clock shows the real time again."""
        self._set_offset(timedelta(0))

    def _set_offset(self, by: timedelta) -> None:
        self._offset = by
        self._storage.put("clock", "moved", by.total_seconds())
