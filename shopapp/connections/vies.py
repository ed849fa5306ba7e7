"""Check a VAT number at the Commission's VIES service; its answer is kept for a day.

Source: the REST service behind the Commission's VIES page (`check-vat-number`), seen in code, read 2026-11-20.
*Unconfirmed*: the texts of its errors, so only `valid` being true or false counts as an answer.
"""

from __future__ import annotations

from datetime import timedelta

from shopapp.errors import AppError
from shopapp.fiscal.party import ViesResult
from shopapp.http_client import HttpClient
from shopapp.json_text import parse_json
from shopapp.models import VatNumber, db, now

CACHE_LIFETIME = timedelta(days=1)


def check_vat_number(number: str, url: str, http: HttpClient) -> ViesResult:
    """Return VIES's answer about a number with its prefix (`FR40303265045`), at most a day old. Commits.

    `unavailable` when it gives no answer, which is never kept. Raises nothing.
    """
    cached = VatNumber.find(number)
    is_fresh = cached is not None and now() - cached.asked_at < CACHE_LIFETIME
    db.session.commit()
    if cached is not None and is_fresh:
        return "valid" if cached.valid else "invalid"
    valid = _query_vies(number, url, http)
    if valid is None:
        return "unavailable"
    VatNumber.record(number, valid)
    return "valid" if valid else "invalid"


def _query_vies(number: str, url: str, http: HttpClient) -> bool | None:
    payload = {"countryCode": number[:2], "vatNumber": number[2:]}
    try:
        answer = http.read("POST", f"{url}/check-vat-number", json=payload)
        content = parse_json(answer.body) if answer.status == 200 else {}
    except (AppError, ValueError):
        return None
    valid = content.get("valid") if isinstance(content, dict) and not content.get("errorWrappers") else None
    return valid if isinstance(valid, bool) else None
