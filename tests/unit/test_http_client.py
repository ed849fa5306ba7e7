"""Every failure of a hostile server is classified, and nothing is sent to an address that is not allowed."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopapp import http_client
from shopapp.errors import AppError, CredentialsError, ThrottledError, UncertainError, UnreachableError
from shopapp.http_client import MAX_BYTES, HttpClient, HttpResponse, is_public_address
from tests.unit.hostile_server import (
    HostileServer,
    Script,
    certificate,
    never_answer,
    reset_connection,
    send_and_close,
    send_and_keep_open,
    send_forever,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BOMB = gzip.compress(b"\0" * (2 * MAX_BYTES))
SECRET = "planted-secret-7c41"

Serve = Callable[..., HostileServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a hostile server with a script."""
    started: list[HostileServer] = []

    def start(script: Script, **more: Any) -> HostileServer:
        started.append(HostileServer(script, **more))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def patient() -> HttpClient:
    """Return a client that may call loopback and waits for a slow machine."""
    return HttpClient(call_seconds=60, allow_plain=True)


def impatient() -> HttpClient:
    """Return a client that may call loopback, whose calls end at their deadline: nothing else ends them."""
    return HttpClient(call_seconds=1, allow_plain=True)


def head(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


# A server that has read the request may have acted on it.

ENDLESS: dict[str, Script] = {
    "says nothing": never_answer,
    "drips a byte now and then": send_forever(head("200 OK", "Content-Length: 5000"), b"x", 0.02),
    "drips its headers": send_forever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
    "says continue for ever": send_forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
}
"""Only the deadline ends these."""
LOST: dict[str, Script] = {
    "hangs up": send_and_close(),
    "resets the connection": reset_connection,
    "is cut within the promised length": send_and_close(head("200 OK", "Content-Length: 100"), b"half"),
    "is cut within a chunk": send_and_close(head("200 OK", "Transfer-Encoding: chunked"), b"ff\r\nhalf"),
    "is cut between chunks": send_and_close(head("200 OK", "Transfer-Encoding: chunked"), b"2\r\nok\r\n"),
    "sends a chunk of no size": send_and_close(
        head("200 OK", "Transfer-Encoding: chunked"), b"zz\r\nok\r\n0\r\n\r\n"
    ),
    "sends a gzip bomb": send_and_close(
        head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}"), BOMB
    ),
    "never stops sending": send_forever(head("200 OK"), b"x" * 65536),
    "sends broken gzip": send_and_close(
        head("200 OK", "Content-Encoding: gzip", "Content-Length: 4"), b"oops"
    ),
    "sends half a gzip": send_and_close(
        head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}"), BOMB[:20]
    ),
    "speaks another language": send_and_close(b"220 mail.example ESMTP\r\n"),
    "has letters for a status": send_and_close(b"HTTP/1.1 abc OK\r\n\r\n"),
    "has a status of four digits": send_and_close(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "sends noise": send_and_close(bytes(range(256)) * 4),
    "has a line without end": send_forever(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "has a thousand headers": send_and_close(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "redirects": send_and_close(head("302 Found", "Location: http://127.0.0.1:9/", "Content-Length: 0")),
    "redirects and keeps the method": send_and_close(head("307 Go", "Location: /path", "Content-Length: 0")),
    "was not modified": send_and_close(head("304 Not Modified")),
    "gave up waiting": send_and_close(head("408 Request Timeout", "Content-Length: 0")),
    "broke": send_and_close(head("500 Internal Server Error", "Content-Length: 0")),
    "has a broken server behind it": send_and_close(head("502 Bad Gateway", "Content-Length: 0")),
    "is closed": send_and_close(head("503 Service Unavailable", "Content-Length: 0")),
    "has a status nobody knows": send_and_close(head("799 Hm", "Content-Length: 0")),
}


@pytest.mark.parametrize("script", LOST.values(), ids=LOST)
def test_a_write_to_a_server_that_misbehaves_is_in_doubt(serve: Serve, script: Script) -> None:
    server = serve(script)
    with pytest.raises(UncertainError) as raised:
        patient().write("POST", server.url, data=b"<order/>")
    assert raised.value.code == "outcome-unknown" and raised.value.detail["how"] != "timeout"
    assert len(server.requests) == 1, "sent once, neither repeated nor redirected"


@pytest.mark.parametrize("script", LOST.values(), ids=LOST)
def test_a_read_from_a_server_that_misbehaves_may_be_repeated(serve: Serve, script: Script) -> None:
    server = serve(script)
    with pytest.raises(UnreachableError):
        patient().read("GET", server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_write_that_never_ends_is_in_doubt_at_its_deadline(serve: Serve, script: Script) -> None:
    server = serve(script)
    with pytest.raises(UncertainError) as raised:
        impatient().write("POST", server.url)
    assert (raised.value.code, raised.value.detail["how"]) == ("outcome-unknown", "timeout")
    assert len(server.requests) == 1


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_read_that_never_ends_may_be_repeated_after_its_deadline(serve: Serve, script: Script) -> None:
    server = serve(script)
    with pytest.raises(UnreachableError) as raised:
        impatient().read("GET", server.url)
    assert raised.value.detail["how"] == "timeout"
    assert len(server.requests) == 1


def test_an_answer_after_the_deadline_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = patient()

    def late(*given: Any) -> HttpResponse:
        http_client._call_state.deadline.expire()
        return HttpResponse(200, {}, b"whole")

    monkeypatch.setattr(wire, "_request", late)
    with pytest.raises(UnreachableError) as raised:
        wire.read("GET", "http://127.0.0.1:9/")
    assert raised.value.detail["how"] == "timeout"


# Definite answers


@pytest.mark.parametrize("status", [200, 201, 204, 299, 400, 404, 409, 422])
def test_a_definite_status_comes_back_with_its_body(serve: Serve, status: int) -> None:
    body = b"" if status == 204 else b"{}"
    server = serve(send_and_close(head(f"{status} Yes", f"Content-Length: {len(body)}", "X-Two: b"), body))
    for call in (patient().read, patient().write):
        answer = call("POST", server.url)
        assert (answer.status, answer.body, answer.headers["x-two"]) == (status, body, "b")


def test_a_body_without_length_is_read_to_its_end(serve: Serve) -> None:
    assert (
        patient().read("GET", serve(send_and_close(b"HTTP/1.0 200 OK\r\n\r\nall of it")).url).body
        == b"all of it"
    )


def test_a_compressed_body_comes_back_plain(serve: Serve) -> None:
    body = gzip.compress(b"plain")
    script = send_and_close(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}"), body)
    assert patient().read("GET", serve(script).url).body == b"plain"


@pytest.mark.parametrize("status", [401, 403])
def test_401_and_403_are_refused_credentials(serve: Serve, status: int) -> None:
    server = serve(send_and_close(head(f"{status} No", "Content-Length: 0")))
    for call in (patient().read, patient().write):
        with pytest.raises(CredentialsError) as raised:
            call("POST", server.url)
        assert raised.value.detail == {"status": status}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("Retry-After: 7", 7.0),
        ("X: y", None),
        ("Retry-After: soon", None),
        ("Retry-After: -5", None),
        ("Retry-After: inf", None),
        ("Retry-After: Fri, 20 Nov 2026 10:00:00 GMT", None),
        ("Retry-After: 99999999999999999999", 86400.0),
    ],
)
def test_too_many_requests_says_when_to_come_back(serve: Serve, written: str, seconds: float | None) -> None:
    server = serve(send_and_close(head("429 Slow down", written, "Content-Length: 0")))
    for call in (patient().read, patient().write):
        with pytest.raises(ThrottledError) as raised:
            call("POST", server.url)
        assert raised.value.retry_after == seconds


def test_a_larger_answer_may_be_asked_for(serve: Serve) -> None:
    body = b"x" * (MAX_BYTES + 1)
    server = serve(send_and_close(head("200 OK", f"Content-Length: {len(body)}"), body))
    with pytest.raises(UnreachableError):
        patient().read("GET", server.url)
    assert len(patient().read("GET", server.url, max_bytes=len(body)).body) == len(body)


@settings(max_examples=60)
@given(
    noise=st.one_of(
        st.binary(max_size=300), st.binary(max_size=300).map(lambda b: b"HTTP/1.1 200 OK\r\n" + b)
    )
)
def test_no_answer_makes_the_client_raise_an_unclassified_error(noise: bytes) -> None:
    server = HostileServer(send_and_close(noise))
    try:
        assert isinstance(patient().write("POST", server.url), HttpResponse)
    except AppError as error:
        assert not isinstance(error, UnreachableError), "it did arrive"
    finally:
        server.stop()


# Calls that were not sent


def test_a_write_to_a_closed_port_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(UnreachableError):
        patient().write("POST", f"http://127.0.0.1:{port}/")


def test_a_write_to_an_unknown_host_name_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **more: Any) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreachableError):
        patient().write("POST", "http://nobody.example/")


def test_a_write_to_a_name_without_an_address_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: [])
    with pytest.raises(UnreachableError):
        patient().write("POST", "http://nobody.example/")


def test_a_write_that_is_never_accepted_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, contextlib.ExitStack() as waiting:
        for _ in range(16):
            # Fill the queue of a server that never accepts: further callers get no answer.
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        with pytest.raises(UnreachableError) as raised:
            impatient().write("POST", f"http://127.0.0.1:{full.getsockname()[1]}/")
    assert raised.value.detail["how"] == "timeout"


def test_an_untrusted_certificate_means_not_sent(serve: Serve, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    server = serve(send_and_close(OK), tls=context)
    with pytest.raises(UnreachableError):
        patient().write("POST", server.url, data=SECRET.encode())
    assert server.requests == []


def test_a_certificate_for_another_name_means_not_sent(serve: Serve, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    server = serve(send_and_close(OK), tls=context)
    wire = patient()
    wire.session.verify = str(trusted)
    with pytest.raises(UnreachableError):
        wire.write("POST", server.url.replace("127.0.0.1", "localhost"))
    assert server.requests == []


def test_a_handshake_that_never_ends_means_not_sent(serve: Serve) -> None:
    server = serve(never_answer)
    with pytest.raises(UnreachableError) as raised:
        impatient().write("POST", server.url.replace("http:", "https:"))
    assert raised.value.detail["how"] == "timeout"


def test_plain_http_where_tls_was_meant_means_not_sent(serve: Serve) -> None:
    server = serve(send_and_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(UnreachableError):
        patient().write("POST", server.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("client", "script"),
    [
        (impatient, never_answer),
        (impatient, ENDLESS["drips a byte now and then"]),
        (patient, send_and_close()),
        (patient, reset_connection),
    ],
)
def test_once_inside_tls_a_lost_answer_is_in_doubt(
    serve: Serve, tmp_path: Path, client: Callable[[], HttpClient], script: Script
) -> None:
    context, trusted = certificate(tmp_path)
    server = serve(script, tls=context)
    wire = client()
    wire.session.verify = str(trusted)
    with pytest.raises(UncertainError):
        wire.write("POST", server.url)


def test_a_good_answer_inside_tls_comes_back(serve: Serve, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    wire = patient()
    wire.session.verify = str(trusted)
    assert wire.write("POST", serve(send_and_keep_open(OK), tls=context).url).body == b"ok"


def test_before_call_may_refuse_before_anything_is_sent(serve: Serve) -> None:
    class Forbidden(Exception):
        pass

    def forbid() -> None:
        raise Forbidden

    server = serve(send_and_close(OK))
    with pytest.raises(Forbidden):
        HttpClient(allow_plain=True, before_call=forbid).write("POST", server.url)
    assert server.connections == 0


# Nothing carries over from one call to the next


def test_no_connection_is_used_twice(serve: Serve) -> None:
    server = serve(send_and_keep_open(OK))
    wire = patient()
    for _ in range(3):
        wire.read("GET", server.url)
    assert server.connections == 3


def test_a_write_after_a_good_read_is_still_in_doubt_when_it_is_lost(serve: Serve) -> None:
    server = serve(send_and_keep_open(OK))
    wire = patient()
    wire.read("GET", server.url)
    server.script, wire.call_seconds = never_answer, 1
    with pytest.raises(UncertainError):
        wire.write("POST", server.url)


def test_no_cookie_of_one_call_goes_out_with_the_next(serve: Serve) -> None:
    server = serve(send_and_close(head("200 OK", "Set-Cookie: who=store-a; Path=/", "Content-Length: 0")))
    wire = patient()
    wire.read("GET", server.url)
    wire.read("GET", server.url)
    assert b"cookie" not in server.requests[1].lower()


def test_no_proxy_of_the_environment_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(send_and_close(OK)), serve(send_and_close(OK))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    patient().read("GET", server.url)
    assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    ("client", "script"),
    [
        (patient, send_and_close(OK)),
        (patient, send_and_close()),
        (impatient, never_answer),
        (patient, send_and_close(head("401 No"))),
    ],
)
def test_no_log_line_and_no_error_holds_what_was_sent(
    serve: Serve, client: Callable[[], HttpClient], script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"{serve(script).url}?key={SECRET}"
    try:
        client().write("POST", url, data=SECRET.encode(), headers={"Authorization": f"Bearer {SECRET}"})
    except AppError as error:
        assert SECRET not in f"{error} {error.detail}"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("shopapp")]
    assert len(ours) == 1
    assert "POST 127.0.0.1 - " in ours[0]
    assert SECRET not in ours[0]


def test_a_secret_in_the_path_of_a_link_is_not_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "shopapp")
    server = serve(send_and_close(head("200 OK", "Content-Length: 0")))
    patient().read("GET", f"{server.url.partition('/path')[0]}/{SECRET}/{SECRET}\u2028x")
    patient().read("GET", server.url, log_as="list")
    lines = [record.getMessage() for record in caplog.records if record.name == "shopapp.http_client"]
    assert [line.split()[:4] for line in lines] == [
        ["GET", "127.0.0.1", "-", "200"],
        ["GET", "127.0.0.1", "list", "200"],
    ]


def test_a_resolver_that_hangs_ends_the_call_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, ended = threading.Event(), []

    def hanging(*args: Any, **more: Any) -> list[Any]:
        answers.wait(20)
        ended.append(args)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        with pytest.raises(UnreachableError):
            HttpClient(0.05).write("POST", "https://slow.example/")
        assert not ended, "the call waited for the resolver"
    finally:
        answers.set()


# Addresses


def _words(text: str) -> list[str]:
    return text.split()


INSIDE = _words("""
127.0.0.1 127.255.255.254 0.0.0.0 0.0.0.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1
169.254.169.254
100.64.0.1 100.127.255.255 192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1
203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ::1 :: ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:10.0.0.1
::127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:808:808::1
2001:0:53aa:64c:0:0:80ff:fffe 2001:db8::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
100::1 100:0:0:1::1 3fff::1 3fff:fff:ffff::1 5f00::1 2620:4f:8000::1 2001:2::1 2001:10::1 2001:20::1 2001:30::1
2001:1::1 192.31.196.1 192.52.193.1 192.175.48.1 198.51.100.255 240.0.0.0 0.255.255.255 192.0.0.255 192.168.255.255
""")
OUTSIDE = _words("""
8.8.8.8 1.1.1.1 193.136.2.20 9.255.255.255 11.0.0.0 172.32.0.0 223.255.255.255 198.20.0.0
100.63.255.255 100.128.0.1 2606:4700:4700::1111 2001:4860:4860::8888
""")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_outside_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_on_the_public_internet_is_public(address: str) -> None:
    assert is_public_address(address)


class Recorder:
    """Records the addresses that are connected to, and refuses every connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        monkeypatch.setattr(socket, "create_connection", self.connect)

    def connect(self, address: tuple[str, int], *more: Any) -> socket.socket:
        self.asked.append(address[0])
        raise ConnectionRefusedError


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(monkeypatch)


def resolving(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Answer each look-up with the next addresses; return the list of the names that are looked up."""
    left, asked = list(rounds), []

    def look_up(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


SPELLINGS = _words("""
localhost LOCALHOST localhost. 127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0
0.0.0.0 ①②⑦.0.0.1 １２７.0.0.1 127。0。0。1 [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:0:0:1]
[64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fec0::1] 169.254.169.254 0xa9fea9fe 2852039166 10.0.0.1 192.168.1.1
100.64.0.1 224.0.0.1 user@127.0.0.1 phcgo.net@127.0.0.1 user:pw@[::1]
""")


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_private_address_is_connected_to(host: str, recorder: Recorder) -> None:
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", f"https://{host}/")
    assert recorder.asked == []


@pytest.mark.parametrize("scheme", ["http", "gopher", "file", "ftp", "javascript", "HTTP", "", "httpss"])
def test_no_other_scheme_than_https_is_called(scheme: str, recorder: Recorder) -> None:
    with pytest.raises(UnreachableError) as raised:
        HttpClient().write("POST", f"{scheme}://example.com/")
    assert raised.value.code == "address-refused"
    assert recorder.asked == []


@pytest.mark.parametrize(
    "url", ["https://", "https:///path", "https://[::1", "https://exa mple.com/", "https://a\\@b/"]
)
def test_a_malformed_address_is_not_called(
    url: str, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, ["127.0.0.1"])
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", url)
    assert recorder.asked == []


@pytest.mark.parametrize("mixed", [["8.8.8.8", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]])
def test_one_private_address_among_the_answers_refuses_them_all(
    mixed: list[str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, mixed)
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", "https://shop.example/")
    assert recorder.asked == []


def test_a_name_is_looked_up_once_and_that_very_address_connected_to(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", "https://rebinding.example/")
    assert (names, recorder.asked) == (["rebinding.example"], ["8.8.8.8"])
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", "https://rebinding.example/")
    assert recorder.asked == ["8.8.8.8"], "the second answer was loopback"


def test_every_admitted_address_is_tried_once(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "8.8.8.8", "1.1.1.1"])
    with pytest.raises(UnreachableError):
        HttpClient().write("POST", "https://two.example/")
    assert recorder.asked == ["8.8.8.8", "1.1.1.1"]


def test_a_developer_may_admit_loopback_and_nothing_else(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, ["127.0.0.1"], ["192.168.0.1"])
    for _ in range(2):
        with pytest.raises(UnreachableError):
            patient().write("POST", "http://name.example/")
    assert recorder.asked == ["127.0.0.1"]
