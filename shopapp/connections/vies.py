"""Check a VAT number at the Commission's VIES service; its answer is kept for a day.

Source: the REST service behind the Commission's VIES page (`check-vat-number`), seen in code, read 2026-11-20.
With the VAT number of whoever asks it also gives a number of the consultation (`requestIdentifier`), which is the proof
of having asked (Regulation 282/2011 art. 18; RITI art. 14). *Unconfirmed*: the texts of its errors, so only `valid`
being true or false counts as an answer; when an error names the requester, VIES is asked once more without.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shopapp.errors import AppError
from shopapp.fiscal.party import ViesResult
from shopapp.http_client import HttpClient
from shopapp.json_text import parse_json
from shopapp.models import VatNumber, db, now

CACHE_LIFETIME = timedelta(days=1)


def check_vat_number(number: str, url: str, http: HttpClient, requester: str = "") -> ViesResult:
    """Return VIES's answer about a number with its prefix (`FR40303265045`), at most a day old. Commits.

    `requester` is the Portuguese number of whoever asks, who is given a number of the consultation. `unavailable` when
    it gives no answer, which is never kept. Raises nothing.
    """
    cached = VatNumber.find(_asked_for(number, requester))
    is_fresh = cached is not None and now() - cached.asked_at < CACHE_LIFETIME
    db.session.commit()
    if cached is not None and is_fresh:
        return "valid" if cached.valid else "invalid"
    answer = _query_vies(number, url, http, requester)
    if isinstance(answer, str):
        answer = _query_vies(number, url, http) if "REQUESTER" in answer.upper() else answer
    if isinstance(answer, str):
        return "unavailable"
    consultation = answer.get("requestIdentifier")
    VatNumber.record(
        _asked_for(number, requester), answer["valid"], str(consultation)[:40] if consultation else ""
    )
    return "valid" if answer["valid"] else "invalid"


def kept_answer(number: str, requester: str = "") -> dict[str, Any] | None:
    """Return the last answer as it is stored with a document that relies on it; None without any."""
    known = VatNumber.find(_asked_for(number, requester))
    if known is None:
        return None
    return {
        "number": number, "answer": "valid" if known.valid else "invalid",
        "asked_at": known.asked_at.isoformat(), "consultation": known.consultation,
    }  # fmt: skip


def _asked_for(number: str, requester: str) -> str:
    """Return the key of an answer: a consultation is the proof of the one who asked, and of nobody else."""
    return f"{number} {requester}" if requester else number


def _query_vies(number: str, url: str, http: HttpClient, requester: str = "") -> dict[str, Any] | str:
    """Return VIES's answer, whose `valid` is true or false, or the text of an error."""
    payload = {"countryCode": number[:2], "vatNumber": number[2:]}
    if requester:
        payload |= {"requesterMemberStateCode": "PT", "requesterNumber": requester}
    try:
        answer = http.read("POST", f"{url}/check-vat-number", log_as="check-vat-number", json=payload)
        content = parse_json(answer.body)
    except (AppError, ValueError):
        return ""
    if answer.status != 200 or not isinstance(content, dict) or content.get("errorWrappers"):
        return str(content)[:500]
    return content if isinstance(content.get("valid"), bool) else ""
