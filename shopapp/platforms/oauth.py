"""Connecting a store by OAuth 2: the contract of platforms that use it, and the messages that all of them share.

Authlib writes and reads the messages (RFC 6749, RFC 7636); our HTTP client sends them.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request

from shopapp.errors import CredentialsError, ThrottledError, UncertainError
from shopapp.http_client import HttpClient
from shopapp.json_text import parse_json

from .base import Platform

DEFAULT_LIFETIME, MAX_LIFETIME = 3600.0, 10 * 365 * 86400.0
"""Seconds: of an access token whose answer names no lifetime that can be read, and the longest that is believed."""
_TOKEN = re.compile(r"[!-~]{1,4096}")

_FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class OAuthTokens:
    """The tokens that the platform gave for a code or a refresh token; `expires_in` is in seconds from receipt."""

    access: str
    refresh: str | None
    expires_in: float


class SupportsOAuth(Platform):
    """A platform on whose consent page the merchant authorises the app."""

    @abstractmethod
    def authorize_url(self, state: str, challenge: str) -> str:
        """Return the address of the consent page; `challenge` is PKCE's S256. Sends nothing."""

    @abstractmethod
    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        """Exchange an authorisation code for tokens.

        Raises CredentialsError `grant-refused`, and the other errors of `request_tokens`.
        """

    @abstractmethod
    def refresh(self, refresh_token: str) -> OAuthTokens:
        """Exchange a refresh token for the next tokens.

        Raises CredentialsError `grant-refused` when the old one is no longer valid, UncertainError when the answer was
        lost: the old one may have been used up.
        """


def authorize_url(
    base: str, *, client_id: str, redirect_uri: str, scope: str, state: str, challenge: str
) -> str:
    """Return the address of the consent page for this state and PKCE challenge."""
    address: str = prepare_grant_uri(base, client_id, "code", redirect_uri, scope, state)
    with_pkce: str = add_params_to_uri(
        address, [("code_challenge", challenge), ("code_challenge_method", "S256")]
    )
    return with_pkce


def request_tokens(http: HttpClient, url: str, grant_type: str, **values: str) -> OAuthTokens:
    """Send a token request, and return the tokens in the endpoint's answer.

    Raises CredentialsError `grant-refused` when it refuses as the standard prescribes, ThrottledError when it was asked
    too often, UncertainError when the answer was lost or is not the endpoint's (the page of a proxy must not end a
    store's authorisation).
    """
    body = prepare_token_request(grant_type, **values)
    answer = http.send("POST", url, writes=True, log_as=grant_type, data=body.encode(), headers=_FORM_HEADERS)
    if answer.status == 429:
        raise ThrottledError("throttled")
    if answer.status in (400, 401) and (word := _error_code(answer.body)):
        raise CredentialsError("grant-refused", error=word)
    try:
        return _tokens_in(parse_json(answer.body))
    except (ValueError, KeyError, TypeError) as error:
        raise UncertainError("outcome-unknown", how=f"status-{answer.status}") from error


def _tokens_in(content: Any) -> OAuthTokens:
    """Return the tokens of an answer, even where their lifetime cannot be read. Raises ValueError without a token."""
    access, refresh = content["access_token"], content.get("refresh_token")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        raise ValueError("no access token")
    try:
        seconds = float(content.get("expires_in", DEFAULT_LIFETIME))
    except (ValueError, TypeError, OverflowError):
        seconds = DEFAULT_LIFETIME
    valid = isinstance(refresh, str) and _TOKEN.fullmatch(refresh)
    return OAuthTokens(
        access, refresh if valid else None, seconds if 0 < seconds < MAX_LIFETIME else DEFAULT_LIFETIME
    )


def _error_code(body: bytes) -> str:
    """Return the standard's error code in the answer, never its free text; '' when there is none."""
    try:
        content: Any = parse_json(body)
        return str(content["error"])[:40]
    except (ValueError, KeyError, TypeError):
        return ""
