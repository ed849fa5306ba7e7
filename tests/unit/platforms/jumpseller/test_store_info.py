"""What the shop says of itself: its code is checked, since host names, headers and rows depend on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopapp.errors import UnreachableError
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.platforms.jumpseller import Jumpseller


class Answering(HttpClient):
    """A client that answers every call for the store with the same object, and every other with an empty list."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def send(self, method: str, url: str, *, writes: bool, **content: Any) -> HttpResponse:
        content_of_answer = {"store": self.store} if url.endswith("/store/info.json") else []
        return HttpResponse(200, {}, json.dumps(content_of_answer).encode())


def shop(store: Any) -> Jumpseller:
    url = "http://127.0.0.1:9"
    return Jumpseller(
        Answering(store), lambda refused: "token", client_id="", client_secret="", accounts_url=url, api_url=url,
        admin_origins=(url,),
    )  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [None, "", " ", [], {}, True, "\0", "a.b", "evil.example/", "*", "x; script-src 'unsafe-inline'", "a\nb", "á",
     "-a", "a-", "a" * 64, "a b", "//evil"],
)  # fmt: skip
def test_a_store_whose_code_is_none_is_not_installed(code: Any) -> None:
    with pytest.raises(UnreachableError):
        shop({"code": code, "name": "Olaria"}).store_info()


@pytest.mark.parametrize("odd", [None, [], {}, 5, True, "x\0\r\n y", "<b>a</b>", ["a"], 10**30])
def test_odd_fields_of_a_store_are_read_as_text_or_left_empty(odd: Any) -> None:
    names = ("name", "currency", "country", "timezone", "email", "url", "address", "hooks_token")
    opened = shop({"code": "olaria-do-sado", **dict.fromkeys(names, odd)})
    found = opened.store_info()
    assert found.code == "olaria-do-sado"
    texts = (found.name, found.currency, found.country, found.email, found.url)
    assert all(isinstance(text, str) and text.isprintable() and "<" not in text for text in texts)
    assert isinstance(opened.webhook_secret(), str)
