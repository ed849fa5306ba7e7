"""Values that a person typed or a URL carries, cleaned."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

MAX_ROW_ID = 2**62
MAX_TEXT_LENGTH = 300
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def clean_text(raw: str, max_length: int = MAX_TEXT_LENGTH) -> str:
    """Return the text without surrounding spaces and control characters, cut to the length."""
    return "".join(c for c in raw if c.isprintable()).strip()[:max_length]


def parse_row_id(text: str) -> int:
    """Return the id of a row in a URL; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def shop_address(text: str) -> str:
    """Return what identifies a shop in its typed address: the host name without `www.`, or the word that was typed."""
    plain = re.sub(r"^[a-z][a-z0-9+.-]*://", "", clean_text(text).casefold())
    return re.sub(r"[/?#:].*", "", plain).strip(" .").removeprefix("www.")[:253]


def parse_email(text: str) -> str:
    """Return the address when it looks like one, else an empty text."""
    plain = clean_text(text)
    return plain if len(plain) <= 200 and _EMAIL.fullmatch(plain) else ""


def parse_exchange_rate(text: str) -> Decimal | None:
    """Return a positive rate as people write it (`1,0834`, `1.0834`); None when it is not one."""
    plain = re.sub(r"\s", "", text).replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,8})?", plain) or not Decimal(plain):
        return None
    return Decimal(plain)


def parse_euros(text: str) -> Decimal | None:
    """Return an amount as people write it (`89,35`, `1.234,50 €`, `89.35`); None when it is not one."""
    plain = re.sub(r"[\s\u00a0€]|EUR", "", text)
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= 10**9:
        return None
    cents = found.quantize(Decimal("0.01"))
    return cents if cents == found else None
