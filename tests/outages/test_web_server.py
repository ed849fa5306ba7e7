"""The Procfile's web server with clients that send or read slowly, too much, or not at all; behind it a small app."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from dev.benchmarks.slow_clients import SlowClients
from dev.child_process import ChildProcess
from dev.local_stack import ROOT, procfile
from dev.merchant import wait_until
from dev.servers import free_port, port_in_use

Start = Callable[..., "Server"]


class Server:
    """One web process of the Procfile with the small app, and words of its command replaced."""

    def __init__(self, folder: Path, replaced: dict[str, str], limit: str | None) -> None:
        self.folder, self.port = folder, free_port()
        command = procfile()["web"]
        for old, new in {"wsgi:app": "tests.outages.small_app:app", **replaced}.items():
            assert old in command
            command = command.replace(old, new)
        env = {
            "PATH": str(ROOT / ".venv/bin") + ":/usr/bin:/bin",
            "FOLDER": str(folder),
            "WEB_PROCESSES": "1",
        }
        env |= {"BIND": f"127.0.0.1:{self.port}"} | ({"LIMIT": limit} if limit else {})
        self.child = ChildProcess("web", ["/bin/sh", "-c", f"exec {command}"], folder / "log", env, ROOT)

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Open a connection and send these bytes."""
        client = socket.create_connection(("127.0.0.1", self.port), 20)
        client.sendall(sent)
        return client

    def echo(self, body: bytes = b"hello") -> bytes:
        """Post a body over a new connection and return the answer's."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/", body)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def talk(self, *pieces: bytes) -> tuple[int, bytes]:
        """Send pieces over one connection, return status and body of the answer."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
            answer = HTTPResponse(client)
            answer.begin()
            return answer.status, answer.read()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with ExitStack() as running:

        def start_server(replaced: dict[str, str] | None = None, limit: str | None = None) -> Server:
            server = Server(tmp_path_factory.mktemp("web"), replaced or {}, limit)
            server.child.start()
            running.callback(server.child.stop)
            server.child.wait_until(lambda: port_in_use(server.port))
            return server

        yield start_server


@pytest.fixture(scope="module")
def web(start: Start) -> Server:
    return start()


@pytest.fixture(scope="module")
def hasty(start: Start) -> Server:
    """Return a server that waits a second for headers, half a second for all else, and has 20 connections."""
    return start({"--keep-alive 30": "--keep-alive 1", "connections 500": "connections 20"}, limit="0.5")


def test_thirty_half_open_connections_delay_nothing(web: Server) -> None:
    with SlowClients(web.port, "/hooks/jumpseller/x", number=30) as slow:
        for _ in range(20):
            assert web.echo() == b"hello"
        assert slow.reopened == 0


def test_answers_that_nobody_reads_occupy_no_thread(web: Server) -> None:
    with ExitStack() as open_connections:
        for _ in range(8):
            open_connections.enter_context(web.connect(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert web.echo() == b"hello"


def test_a_body_arrives_in_pieces(web: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
    assert web.talk(head[:20], head[20:], b"01234", b"56789") == (200, b"0123456789")
    large = b"x" * 1_000_000
    assert web.echo(large) == large


def test_a_chunked_body_arrives_in_pieces(web: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    # One piece ends as a whole body would, inside a chunk.
    assert web.talk(head, b"9;a=b\r\n", b"\r\n0\r\n\r\n", b"01\r\n", b"0\r\nA: b\r\n", b"\r\n") == (
        200,
        b"\r\n0\r\n\r\n01",
    )
    assert web.talk(head, b"x\r\n")[0] == 400


def test_a_body_that_is_too_long_is_left_to_the_app_unread(web: Server) -> None:
    length = b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n"
    assert web.talk(length) == (200, b"")
    chunked = b"POST /refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n600000\r\n"
    assert web.talk(chunked, b"x" * 6_000_000) == (200, b"")


def test_requests_of_one_connection_are_answered_in_order(web: Server) -> None:
    posts = [
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{number}".encode() for number in (10, 11)
    ]
    with web.connect(b"".join(posts)) as client:
        said = b""
        while not said.endswith(b"11"):
            said += client.recv(65_536)
        assert said.count(b"200 OK") == 2 and b"\r\n\r\n10HTTP/1.1" in said


def test_a_client_that_asks_first_may_send_its_body(web: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with web.connect(head) as client:
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        assert client.recv(1000).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA B: c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 200_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused(web: Server, sent: bytes, status: int) -> None:
    assert web.talk(sent)[0] == status


def test_a_client_that_does_not_go_on_is_disconnected(hasty: Server) -> None:
    half = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    for sent in (b"", b"POST / HTTP/1.1\r\nA: ", half + b"abc", half.replace(b"9", b"90000") + b"abc"):
        with hasty.connect(sent) as client:
            assert client.recv(1) == b""
    with (
        hasty.connect(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n") as client,
        pytest.raises(ConnectionResetError),
    ):
        wait_until(lambda: client.send(b"x") == 0, "the reset of a connection that takes no answer", 20)


def test_when_there_are_too_many_connections_the_longest_waiting_one_is_dropped(hasty: Server) -> None:
    with ExitStack() as open_connections:
        first, *_ = [open_connections.enter_context(hasty.connect()) for _ in range(25)]
        assert hasty.echo() == b"hello"
        assert first.recv(1) == b""


def test_a_server_that_is_to_end_answers_what_has_arrived(start: Start) -> None:
    server = start(limit="0.2")
    half = server.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    whole = server.connect(b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    with half, whole:
        wait_until((server.folder / "waiting").exists, "the request in a thread", 20)
        server.child.ask_to_stop()
        assert half.recv(1) == b""
        (server.folder / "released").touch()
        assert b"200 OK" in whole.recv(1000)
        server.child.wait(20)
    assert server.child.status == 0


def test_a_process_that_has_answered_its_number_of_requests_is_replaced(start: Start) -> None:
    server = start({"--max-requests 100000 --max-requests-jitter 50000": "--max-requests 3"})
    for _ in range(10):
        assert server.echo() == b"hello"
    assert server.child.log.read_text().count("Booting worker") > 2


def test_a_client_that_comes_while_no_process_lives_is_answered_by_the_next(start: Start) -> None:
    server = start()
    assert server.echo() == b"hello"
    (worker,) = set(server.child.members()) - {server.child.pid}
    os.kill(server.child.pid, SIGSTOP)
    os.kill(worker, SIGKILL)
    wait_until(lambda: worker not in server.child.members(), "the end of the process", 20)
    with server.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello") as client:
        os.kill(server.child.pid, SIGCONT)
        assert b"200 OK" in client.recv(1000)


@pytest.mark.parametrize(
    "header", [b"SCRIPT_NAME: /evil", b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off"]
)
def test_no_header_tells_the_server_where_the_app_is(web: Server, header: bytes) -> None:
    assert web.talk(b"GET / HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n")[0] == 200
