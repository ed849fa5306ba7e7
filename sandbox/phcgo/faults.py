"""What goes wrong with the next calls: ordered one by one, or drawn from a seed with a share.

Ordered through the control routes, taken by the service, counted for the report. One-shot orders last until used up,
over a restart too; the share does not.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.core import JsonStorage
from sandbox.faults import FaultSchedule, ScheduledFault

from .wire import Call

STEPS = (
    "login",
    "getNewInstance",
    "actEntity",
    "Save",
    "signDocument",
    "query",
    "layouts",
    "print",
    "email",
    "pdf",
)

# what the caller gets; whether the call is carried out before it goes wrong
MEANINGS: dict[str, tuple[str, bool]] = {
    "slow": ("carried out at once, answered after `seconds`", True),
    "slow-commit": ("connection closed, and carried out `seconds` after that", True),
    "drop-before": ("connection closed without answer", False),
    "drop-after": ("connection closed without answer", True),
    "500-before": ("HTTP 500", False),
    "500-after": ("HTTP 500", True),
    "garbage-after": ("random bytes", True),
    "cut-after": ("half of the JSON in a whole HTTP answer", True),
    "empty-after": ("HTTP 200 without a body", True),
    "wrong-type-after": ("the right bytes as text/html", True),
    "html": ("log-in page with HTTP 200", False),
    "redirect": ("HTTP 302 to the log-in page", False),
    "503": ("HTTP 503", False),
    "429": ("HTTP 429 with Retry-After", False),
    "408": ("HTTP 408", False),
    "session-lost": ("what a call without a session is answered", False),
    "maintenance": ("connection closed; then refusals for `seconds`", False),
    "refused": ("an error message with `text`", False),
    "error-although-done": ("an error message without result", True),
    "warning-added": ("the result, with a warning beside it", True),
    "no-result": ("an empty result without message", True),
    "total-differs": ("an `etotal` one cent higher than the ledger's", True),
    "redirect-inside": ("HTTP 302 to the address in `text`", False),
}
KINDS: dict[str, bool] = {kind: done for kind, (_, done) in MEANINGS.items()}

RANDOM_KINDS = (
    "slow", "slow-commit", "drop-before", "drop-after", "500-before", "500-after", "garbage-after", "cut-after",
    "empty-after", "wrong-type-after", "html", "redirect", "503", "429", "408", "session-lost", "error-although-done",
    "warning-added", "no-result",
)  # fmt: skip
"""Those that a share draws from."""


def as_markdown() -> str:
    """The table of sandbox/README.md, one row for each kind."""
    rows = ["| kind | the caller gets | carried out |", "|---|---|---|"]
    rows += [f"| `{kind}` | {text} | {'yes' if done else 'no'} |" for kind, (text, done) in MEANINGS.items()]
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Fault(ScheduledFault):
    """One order for calls of `step` (`*`: any)."""

    step: str = "*"

    @property
    def is_executed(self) -> bool:
        """Whether the call is carried out."""
        return KINDS[self.kind]

    def matches(self, call: Call) -> bool:
        named = ("*", call.step, call.method, f"{call.ws}/{call.method}")
        return self.step in named and (not self.match or call.mentions(self.match))


class Faults(FaultSchedule[Fault]):
    """The orders in force and the share that is drawn."""

    def __init__(self, storage: JsonStorage) -> None:
        super().__init__(storage, Fault)
        self.counts: Counter[str] = Counter()
        self.calls = 0
        self._clear_share()

    def _clear_share(self) -> None:
        self.share, self.latest = 0.0, 1.0
        self.kinds: tuple[str, ...] = RANDOM_KINDS
        self.steps: tuple[str, ...] = STEPS
        self._random = random.Random(1)
        self._shuffled_kinds: list[str] = []

    def schedule(self, wanted: dict[str, Any]) -> None:
        """Nothing; the order is in force, or with `share` the draw. ValueError names what it cannot be."""
        with self._lock:
            if "share" in wanted:
                self._set_share(wanted)
            else:
                self._add(_parse_fault(self._next, wanted))

    def _set_share(self, wanted: dict[str, Any]) -> None:
        _reject_unknown(wanted, {"share", "seed", "latest", "kinds", "steps"})
        kinds, steps = tuple(wanted.get("kinds", RANDOM_KINDS)), tuple(wanted.get("steps", STEPS))
        if unknown := (set(kinds) - set(KINDS)) | (set(steps) - set(STEPS)):
            raise ValueError(f"no fault or step is called {', '.join(sorted(unknown))}")
        self.share, self.latest = float(wanted["share"]), float(wanted.get("latest", 1.0))
        self.kinds, self.steps, self._shuffled_kinds = kinds, steps, []
        if "seed" in wanted:
            self._random.seed(str(wanted["seed"]))

    def take_fault(self, call: Call) -> Fault | None:
        """The fault that befalls this call: the oldest order that meets it, else what is drawn."""
        with self._lock:
            self.calls += 1
            fault = self._next_matching(call) or self._draw_fault(call)
            if fault:
                self.counts[f"{call.step} {fault.kind}"] += 1
            return fault

    def _draw_fault(self, call: Call) -> Fault | None:
        if call.step not in self.steps or self._random.random() >= self.share:
            return None
        if not self._shuffled_kinds:
            # a shuffled pack, so that no kind stays away for long
            self._shuffled_kinds = list(self.kinds)
            self._random.shuffle(self._shuffled_kinds)
        return Fault(0, self._shuffled_kinds.pop(), seconds=self._random.uniform(0.1, self.latest))

    def clear(self) -> None:
        """Nothing; no fault is in force any more, and none is drawn."""
        super().clear()
        with self._lock:
            self._clear_share()

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "faults": [asdict(fault) for fault in self._scheduled.values()],
                "share": self.share,
                "calls": self.calls,
                "kinds": dict(self.counts),
                "waiting": self.waiting,
            }


def _parse_fault(number: int, wanted: dict[str, Any]) -> Fault:
    kind = str(wanted.get("kind", ""))
    if kind not in KINDS:
        raise ValueError(f"kind can be {', '.join(KINDS)}; not {kind or 'empty'}")
    _reject_unknown(wanted, {"kind", "step", "times", "after", "match", "seconds", "text"})
    return Fault(
        id=number,
        kind=kind,
        step=str(wanted.get("step", "*")),
        times=int(wanted.get("times", 1)),
        after=int(wanted.get("after", 0)),
        match=str(wanted.get("match", "")),
        seconds=float(wanted.get("seconds", 1.0 if kind in ("slow", "slow-commit", "maintenance") else 0)),
        text=str(wanted.get("text", "")),
    )


def _reject_unknown(wanted: dict[str, Any], known: set[str]) -> None:
    if unknown := set(wanted) - known:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
