"""Answers that are small on the way and large once read, or never end: 23 scripts for a HostileServer."""

from __future__ import annotations

import gzip
import zlib

from tests.unit.hostile_server import Script, send_and_close, send_forever

PLAIN = b"\0" * (20 * 1024 * 1024)
ONCE = gzip.compress(PLAIN)
THRICE = gzip.compress(gzip.compress(ONCE))
DEFLATED = zlib.compress(PLAIN)


def answer(body: bytes, *headers: str, length: bool = True) -> bytes:
    lines = ["HTTP/1.1 200 OK", *headers, *([f"Content-Length: {len(body)}"] if length else []), "", ""]
    return "\r\n".join(lines).encode() + body


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


CHUNKED = answer(b"", "Transfer-Encoding: chunked", length=False)
BOMBS: dict[str, Script] = {
    "twenty megabytes in twenty kilobytes": send_and_close(answer(ONCE, "Content-Encoding: gzip")),
    "gzip three times, said once": send_and_close(answer(THRICE, "Content-Encoding: gzip")),
    "gzip three times, said so": send_and_close(answer(THRICE, "Content-Encoding: gzip, gzip, gzip")),
    "two hundred codings": send_and_close(answer(ONCE, "Content-Encoding: " + ", ".join(["gzip"] * 200))),
    "many gzip members": send_and_close(answer(ONCE * 40, "Content-Encoding: gzip")),
    "gzip without an end": send_and_close(answer(ONCE[:-8], "Content-Encoding: gzip")),
    "deflate": send_and_close(answer(DEFLATED, "Content-Encoding: deflate")),
    "deflate in gzip": send_and_close(answer(gzip.compress(DEFLATED), "Content-Encoding: deflate, gzip")),
    "a coding that nobody knows": send_and_close(answer(ONCE, "Content-Encoding: x-bomb")),
    "gzip in chunks": send_and_close(
        CHUNKED, *(chunk(ONCE[at : at + 512]) for at in range(0, len(ONCE), 512))
    ),
    "zeros without end": send_forever(answer(b"", length=False), PLAIN[:65536]),
    "a terabyte, as it says": send_forever(
        answer(b"", "Content-Length: 1099511627776", length=False), PLAIN[:65536]
    ),
    "a terabyte that does not come": send_forever(
        answer(b"", "Content-Length: 1099511627776", length=False), b"x", 0.05
    ),
    "chunks of one byte": send_forever(CHUNKED, chunk(b"x") * 1000),
    "a chunk of two to the power of sixty": send_forever(CHUNKED + b"fffffffffffffff\r\n", PLAIN[:65536]),
    "the size of a chunk without end": send_forever(CHUNKED, b"0" * 65536),
    "an extension of a chunk without end": send_forever(CHUNKED + b"1;", b"x" * 65536),
    "trailers without end": send_forever(CHUNKED + chunk(b"x") + b"0\r\n", b"X: " + b"y" * 1000 + b"\r\n"),
    "65,000 headers": send_and_close(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 65_000 + b"\r\n"),
    "one header without end": send_forever(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "headers that drip": send_forever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
    "a status line without end": send_forever(b"HTTP/1.1 200 ", b"O" * 65536),
    "a hundred continues, and on": send_forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}
