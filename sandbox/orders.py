"""Faults that a test ordered one by one: kept on the shelf until they are used up, over a restart too.

Called by the `faults` of the invoicing programs' stand-ins, which say what a fault is. It never knows what a kind does.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from sandbox.web import Shelf


@dataclass(frozen=True)
class Order:
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

    def meets(self, call: Any) -> bool:
        """Whether it is about this call."""
        raise NotImplementedError


F = TypeVar("F", bound=Order)


class Orders(Generic[F]):
    """The orders in force; `pause` sleeps until it is over or everybody is released."""

    def __init__(self, shelf: Shelf, fault: type[F]) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self.waiting = 0
        kept = shelf.all("fault")
        self._orders: dict[int, F] = {int(key): fault(**kept[key]) for key in sorted(kept, key=int)}
        self._next = max(self._orders, default=0) + 1

    def order(self, wanted: dict[str, Any]) -> object:
        """The order is in force; ValueError names what it cannot be."""
        raise NotImplementedError

    def by_form(self, form: Mapping[str, str]) -> None:
        """Nothing; the order that the panel's form makes, or an end of all of them when it names no kind."""
        wanted = {name: text for name, text in form.items() if text.strip()}
        if "kind" in wanted:
            self.order(wanted)
        else:
            self.clear()
            self.release()

    def _add(self, fault: F) -> None:
        self._next += 1
        self._keep(fault)

    def _ordered(self, call: Any) -> F | None:
        """The oldest order that meets the call, used up by one; the caller holds the lock."""
        for fault in list(self._orders.values()):
            if not fault.meets(call):
                continue
            if fault.after > 0:
                self._keep(replace(fault, after=fault.after - 1))
                continue
            self._keep(self._used(fault))
            return fault
        return None

    def _used(self, fault: F) -> F:
        return replace(fault, times=fault.times - 1)

    def _keep(self, fault: F) -> None:
        if fault.times > 0:
            self._orders[fault.id] = fault
            self._shelf.put("fault", fault.id, asdict(fault))
        else:
            self._orders.pop(fault.id, None)
            self._shelf.drop("fault", fault.id)

    def pause(self, seconds: float) -> None:
        """Nothing; returns after the seconds, or at once when `release` is called meanwhile."""
        if seconds <= 0:
            return
        with self._lock:
            wake = self._wake
            self.waiting += 1
        try:
            wake.wait(seconds)
        finally:
            with self._lock:
                self.waiting -= 1

    def release(self) -> None:
        """Nothing; every call that sleeps now goes on at once."""
        with self._lock:
            self._wake.set()
            self._wake = threading.Event()

    def clear(self) -> None:
        """Nothing; no fault is in force any more (calls that sleep go on sleeping)."""
        with self._lock:
            self._orders.clear()
            self._shelf.drop("fault")
