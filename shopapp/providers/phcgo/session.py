"""A session with one installation of PHC GO: log-in, calls, and a new log-in when the session has expired.

The session is kept in this process for a few minutes, because log-ins count towards the monthly allowance; an unclear
answer discards it. A refused step is repeated once, in a new session; a second refusal is final. One adapter logs in
again at most twice.

Source: public clients, read 2026-11-20 (docs/phcgo.md, "Log-in and session"). Unconfirmed: where the Engine-Auth value
is given, how long a session lasts, and how a call without one is answered: any refusal (401, a message, a page,
nothing) may mean an expired session.
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
"""How often one adapter logs in again, however many of its calls are refused."""
_UNAUTHORISED = ("status-401", "status-403")
# the path of the web services: on the vendor's hosts, and in a company's own older installation (seen in code)
_BASE_PATHS = ("PHCWS", "")
_COOKIE = re.compile(r"ASP\.NET_SessionId=([A-Za-z0-9_.-]{1,200})")


@dataclass(frozen=True, slots=True)
class Keys:
    """The values that the merchant typed; the secrets appear in no traceback."""

    url: str
    user: str
    company: str
    password: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, str]) -> Keys:
        """Return the keys as they are sent: a space inside the token was a plus sign before it was pasted."""
        typed = {name: credentials.get(name, "").strip() for name in ("url", "user", "company", "token")}
        typed["token"] = typed["token"].replace(" ", "+")
        return cls(**typed, password=credentials.get("password", ""))

    def fingerprint(self) -> str:
        """Return a hash that identifies these keys without revealing them."""
        text = "\0".join((self.url, self.user, self.company, self.password, self.token))
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(slots=True)
class CachedSession:
    """What this process knows about one account: its session while it lasts, and lists that rarely change."""

    headers: dict[str, str] | None = None
    used_at: datetime | None = None
    base_path: str = _BASE_PATHS[0]
    lists: dict[str, tuple[datetime, Any]] = field(default_factory=dict)
    longest_answer: int = 0
    """The number of rows of the longest answer so far: an answer can hold at least this many."""


class SessionCache:
    """The sessions of one process by the fingerprint of their keys; past `size`, the least recently used is dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sessions: OrderedDict[str, CachedSession] = OrderedDict()
        self._lock = Lock()

    def get(self, fingerprint: str) -> CachedSession:
        """Return the session cached under that fingerprint; a new, empty one when there is none."""
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
"""Empty in a new process. An account that was dropped from it logs in and reads its lists again."""


class PhcGoSession:
    """Calls with one account's credentials."""

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
        """Return the installation's address, checked again. Raises CredentialsError with field `url`."""
        return installation_url(self._keys.url, self._hosts, self._loopback)

    def read(self, path: str, **fields: Any) -> Envelope:
        """Make a call that changes nothing. Raises Refusal for an error, UnreachableError for no readable answer."""
        try:
            envelope = parse_envelope(self._call(self._http.read, path, fields))
        except UnreadableAnswer as error:
            raise UnreachableError("not-phcgo", how=str(error)) from error
        self._cached.longest_answer = max(self._cached.longest_answer, len(envelope.rows))
        return _raise_if_refused(envelope)

    def query(self, entity: str, *conditions: tuple[str, Any], **options: Any) -> tuple[Row, ...]:
        """Return the rows of that entity whose fields equal these values; the options are those of `build_query`.

        Changes nothing. Raises Refusal or UnreachableError as `read` does.
        """
        query = build_query(entity, *conditions, **options)
        return self.read("SearchWS/QueryAsEntities", itemQuery=query).rows

    def is_complete(self, rows: Sequence[Row]) -> bool:
        """Return whether an answer with these rows was certainly not truncated, because a longer one was seen."""
        return len(rows) < self._cached.longest_answer

    def write(self, path: str, **fields: Any) -> Envelope:
        """Make a call that changes something. Raises Refusal for an error, UncertainError when it may have happened."""
        try:
            envelope = parse_envelope(self._call(self._http.write, path, fields))
        except UnreadableAnswer as error:
            self.forget_session()
            raise UncertainError("outcome-unknown", how=str(error)) from error
        except UncertainError:
            self.forget_session()
            raise
        if envelope.error is not None and envelope.rows:
            raise UncertainError("outcome-unknown", how="contradictory")
        return _raise_if_refused(envelope)

    def fetch_file(self, name: str, max_bytes: int) -> HttpResponse:
        """Fetch a printed file; return the answer, whatever its status."""
        self._ensure_logged_in()
        address = f"{self.base_url()}{_path_prefix(self._cached.base_path)}/cfile.aspx?fileName={quote(name, safe='')}"
        return self._http.read("GET", address, headers=dict(self._cached.headers or {}), max_bytes=max_bytes)

    def read_with_relogin(self, step: Callable[[], T]) -> T:
        """Run a step that changes nothing, or nothing when refused; repeat it once when the session may have expired.

        Raises Refusal when it is refused in the new session too.
        """
        try:
            return step()
        except (Refusal, UnreachableError) as error:
            if not self._may_have_expired(error):
                raise
            self._start_new_session()
            return step()

    def write_with_relogin(self, step: Callable[[], T]) -> T:
        """Run a step that changes something; repeat it once when it was refused because the session had expired.

        A call that changes nothing shows whether it had expired. Raises Refusal for any other refusal.
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
        """Return whether an expired session may explain this failure, and another log-in is allowed."""
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
        """Return whether the session still answers the simplest query."""
        try:
            self.query("E1", limit=1)
        except (Refusal, AppError):
            return False
        return True

    def cached_list(self, name: str, ask: Callable[[], T]) -> T:
        """Return a list that this process read within the last hour; otherwise read it with `ask`."""
        known = self._cached.lists.get(name)
        if known is not None and self._now() - known[0] < _LIST_LIFETIME:
            cached: T = known[1]
            return cached
        fresh = ask()
        if fresh:
            # an empty list is not kept: it may soon be filled in
            self._cached.lists[name] = (self._now(), fresh)
        return fresh

    def forget_session(self) -> None:
        """Make the next call log in again."""
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
            # the credentials were good at the log-in: the session is refused, and nothing was done
            raise UnreachableError("unreachable", how=f"status-{error.detail['status']}") from error
        cached.used_at = self._now()
        return answer

    def _ensure_logged_in(self) -> None:
        """Log in unless there is a session in use.

        Raises CredentialsError with `field` and `answer`, ThrottledError or UnreachableError.
        """
        cached = self._cached
        if cached.headers is not None and cached.used_at and self._now() - cached.used_at < _SESSION_IDLE:
            return
        cached.headers = None
        answer = self._send_login(cached)
        try:
            envelope = parse_envelope(answer)
        except UnreadableAnswer as error:
            if str(error) == EMPTY_ANSWER:
                # seen in code: some installations refuse like this; repeated attempts could lock the user
                raise CredentialsError("keys-refused", answer="", field="", kind="silent") from error
            raise UnreachableError("not-phcgo", how=str(error)) from error
        if envelope.error is not None:
            raise login_error_from(envelope.error, (self._keys.password, self._keys.token))
        if not envelope.rows:
            raise UnreachableError("not-phcgo", how="no-result")
        cached.headers, cached.used_at = _session_headers(answer, envelope), self._now()

    def _send_login(self, cached: CachedSession) -> HttpResponse:
        """Send the log-in to the first path of the web services that is not HTTP 404; return the answer."""
        keys = self._keys
        form = {"userCode": keys.user, "password": keys.password, "applicationType": keys.token,
                "company": keys.company}  # fmt: skip
        answer: HttpResponse | None = None
        for base_path in _BASE_PATHS:
            address = f"{self.base_url()}{_path_prefix(base_path)}/REST/UserLoginWS/userLoginCompany"
            try:
                answer = self._http.read("POST", address, log_as="userLoginCompany", data=_utf8_form(form))
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


def _raise_if_refused(envelope: Envelope) -> Envelope:
    if envelope.error is not None:
        raise Refusal(envelope.error)
    return envelope


def _session_headers(answer: HttpResponse, envelope: Envelope) -> dict[str, str]:
    """Return the headers of later calls: the cookie, and the Engine-Auth value of a header or of the body."""
    headers: dict[str, str] = {}
    if cookie := _COOKIE.search(answer.headers.get("set-cookie", "")):
        headers["Cookie"] = f"ASP.NET_SessionId={cookie[1]}"
    fields = {name.lower().replace("-", ""): text for row in envelope.rows for name, text in row.items()}
    value = answer.headers.get("engine-auth") or fields.get("engineauth")
    if isinstance(value, str) and value.isascii() and value.isprintable() and value.strip():
        headers["Engine-Auth"] = value.strip()
    return headers
