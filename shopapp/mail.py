"""Send e-mail by SMTP. The texts are in `shopapp/messages/emails.py`."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from shopapp.config import is_loopback
from shopapp.connections.settings import text_setting
from shopapp.errors import MerchantError, TransientError

_TIMEOUT_SECONDS = 20.0


class MailRefused(MerchantError):
    """The address is malformed, the mail server says that it does not exist, or mail is switched off."""


def header_text(text: str) -> str:
    """Return the text as a mail header can hold it: one line, printable, and no start of an encoded word.

    Python decodes encoded words in a header's value, and before 3.11.10 folded the line breaks that it found in them
    (CVE-2024-6923): a shop's name could have written the rest of the mail.
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split()).replace("=?", "= ?")


def file_name(text: str) -> str:
    """Return the text as the name of an attachment: ASCII letters, digits, dots, hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:100] or "documento"


def send(to: str, subject: str, text: str, attachment: tuple[str, bytes] | None = None) -> None:
    """Send an e-mail, with a PDF of (name, content) attached; return once the server has accepted it.

    Raises MailRefused when the address is refused or SMTP_URL is empty, TransientError `mail-unsent` when it may be
    tried again.
    """
    message = EmailMessage()
    try:
        if "=?" in to or not to.isprintable():
            raise ValueError("no address has that")
        message["To"], message["From"] = Address(addr_spec=to), text_setting("MAIL_FROM")
        message["Subject"] = header_text(subject)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRefused("mail-address", to=to[:200]) from error
    message.set_content(text)
    if attachment is not None:
        name, content = attachment
        message.add_attachment(content, maintype="application", subtype="pdf", filename=file_name(name))
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
    """Connect with a verified certificate; a server without TLS only on loopback or where the operator allows it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port
    tls = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=_TIMEOUT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, port or 587, timeout=_TIMEOUT_SECONDS)
    try:
        server.ehlo()
        plain_allowed = is_loopback(host) or text_setting("PRIVATE_NETWORK")
        if parts.scheme != "smtps" and (server.has_extn("starttls") or not plain_allowed):
            server.starttls(context=tls)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server
