"""Rate limits per IP address, for the pages that need no session: install, log-in and the buyer's link.

The counts are kept in the memory of each process. Webhooks have no limit.
"""

from __future__ import annotations

from flask import Flask, request
from flask_limiter import Limiter

LOGIN_RATE = "10 per minute"
PDF_RATE = "30 per minute"


def _client_ip() -> str:
    return request.remote_addr or "unknown"


limiter = Limiter(_client_ip, storage_uri="memory://", headers_enabled=False)


def init_app(app: Flask) -> None:
    """Register the limiter with the app."""
    limiter.init_app(app)
