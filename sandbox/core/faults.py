"""Faults scheduled for the next calls, stored until they are used up, even across a restart."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from .storage import JsonStorage


class FaultKind(NamedTuple):
    """The answer that the caller gets, and whether the call is executed nevertheless."""

    answer: str
    is_executed: bool


def faults_table(kinds: Mapping[str, FaultKind], executed: str) -> str:
    """Return the Markdown table of the kinds; `executed` heads its last column."""
    rows = [f"| kind | the caller gets | {executed} |", "|---|---|---|"]
    rows += [
        f"| `{name}` | {kind.answer} | {'yes' if kind.is_executed else 'no'} |"
        for name, kind in kinds.items()
    ]
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class ScheduledFault:
    """A fault of the next `times` calls that match, after `after` matching calls without a fault.

    `match` limits it to calls that mention the text. `seconds` is a pause.
    """

    id: int
    kind: str
    times: int = 1
    after: int = 0
    match: str = ""
    seconds: float = 0.0
    text: str = ""

    KINDS: ClassVar[Mapping[str, FaultKind]] = {}
    KINDS_WITH_PAUSE: ClassVar[Collection[str]] = ()
    """Kinds that pause for a second unless the fault says otherwise."""
    COUNTERS: ClassVar[Collection[str]] = ("id",)
    """Fields that the schedule sets, not the test."""

    @property
    def is_executed(self) -> bool:
        return self.KINDS[self.kind].is_executed

    def matches(self, call: Any) -> bool:
        """Return whether the fault applies to this call."""
        raise NotImplementedError


F = TypeVar("F", bound=ScheduledFault)
_CONVERTERS: dict[str, Callable[[Any], Any]] = {"times": int, "after": int, "seconds": float}


class FaultSchedule(Generic[F]):
    """The faults in force, and the calls that are paused by one."""

    def __init__(self, storage: JsonStorage, fault: type[F]) -> None:
        self._storage = storage
        self.fault = fault
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.waiting = 0
        kept = storage.all("fault")
        self._scheduled: dict[int, F] = {int(key): fault(**kept[key]) for key in sorted(kept, key=int)}
        self._next = max(self._scheduled, default=0) + 1

    def schedule(self, wanted: dict[str, Any]) -> None:
        """Put the fault in force. Raises ValueError for an unknown kind or field."""
        with self._lock:
            self._save(self._parse(wanted))
            self._next += 1

    def schedule_from_form(self, form: Mapping[str, str]) -> None:
        """Schedule the fault of the panel's form; a form without a kind clears all of them."""
        wanted = {name: text for name, text in form.items() if text.strip()}
        if "kind" in wanted:
            self.schedule(wanted)
        else:
            self.clear()
            self.release()

    def _parse(self, wanted: dict[str, Any]) -> F:
        kind, kinds = str(wanted.get("kind", "")), self.fault.KINDS
        if kind not in kinds:
            raise ValueError(f"kind can be {', '.join(kinds)}; not {kind or 'empty'}")
        reject_unknown(
            wanted, {field.name for field in dataclasses.fields(self.fault)} - {*self.fault.COUNTERS}
        )
        values = {name: _CONVERTERS.get(name, str)(value) for name, value in wanted.items()}
        values.setdefault("seconds", 1.0 if kind in self.fault.KINDS_WITH_PAUSE else 0.0)
        return self.fault(id=self._next, **values)

    def take_fault(self, call: Any) -> F | None:
        """Return the oldest fault that matches this call, used up by one, or None."""
        with self._lock:
            return self._next_matching(call)

    def _next_matching(self, call: Any) -> F | None:
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
        """Wait for this number of seconds, or until `release` is called."""
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
        """Let every paused call continue at once."""
        with self._lock:
            self._released.set()
            self._released = threading.Event()

    def clear(self) -> None:
        """Drop every fault; calls that are paused stay paused."""
        with self._lock:
            self._scheduled.clear()
            self._storage.drop("fault")

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [asdict(fault) for fault in self._scheduled.values()], "waiting": self.waiting}


def reject_unknown(wanted: dict[str, Any], known: set[str]) -> None:
    """Raise ValueError when the wanted fault has a field that faults do not have."""
    if unknown := set(wanted) - known:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
