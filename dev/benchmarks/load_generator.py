"""Send webhooks over connections that stay open, each waiting for its answer before it sends the next.

Runs in its own process. One loop over non-blocking sockets costs a few hundredths of a millisecond per request,
including the signature, so that the server is what is measured.
"""

from __future__ import annotations

import hashlib
import hmac
import selectors
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

BODY_BYTES = 4096
_numbers = count(1)


@dataclass
class RoundResult:
    """The result of one round; latencies in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    dropped: int = 0
    """Connections that the server closed without answering their request."""

    @property
    def rate(self) -> float:
        """Return the good answers per second."""
        return sum(number for status, number in self.statuses.items() if status < 300) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the latency below which this share of the answers came, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def signed_hooks(path: str, port: int, code: str, token: str) -> Iterator[bytes]:
    """Yield whole requests without end: paid orders of about 4 kB, all different, signed as Jumpseller signs."""
    padding = '"}]}}'.rjust(BODY_BYTES - 60, "x")
    secret = token.encode()
    for number in _numbers:
        body = f'{{"order":{{"id":{number},"products":[{{"name":"{padding}'.encode()
        signature = b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()
        yield (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Jumpseller-Event: order_paid\r\nJumpseller-Store-Code: {code}\r\n"
            f"Jumpseller-Hmac-Sha256: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


class _Connection:
    """One connection and its state."""

    def __init__(self, port: int, waiting: selectors.BaseSelector) -> None:
        self._port, self._waiting = port, waiting
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting.register(self._socket, selectors.EVENT_READ, self)

    def close(self) -> None:
        self._waiting.unregister(self._socket)
        self._socket.close()

    def send(self, request: bytes) -> None:
        self.request, self.began = request, time.perf_counter()
        self._socket.sendall(request)

    def read_answer(self, took: RoundResult) -> None:
        """Count the answer, which has no body: it ends with its headers."""
        try:
            heard = self._socket.recv(65_536)
        except ConnectionError:
            heard = b""
        if heard:
            took.latencies.append(time.perf_counter() - self.began)
            took.statuses[int(heard[9:12])] = took.statuses.get(int(heard[9:12]), 0) + 1
        else:
            took.dropped += 1
        if not heard or b"\r\nconnection: close" in heard.lower():
            self.close()
            self._reopen()

    def _reopen(self) -> None:
        # A gunicorn worker that has served its last request is unreachable for a moment.
        until = time.monotonic() + 10
        while True:
            try:
                return self._open()
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)


def send_for(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> RoundResult:
    """Send over this number of connections for this long, each again as soon as it is answered; return the result."""
    took = RoundResult()
    with selectors.DefaultSelector() as waiting:
        lines = [_Connection(port, waiting) for _ in range(connections)]
        began = time.perf_counter()
        for line in lines:
            line.send(next(requests))
        left = connections
        while left:
            heard = waiting.select(30)
            if not heard:
                raise TimeoutError("no answer for 30 s")
            for key, _ in heard:
                line = key.data
                line.read_answer(took)
                if time.perf_counter() < began + seconds:
                    line.send(next(requests))
                else:
                    line.close()
                    left -= 1
        took.seconds = time.perf_counter() - began
    return took
