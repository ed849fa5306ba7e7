"""The faults that a test may schedule for the next calls of the iGEST stand-in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sandbox.core.faults import FaultKind, FaultSchedule, ScheduledFault
from sandbox.core.storage import JsonStorage

from .wire import Call

KINDS: dict[str, FaultKind] = {
    "slow": FaultKind("issued at once, answered after `seconds`", True),
    "slow-commit": FaultKind("issued and answered after `seconds`, also when the caller hung up", True),
    "drop-before": FaultKind("connection closed without answer", False),
    "drop-after": FaultKind("connection closed without answer", True),
    "error500-before": FaultKind("HTTP 500", False),
    "error500-after": FaultKind("HTTP 500", True),
    "garbage-after": FaultKind("random bytes", True),
    "truncated-after": FaultKind("half of the XML in a whole HTTP answer", True),
    "cut-after": FaultKind("connection closed halfway through the answer", True),
    "html": FaultKind("log-in page with HTTP 200", False),
    "php-warning-after": FaultKind("a warning in HTML before the XML", True),
    "wrong-encoding-after": FaultKind("Latin-1 bytes declared as UTF-8", True),
    "refused": FaultKind("`erro` with `text`", False),
    "erro-although-issued": FaultKind("`erro`, neither id nor number", True),
    "off": FaultKind("`erro`: integration inactive", False),
    "total-differs": FaultKind("a total one cent higher than the ledger's", True),
    "no-number": FaultKind("`sucesso` without number", True),
    "404-html": FaultKind("HTTP 404 with a page", False),
    "drip": FaultKind("one byte every `seconds`", True),
    "bomb": FaultKind("well-formed XML of 10 MiB", True),
    "redirect": FaultKind("HTTP 302 to `text` or a log-in page", False),
}


@dataclass(frozen=True)
class Fault(ScheduledFault):
    """A fault of calls of `method` (`*`: any); `seconds` is the pause (of `drip`: per byte)."""

    method: str = "novo_documento"
    taken: int = 0

    KINDS: ClassVar[Mapping[str, FaultKind]] = KINDS
    KINDS_WITH_PAUSE: ClassVar[Collection[str]] = ("slow", "slow-commit", "drip")
    COUNTERS: ClassVar[Collection[str]] = ("id", "taken")

    def matches(self, call: Call) -> bool:
        return self.method in ("*", call.method) and (not self.match or call.mentions(self.match))


class Faults(FaultSchedule[Fault]):
    """The faults in force; each one counts how often it was used."""

    def __init__(self, storage: JsonStorage) -> None:
        super().__init__(storage, Fault)

    def _used_once(self, fault: Fault) -> Fault:
        return replace(super()._used_once(fault), taken=fault.taken + 1)
