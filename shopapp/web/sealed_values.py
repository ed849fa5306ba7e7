"""Values that a page or an address carries for us, encrypted and for a while: what was typed, what was searched for."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from shopapp import encryption
from shopapp.models import now


def seal(value: Any, purpose: str) -> str:
    """Return the value as text for an address or a form; only `unseal` with the same purpose reads it."""
    content = json.dumps([int(now().timestamp()), value]).encode()
    return base64.urlsafe_b64encode(encryption.encrypt(content, f"page.{purpose}")).rstrip(b"=").decode()


def unseal(text: str, purpose: str, max_age: float) -> Any:
    """Return the value; None when it is not ours, for another purpose, or older than `max_age` seconds."""
    try:
        sealed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        since, value = json.loads(encryption.decrypt(sealed, f"page.{purpose}"))
    except (encryption.DecryptionError, binascii.Error, ValueError):
        return None
    return value if now().timestamp() - since <= max_age else None
