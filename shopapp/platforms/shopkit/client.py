"""Calls to Shopkit's API v1 for one store: its key, the meaning of refusals, lists in both of their forms.

Documented: the key in the header `X-API-KEY`, 3,600 calls an hour, errors 400, 401, 404, 409 and 413 with a `message`,
pages of 25 with `page` and `limit` up to 50, `paging.next`, and the header `X-Total-Count`. *Unconfirmed*: the answer
above the limit (429, or any answer that is a message about a limit, waits), whether an empty list is a 404 (read as
one), and whether `limit` holds for every list (no number of rows on a page is relied on).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shopapp.errors import RefusedError, StoreAccessError, ThrottledError, UncertainError, UnreachableError
from shopapp.http_client import HttpClient, HttpResponse, check_status
from shopapp.json_text import parse_json

from ..base import AccessTokenGetter
from ..fields import Json

PAGE_SIZE = 50
OVER_LIMIT_SECONDS = 300.0
"""How long to wait above the limit where the answer does not say; the window of an hour may be a sliding one."""
_MAX_PAGES = 1000
_LONGEST_MESSAGE = 1000
_LIMIT_WORDS = re.compile(
    r"rate.?limit|too many|throttl|demasiados pedidos|limite de pedidos"
    r"|\b(limit|quota)\w*\b.*\b(exceed|reach|excedid|atingid)|\b(exceed|reach)\w*\b.*\b(limit|quota)",
    re.I,
)
"""What is said above the limit; a parameter `limit` that is refused is no such thing."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: its rows, whatever they are, and whether more follow."""

    rows: list[Any]
    has_next: bool | None
    """None where the answer does not say."""
    total: int | None
    """The rows of all pages together, where the answer says it."""


class ShopkitClient:
    """Shopkit's API, called with one store's key."""

    def __init__(self, http: HttpClient, token: AccessTokenGetter | None, base: str) -> None:
        self._http, self._token, self._base = http, token, base

    def get_object(self, path: str) -> Json | None:
        """Get one object; None for HTTP 404. Raises UnreachableError when it is no object."""
        answer = self.send("GET", path)
        return None if answer.status == 404 else single_object(parse_body(answer))

    def get_page(
        self, path: str, query: Mapping[str, str], number: int, max_bytes: int | None = None
    ) -> ListPage:
        """Get one page of a list, counted from 1; one that is not there has no rows."""
        asked = {**query, "limit": str(PAGE_SIZE), "page": str(number)}
        answer = self.send("GET", path, query=asked, max_bytes=max_bytes)
        return ListPage([], False, None) if answer.status == 404 else _list_page(answer)

    def get_rows(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        """Get every row of a list, page by page; a row that is no object is yielded as it is."""
        known: set[str] = set()
        read = 0
        for number in range(1, _MAX_PAGES):
            page = self.get_page(path, query or {}, number)
            ids = {str(row.get("id")) if isinstance(row, dict) else repr(row) for row in page.rows}
            if ids <= known:
                # the end, or a list without pages that is sent again
                return
            known |= ids
            yield from page.rows
            read += len(page.rows)
            if is_last(page, read):
                return

    def write(self, method: str, path: str, content: Any = None) -> Json | None:
        """Send a call that writes; return the object in its answer, None where it has no content.

        Raises RefusedError `store-refused` with its status, UncertainError for an answer that cannot be read.
        """
        answer = self.send(method, path, content, writes=True)
        if answer.status == 204 or not answer.body.strip():
            return None
        try:
            return single_object(parse_body(answer))
        except UnreachableError as error:
            raise UncertainError("outcome-unknown", how="unreadable") from error

    def send(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        writes: bool = False,
        max_bytes: int | None = None,
    ) -> HttpResponse:
        """Send a call and return its 2xx answer or, for reads, a 404. Asks once for another key after a 401.

        Raises ThrottledError, CredentialsError `store-access`, RefusedError `store-refused`, or any error of the HTTP
        client.
        """
        more: dict[str, Any] = {"json": content} if content is not None else {}
        more |= {"params": query} if query else {}
        more |= {"max_bytes": max_bytes} if max_bytes else {}
        key = self._key(None)
        answer = self._send(method, path, writes, more, key)
        if answer.status == 401 and not _is_over_limit(answer):
            key = self._key(key)
            answer = self._send(method, path, writes, more, key)
        if _is_over_limit(answer):
            raise ThrottledError("throttled", retry_after=_seconds_to_wait(answer))
        if answer.status in (401, 403):
            raise StoreAccessError(key, status=answer.status)
        answer = check_status(answer, writes)
        if answer.status >= 400 and (writes or answer.status != 404):
            raise RefusedError("store-refused", status=answer.status)
        if answer.status != 404 and _message_of(answer) is not None:
            # no answer that we ask for is a message alone
            raise (UncertainError("outcome-unknown", how="message") if writes
                   else UnreachableError("unreachable", how="unreadable"))  # fmt: skip
        return answer

    def _key(self, refused: str | None) -> str:
        if self._token is None:
            raise StoreAccessError()
        return self._token(refused)

    def _send(self, method: str, path: str, writes: bool, more: Mapping[str, Any], key: str) -> HttpResponse:
        headers = {"X-API-KEY": key, "Accept": "application/json"}
        log_as = re.sub(r"\d+", "N", path)
        return self._http.send(
            method, self._base + path, writes=writes, log_as=log_as, headers=headers, **more
        )


def is_last(page: ListPage, read: int) -> bool:
    """Return whether no page follows, as far as the answer says; `read` counts the rows up to here."""
    if page.has_next is not None:
        return not page.has_next
    return not page.rows or (page.total is not None and read >= page.total)


def parse_body(answer: HttpResponse) -> Any:
    """Parse the JSON of an answer, fractions as Decimal. Raises UnreachableError when it is not JSON."""
    try:
        return parse_json(answer.body)
    except ValueError as error:
        raise UnreachableError("unreachable", how="unreadable") from error


def single_object(content: Any) -> Json:
    """Return the one object of an answer, bare or as the only row of a list. Raises UnreachableError otherwise."""
    rows = [content] if isinstance(content, dict) and "0" not in content else _rows_of(content)
    if rows is None or len(rows) != 1 or not isinstance(rows[0], dict) or not rows[0]:
        raise UnreachableError("unreachable", how="unreadable")
    return rows[0]


def _list_page(answer: HttpResponse) -> ListPage:
    content = parse_body(answer)
    rows = _rows_of(content)
    if rows is None:
        raise UnreachableError("unreachable", how="unreadable")
    paging = content.get("paging") if isinstance(content, dict) else None
    has_next = bool(paging.get("next")) if isinstance(paging, dict) else None
    count = answer.headers.get("x-total-count", "").strip()
    total = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else None
    return ListPage(rows, has_next, total)


def _rows_of(content: Any) -> list[Any] | None:
    """Return the rows of a list: an array, an object with the keys 0, 1, 2 ... and `paging`, or one bare object."""
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return None
    if "id" in content:
        return [content]
    numbered = {key: row for key, row in content.items() if key.isascii() and key.isdigit()}
    if not numbered and "paging" not in content:
        return None
    return [numbered[key] for key in sorted(numbered, key=int)]


def _is_over_limit(answer: HttpResponse) -> bool:
    if answer.status == 429:
        return True
    message = _message_of(answer) if answer.status in (200, 400, 401, 403, 503) else None
    return message is not None and _LIMIT_WORDS.search(message) is not None


def _message_of(answer: HttpResponse) -> str | None:
    """Return the text of an answer that is a message alone; None for any other."""
    if len(answer.body) > _LONGEST_MESSAGE:
        return None
    try:
        content = parse_json(answer.body)
    except ValueError:
        return None
    message = content.get("message") if isinstance(content, dict) and len(content) == 1 else None
    return message if isinstance(message, str) else None


def _seconds_to_wait(answer: HttpResponse) -> float:
    told = answer.headers.get("retry-after", "").strip()
    return float(min(int(told[:6]), 3600)) if told.isascii() and told.isdigit() else OVER_LIMIT_SECONDS
