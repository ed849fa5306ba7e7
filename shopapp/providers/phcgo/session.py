"""A session with one installation of PHC GO: logging in, calls in its name, and one new log-in when it ended.

Called by the rooms beside it. What a log-in gave is kept in this process for a few minutes, because log-ins count
towards the month's allowance; what an unclear answer leaves of it is thrown away. It never hammers: a step that is
refused is repeated once, under one new session, and then refused for good; two new sessions at most.

Source: phcgo.md section 2.1. Unconfirmed: where the Engine-Auth value is told, how long a session lasts, what a call
without one is answered. Whatever that is (401, a message, a page, nothing), it is taken for a session that may have
ended.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote

from shopapp.errors import AppError, CredentialsError, UncertainError, UnreachableError
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.providers.answers import UnreadableAnswer

from .installation_url import installation_url
from .login_errors import login_error_from
from .wire_format import (
    EMPTY_ANSWER,
    Envelope,
    Refusal,
    Row,
    build_query,
    parse_envelope,
    to_json,
)

T = TypeVar("T")

_SESSION_IDLE = timedelta(minutes=5)
_LIST_LIFETIME = timedelta(hours=1)
_MAX_RELOGINS = 2
"""Log-ins made anew by one opened adapter, however many of its calls are refused."""
_UNAUTHORISED = ("status-401", "status-403")
# where the web services lie: on the vendor's hosts, and in older installations of a company's own
_BASE_PATHS = ("PHCWS", "")
_COOKIE = re.compile(r"ASP\.NET_SessionId=([A-Za-z0-9_.-]{1,200})")


@dataclass(frozen=True, slots=True)
class Keys:
    """What the merchant typed; none of the secrets shows in a trace."""

    url: str
    user: str
    company: str
    password: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, str]) -> Keys:
        """The keys as they go out: a blank inside the token is a plus sign that a browser turned into one."""
        typed = {name: credentials.get(name, "").strip() for name in ("url", "user", "company", "token")}
        typed["token"] = typed["token"].replace(" ", "+")
        return cls(**typed, password=credentials.get("password", ""))

    def fingerprint(self) -> str:
        """What tells these keys from others, without giving them away."""
        text = "\0".join((self.url, self.user, self.company, self.password, self.token))
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(slots=True)
class CachedSession:
    """What this process knows of an installation: a session while it lasts, and lists that rarely change."""

    headers: dict[str, str] | None = None
    used_at: datetime | None = None
    base_path: str = _BASE_PATHS[0]
    lists: dict[str, tuple[datetime, Any]] = field(default_factory=dict)
    longest_answer: int = 0
    """The rows of the longest answer so far: how many one answer holds at least."""


class SessionCache:
    """The sessions of one process by the fingerprint of their credentials; past `size` the least recently used goes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sessions: OrderedDict[str, CachedSession] = OrderedDict()
        self._lock = Lock()

    def get(self, fingerprint: str) -> CachedSession:
        """Return what is known under that fingerprint; a new, empty session when nothing is."""
        with self._lock:
            found = self._sessions.setdefault(fingerprint, CachedSession())
            self._sessions.move_to_end(fingerprint)
            while len(self._sessions) > self._size:
                self._sessions.popitem(last=False)
            return found

    def clear(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()


SESSIONS = SessionCache(size=500)
"""Empty in a new process. An account that is dropped logs in and reads its lists again."""


class PhcGoSession:
    """Calls in the name of one account."""

    def __init__(
        self, keys: Keys, http: HttpClient, hosts: Collection[str], loopback: str, now: Callable[[], datetime]
    ) -> None:
        self._keys, self._http, self._now = keys, http, now
        self._hosts, self._loopback = hosts, loopback
        self._relogins = 0

    @property
    def _cached(self) -> CachedSession:
        return SESSIONS.get(self._keys.fingerprint())

    def base_url(self) -> str:
        """The installation's address, held against the operator's list anew. CredentialsError of field `url`."""
        return installation_url(self._keys.url, self._hosts, self._loopback)

    def read(self, path: str, **fields: Any) -> Envelope:
        """The answer to a call that changes nothing. Refusal when it is a no, UnreachableError when it is none."""
        try:
            found = parse_envelope(self._call(self._http.read, path, fields))
        except UnreadableAnswer as error:
            raise UnreachableError("not-phcgo", how=str(error)) from error
        self._cached.longest_answer = max(self._cached.longest_answer, len(found.rows))
        return _raise_if_refused(found)

    def query(self, entity: str, *conditions: tuple[str, Any], **options: Any) -> tuple[Row, ...]:
        """Return the rows of that entity whose fields equal these values; the options are those of `build_query`.

        Changes nothing. Raises Refusal or UnreachableError as `read` does.
        """
        query = build_query(entity, *conditions, **options)
        return self.read("SearchWS/QueryAsEntities", itemQuery=query).rows

    def is_complete(self, rows: Sequence[Row]) -> bool:
        """True when an answer of these rows was certainly not cut: a longer one was seen."""
        return len(rows) < self._cached.longest_answer

    def write(self, path: str, **fields: Any) -> Envelope:
        """The answer to a call that changes something. Refusal when it is a no, UncertainError when it is unclear."""
        try:
            found = parse_envelope(self._call(self._http.write, path, fields))
        except UnreadableAnswer as error:
            self.forget_session()
            raise UncertainError("outcome-unknown", how=str(error)) from error
        except UncertainError:
            self.forget_session()
            raise
        if found.error is not None and found.rows:
            raise UncertainError("outcome-unknown", how="contradictory")
        return _raise_if_refused(found)

    def fetch_file(self, name: str, max_bytes: int) -> HttpResponse:
        """The answer of the place where printed files lie, 200 or not."""
        self._ensure_logged_in()
        address = f"{self.base_url()}{_path_prefix(self._cached.base_path)}/cfile.aspx?fileName={quote(name, safe='')}"
        return self._http.read("GET", address, headers=dict(self._cached.headers or {}), max_bytes=max_bytes)

    def read_with_relogin(self, step: Callable[[], T]) -> T:
        """What the step gives; when it is refused under a session that may have ended, it is made anew once.

        Only for steps that a plain refusal leaves undone. Refusal comes out as it is.
        """
        try:
            return step()
        except (Refusal, UnreachableError) as error:
            if not self._may_have_expired(error):
                raise
            self._start_new_session()
            return step()

    def write_with_relogin(self, step: Callable[[], T]) -> T:
        """What a step that changes something gives; made again once when it was refused because the session had ended.

        Whether it had is asked by a call that changes nothing. Refusal comes out as it is.
        """
        try:
            return step()
        except Refusal as error:
            if not self._may_have_expired(error) or self._is_alive():
                raise
        except UnreachableError as error:
            if error.detail.get("how") not in _UNAUTHORISED or not self._may_have_expired(error):
                raise
        self._start_new_session()
        return step()

    def _may_have_expired(self, error: Exception) -> bool:
        """True when a session without end would not have been answered so, and not too many were begun anew by now."""
        if self._relogins >= _MAX_RELOGINS:
            return False
        if isinstance(error, UnreachableError):
            how = str(error.detail.get("how", ""))
            return error.code == "not-phcgo" or how in _UNAUTHORISED or how.startswith("status-3")
        return isinstance(error, Refusal)

    def _start_new_session(self) -> None:
        self._relogins += 1
        self.forget_session()

    def _is_alive(self) -> bool:
        """True when the session is still good for the simplest question."""
        try:
            self.query("E1", limit=1)
        except (Refusal, AppError):
            return False
        return True

    def cached_list(self, name: str, ask: Callable[[], T]) -> T:
        """A list as asked within the hour by this process, else as it is now."""
        known = self._cached.lists.get(name)
        if known is not None and self._now() - known[0] < _LIST_LIFETIME:
            found: T = known[1]
            return found
        found = ask()
        if found:
            # what is empty now may have been made in a minute
            self._cached.lists[name] = (self._now(), found)
        return found

    def forget_session(self) -> None:
        """Nothing; the next call logs in anew."""
        self._cached.headers = None

    # the call itself

    def _call(self, verb: Callable[..., HttpResponse], path: str, fields: Mapping[str, Any]) -> HttpResponse:
        self._ensure_logged_in()
        cached = self._cached
        address = f"{self.base_url()}{_path_prefix(cached.base_path)}/REST/{path}"
        content = {name: one if isinstance(one, str) else to_json(one) for name, one in fields.items()}
        try:
            answer = verb("POST", address, data=_utf8_form(content), headers=dict(cached.headers or {}))
        except CredentialsError as error:
            # the keys were good at the log-in: it is the session that is not admitted, and nothing was done
            raise UnreachableError("unreachable", how=f"status-{error.detail['status']}") from error
        cached.used_at = self._now()
        return answer

    def _ensure_logged_in(self) -> None:
        """Nothing; there is a session. CredentialsError with `field` and `answer`, ThrottledError, UnreachableError."""
        cached = self._cached
        if cached.headers is not None and cached.used_at and self._now() - cached.used_at < _SESSION_IDLE:
            return
        cached.headers = None
        answer = self._send_login(cached)
        try:
            found = parse_envelope(answer)
        except UnreadableAnswer as error:
            if str(error) == EMPTY_ANSWER:
                # seen: so some installations refuse. Trying again and again could lock the user
                raise CredentialsError("keys-refused", answer="", field="", kind="silent") from error
            raise UnreachableError("not-phcgo", how=str(error)) from error
        if found.error is not None:
            raise login_error_from(found.error, (self._keys.password, self._keys.token))
        if not found.rows:
            raise UnreachableError("not-phcgo", how="no-result")
        cached.headers, cached.used_at = _session_headers(answer, found), self._now()

    def _send_login(self, cached: CachedSession) -> HttpResponse:
        """The answer to a log-in, asked where the services lie."""
        keys = self._keys
        form = {"userCode": keys.user, "password": keys.password, "applicationType": keys.token,
                "company": keys.company}  # fmt: skip
        answer: HttpResponse | None = None
        for base_path in _BASE_PATHS:
            address = f"{self.base_url()}{_path_prefix(base_path)}/REST/UserLoginWS/userLoginCompany"
            try:
                answer = self._http.read("POST", address, data=_utf8_form(form))
            except CredentialsError as error:
                raise CredentialsError(
                    "keys-refused", field="", answer="", kind="other", **error.detail
                ) from error
            if answer.status != 404:
                cached.base_path = base_path
                break
        assert answer is not None
        return answer


def _path_prefix(base_path: str) -> str:
    return f"/{base_path}" if base_path else ""


def _utf8_form(form: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode("utf-8", "replace") for name, text in form.items()}


def _raise_if_refused(found: Envelope) -> Envelope:
    if found.error is not None:
        raise Refusal(found.error)
    return found


def _session_headers(answer: HttpResponse, found: Envelope) -> dict[str, str]:
    """The headers that later calls carry: the cookie and any Engine-Auth value, wherever it was told."""
    headers: dict[str, str] = {}
    if cookie := _COOKIE.search(answer.headers.get("set-cookie", "")):
        headers["Cookie"] = f"ASP.NET_SessionId={cookie[1]}"
    told = {name.lower().replace("-", ""): text for row in found.rows for name, text in row.items()}
    value = answer.headers.get("engine-auth") or told.get("engineauth")
    if isinstance(value, str) and value.isascii() and value.isprintable() and value.strip():
        headers["Engine-Auth"] = value.strip()
    return headers
