"""The health check for monitors: database, heartbeat of the clock, overdue work. Shows nothing about any store."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from shopapp.models import Heartbeat, db, now
from shopapp.models.queries import reconciliation
from shopapp.web.limits import proxies_fit

bp = Blueprint("health", __name__)

OVERDUE_SECONDS = 600.0


@bp.get("/healthz")
def healthz() -> Response:
    """Return 200 when everything works, else 503, with the values checked."""
    try:
        status = _health_status()
    except SQLAlchemyError:
        status = {"database": False}
    response = jsonify(status | {"proxies": proxies_fit()})
    is_issuing = status.get("clock") and not status.get("held")
    is_healthy = status.get("database") and is_issuing and not status.get("overdue_seconds")
    response.status_code = 200 if is_healthy else 503
    return response


def _health_status() -> dict[str, object]:
    heartbeat = db.session.get(Heartbeat, "clock", populate_existing=True)
    instant = now()
    max_beat_age = max(60.0, 10 * current_app.config["CLOCK_SECONDS"])
    oldest_due = reconciliation.oldest_overdue(OVERDUE_SECONDS)
    return {
        "database": True,
        "held": reconciliation.is_issuing_on_hold(),
        "clock": heartbeat is not None and (instant - heartbeat.beat_at).total_seconds() < max_beat_age,
        "overdue_seconds": round((instant - oldest_due).total_seconds()) if oldest_due else 0,
    }
