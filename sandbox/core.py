"""The small core that every stand-in shares: a threaded server, switches, a shelf on disk, health.

Called by the packages beside it. It never knows what a stand-in stands for.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, redirect, render_template_string, request
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

Json = Any


# --- the server -------------------------------------------------------------------------------------------


class _QuietRequestHandler(WSGIRequestHandler):
    """Requests over HTTP/1.1 (connections stay open), without a line of log for each."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        if type == "error":
            logging.getLogger("sandbox").warning(message, *args)

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # the socket may have been cut on purpose
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
    """A stand-in that is being served; `stop` ends it."""

    port: int
    servers: list[BaseWSGIServer]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Nothing listens any more when this returns; requests under way are left to end by themselves."""
        ending = [threading.Thread(target=server.shutdown) for server in self.servers]
        for thread in ending:
            thread.start()
        for thread, server in zip(ending, self.servers, strict=True):
            thread.join()
            with contextlib.suppress(OSError):
                server.socket.close()


def start(app: Flask, port: int = 0) -> RunningServer:
    """The app served in threads on 127.0.0.1, and on ::1 where the machine has it (port 0: a free one)."""
    first_server = _Server("127.0.0.1", port, app, handler=_QuietRequestHandler)
    servers: list[BaseWSGIServer] = [first_server]
    if socket.has_ipv6:
        # a browser may ask ::1 first when it reads "localhost"
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
    """Nothing until SIGTERM or SIGINT arrives; the app is served until then, and `closing` called last."""
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
    """An answer that never arrives: the socket of this request is closed (abruptly: with a reset)."""
    raw: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        if abruptly:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.shutdown(socket.SHUT_RDWR)
    return Response(status=200, headers={"Connection": "close"})


# --- the shelf --------------------------------------------------------------------------------------------


class JsonStorage:
    """JSON values by kind and key in one SQLite file: a restart finds everything (folder None: memory)."""

    def __init__(self, folder: Path | None, name: str = "shelf.sqlite") -> None:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._is_open = True
        self._db = sqlite3.connect(
            folder / name if folder else ":memory:", check_same_thread=False, isolation_level=None
        )
        # the machine's own crash is not among the things that are tried; writes must cost microseconds
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS thing "
            "(kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def put(self, kind: str, key: object, value: Json) -> None:
        """The value is kept, unless the shelf was closed while its writer was still at work."""
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        with self._lock:
            if self._is_open:
                self._db.execute("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", (kind, str(key), body))

    def put_all(self, kind: str, values: Iterable[tuple[object, Json]]) -> None:
        """Every value is kept, all in one go: a whole catalogue in about a second."""
        rows = [(kind, str(key), json.dumps(value, ensure_ascii=False)) for key, value in values]
        with self._lock:
            if self._is_open:
                self._db.execute("BEGIN")
                self._db.executemany("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", rows)
                self._db.execute("COMMIT")

    def drop(self, kind: str, key: object | None = None) -> None:
        with self._lock:
            if key is None:
                self._db.execute("DELETE FROM thing WHERE kind = ?", (kind,))
            else:
                self._db.execute("DELETE FROM thing WHERE kind = ? AND key = ?", (kind, str(key)))

    def all(self, kind: str) -> dict[str, Json]:
        """Every value of the kind by its key (always text)."""
        with self._lock:
            rows = self._db.execute("SELECT key, body FROM thing WHERE kind = ?", (kind,)).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def clear(self) -> None:
        with self._lock:
            self._db.execute("DELETE FROM thing")

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            self._db.close()


# --- the switches -----------------------------------------------------------------------------------------

BASES = ("documented", "seen in code", "inferred", "unknown", "ours")


@dataclass(frozen=True)
class Switch:
    """One point on which the outside may be either way; the first of its positions is the default."""

    name: str
    meaning: str
    positions: tuple[str, ...]
    basis: str

    @property
    def default(self) -> str:
        return self.positions[0]


class Switches:
    """The positions in force; `switches["name"]` reads one, `set` changes and keeps it."""

    def __init__(self, switches: Iterable[Switch], storage: JsonStorage | None = None) -> None:
        self.known = {switch.name: switch for switch in switches}
        self._storage = storage
        self._positions: dict[str, str] = {}
        self.reload()

    def __getitem__(self, name: str) -> str:
        return self._positions.get(name) or self.known[name].default

    def __iter__(self) -> Iterator[Switch]:
        return iter(self.known.values())

    def reload(self) -> None:
        """The positions as the shelf has them."""
        kept = self._storage.all("switch") if self._storage else {}
        self._positions = {name: at for name, at in kept.items() if name in self.known}

    def set(self, name: str, position: str) -> None:
        """The switch in its new position; ValueError when there is no such switch or position."""
        if name not in self.known:
            raise ValueError(f"no switch is called {name}")
        if position not in self.known[name].positions:
            raise ValueError(f"{name} can be {', '.join(self.known[name].positions)}; not {position}")
        self._positions[name] = position
        if self._storage:
            self._storage.put("switch", name, position)

    def reset(self) -> None:
        self._positions = {}
        if self._storage:
            self._storage.drop("switch")

    def as_json(self) -> list[dict[str, Json]]:
        return [
            {
                "name": switch.name,
                "position": self[switch.name],
                "positions": list(switch.positions),
                "default": switch.default,
                "meaning": switch.meaning,
                "basis": switch.basis,
            }
            for switch in self
        ]

    def as_markdown(self) -> str:
        """The table of a README, one row for each switch."""
        rows = ["| switch | positions (default first) | meaning | basis |", "|---|---|---|---|"]
        for switch in self:
            positions = " ".join(f"`{position}`" for position in switch.positions)
            rows.append(f"| `{switch.name}` | {positions} | {switch.meaning} | {switch.basis} |")
        return "\n".join(rows) + "\n"


SWITCHES_PAGE = """<!doctype html><html lang="pt"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Interruptores · {{ title }}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #bbb;padding:.4rem;text-align:left}</style>
<h1>{{ title }}: interruptores</h1>
<p>O que não é público fica aqui: cada interruptor põe a sandbox numa das posições possíveis.</p>
<table><tr><th>Interruptor</th><th>Significado</th><th>Base</th><th>Posição</th></tr>
{% for s in switches %}<tr><td><code>{{ s.name }}</code></td><td>{{ s.meaning }}</td><td>{{ s.basis }}</td>
<td><form method="post" action="/sandbox/switches"><select name="{{ s.name }}" aria-label="{{ s.name }}">
{% for p in s.positions %}<option{% if p == switches[s.name] %} selected{% endif %}>{{ p }}</option>
{% endfor %}
</select> <button>Mudar</button></form></td></tr>{% endfor %}</table></html>"""


def core_blueprint(title: str, switches: Switches) -> Blueprint:
    """The routes of every stand-in: `/sandbox/health`, `/sandbox/switches` (JSON, or a browser's page)."""
    pages = Blueprint("core", __name__)

    @pages.get("/sandbox/health")
    def health() -> Response:
        return jsonify({"ok": True, "name": title})

    @pages.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    @pages.get("/sandbox/switches")
    def show() -> Response | str:
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            return render_template_string(SWITCHES_PAGE, title=title, switches=switches)
        return jsonify(switches.as_json())

    @pages.post("/sandbox/switches")
    def change() -> Response | tuple[Response, int]:
        wanted = request.get_json() if request.is_json else request.form.to_dict()
        try:
            for name, position in wanted.items():
                switches.set(name, position)
        except ValueError as wrong:
            return jsonify({"error": str(wrong)}), 422
        if request.is_json:
            return jsonify(switches.as_json())
        return redirect("/sandbox/switches", 303)  # type: ignore[return-value]

    @pages.delete("/sandbox/switches")
    def back() -> Response:
        switches.reset()
        return jsonify(switches.as_json())

    return pages
