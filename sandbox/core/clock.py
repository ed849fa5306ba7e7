"""A stand-in's clock in Lisbon time, which a test may set to another day or hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .storage import JsonStorage

LISBON = ZoneInfo("Europe/Lisbon")


class Clock:
    """The real time in Lisbon plus an offset, which survives a restart."""

    def __init__(self, storage: JsonStorage) -> None:
        self._storage = storage
        self._offset = timedelta(seconds=storage.all("clock").get("moved", 0))

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._offset).astimezone(LISBON)

    def today(self) -> date:
        return self.now().date()

    def set_day(self, day: date) -> None:
        """Set the clock to that day, at the real hour."""
        self.set_time(datetime.combine(day, datetime.now(LISBON).time(), LISBON))

    def set_time(self, moment: datetime) -> None:
        """Set the clock to that moment; one without a zone is in Lisbon time."""
        local_time = moment if moment.tzinfo else moment.replace(tzinfo=LISBON)
        self._set_offset(local_time.astimezone(UTC) - datetime.now(UTC))

    def reset(self) -> None:
        """Show the real time again."""
        self._set_offset(timedelta(0))

    def _set_offset(self, offset: timedelta) -> None:
        self._offset = offset
        self._storage.put("clock", "moved", offset.total_seconds())
