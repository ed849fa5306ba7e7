"""The faults of the PHC GO stand-in: scheduled one by one, or drawn at random for a share of the calls.

Scheduled faults survive a restart; the share does not.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox.core.faults import FaultKind, FaultSchedule, ScheduledFault, reject_unknown
from sandbox.core.storage import JsonStorage

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

KINDS: dict[str, FaultKind] = {
    "slow": FaultKind("executed at once, answered after `seconds`", True),
    "slow-commit": FaultKind("connection closed, and executed `seconds` after that", True),
    "drop-before": FaultKind("connection closed without answer", False),
    "drop-after": FaultKind("connection closed without answer", True),
    "500-before": FaultKind("HTTP 500", False),
    "500-after": FaultKind("HTTP 500", True),
    "garbage-after": FaultKind("random bytes", True),
    "cut-after": FaultKind("half of the JSON in a whole HTTP answer", True),
    "empty-after": FaultKind("HTTP 200 without a body", True),
    "wrong-type-after": FaultKind("the right bytes as text/html", True),
    "html": FaultKind("log-in page with HTTP 200", False),
    "redirect": FaultKind("HTTP 302 to the log-in page", False),
    "503": FaultKind("HTTP 503", False),
    "429": FaultKind("HTTP 429 with Retry-After", False),
    "408": FaultKind("HTTP 408", False),
    "session-lost": FaultKind("the answer to a call without a session", False),
    "maintenance": FaultKind("connection closed; then refusals for `seconds`", False),
    "refused": FaultKind("an error message with `text`", False),
    "error-although-done": FaultKind("an error message without result", True),
    "warning-added": FaultKind("the result together with a warning", True),
    "no-result": FaultKind("an empty result without message", True),
    "total-differs": FaultKind("an `etotal` one cent higher than the ledger's", True),
    "redirect-inside": FaultKind("HTTP 302 to the address in `text`", False),
}

RANDOM_KINDS = (
    "slow", "slow-commit", "drop-before", "drop-after", "500-before", "500-after", "garbage-after", "cut-after",
    "empty-after", "wrong-type-after", "html", "redirect", "503", "429", "408", "session-lost", "error-although-done",
    "warning-added", "no-result",
)  # fmt: skip
"""The kinds among which a random fault is drawn."""


@dataclass(frozen=True)
class Fault(ScheduledFault):
    """A fault of calls of `step` (`*`: any)."""

    step: str = "*"

    KINDS: ClassVar[Mapping[str, FaultKind]] = KINDS
    KINDS_WITH_PAUSE: ClassVar[Collection[str]] = ("slow", "slow-commit", "maintenance")

    def matches(self, call: Call) -> bool:
        named = ("*", call.step, call.method, f"{call.ws}/{call.method}")
        return self.step in named and (not self.match or call.mentions(self.match))


class Faults(FaultSchedule[Fault]):
    """The faults in force and the share of calls for which one is drawn."""

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
        """Put the fault in force, or with `share` the random draw. Raises ValueError for an unknown kind or step."""
        if "share" not in wanted:
            super().schedule(wanted)
            return
        with self._lock:
            self._set_share(wanted)

    def _set_share(self, wanted: dict[str, Any]) -> None:
        reject_unknown(wanted, {"share", "seed", "latest", "kinds", "steps"})
        kinds, steps = tuple(wanted.get("kinds", RANDOM_KINDS)), tuple(wanted.get("steps", STEPS))
        if unknown := (set(kinds) - set(KINDS)) | (set(steps) - set(STEPS)):
            raise ValueError(f"no fault or step is called {', '.join(sorted(unknown))}")
        self.share, self.latest = float(wanted["share"]), float(wanted.get("latest", 1.0))
        self.kinds, self.steps, self._shuffled_kinds = kinds, steps, []
        if "seed" in wanted:
            self._random.seed(str(wanted["seed"]))

    def take_fault(self, call: Call) -> Fault | None:
        """Return the fault of this call: the oldest one scheduled that matches, else one drawn at random, or None."""
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
            # Drawn from a shuffled pack, so that every kind occurs soon.
            self._shuffled_kinds = list(self.kinds)
            self._random.shuffle(self._shuffled_kinds)
        return Fault(0, self._shuffled_kinds.pop(), seconds=self._random.uniform(0.1, self.latest))

    def clear(self) -> None:
        """Drop every fault, and the share."""
        super().clear()
        with self._lock:
            self._clear_share()

    def as_json(self) -> dict[str, Any]:
        drawn = {"share": self.share, "calls": self.calls, "kinds": dict(self.counts)}
        return super().as_json() | drawn
