"""Faults that a test ordered one by one: kept on the shelf until they are used up, over a restart too.

Called by the `faults` of the invoicing programs' stand-ins, which say what a fault is. It never knows what a kind does.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from sandbox.core import JsonStorage


@dataclass(frozen=True)
class ScheduledFault:
    """One order: `kind` befalls `times` calls after `after` ones were let through.

    `match` limits it to calls that mention the words.
    """

    id: int
    kind: str
    times: int = 1
    after: int = 0
    match: str = ""
    seconds: float = 0.0
    text: str = ""

    def matches(self, call: Any) -> bool:
        """Whether it is about this call."""
        raise NotImplementedError


F = TypeVar("F", bound=ScheduledFault)


class FaultSchedule(Generic[F]):
    """The orders in force; `pause` sleeps until it is over or everybody is released."""

    def __init__(self, storage: JsonStorage, fault: type[F]) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.waiting = 0
        kept = storage.all("fault")
        self._scheduled: dict[int, F] = {int(key): fault(**kept[key]) for key in sorted(kept, key=int)}
        self._next = max(self._scheduled, default=0) + 1

    def schedule(self, wanted: dict[str, Any]) -> object:
        """The order is in force; ValueError names what it cannot be."""
        raise NotImplementedError

    def schedule_from_form(self, form: Mapping[str, str]) -> None:
        """Nothing; the order that the panel's form makes, or an end of all of them when it names no kind."""
        wanted = {name: text for name, text in form.items() if text.strip()}
        if "kind" in wanted:
            self.schedule(wanted)
        else:
            self.clear()
            self.release()

    def _add(self, fault: F) -> None:
        self._next += 1
        self._save(fault)

    def _next_matching(self, call: Any) -> F | None:
        """The oldest order that meets the call, used up by one; the caller holds the lock."""
        for fault in list(self._scheduled.values()):
            if not fault.matches(call):
                continue
            if fault.after > 0:
                self._save(replace(fault, after=fault.after - 1))
                continue
            self._save(self._used_once(fault))
            return fault
        return None

    def _used_once(self, fault: F) -> F:
        return replace(fault, times=fault.times - 1)

    def _save(self, fault: F) -> None:
        if fault.times > 0:
            self._scheduled[fault.id] = fault
            self._storage.put("fault", fault.id, asdict(fault))
        else:
            self._scheduled.pop(fault.id, None)
            self._storage.drop("fault", fault.id)

    def pause(self, seconds: float) -> None:
        """Nothing; returns after the seconds, or at once when `release` is called meanwhile."""
        if seconds <= 0:
            return
        with self._lock:
            released = self._released
            self.waiting += 1
        try:
            released.wait(seconds)
        finally:
            with self._lock:
                self.waiting -= 1

    def release(self) -> None:
        """Nothing; every call that sleeps now goes on at once."""
        with self._lock:
            self._released.set()
            self._released = threading.Event()

    def clear(self) -> None:
        """Nothing; no fault is in force any more (calls that sleep go on sleeping)."""
        with self._lock:
            self._scheduled.clear()
            self._storage.drop("fault")
