"""Named points at which a test may kill, stop or break the process; they do nothing in production.

Armed once by `create_app` from the setting FAULT_POINT, for example `after_claim=kill` or `before_send=stop:2`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

POINTS = (
    "hook_before_commit",
    "hook_after_commit",
    "before_ring",
    "open_before_commit",
    "install_before_commit",
    "install_after_commit",
    "after_take",
    "before_claim",
    "after_claim",
    "before_send",
    "after_send",
    "before_settle",
    "after_settle",
    "refresh_before_commit",
    "draft_before_record",
    "draft_after_record",
    "early_before_record",
    "early_after_record",
    "early_after_drop",
    "follow_before_send",
    "follow_after_send",
    "article_after_claim",
    "article_after_send",
    "stock_before_send",
    "stock_after_send",
)

_armed: dict[str, tuple[str, int]] = {}


class InjectedFault(Exception):
    """Raised by a point that is armed with the action `raise`."""


def _raise(name: str) -> None:
    raise InjectedFault(name)


ACTIONS: dict[str, Callable[[str], object]] = {
    "kill": lambda name: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda name: os.kill(os.getpid(), signal.SIGSTOP),
    "raise": _raise,
}
"""The actions of armed points, by name; a test may add some, such as closing the database connection."""


def arm(spec: str) -> None:
    """Arm the points of `name=action[:times],...`, with the names of ACTIONS. Empty disarms all."""
    _armed.clear()
    for part in filter(None, spec.split(",")):
        name, _, action = part.partition("=")
        action, _, times = action.partition(":")
        if name not in POINTS:
            raise ValueError(f"unknown failpoint {name}")
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action}")
        _armed[name] = (action, int(times or 1))


def hit(name: str) -> None:
    """Do what a test armed this point for, if it did."""
    if not _armed or name not in _armed:
        return
    action, times = _armed[name]
    if times <= 0:
        return
    _armed[name] = (action, times - 1)
    ACTIONS[action](name)
