"""Log lines in one format, and the named security events.

A line has the time in UTC, the level, the logger, what it is about (request, client's address, store) and the message;
it is one line of printable ASCII, whatever a value contains. No line holds personal data or a secret.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

TEXT, JSON = "text", "json"
EVENTS: Mapping[str, tuple[int, str]] = {
    "session-started": (logging.INFO, "A browser logged in (`how`: authorised, key, link, token, code, accountant)"),
    "session-refused": (logging.WARNING, "A log-in was refused: link, token or code unknown, used or expired (`how`)"),
    "session-ended": (logging.INFO, "Sessions ended (`how`: log-out, others, authorised, operator; `count`)"),
    "link-mailed": (logging.INFO, "A link to sign in went to the shop's own address"),
    "link-unmailed": (logging.WARNING, "A link to sign in was asked for, not sent (`reason`: unknown, many, refused)"),
    "install-refused": (logging.WARNING, "An authorisation did not match, or a shop's key was refused (`reason`)"),
    "store-installed": (logging.INFO, "A store was authorised, for the first time or again (`installation`)"),
    "store-uninstalled": (logging.WARNING, "A store counts as uninstalled; its tokens are deleted"),
    "access-lost": (logging.WARNING, "The platform refuses a store's tokens; its merchant must authorise again"),
    "form-refused": (logging.WARNING, "A form did not come from our own page (`reason`: origin, csrf-token)"),
    "row-refused": (logging.WARNING, "A page was asked for a number that its store does not have (`page`)"),
    "signature-refused": (logging.WARNING, "A webhook of a known store had a wrong signature or another store's code"),
    "address-refused": (logging.WARNING, "A webhook came for an address that no store has"),
    "link-refused": (logging.WARNING, "A buyer's or an accountant's link is unknown or revoked"),
    "accountant-link": (logging.INFO, "A link for the accountant was made or closed (`how`: created, revoked)"),
    "rate-limited": (logging.WARNING, "A client asked more often than a limit allows (`page`)"),
    "keys-changed": (logging.INFO, "The provider accepted new keys, which are stored (`provider`)"),
    "keys-refused": (logging.WARNING, "The provider refused keys that were typed (`provider`)"),
    "provider-disconnected": (logging.INFO, "The merchant disconnected the provider (`provider`)"),
    "credentials-wiped": (logging.WARNING, "Credentials of a store that left were deleted (`account`)"),
    "settings-changed": (logging.INFO, "The merchant saved the fiscal settings"),
    "decision-made": (logging.INFO, "The merchant answered a question for later documents (`kind`)"),
    "decision-revoked": (logging.INFO, "The merchant took a decision back (`decision`)"),
    "document-issued": (logging.INFO, "A document is issued at the provider (`document`, `by`)"),
    "foreign-job": (logging.WARNING, "A job in Redis that is not ours was refused; nothing was run (`job`)"),
}  # fmt: skip
"""The security events by name: level, and when each is logged. docs/operating.md has the same table."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default={})  # noqa: B039  (never changed in place)


def begin(**facts: Any) -> None:
    """Put these facts, and none of the earlier ones, on every later line of this context."""
    _about.set(facts)


def bind(**facts: Any) -> None:
    """Add these facts to every later line of this context."""
    _about.set({**_about.get(), **facts})


def new_request_id() -> str:
    """Return 64 random bits in hex, which name a request in our answer and in the log."""
    return secrets.token_hex(8)


def client_address(text: str | None) -> str:
    """Return an IP address in its usual form; `unknown` for anything else."""
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return "unknown"


def log_event(name: str, **facts: Any) -> None:
    """Log the security event. The facts are ids and short words of ours, never what somebody typed."""
    level, _ = EVENTS[name]
    logging.getLogger("shopapp.security").log(level, name, extra={"event": name, "facts": facts})


class LineFormatter(logging.Formatter):
    """Writes a record as `key=value` pairs or as JSON, on one line."""

    def __init__(self, kind: str = TEXT) -> None:
        super().__init__()
        self.kind = kind

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = getattr(record, "event", None)
        fields: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **_about.get(),
        }
        fields |= {"event": event, **record.facts} if event else {"msg": record.getMessage()}  # type: ignore[attr-defined]
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        if self.kind == JSON:
            return _printable(json.dumps(fields, default=str))
        return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else _printable(json.dumps(text))


def _printable(text: str) -> str:
    return text.replace("\x7f", "\\u007f")


def configure(level: str, kind: str) -> None:
    """Write every line of this process, of libraries too, in our format to stderr; security events at any level."""
    root = logging.getLogger()
    mine = next((one for one in root.handlers if isinstance(one.formatter, LineFormatter)), None)
    if mine is None:
        mine = logging.StreamHandler()
        root.addHandler(mine)
    mine.setFormatter(LineFormatter(kind))
    for handler in logging.getLogger("gunicorn.error").handlers:
        handler.setFormatter(LineFormatter(kind))
    logging.getLogger("shopapp").setLevel(level)
    logging.getLogger("shopapp.security").setLevel(logging.INFO)
