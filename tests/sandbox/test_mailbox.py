"""The mailbox stand-in: e-mails sent by SMTP are kept and shown, and refused where they should be."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.mailbox import Mailbox, create_app, smtp_controller


class Box:
    def __init__(self, folder: Path) -> None:
        self.letters = Mailbox(folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.door = smtp_controller(self.letters, self.port)
        self.door.start()
        self.browser: FlaskClient = create_app(self.letters).test_client()

    def send(self, *to: str, attachment: bytes = b"") -> dict[str, Any]:
        """Send the e-mail and return the recipients that were refused."""
        message = EmailMessage()
        message["From"], message["To"] = "faturas@quickinvoice.example", ", ".join(to)
        message["Subject"] = "A sua fatura está pronta"
        message.set_content("Olá, Ana: são 12,30 €.")
        if attachment:
            message.add_attachment(attachment, maintype="application", subtype="pdf", filename="FT-1.pdf")
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as door:
            return door.send_message(message)

    def messages(self) -> Any:
        return self.browser.get("/sandbox/messages").json


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.door.stop()
    box.letters.storage.close()


def test_a_message_is_shown_with_its_attachment(box: Box) -> None:
    assert box.send("ana@example.pt", attachment=b"%PDF-1.4 x") == {}
    letter = box.messages()[0]
    assert (letter["to"], letter["subject"]) == (["ana@example.pt"], "A sua fatura está pronta")
    assert "12,30 €" in letter["text"]
    assert letter["attachments"] == [{"name": "FT-1.pdf", "type": "application/pdf", "size": 10}]
    assert "A sua fatura está pronta" in box.browser.get("/").text
    assert "FT-1.pdf" in box.browser.get("/messages/1").text
    paper = box.browser.get("/messages/1/attachments/0")
    assert (paper.data, paper.content_type) == (b"%PDF-1.4 x", "application/pdf")
    assert box.browser.get("/messages/1/attachments/1").status_code == 404
    assert box.browser.get("/messages/2").status_code == 404


def test_the_recipient_nobody_is_refused_and_the_others_are_not(box: Box) -> None:
    refused = box.send("nobody@example.pt", "ana@example.pt")
    assert list(refused) == ["nobody@example.pt"]
    assert box.messages()[0]["to"] == ["ana@example.pt"]
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        box.send("nobody@example.pt")


def test_the_recipient_nobody_can_be_accepted(box: Box) -> None:
    box.browser.post("/sandbox/switches", json={"unknown-recipients": "taken"})
    assert box.send("nobody@example.pt") == {}


@pytest.mark.parametrize(("position", "code"), [("busy", 451), ("refused", 554)])
def test_a_message_can_be_postponed_or_refused(box: Box, position: str, code: int) -> None:
    box.browser.post("/sandbox/switches", json={"mail": position})
    with pytest.raises(smtplib.SMTPDataError) as told:
        box.send("ana@example.pt")
    assert told.value.smtp_code == code
    assert box.messages() == []
    box.browser.post("/sandbox/switches", json={"mail": "taken"})
    assert box.send("ana@example.pt") == {}


def test_messages_can_be_waited_for_and_deleted(box: Box) -> None:
    box.send("ana@example.pt")
    assert len(box.browser.get("/sandbox/messages?count=1&limit=5").json or []) == 1
    assert box.browser.post("/sandbox/reset").json == []
    assert box.messages() == []


def test_a_restart_finds_the_messages(box: Box, tmp_path: Path) -> None:
    box.send("ana@example.pt")
    again = Mailbox(tmp_path)
    assert [letter["id"] for letter in again.messages] == [1]
    again.storage.close()
