"""Example orders, each with one thing that makes orders hard to invoice; the back office and tests place them."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.core.storage import Json


@dataclass(frozen=True)
class Example:
    """An order, and in Portuguese what is odd about it."""

    title: str
    spec: Json


EXAMPLES: dict[str, Example] = {}
