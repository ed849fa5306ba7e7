"""Is this VAT number valid? Asked of the Commission's VIES service; three answers, kept with their date for a day.

Called by `preparing` before an order is drafted whose tax hangs on the number. `unavailable` is never kept.
Source: the REST service behind the Commission's VIES page (`check-vat-number`), seen in code, read 2026-11-20;
*unconfirmed*: the words of its errors, so only `valid` being true or false is believed.
"""

from __future__ import annotations

from datetime import timedelta

from shopapp.fiscal.errors import AppError
from shopapp.fiscal.party import Vies
from shopapp.http import Wire, loaded
from shopapp.models import VatNumber, db, now

KEPT = timedelta(days=1)


def ask(number: str, url: str, wire: Wire) -> Vies:
    """What VIES says of a number with its prefix (`FR40303265045`), at most a day ago. Commits; never raises."""
    known = VatNumber.of(number)
    young = known is not None and now() - known.asked_at < KEPT
    db.session.commit()
    if known is not None and young:
        return "valid" if known.valid else "invalid"
    valid = _asked(number, url, wire)
    if valid is None:
        return "unavailable"
    VatNumber.keep(number, valid)
    return "valid" if valid else "invalid"


def _asked(number: str, url: str, wire: Wire) -> bool | None:
    """The service's word, or None when it gave none that can be believed."""
    question = {"countryCode": number[:2], "vatNumber": number[2:]}
    try:
        answer = wire.read("POST", f"{url}/check-vat-number", json=question)
        content = loaded(answer.body) if answer.status == 200 else {}
    except (AppError, ValueError):
        return None
    valid = content.get("valid") if isinstance(content, dict) and not content.get("errorWrappers") else None
    return valid if isinstance(valid, bool) else None
