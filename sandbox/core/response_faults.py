"""Ways to spoil the answers of executed calls, shared by the faults of several stand-ins."""

from __future__ import annotations

import random
from collections.abc import Callable

from flask import Response

from .server import drop_connection


def replace_body(response: Response, body: bytes) -> Response:
    """Return the response with another body and its Content-Length."""
    response.set_data(body)
    return response


def cut_body(response: Response) -> Response:
    """Return half of the body, in an answer that is complete as far as HTTP shows."""
    body = response.get_data()
    return replace_body(response, body[: len(body) // 2])


def garble_body(response: Response) -> Response:
    """Return random bytes, the same for a body of the same length."""
    size = len(response.get_data())
    return replace_body(response, b"\x00\xff{" + random.Random(size).randbytes(200))


def as_html(response: Response) -> Response:
    """Return the same bytes as text/html."""
    return Response(response.get_data(), mimetype="text/html")


SPOILED_RESPONSES: dict[str, Callable[[Response], Response]] = {
    "drop-after": lambda _: drop_connection(abruptly=True),
    "garbage-after": garble_body,
    "cut-after": cut_body,
    "empty-after": lambda response: replace_body(response, b""),
    "wrong-type-after": as_html,
}
