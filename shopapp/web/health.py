"""Whether the program is well, for whoever watches it: database, the clock's heartbeat, work that lies still.

Called by monitors, without a session; tells figures, nothing of any store.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from shopapp.models import Pulse, db, ledger, now

bp = Blueprint("health", __name__)

LATE_SECONDS = 600.0


@bp.get("/healthz")
def healthz() -> Response:
    """200 when all is well, 503 otherwise, with what was looked at."""
    try:
        found = _looked()
    except SQLAlchemyError:
        found = {"database": False}
    answer = jsonify(found)
    at_work = found.get("clock") and not found.get("held")
    well = found.get("database") and at_work and not found.get("overdue_seconds")
    answer.status_code = 200 if well else 503
    return answer


def _looked() -> dict[str, object]:
    pulse = db.session.get(Pulse, "clock", populate_existing=True)
    instant = now()
    patience = max(60.0, 10 * float(current_app.config["CLOCK_SECONDS"]))
    late = ledger.oldest_due(LATE_SECONDS)
    return {
        "database": True,
        "held": ledger.held(),
        "clock": pulse is not None and (instant - pulse.beat_at).total_seconds() < patience,
        "overdue_seconds": round((instant - late).total_seconds()) if late else 0,
    }
