"""An HTTP client that answers from a script, and the adapter on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shopapp.http_client import HttpClient, HttpResponse
from shopapp.platforms.shopkit import Shopkit

KEY = "0123456789abcdef0123456789abcdef01234567"
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class ScriptedClient(HttpClient):
    """Answers each call with what the script says to (method, path, query or content), and remembers it."""

    def __init__(self, script: Callable[[str, str, Any], Answer]) -> None:
        self.script = script
        self.calls: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def send(self, method: str, url: str, *, writes: bool, log_as: str = "-", **content: Any) -> HttpResponse:
        path = url.removeprefix("https://shopkit.test/v1")
        asked = content.get("params") or content.get("json")
        self.calls.append((method, path, asked))
        self.headers.append(content["headers"])
        status, body, *more = self.script(method, path, asked)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return HttpResponse(status, {**(more[0] if more else {})}, text)


def open_shopkit(script: Callable[[str, str, Any], Answer]) -> tuple[Shopkit, ScriptedClient]:
    """Return the adapter and the client that it calls."""
    http = ScriptedClient(script)
    adapter = Shopkit(
        http, lambda refused: KEY, api_url="https://shopkit.test/v1", admin_url="https://*.shopk.test/admin"
    )
    return adapter, http
