"""A cookie that binds what a page begins (an authorisation, a link by e-mail) to the browser in which it began."""

from __future__ import annotations

import re
import secrets

from flask import request
from werkzeug.wrappers import Response

COOKIE = "__Host-install"
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def bound_secret() -> str:
    """Return the secret of this browser's cookie; '' when it has none of ours."""
    known = request.cookies.get(COOKIE, "")
    return known if _VALUE.fullmatch(known) else ""


def bind_browser(response: Response, secret: str, seconds: int) -> None:
    """Keep the secret in this browser for some seconds: `bound_secret`, or a new one from `new_secret`."""
    response.set_cookie(COOKIE, secret, max_age=seconds, secure=True, httponly=True, samesite="Lax", path="/")


def new_secret() -> str:
    """Return a secret for a browser that has none."""
    return secrets.token_urlsafe(32)


def unbind_browser(response: Response) -> None:
    """Delete the cookie."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
