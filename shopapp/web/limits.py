"""How often one address may knock at the doors that need no session: install, log-in, the buyer's link.

Used by those pages only, never by hooks. Counts in the memory of each process.
"""

from __future__ import annotations

from flask import Flask, request
from flask_limiter import Limiter

LOGIN_RATE = "10 per minute"
PDF_RATE = "30 per minute"


def _client_ip() -> str:
    return request.remote_addr or "nobody"


limiter = Limiter(_client_ip, storage_uri="memory://", headers_enabled=False)


def init_app(app: Flask) -> None:
    """Nothing; the limiter joins the app."""
    limiter.init_app(app)
