"""A threaded HTTP server for a stand-in, and a way to drop the connection of one request."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, request
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler


class _QuietRequestHandler(WSGIRequestHandler):
    """Handle requests over HTTP/1.1, with connections kept open and no log line for each."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        if type == "error":
            logging.getLogger("sandbox").warning(message, *args)

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # The socket may have been closed on purpose.
            super().finish()

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)
        self.send_header("Server", "sandbox")
        self.send_header("Date", self.date_time_string())


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 256


@dataclass
class RunningServer:
    """A stand-in that is being served."""

    port: int
    servers: list[BaseWSGIServer]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop listening; requests in progress are left to end by themselves."""
        ending = [threading.Thread(target=server.shutdown) for server in self.servers]
        for thread in ending:
            thread.start()
        for thread, server in zip(ending, self.servers, strict=True):
            thread.join()
            with contextlib.suppress(OSError):
                server.socket.close()


def start(app: Flask, port: int = 0) -> RunningServer:
    """Serve the app in threads on 127.0.0.1 and, where the machine has it, on ::1 (port 0: any free one)."""
    first_server = _Server("127.0.0.1", port, app, handler=_QuietRequestHandler)
    servers: list[BaseWSGIServer] = [first_server]
    if socket.has_ipv6:
        # A browser may try ::1 first for "localhost".
        with contextlib.suppress(OSError, SystemExit):
            servers.append(_ipv6(app, first_server.server_port))
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return RunningServer(first_server.server_port, servers)


def _ipv6(app: Flask, port: int) -> BaseWSGIServer:
    with socket.create_server(("::1", port), family=socket.AF_INET6) as listening:
        listening.set_inheritable(True)
        return _Server("::1", port, app, handler=_QuietRequestHandler, fd=listening.detach())


def serve(app: Flask, port: int, closing: Callable[[], None] | None = None) -> None:
    """Serve the app until SIGTERM or SIGINT arrives, then call `closing`."""
    done = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: done.set())
    running = start(app, port)
    print(f"{app.name} on http://127.0.0.1:{running.port}", flush=True)
    done.wait()
    running.stop()
    if closing:
        closing()


def drop_connection(abruptly: bool = False) -> Response:
    """Close the request's connection without an answer; `abruptly` resets it."""
    raw: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        if abruptly:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.shutdown(socket.SHUT_RDWR)
    return Response(status=200, headers={"Connection": "close"})
