"""Call external systems by HTTP; all adapters use this client, so that failures are classified in one place.

One deadline for the whole call, one size limit, no redirects, no retries, no cookies, no proxy variables, and
guarded addresses (the name is resolved once, and that very address is connected to). Logs method, host, status,
milliseconds and the adapter's name of the call, never a path, a query, a header or a body. Failures are classified
by the table in docs/failure-model.md, "How an answer is sorted": the outcome of a failed write is unknown by default.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from shopapp.errors import AppError, CredentialsError, ThrottledError, UncertainError, UnreachableError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
MAX_BYTES = 5 * 1024 * 1024
_CHUNK = 64 * 1024
_MAX_RETRY_AFTER = 24 * 3600


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole response: status, headers with lower-case names, body after decompression."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Deadline:
    """Ends this thread's call at its deadline by shutting its socket down; remembers whether it was connected."""

    def __init__(self, seconds: float) -> None:
        self.connected = False
        self.expired = False
        self._ends_at = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def attach(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.expired:
                self._shut()

    def left(self) -> float:
        """Return the seconds until the deadline, never 0, which would make a socket non-blocking."""
        return max(self._ends_at - time.monotonic(), 0.001)

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            # already closed: the call is over anyway
            with contextlib.suppress(OSError):
                # the plain socket's own shutdown: TLS's would drop the TLS state while a thread is reading
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_call_state = threading.local()


def is_public_address(address: str) -> bool:
    """Return whether the IP address belongs to the public internet (`is_global` alone is not enough)."""
    ip = ipaddress.ip_address(address)
    special = ip.is_multicast or ip.is_reserved or ip.is_private or ip.is_loopback or ip.is_link_local
    special = special or any(ip in network for network in _SPECIAL_NETWORKS)
    return ip.is_global and not special


_SPECIAL_NETWORKS = tuple(map(ipaddress.ip_network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10", "fec0::/10", "ff00::/8",
)))  # fmt: skip
"""IANA's special-purpose registries for IPv4 and IPv6 (read 2026-11), with multicast, 6to4 and site-local addresses.

Listed here because which addresses `ipaddress` counts as global differs between releases of Python.
"""


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return the IP addresses of a host name. Raises OSError when it has none, or the resolver takes too long.

    A look-up cannot be interrupted: it runs in a thread of its own, which is abandoned when time is up.
    """
    found: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def run() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put([str(entry[4][0]) for entry in entries])
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty as error:
        raise TimeoutError("the resolver does not answer") from error
    if not isinstance(answer, list):
        raise answer
    return answer


def _open_guarded_socket(connection: Any, allow_loopback: bool) -> socket.socket:
    """Connect to an address that the name resolved to; refuse unless all of its addresses are allowed."""
    host = connection._dns_host
    try:
        addresses = _look_up(host, connection.port, _call_state.deadline.left())
    except (OSError, UnicodeError) as error:
        raise NewConnectionError(connection, f"name not found: {host}") from error
    for address in addresses:
        inside = ipaddress.ip_address(address).is_loopback and allow_loopback
        if not inside and not is_public_address(address):
            raise NewConnectionError(connection, f"address not admitted: {host}")
    last: OSError | None = None
    for address in dict.fromkeys(addresses):
        try:
            wait = min(CONNECT_SECONDS, _call_state.deadline.left())
            sock = socket.create_connection((address, connection.port), wait)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            last = error
    raise NewConnectionError(connection, f"no connection: {last}")


@cache
def _guarded_pool_classes(allow_loopback: bool) -> tuple[type[HTTPConnectionPool], type[HTTPSConnectionPool]]:
    class Guarded(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _open_guarded_socket(self, allow_loopback)

        def connect(self) -> None:
            super().connect()
            _call_state.deadline.attach(self.sock)
            _call_state.deadline.connected = True

    class GuardedTls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            sock = _open_guarded_socket(self, allow_loopback)
            _call_state.deadline.attach(sock)
            return sock

        def connect(self) -> None:
            super().connect()
            _call_state.deadline.attach(self.sock)
            _call_state.deadline.connected = True

    # no connection is reused: the next call's deadline would not know its socket, and take a lost write for
    # unsent
    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Guarded

        def _put_conn(self, conn: Any) -> None:
            _close(conn)
            super()._put_conn(None)

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = GuardedTls

        def _put_conn(self, conn: Any) -> None:
            _close(conn)
            super()._put_conn(None)

    return PlainPool, TlsPool


def _close(connection: HTTPConnection | None) -> None:
    if connection is not None:
        connection.close()


class _Adapter(HTTPAdapter):
    """The adapter of requests over guarded connections, without transport retries."""

    def __init__(self, allow_loopback: bool) -> None:
        self._pools = _guarded_pool_classes(allow_loopback)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kw: Any) -> None:
        self.poolmanager = PoolManager(*args, **kw)
        plain, tls = self._pools
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": tls}


class HttpClient:
    """Calls external systems. A `read` may be repeated; a `write` that fails may have taken effect."""

    def __init__(
        self,
        call_seconds: float = 45.0,
        allow_plain: bool = False,
        session: requests.Session | None = None,
        before_call: Callable[[], None] | None = None,
    ) -> None:
        self.before_call = before_call
        self.call_seconds = call_seconds
        self.allow_plain = allow_plain
        self.session = session or requests.Session()
        self.session.trust_env = False
        self.session.headers["User-Agent"] = "QuickInvoice"
        # a cookie from one store's call must never be sent with another store's
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if session is None:
            for scheme in ("http://", "https://"):
                self.session.mount(scheme, _Adapter(allow_plain))

    def read(self, method: str, url: str, **content: Any) -> HttpResponse:
        """Send a request that changes nothing; return a 2xx answer, or a 4xx other than 401, 403, 408 and 429.

        `max_bytes` limits the body. Raises UnreachableError, ThrottledError or CredentialsError.
        """
        return check_status(self.send(method, url, writes=False, **content), writes=False)

    def write(self, method: str, url: str, **content: Any) -> HttpResponse:
        """Send a request that may change something. Raises UncertainError whenever its outcome is unknown."""
        return check_status(self.send(method, url, writes=True, **content), writes=True)

    def send(self, method: str, url: str, *, writes: bool, log_as: str = "-", **content: Any) -> HttpResponse:
        """Send a request; return the answer with any status, for an adapter that checks the status itself.

        `log_as` names the call in the log: a path may hold a secret, such as that of a signed link.
        Raises UnreachableError, or UncertainError for a write, when there is no whole answer.
        """
        if self.before_call is not None:
            self.before_call()
        host = self._check_address(url)
        deadline = _call_state.deadline = _Deadline(self.call_seconds)
        timer = threading.Timer(self.call_seconds, deadline.expire)
        timer.daemon = True
        timer.start()
        began = time.monotonic()
        status: Any = "-"
        try:
            answer = self._request(method, url, content)
            if deadline.expired:
                # the answer may look whole, as its headers may end where the connection was shut
                raise requests.Timeout("the deadline passed")
            status = answer.status
            return answer
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            status = "timed out" if deadline.expired else type(error).__name__
            raise self._classify_failure(error, deadline, writes, time.monotonic() - began) from error
        finally:
            timer.cancel()
            log.info("%s %s %s %s %.0f ms", method, host, log_as, status, (time.monotonic() - began) * 1000)

    def _check_address(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise UnreachableError("address-refused") from error
        if parts.scheme != "https" and not (parts.scheme == "http" and self.allow_plain):
            raise UnreachableError("address-refused")
        return parts.hostname or ""

    def _request(self, method: str, url: str, content: dict[str, Any]) -> HttpResponse:
        headers = {"Connection": "close", **content.pop("headers", {})}
        max_bytes = content.pop("max_bytes", MAX_BYTES)
        response = self.session.request(
            method, url, headers=headers, stream=True, allow_redirects=False,
            timeout=(CONNECT_SECONDS, min(READ_SECONDS, self.call_seconds)), **content,
        )  # fmt: skip
        with response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > max_bytes:
                    raise requests.ConnectionError("answer too long")
            return HttpResponse(
                response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body)
            )

    def _classify_failure(self, error: Exception, deadline: _Deadline, writes: bool, took: float) -> AppError:
        slow = isinstance(error, requests.Timeout) or "timed out" in str(error)
        how = "timeout" if deadline.expired or slow else "cut"
        seconds = round(took, 1)
        if not deadline.connected and not _is_foreign_transport(self.session):
            return UnreachableError("unreachable", how=how, seconds=seconds)
        if writes:
            return UncertainError("outcome-unknown", how=how, seconds=seconds)
        return UnreachableError("unreachable", how=how, seconds=seconds)


def _is_foreign_transport(session: requests.Session) -> bool:
    """Return whether another transport is mounted (a replay), which does not say whether it connected."""
    return not isinstance(session.get_adapter("https://"), _Adapter)


def check_status(answer: HttpResponse, writes: bool) -> HttpResponse:
    """Return the answer if its status is a definite outcome; raise the error that it means otherwise."""
    status = answer.status
    if status in (401, 403):
        raise CredentialsError("keys-refused", status=status)
    if status == 429:
        raise ThrottledError("throttled", retry_after=_parse_retry_after(answer.headers.get("retry-after")))
    if 200 <= status < 300 or (400 <= status < 500 and status != 408):
        return answer
    if writes:
        raise UncertainError("outcome-unknown", how=f"status-{status}")
    raise UnreachableError("unreachable", how=f"status-{status}")


def _parse_retry_after(text: str | None) -> float | None:
    if not text or not text.isascii() or not text.isdecimal():
        return None
    return float(min(int(text[:9]), _MAX_RETRY_AFTER))
