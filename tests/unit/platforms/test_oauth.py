"""The token endpoint's answer: what cannot be read never loses a pair of tokens, nor makes one up."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from shopapp.errors import UncertainError
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.platforms.oauth import DEFAULT_LIFETIME, OAuthTokens, request_tokens


class Answering(HttpClient):
    """A client that answers every call with the same body."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()

    def send(self, method: str, url: str, *, writes: bool, **content: Any) -> HttpResponse:
        return HttpResponse(200, {}, self.body)


def test_no_log_line_holds_the_answer_with_the_tokens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert tokens('{"access_token": "planted-access", "refresh_token": "planted-refresh"}').refresh
    with pytest.raises(UncertainError):
        tokens('{"refresh_token": "planted-refresh"}')
    assert "planted" not in caplog.text


def tokens(body: str) -> OAuthTokens:
    return request_tokens(Answering(body), "http://127.0.0.1:9", "refresh_token", refresh_token="old")


@pytest.mark.parametrize(
    "lifetime",
    [
        "1e400",
        "NaN",
        "-1",
        "0",
        "1e15",
        "null",
        "[]",
        '"soon"',
        "Infinity",
        "9" * 5000,
        "1E-999999999",
        "true",
    ],
)
def test_a_lifetime_that_cannot_be_read_loses_no_tokens(lifetime: str) -> None:
    found = tokens(f'{{"access_token": "a", "refresh_token": "r", "expires_in": {lifetime}}}')
    assert (found.access, found.refresh) == ("a", "r")
    assert found.expires_in in (DEFAULT_LIFETIME, 1.0)


@pytest.mark.parametrize("refresh", ["null", "5", "[]", '""', '"r\\nX-Evil: 1"', '"á"', "true"])
def test_a_refresh_token_that_is_no_text_counts_as_none(refresh: str) -> None:
    assert tokens(f'{{"access_token": "a", "refresh_token": {refresh}}}').refresh is None


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "5", "{}", '{"access_token": null}', '{"access_token": ["a"]}', '{"access_token": ""}',
     '{"access_token": "a b"}', '{"access_token": "a\\r\\nX: 1"}', '{"access_token": "' + "a" * 5000 + '"}'],
)  # fmt: skip
def test_an_answer_without_an_access_token_is_uncertain(body: str) -> None:
    with pytest.raises(UncertainError):
        tokens(body)
