"""A WSGI app that test_web_server.py runs in place of ours, with shorter time limits where the test wants them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import web_server

if "LIMIT" in os.environ:
    web_server.BODY_SECONDS = web_server.ANSWER_SECONDS = web_server.LINGER_SECONDS = float(
        os.environ["LIMIT"]
    )

LONG = b"x" * 20_000_000


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the body; `/long` with 20 MB, `/refused` without reading, `/wait` once a file has appeared."""
    answer = b""
    if environ["PATH_INFO"] == "/long":
        answer = LONG
    elif environ["PATH_INFO"] == "/wait":
        Path(os.environ["FOLDER"], "waiting").touch()
        while not Path(os.environ["FOLDER"], "released").exists():
            time.sleep(0.01)
    elif environ["PATH_INFO"] != "/refused":
        answer = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
