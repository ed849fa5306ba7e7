"""The faults that a test may order: what goes wrong with the next calls, and how often.

Ordered through the control routes, taken by the service. Faults last until used up, over a restart too.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.web import Shelf

from .wire import Call

# what the caller gets; whether the call is carried out before it goes wrong
MEANINGS: dict[str, tuple[str, bool]] = {
    "slow": ("issued at once, answered after `seconds`", True),
    "slow-commit": ("issued and answered after `seconds`, also when the caller hung up", True),
    "drop-before": ("connection closed without answer", False),
    "drop-after": ("connection closed without answer", True),
    "error500-before": ("HTTP 500", False),
    "error500-after": ("HTTP 500", True),
    "garbage-after": ("random bytes", True),
    "truncated-after": ("half of the XML in a whole HTTP answer", True),
    "cut-after": ("connection closed halfway through the answer", True),
    "html": ("log-in page with HTTP 200", False),
    "php-warning-after": ("a warning in HTML before the XML", True),
    "wrong-encoding-after": ("Latin-1 bytes declared as UTF-8", True),
    "refused": ("`erro` with `text`", False),
    "erro-although-issued": ("`erro`, neither id nor number", True),
    "off": ("`erro`: integration inactive", False),
    "total-differs": ("a total one cent higher than the ledger's", True),
    "no-number": ("`sucesso` without number", True),
    "404-html": ("HTTP 404 with a page", False),
    "drip": ("one byte every `seconds`", True),
    "bomb": ("well-formed XML of 10 MiB", True),
    "redirect": ("HTTP 302 to `text` or a log-in page", False),
}
KINDS: dict[str, bool] = {kind: issues for kind, (_, issues) in MEANINGS.items()}


def as_markdown() -> str:
    """The table of docs/igest-wire.md, one row for each kind."""
    rows = ["| kind | the caller gets | issued |", "|---|---|---|"]
    rows += [
        f"| `{kind}` | {text} | {'yes' if issues else 'no'} |" for kind, (text, issues) in MEANINGS.items()
    ]
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Fault:
    """One order: `kind` befalls `times` calls of `method` (`*`: any) after `after` ones were let through.

    `match` limits it to calls that mention the words; `seconds` is the pause (of `drip`: per byte).
    """

    id: int
    kind: str
    method: str = "novo_documento"
    times: int = 1
    after: int = 0
    match: str = ""
    seconds: float = 0.0
    text: str = ""
    taken: int = 0

    @property
    def issues(self) -> bool:
        return KINDS[self.kind]

    def meets(self, call: Call) -> bool:
        return self.method in ("*", call.method) and (not self.match or call.mentions(self.match))


class Faults:
    """The orders in force; `take` uses one up, `pause` sleeps until it is over or everybody is released."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self.waiting = 0
        kept = shelf.all("fault")
        self._orders = {int(key): Fault(**kept[key]) for key in sorted(kept, key=int)}
        self._next = max(self._orders, default=0) + 1

    def order(self, wanted: dict[str, Any]) -> Fault:
        """The new order; ValueError names what it cannot be."""
        kind = str(wanted.get("kind", "")).replace(" ", "-")
        if kind not in KINDS:
            raise ValueError(f"kind can be {', '.join(KINDS)}; not {kind or 'empty'}")
        unknown = set(wanted) - {"kind", "method", "times", "after", "match", "seconds", "text"}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        with self._lock:
            fault = Fault(
                id=self._next,
                kind=kind,
                method=str(wanted.get("method", "novo_documento")),
                times=int(wanted.get("times", 1)),
                after=int(wanted.get("after", 0)),
                match=str(wanted.get("match", "")),
                seconds=float(wanted.get("seconds", 1.0 if kind in ("slow", "slow-commit", "drip") else 0)),
                text=str(wanted.get("text", "")),
            )
            self._next += 1
            self._keep(fault)
            return fault

    def take(self, call: Call) -> Fault | None:
        """The fault that befalls this call, used up by one; the oldest order that meets it counts."""
        with self._lock:
            for fault in list(self._orders.values()):
                if not fault.meets(call):
                    continue
                if fault.after > 0:
                    self._keep(replace(fault, after=fault.after - 1))
                    continue
                self._keep(replace(fault, times=fault.times - 1, taken=fault.taken + 1))
                return fault
        return None

    def _keep(self, fault: Fault) -> None:
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

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [asdict(fault) for fault in self._orders.values()], "waiting": self.waiting}
