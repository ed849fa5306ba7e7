"""A transport with a single outcome, which the test chooses; it is the same for every platform and provider."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse


class BrokenTransport(BaseAdapter):
    """Raises the outcome, or answers with that status and an empty body."""

    def __init__(self, outcome: Exception | int, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.outcome, self.headers = outcome, headers or {}

    def send(self, request: Any, *args: Any, **more: Any) -> requests.Response:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        reply = requests.Response()
        reply.status_code, reply.request, reply.url = self.outcome, request, request.url
        reply.headers.update(self.headers)
        reply.raw = HTTPResponse(BytesIO(), status=self.outcome, preload_content=False)
        return reply

    def close(self) -> None:
        pass


class BrokenForPath(BaseAdapter):
    """Breaks the calls whose address ends in a text and lets all others through."""

    def __init__(self, end: str, usual: BaseAdapter, otherwise: BaseAdapter) -> None:
        super().__init__()
        self.end, self.usual, self.otherwise = end, usual, otherwise

    def send(self, request: Any, *args: Any, **more: Any) -> requests.Response:
        chosen = self.otherwise if request.url.endswith(self.end) else self.usual
        return chosen.send(request, *args, **more)

    def close(self) -> None:
        self.usual.close()


def break_session(
    session: requests.Session, outcome: Exception | int, headers: dict[str, str] | None = None
) -> None:
    """Give every later call of the session that outcome."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, BrokenTransport(outcome, headers))


LOST_OUTCOMES: list[Exception | int] = [
    requests.ConnectionError("reset"),
    requests.ReadTimeout("slow"),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.ContentDecodingError("gzip"),
    OSError("no"),
    *(500, 502, 503, 504, 408, 302, 307, 304),
]
"""Outcomes after which a write may have happened."""
