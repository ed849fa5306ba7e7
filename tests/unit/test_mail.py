"""E-mail as a real server receives it: nothing that a value contains adds a header or a body."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from shopapp import mail
from shopapp.errors import TransientError

ENCODED = (
    "Loja =?utf-8?q?x=0D=0AContent-Type:_text/html=0D=0AReply-To:_evil=40example.com=0D=0A"
    "=0D=0A=3Ch1=3EPay=3C/h1=3E?="
)
VALUES = (
    ENCODED,
    ENCODED.replace("=?utf-8", "=\x00?utf-8"),
    "Loja\r\nReply-To: evil@example.com\r\n\r\n<h1>Pay</h1>",
    "Loja\nBcc: evil@example.com",
    "Loja\x85Bcc: evil@example.com\u2028\u2029X: 1\x0b\x0c\x1c",
    "=?iso-8859-1?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "=?=?utf-8?q?x?=",
    "á" * 500,
)


class Letters:
    """An SMTP server's handler that keeps what it received, parsed."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.received.append((envelope.rcpt_tos, message))
        return "250 kept"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def letters(app: Flask) -> Iterator[Letters]:
    """Have the app send to a real server without TLS, on loopback."""
    handler = Letters()
    server = Controller(handler, hostname="127.0.0.1", port=free_port())
    server.start()
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{server.port}"
    with app.app_context():
        yield handler
    server.stop()


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_value_adds_neither_a_header_nor_a_body(letters: Letters, value: str) -> None:
    mail.send("ana@example.pt", value, "Olá, Ana.", (value, b"%PDF-1.4"))
    [(recipients, message)] = letters.received
    assert recipients == ["ana@example.pt"]
    assert sorted(name.lower() for name in message) == [
        "content-type",
        "from",
        "mime-version",
        "subject",
        "to",
    ]
    assert message.get_content_type() == "multipart/mixed"
    text, attachment = message.iter_parts()
    assert (text.get_content_type(), text.get_content().strip()) == ("text/plain", "Olá, Ana.")
    assert attachment.get_content_type() == "application/pdf"
    assert "Reply-To" not in attachment and "Bcc" not in attachment
    assert (attachment.get_filename() or "").isascii()


@pytest.mark.parametrize(
    "to",
    [
        "ana",
        "a@b.pt\r\nBcc: evil@example.com",
        "=?utf-8?q?a=40b.pt=0D=0ABcc:_x=40y.pt?=@b.pt",
        "a@b.pt, c@d.pt",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(letters: Letters, to: str) -> None:
    with pytest.raises(mail.MailRefused):
        mail.send(to, "Fatura", "Olá.")
    assert letters.received == []


def test_a_mail_server_off_loopback_must_offer_tls(
    letters: Letters, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "is_loopback", lambda host: False)
    with pytest.raises(TransientError):
        mail.send("ana@example.pt", "Fatura", "Olá.")
    app.config["PRIVATE_NETWORK"] = "one private network"
    mail.send("ana@example.pt", "Fatura", "Olá.")
    assert len(letters.received) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    handler, tls = Letters(), _self_signed(tmp_path)
    more: dict[str, Any] = {"ssl_context": tls} if scheme == "smtps" else {"tls_context": tls}
    if scheme == "smtps":
        monkeypatch.setattr(Controller, "_trigger_server", _trigger_unverified)
    server = Controller(handler, hostname="127.0.0.1", port=free_port(), **more)
    server.start()
    app.config["SMTP_URL"] = f"{scheme}://127.0.0.1:{server.port}"
    with app.app_context():
        with pytest.raises(TransientError):
            mail.send("ana@example.pt", "Fatura", "Olá.")
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
        mail.send("ana@example.pt", "Fatura", "Olá.")
    server.stop()
    assert len(handler.received) == 1


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def _trigger_unverified(controller: Controller) -> None:
    """Connect to the server once, as aiosmtpd does to see that it runs, but trust its certificate."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    address = (controller.hostname, controller.port)
    with socket.create_connection(address) as plain, trusting.wrap_socket(plain) as encrypted:
        encrypted.recv(1)
