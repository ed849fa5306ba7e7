"""The rate limit: when the shop reports that few calls are left, the call waits and leaves them to others."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp.http_client import HttpClient, HttpResponse
from shopapp.platforms.jumpseller import client
from shopapp.platforms.jumpseller.client import JumpsellerClient


class Saying(HttpClient):
    """A client that answers every call with the same headers."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    def send(self, method: str, url: str, *, writes: bool, **content: Any) -> HttpResponse:
        return HttpResponse(200, self.headers, b"[]")


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
        (left("9" * 5000, "9" * 5000), 0.0),
    ],
)  # fmt: skip
def test_an_answer_waits_where_few_calls_are_left(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], seconds: float
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    calls = JumpsellerClient(Saying(headers), lambda refused: "token", "http://127.0.0.1:9")
    assert calls.get_list("/products.json") == []
    assert waited == [seconds]
