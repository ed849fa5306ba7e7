"""Send e-mail by SMTP. The texts are in `shopapp/messages/emails.py`."""

from __future__ import annotations

import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from shopapp.connections.settings import text_setting
from shopapp.errors import MerchantError, TransientError

_TIMEOUT_SECONDS = 20.0


class MailRefused(MerchantError):
    """The address is malformed, the mail server says that it does not exist, or mail is switched off."""


def single_line(text: str) -> str:
    """Return the text on one line, as a mail header must be."""
    return " ".join(text.split())


def send(to: str, subject: str, text: str, attachment: tuple[str, bytes] | None = None) -> None:
    """Send an e-mail, with a PDF of (name, content) attached; return once the server has accepted it.

    Raises MailRefused when the address is refused or SMTP_URL is empty, TransientError `mail-unsent` when it may be
    tried again.
    """
    message = EmailMessage()
    try:
        Address(addr_spec=to)
        message["To"], message["From"] = to, text_setting("MAIL_FROM")
        message["Subject"] = single_line(subject)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRefused("mail-address", to=to[:200]) from error
    message.set_content(text)
    if attachment is not None:
        name, content = attachment
        message.add_attachment(content, maintype="application", subtype="pdf", filename=single_line(name))
    url = text_setting("SMTP_URL")
    if not url:
        raise MailRefused("mail-off")
    try:
        with _connect_server(url) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        raise MailRefused("mail-refused", to=to[:200]) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TransientError("mail-unsent") from error


def _connect_server(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=_TIMEOUT_SECONDS)
    else:
        server = smtplib.SMTP(host, port or 587, timeout=_TIMEOUT_SECONDS)
        if server.has_extn("starttls") or (parts.username and server.ehlo() and server.has_extn("starttls")):
            server.starttls(context=ssl.create_default_context())
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
