"""Where the platforms post: a hook whose signature is good becomes one row and a ring; nothing else happens here.

Raw bytes are verified before anything reads them. 401 for an unknown store and for a wrong signature alike, with the
same work; 413, 415 while the signature is not yet known to be good; afterwards always 200, whatever the body holds,
or 503 when the database cannot keep it. No rate limit, no Redis, no ORM.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from shopapp import connect, fault, jobs
from shopapp.models import Hook, Store, db

log = logging.getLogger("quickinvoice.hooks")

bp = Blueprint("hooks", __name__)

MOST_BYTES = 5 * 1024 * 1024
MOST_DRAINED = 32 * 1024 * 1024
KEPT_SECONDS = 60.0
_NOBODY = (0, "", "no store has this address")

_kept: dict[str, tuple[float, tuple[int, str, str]]] = {}
"""Per hook address: until when, and (store id, code, hooks token); so that most hooks cost one statement."""


@bp.post("/hooks/<platform>/<key>")
def receive(platform: str, key: str) -> Response:
    """200 once the hook is kept; 401, 413, 415 or 503 otherwise."""
    if platform not in connect.platform_names():
        return _answer(401)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return _answer(415)
    try:
        request.max_content_length = MOST_BYTES
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        _drain()
        return _answer(413)
    try:
        return _verified(platform, key, body)
    except SQLAlchemyError as error:
        log.warning("hook not kept: %s", type(error).__name__)
        return _answer(503)


def _drain() -> None:
    """Nothing; what the sender still sends is thrown away: closed before that, his end would lose our answer."""
    left = MOST_DRAINED if (request.content_length or 0) <= MOST_DRAINED else 0
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(piece)


def _verified(platform: str, key: str, body: bytes) -> Response:
    adapter = connect.platform_class(platform)
    store_id, code, token = _store(platform, key)
    headers: Any = request.headers  # finds a name whatever its case
    claimed, event = adapter.hook_claims(headers)
    good = adapter.signed(body, headers, token)
    if not good or not store_id or (claimed and claimed != code):
        if store_id:
            _refused(store_id, key)
        return _answer(401)
    fault.point("hook_before_commit")
    Hook.keep(store_id, event, hashlib.sha256(body).hexdigest(), body)
    fault.point("hook_after_commit")
    jobs.ring()
    return _answer(200)


def _store(platform: str, key: str) -> tuple[int, str, str]:
    """(id, code, hooks token) of the store with that address, at most a minute old; nobody's when there is none."""
    until, known = _kept.get(key, (0.0, _NOBODY))
    if until > time.monotonic():
        return known
    store = Store.by_hook_key(key)
    if store is None or store.platform != platform or store.state == "uninstalled" or not store.hooks_token:
        db.session.rollback()
        return _NOBODY
    known = (store.id, store.code, store.hooks_token)
    db.session.rollback()
    if len(_kept) > 20_000:
        _kept.clear()
    _kept[key] = (time.monotonic() + KEPT_SECONDS, known)
    return known


def _refused(store_id: int, key: str) -> None:
    """Nothing; counts the refusal, so that the clock reads the store's hooks token again. The next look is fresh."""
    _kept.pop(key, None)
    Store.refuse_hook(store_id)


def _answer(status: int) -> Response:
    return Response(status=status)


def forget() -> None:
    """Nothing; every kept store is read anew (tests, and a reset of the hooks token)."""
    _kept.clear()
