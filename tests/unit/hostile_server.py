"""A server on loopback that answers each connection with whatever bytes a test chooses, or with none.

It does not implement HTTP, so it can send what no proper server would.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

Script = Callable[[socket.socket], None]
TLS_GREETING = b"\x16"
"""The first byte of a TLS greeting, to which a server of plain HTTP answers as to any noise."""


class HostileServer:
    """Listens as soon as it is created; records each request and counts the connections."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script, self.tls = script, tls
        self._requests: list[bytes] = []
        self._accepted: list[threading.Event] = []
        self._probes: dict[int, threading.Event] = {}
        self.stopped = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/path"

    @property
    def requests(self) -> list[bytes]:
        """Return every request sent so far, also those that the caller did not wait for."""
        self._read_all()
        return self._requests

    @property
    def connections(self) -> int:
        """Return the number of connections made so far."""
        self._read_all()
        return len(self._accepted)

    def _read_all(self) -> None:
        """Wait until every connection made so far is accepted and its first request read."""
        if not self.stopped.is_set():
            # Connections are accepted in the order in which they were made.
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                accepted = self._probes[probe.getsockname()[1]] = threading.Event()
                probe.connect(("127.0.0.1", self.port))
                assert accepted.wait(60), "the server accepts no connection"
        for read in list(self._accepted):
            assert read.wait(60), "a connection is open, and sends nothing"

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, caller = self.listening.accept()
            except OSError:
                return
            if probed := self._probes.pop(caller[1], None):
                connection.close()
                probed.set()
                continue
            self._accepted.append(threading.Event())
            arguments = (connection, self._accepted[-1])
            threading.Thread(target=self._run_script, args=arguments, daemon=True).start()

    def _run_script(self, connection: socket.socket, read: threading.Event) -> None:
        with contextlib.suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while head := _request(connection):
                    self._requests.append(head)
                    read.set()
                    self.script(connection)
                    if self.stopped.is_set():
                        return
        read.set()

    def stop(self) -> None:
        """Stop listening, once everything sent is read, and end every script after its current request."""
        self._read_all()
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


def _request(connection: socket.socket) -> bytes:
    """Return one request with its body; empty when the caller closed the connection."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more:
            return b""
        got += more
        if got[:1] == TLS_GREETING:
            return got
    head, _, body = got.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def send_and_close(*parts: bytes) -> Script:
    """Return a script that sends the parts and closes the connection."""

    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def send_and_keep_open(*parts: bytes) -> Script:
    """Return a script that sends the parts and keeps the connection open for another request."""

    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return script


def send_forever(first: bytes, again: bytes, pause: float = 0.0) -> Script:
    """Return a script that sends `first`, then `again` without end, with a pause before each."""
    waiting = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            waiting.wait(pause)
            connection.sendall(again)

    return script


def reset_connection(connection: socket.socket) -> None:
    """End the connection with a reset instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def never_answer(connection: socket.socket) -> None:
    """Read until the caller closes the connection, and answer nothing."""
    while connection.recv(65536):
        pass


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a TLS context with a self-signed certificate for 127.0.0.1, and the file for clients that trust it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
