"""The shop says how many calls are left: where few are, the answer waits, so that other processes have theirs."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp.http import Answer, Wire
from shopapp.platforms.jumpseller import wire
from shopapp.platforms.jumpseller.wire import Calls


class Saying(Wire):
    """Answers every call with the same headers."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    def send(self, method: str, url: str, *, writes: bool, **content: Any) -> Answer:
        return Answer(200, self.headers, b"[]")


def left(second: str, minute: str) -> dict[str, str]:
    limits = {"persecond": ("20", second), "perminute": ("800", minute)}
    return {
        f"jumpseller-{name}ratelimit-{what}": figure
        for name, pair in limits.items()
        for what, figure in zip(("limit", "remaining"), pair, strict=True)
    }


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (left("19", "799"), 0.0), (left("7", "81"), 0.0), (left("6", "500"), 1.0), (left("0", "500"), 1.0),
        (left("19", "80"), 2.0), (left("19", "0"), 2.0), (left("", ""), 0.0), (left("few", "-1"), 0.0), ({}, 0.0),
    ],
)  # fmt: skip
def test_an_answer_waits_where_few_calls_are_left(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], seconds: float
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(wire.time, "sleep", waited.append)
    calls = Calls(Saying(headers), lambda refused: "token", "http://127.0.0.1:9")
    assert calls.rows("/products.json") == []
    assert waited == [seconds]
