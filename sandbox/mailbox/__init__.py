"""A mailbox: it accepts every e-mail by SMTP and shows it on a page, including attachments.

It forwards nothing.
"""

from __future__ import annotations

import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, abort, jsonify, render_template, request

from sandbox.core.blueprint import core_blueprint
from sandbox.core.storage import Json, JsonStorage
from sandbox.core.switches import Switch, Switches

SWITCHES = (
    Switch("mail", "what happens to a message", ("taken", "busy", "refused"), "ours"),
    Switch("unknown-recipients", "`nobody@…` at RCPT", ("refused", "taken"), "ours"),
)


class Mailbox:
    """The messages received, oldest first."""

    def __init__(self, folder: Path | None) -> None:
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self._arrived = threading.Condition()
        kept = {int(key): value for key, value in self.storage.all("letter").items()}
        self.messages: list[Json] = [kept[number] for number in sorted(kept)]

    def add(self, sender: str, recipients: list[str], raw: bytes) -> None:
        message = message_from_bytes(raw, policy=policy.default)
        with self._arrived:
            letter = {
                "id": self.messages[-1]["id"] + 1 if self.messages else 1,
                "from": sender,
                "to": recipients,
                "subject": str(message["subject"] or ""),
                "headers": {name: str(value) for name, value in message.items()},
                **_content(message),
                "raw": raw.decode("latin-1"),
            }
            self.messages.append(letter)
            self.storage.put("letter", letter["id"], letter)
            self._arrived.notify_all()

    def wait_for(self, count: int, limit: float) -> None:
        """Wait until this number of messages has arrived, or for `limit` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.messages) >= count, limit)

    def clear(self) -> None:
        with self._arrived:
            self.messages = []
            self.storage.drop("letter")


def _content(message: EmailMessage) -> Json:
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    return {
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
        "attachments": [
            {
                "name": part.get_filename() or "sem-nome",
                "type": part.get_content_type(),
                "size": len(part.get_payload(decode=True) or b""),
            }
            for part in message.iter_attachments()
        ],
    }


class SmtpHandler:
    """The answers to aiosmtpd at each step of a message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        is_nobody = address.lower().startswith("nobody@")
        if is_nobody and self.mailbox.switches["unknown-recipients"] == "refused":
            return "550 5.1.1 Destinatário desconhecido"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        at = self.mailbox.switches["mail"]
        if at != "taken":
            return "451 4.3.0 Tente mais tarde" if at == "busy" else "554 5.7.1 Mensagem recusada"
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        self.mailbox.add(str(envelope.mail_from), list(envelope.rcpt_tos), raw)
        return "250 OK"


def smtp_controller(mailbox: Mailbox, port: int) -> Controller:
    """Return the SMTP server, not yet started."""
    return Controller(SmtpHandler(mailbox), hostname="127.0.0.1", port=port)


def create_app(mailbox: Mailbox) -> Flask:
    """Return the app with the page and the JSON of the messages."""
    app = Flask("sandbox-mailbox", root_path=str(Path(__file__).parent))
    app.register_blueprint(core_blueprint("Correio", mailbox.switches))

    @app.get("/")
    def index() -> str:
        return render_template("index.html", letters=list(reversed(mailbox.messages)))

    @app.get("/messages/<int:number>")
    def one(number: int) -> str:
        return render_template("letter.html", letter=_message_or_404(mailbox, number))

    @app.get("/messages/<int:number>/attachments/<int:at>")
    def attachment(number: int, at: int) -> Response:
        raw = _message_or_404(mailbox, number)["raw"].encode("latin-1")
        parts = list(message_from_bytes(raw, policy=policy.default).iter_attachments())
        if at >= len(parts):
            abort(404)
        content = parts[at].get_payload(decode=True)
        return Response(content, content_type=parts[at].get_content_type())

    @app.get("/sandbox/messages")
    def messages() -> Response:
        """Return the messages, oldest first; `count=N` (with `limit` seconds) waits for that number."""
        if request.args.get("count"):
            mailbox.wait_for(int(request.args["count"]), float(request.args.get("limit", "10")))
        return jsonify([{key: one[key] for key in one if key != "raw"} for one in mailbox.messages])

    @app.post("/sandbox/reset")
    def reset() -> Response:
        mailbox.clear()
        mailbox.switches.reset()
        return jsonify([])

    return app


def _message_or_404(mailbox: Mailbox, number: int) -> Json:
    found = next((letter for letter in mailbox.messages if letter["id"] == number), None)
    return found or abort(404)
