"""The faults that a test may order: what goes wrong with the next calls, and how often.

Ordered through the control routes, taken by the service. Faults last until used up, over a restart too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.core import JsonStorage
from sandbox.faults import FaultSchedule, ScheduledFault

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
class Fault(ScheduledFault):
    """One order for calls of `method` (`*`: any); `seconds` is the pause (of `drip`: per byte)."""

    method: str = "novo_documento"
    taken: int = 0

    @property
    def issues(self) -> bool:
        return KINDS[self.kind]

    def matches(self, call: Call) -> bool:
        return self.method in ("*", call.method) and (not self.match or call.mentions(self.match))


class Faults(FaultSchedule[Fault]):
    """The orders in force; `take` uses one up."""

    def __init__(self, storage: JsonStorage) -> None:
        super().__init__(storage, Fault)

    def schedule(self, wanted: dict[str, Any]) -> Fault:
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
            self._add(fault)
            return fault

    def take_fault(self, call: Call) -> Fault | None:
        """The fault that befalls this call, used up by one; the oldest order that meets it counts."""
        with self._lock:
            return self._next_matching(call)

    def _used_once(self, fault: Fault) -> Fault:
        return replace(super()._used_once(fault), taken=fault.taken + 1)

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [asdict(fault) for fault in self._scheduled.values()], "waiting": self.waiting}
