"""Authorising by OAuth 2: the address to send the merchant to, the code for tokens, the next pair for the old one.

Called by the platform adapters. Authlib writes and reads the messages (RFC 6749, RFC 7636), our wire carries them.
"""

from __future__ import annotations

from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request

from shopapp.errors import CredentialsError, ThrottledError, UncertainError
from shopapp.http_client import HttpClient
from shopapp.json_text import parse_json

from .base import OAuthTokens

_FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def authorize_url(
    base: str, *, client_id: str, redirect_uri: str, scope: str, state: str, challenge: str
) -> str:
    """The address of the consent page for this state and PKCE challenge."""
    address: str = prepare_grant_uri(base, client_id, "code", redirect_uri, scope, state)
    with_pkce: str = add_params_to_uri(
        address, [("code_challenge", challenge), ("code_challenge_method", "S256")]
    )
    return with_pkce


def request_tokens(http: HttpClient, url: str, grant_type: str, **values: str) -> OAuthTokens:
    """The tokens that the endpoint answers with.

    CredentialsError `grant-refused` when it says no in the standard's own way; UncertainError when the answer was lost
    or is another's (a page of a proxy must not end a store's authorisation).
    """
    body = prepare_token_request(grant_type, **values)
    answer = http.send("POST", url, writes=True, data=body.encode(), headers=_FORM_HEADERS)
    if answer.status == 429:
        raise ThrottledError("throttled")
    if answer.status in (400, 401) and (word := _error_code(answer.body)):
        raise CredentialsError("grant-refused", error=word)
    try:
        content = parse_json(answer.body)
        return OAuthTokens(
            str(content["access_token"]), content.get("refresh_token"), float(content.get("expires_in", 3600))
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UncertainError("outcome-unknown", how=f"status-{answer.status}") from error


def _error_code(body: bytes) -> str:
    """The standard error word of the answer, never its free text."""
    try:
        content: Any = parse_json(body)
        return str(content["error"])[:40]
    except (ValueError, KeyError, TypeError):
        return ""
