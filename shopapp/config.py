"""Read every setting from the environment, once and typed; refuse to start with the list of what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shopapp.encryption import parse_keys


class ConfigError(Exception):
    """Settings are missing or wrong; the text lists them all."""


def _parse_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http(s) address is needed")
    return text.rstrip("/")


def _parse_database_url(text: str) -> str:
    for old in ("postgres://", "postgresql://"):
        if text.startswith(old):
            return "postgresql+psycopg://" + text.removeprefix(old)
    if not text.startswith(("postgresql+psycopg://", "sqlite://")):
        raise ValueError("a PostgreSQL or SQLite address is needed")
    return text


def _parse_long_secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("at least 32 characters are needed")
    return text


def _parse_origins(text: str) -> tuple[str, ...]:
    return tuple(_parse_url(part) for part in text.split())


def _parse_hosts(text: str) -> tuple[str, ...]:
    """Return host names in lower case; one with a leading dot stands for all of its subdomains."""
    hosts = tuple(part.lower() for part in text.split())
    for host in hosts:
        # the last label needs a letter, so that no spelling of an IP address is taken for a name
        if not re.fullmatch(
            r"\.?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}", host
        ):
            raise ValueError("host names are needed, with a leading dot for all subdomains")
    return hosts


def _parse_loopback(text: str) -> str:
    if text and not re.fullmatch(r"(127\.0\.0\.1|localhost):[1-9][0-9]{0,4}", text):
        raise ValueError("127.0.0.1:port or localhost:port is needed")
    return text


def is_loopback(host: str) -> bool:
    """Return whether that host is this machine."""
    return host in ("", "localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _parse_smtp_url(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("smtp", "smtps") or not urlsplit(text).hostname):
        raise ValueError("smtp:// or smtps:// with a host is needed")
    return text


def _parse_redis_url(text: str) -> str:
    if urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("a redis://, rediss:// or unix:// address is needed")
    return text


def _parse_log_format(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError("text or json is needed")
    return text


def _parse_flag(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; it is required when it has no default."""

    name: str
    meaning: str
    default: str | None
    parse: Callable[[str], Any] = str
    secret: bool = False


SETTINGS = (
    Setting("APP_URL", "Public address of the app, https in production", None, _parse_url),
    Setting("SECRET_KEY", "Signs sessions; 32 characters or more", None, _parse_long_secret, secret=True),
    Setting("SEAL_KEYS", "Keys that encrypt values at rest: base64 of 32 bytes each, newest first, separated by "
            "commas", None, parse_keys, secret=True),
    Setting("DATABASE_URL", "PostgreSQL (production) or SQLite address", None, _parse_database_url, secret=True),
    Setting("REDIS_URL", "Redis or Valkey address; it notifies the workers and counts the limits of the pages", None,
            _parse_redis_url, secret=True),
    Setting("JUMPSELLER_CLIENT_ID", "From the app's registration at Jumpseller", None),
    Setting("JUMPSELLER_CLIENT_SECRET", "From the app's registration at Jumpseller", None, str, secret=True),
    Setting("JUMPSELLER_ACCOUNTS_URL", "Where merchants authorise", "https://accounts.jumpseller.com", _parse_url),
    Setting("JUMPSELLER_API_URL", "Jumpseller's REST API", "https://api.jumpseller.com/v1", _parse_url),
    Setting("JUMPSELLER_ADMIN_ORIGINS", "Origins that may frame the app, separated by spaces; * is the store's code",
            "https://*.jumpseller.com", _parse_origins),
    Setting("SHOPKIT_API_URL", "Shopkit's REST API", "https://api.shopk.it/v1", _parse_url),
    Setting("SHOPKIT_ADMIN_URL", "Shopkit's back office (unconfirmed); * is the store's code",
            "https://*.shopk.it/admin", _parse_url),
    Setting("SHOPKIT_WEBHOOK_SECRET", "The secret that signs the webhooks of a Shopkit store that has none of its own "
            "here; empty: such stores are polled (unconfirmed: where Shopkit shows it)", "", str, secret=True),
    Setting("IGEST_URL", "iGEST's web service (unconfirmed: the production address is not public)",
            "https://www.igest.pt/igest/webservice.php", _parse_url),
    Setting("IGEST_FILE_HOSTS", "Hosts, beside that of IGEST_URL, from which iGEST's PDFs are fetched, separated by "
            "spaces; with a leading dot: any subdomain", ".igest.pt", _parse_hosts),
    Setting("PHCGO_HOSTS", "Hosts that a PHC GO installation may have, separated by spaces; with a leading dot: any "
            "subdomain", ".phcgo.net .drivefx.net", _parse_hosts),
    Setting("PHCGO_LOOPBACK", "Development only: address of the sandbox's PHC GO (127.0.0.1:port), the only one "
            "allowed over plain http", "", _parse_loopback),
    Setting("VIES_URL", "The Commission's VIES service (REST)",
            "https://ec.europa.eu/taxation_customs/vies/rest-api", _parse_url),
    Setting("PLAIN_URL", "Development only: address of the sandbox's plain provider; empty: it is not offered",
            "", lambda text: _parse_url(text) if text else ""),
    Setting("SMTP_URL", "smtp://user:password@host:port or smtps://...; empty: no e-mail is sent", "",
            _parse_smtp_url, secret=True),
    Setting("PRIVATE_NETWORK", "Why Redis, PostgreSQL and the mail server may be reached without password or verified "
            "TLS, such as `one private network`; empty: only on loopback", ""),
    Setting("MAIL_FROM", "Sender of all e-mail", "faturas@quickinvoice.example"),
    Setting("SUPPORT_EMAIL", "Shown on error pages", "apoio@quickinvoice.example"),
    Setting("PROXIES", "How many proxies in front set X-Forwarded-*; 0: such headers are ignored", "0", int),
    Setting("ALLOW_PLAIN_HTTP", "Development only: allow plain http to loopback addresses", "", _parse_flag),
    Setting("WORKERS", "Workers that `flask worker` starts", "2", int),
    Setting("CLOCK_SECONDS", "How often `flask clock` does what is due by time", "10", float),
    Setting("RECONCILE_SECONDS", "How often a store's orders are polled", "600", float),
    Setting("STOCK_SECONDS", "How often a store's stock is read where it is synced", "300", float),
    Setting("STOCK_METERED_SECONDS", "The same at a provider that allows only so many calls a month, for each four "
            "calls that a reading takes", "21600", float),
    Setting("HOOK_WATCH_SECONDS", "How often a store's webhooks are checked", "3600", float),
    Setting("HOOK_SILENCE_SECONDS", "How long after a paid order that no webhook announced, with no webhook since, the "
            "store's webhooks are recreated; a twelfth of it after three such orders", "7200", float),
    Setting("CALL_SECONDS", "Deadline of one whole call to an external system", "45", float),
    Setting("SETTLE_SECONDS", "How long a lost call may still take effect after we hung up", "300", float),
    Setting("LOOKUP_SECONDS", "First look-up of a document in doubt, where the provider can be asked; then after 2, 4, "
            "10 times this", "30", float),
    Setting("RETRY_SECONDS", "First delay after a temporary failure; doubles up to 60 times this",
            "30", float),
    Setting("TAKE_SECONDS", "How long a row belongs to the worker that reads and drafts it, or looks it up", "60",
            float),
    Setting("LEASE_SECONDS", "How long a claimed document belongs to its worker", "120", float),
    Setting("LOG_LEVEL", "DEBUG, INFO, WARNING; security events are logged at any level", "INFO"),
    Setting("LOG_FORMAT", "How a log line is written: text (key=value) or json", "text", _parse_log_format),
    Setting("FAULT_POINT", "Tests only: failpoints to arm (shopapp/failpoints.py)", ""),
)  # fmt: skip


def load(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return every setting by its name. Raises ConfigError with the whole list of what is missing or wrong.

    An override wins over the environment; one that is not text is used as it is.
    """
    given: dict[str, Any] = {**os.environ, **(overrides or {})}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        raw = given.get(setting.name, setting.default)
        if raw is None or (raw == "" and setting.default is None):
            problems.append(f"{setting.name} is missing: {setting.meaning}")
            continue
        try:
            values[setting.name] = setting.parse(raw) if isinstance(raw, str) else raw
        except ValueError as error:
            # Python's own message would repeat the value, which may be a secret
            reason = "a number is needed" if setting.parse in (int, float) else error
            problems.append(f"{setting.name} is wrong: {reason}")
    if not problems:
        problems = _contradictions(values)
    if problems:
        raise ConfigError("Quick Invoice cannot start:\n" + "\n".join(f"  - {line}" for line in problems))
    return values


def _contradictions(values: dict[str, Any]) -> list[str]:
    problems = []
    public = urlsplit(values["APP_URL"])
    if public.scheme == "http" and not values["ALLOW_PLAIN_HTTP"]:
        problems.append("APP_URL must be https (plain http only with ALLOW_PLAIN_HTTP=1, for development)")
    if public.scheme == "https" and values["ALLOW_PLAIN_HTTP"]:
        problems.append("ALLOW_PLAIN_HTTP is for development and cannot go with an https APP_URL")
    if values["PLAIN_URL"] and not values["ALLOW_PLAIN_HTTP"]:
        problems.append("PLAIN_URL is for development and needs ALLOW_PLAIN_HTTP=1")
    if values["PHCGO_LOOPBACK"] and not values["ALLOW_PLAIN_HTTP"]:
        problems.append("PHCGO_LOOPBACK is for development and needs ALLOW_PLAIN_HTTP=1")
    if not values["ALLOW_PLAIN_HTTP"]:
        problems += [
            f"{name} must be https"
            for name in ("JUMPSELLER_ACCOUNTS_URL", "JUMPSELLER_API_URL", "SHOPKIT_API_URL", "IGEST_URL")
            if urlsplit(values[name]).scheme != "https"
        ]
    if not values["PRIVATE_NETWORK"]:
        problems += _unprotected_services(values)
    return problems


def _unprotected_services(values: dict[str, Any]) -> list[str]:
    """Return what is said of services off loopback that anyone on the way could read or change."""
    otherwise = "or say in PRIVATE_NETWORK why not"
    problems = []
    redis = urlsplit(values["REDIS_URL"])
    if not is_loopback(redis.hostname or "") and (
        redis.scheme != "rediss" or not redis.password or "ssl_cert_reqs=none" in redis.query.lower()
    ):
        problems.append(
            f"REDIS_URL must be rediss:// with a password and a verified certificate, {otherwise}"
        )
    database = urlsplit(values["DATABASE_URL"])
    if not is_loopback(database.hostname or "") and not re.search(
        r"(^|&)sslmode=verify-(full|ca)(&|$)", database.query
    ):
        problems.append(f"DATABASE_URL must have sslmode=verify-full, {otherwise}")
    return problems
