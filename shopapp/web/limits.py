"""Rate limits per IP address, for the pages that need no session: install, log-in and the buyer's link.

The counts are kept in the memory of each process. Webhooks have no limit.
"""

from __future__ import annotations

import ipaddress
import logging

from flask import Flask, current_app, request
from flask_limiter import Limiter

log = logging.getLogger(__name__)

LOGIN_RATE = "10 per minute"
PDF_RATE = "30 per minute"
_UNFIT = "proxies_unfit"


def _client_ip() -> str:
    _check_proxies()
    return request.remote_addr or "unknown"


def client_and_link() -> str:
    """Return what a buyer's readings are counted by: one who reads too much keeps no other out."""
    return f"{_client_ip()} {request.path}"


limiter = Limiter(_client_ip, storage_uri="memory://", headers_enabled=False)


def init_app(app: Flask) -> None:
    """Register the limiter with the app."""
    limiter.init_app(app)


def proxies_fit() -> bool:
    """Return whether PROXIES seems right, as far as this process has seen requests from outside."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        _check_proxies()
    return not current_app.extensions.get(_UNFIT)


def _check_proxies() -> None:
    """Warn once when a request from outside seems to come from a private address, which is then a proxy's.

    All visitors share one rate limit then: whoever uses it up keeps every merchant out.
    """
    app = current_app
    if app.extensions.get(_UNFIT) or not app.config["APP_URL"].startswith("https:"):
        return
    if not _is_public(request.remote_addr or ""):
        app.extensions[_UNFIT] = True
        log.warning(
            "PROXIES=%s does not fit: all visitors seem to come from %s. Set it to the number of proxies in front of"
            " the app, and let each of them set X-Forwarded-For. Until then all visitors share one rate limit.",
            app.config["PROXIES"],
            request.remote_addr or "a socket",
        )


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_global
