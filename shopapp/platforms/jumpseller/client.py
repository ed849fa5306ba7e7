"""Calls to Jumpseller's API v1 for one store: the token, the rate limits, the meaning of refusals, answers parsed.

Each answer says how many calls the store has left (documented: 800 a minute and 20 a second for one address and store).
Where few are left the call waits, so that several processes of ours stay within the limits without knowing of each
other. *Unconfirmed*: a 403 with these headers at zero is treated as throttling.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from shopapp.errors import OrderError, RefusedError, StoreAccessError, ThrottledError, UnreachableError
from shopapp.http_client import HttpClient, HttpResponse, check_status
from shopapp.json_text import parse_json

from ..base import AccessTokenGetter

THROTTLE_AT = (("second", 0.3, 1.0), ("minute", 0.1, 2.0))
"""(limit, remaining share at which to wait, seconds to wait)."""
_COUNT = re.compile(r"[0-9]{1,9}")


class JumpsellerClient:
    """Jumpseller's API, called with one store's token."""

    def __init__(self, http: HttpClient, token: AccessTokenGetter | None, base: str) -> None:
        self._http, self._token, self._base = http, token, base

    def get_list(self, path: str, query: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        """Get a list. Raises OrderError `order-missing` for HTTP 404: the order that it belongs to is gone."""
        answer = self.send("GET", path, query=query)
        if answer.status == 404:
            raise OrderError("order-missing")
        content = parse_body(answer)
        if not isinstance(content, list):
            raise UnreachableError("unreachable", how="unreadable")
        return content

    def get_objects(self, path: str, root: str) -> list[Mapping[str, Any]]:
        """Get the objects of a list without their wrappers; what is no object is left out."""
        return objects_in(self.get_list(path), root)

    def get_object(self, path: str, root: str) -> Mapping[str, Any]:
        """Get one object, without its wrapper where it has one."""
        return unwrap(parse_body(self.send("GET", path)), root)

    def send(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        writes: bool = False,
        max_bytes: int | None = None,
    ) -> HttpResponse:
        """Send a call and return its 2xx answer or, for reads, a 404. Asks once for another token after a 401.

        Raises ThrottledError, CredentialsError `store-access`, RefusedError `store-refused`, or any error of the HTTP
        client.
        """
        more: dict[str, Any] = {"json": content} if content is not None else {}
        more |= {"params": query} if query else {}
        more |= {"max_bytes": max_bytes} if max_bytes else {}
        token = self._access_token(None)
        answer = self._send(method, path, writes, more, token)
        if answer.status == 401:
            token = self._access_token(token)
            answer = self._send(method, path, writes, more, token)
        limited = any(
            name.startswith("jumpseller-") and value == "0" for name, value in answer.headers.items()
        )
        banned = "jumpseller-bannedbyratelimit-reset" in answer.headers
        if answer.status == 429 or (answer.status == 403 and (limited or banned)):
            raise ThrottledError("throttled", retry_after=60 if banned else 2)
        if answer.status in (401, 403):
            raise StoreAccessError(token, status=answer.status)
        answer = check_status(answer, writes)
        if answer.status >= 400 and (writes or answer.status != 404):
            raise RefusedError("store-refused", status=answer.status)
        time.sleep(_throttle_seconds(answer.headers))
        return answer

    def _access_token(self, refused: str | None) -> str:
        if self._token is None:
            raise StoreAccessError()
        return self._token(refused)

    def _send(
        self, method: str, path: str, writes: bool, more: Mapping[str, Any], token: str
    ) -> HttpResponse:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        log_as = re.sub(r"\d+", "N", path)
        return self._http.send(
            method, self._base + path, writes=writes, log_as=log_as, headers=headers, **more
        )


def _throttle_seconds(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait because the shop says that few calls are left; 0 where it says nothing."""
    for name, share, seconds in THROTTLE_AT:
        limit, remaining = (
            headers.get(f"jumpseller-per{name}ratelimit-{part}", "") for part in ("limit", "remaining")
        )
        if _COUNT.fullmatch(limit) and _COUNT.fullmatch(remaining) and int(remaining) <= int(limit) * share:
            return seconds
    return 0.0


def parse_body(answer: HttpResponse) -> Any:
    """Parse the JSON of an answer, fractions as Decimal. Raises UnreachableError when it is not JSON."""
    try:
        return parse_json(answer.body)
    except ValueError as error:
        raise UnreachableError("unreachable", how="unreadable") from error


def objects_in(entries: Any, root: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list without their wrappers: an entry that is none never hides the others."""
    found = (
        [one.get(root, one) for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    )
    return [one for one in found if isinstance(one, dict)]


def unwrap(content: Any, root: str) -> Mapping[str, Any]:
    """Return the object inside its wrapper, or the bare one. Raises UnreachableError when it is no object."""
    inner = content.get(root, content) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise UnreachableError("unreachable", how="unreadable")
    return inner
