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

from shopapp import failpoints
from shopapp.connections.shop import platform_class, platform_names
from shopapp.jobs.queue import notify_workers
from shopapp.models import Store, Webhook, db

log = logging.getLogger("quickinvoice.hooks")

bp = Blueprint("webhooks", __name__)

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_DRAINED_BYTES = 32 * 1024 * 1024
STORE_CACHE_SECONDS = 60.0
_NO_STORE = (0, "", "no store has this address")

_store_cache: dict[str, tuple[float, tuple[int, str, str]]] = {}
"""Per hook address: until when, and (store id, code, hooks token); so that most hooks cost one statement."""


@bp.post("/hooks/<platform>/<key>")
def receive(platform: str, key: str) -> Response:
    """200 once the hook is kept; 401, 413, 415 or 503 otherwise."""
    if platform not in platform_names():
        return _empty_response(401)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return _empty_response(415)
    try:
        request.max_content_length = MAX_BODY_BYTES
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        _drain_body()
        return _empty_response(413)
    try:
        return _verify_and_save(platform, key, body)
    except SQLAlchemyError as error:
        log.warning("hook not kept: %s", type(error).__name__)
        return _empty_response(503)


def _drain_body() -> None:
    """Nothing; what the sender still sends is thrown away: closed before that, his end would lose our answer."""
    left = MAX_DRAINED_BYTES if (request.content_length or 0) <= MAX_DRAINED_BYTES else 0
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(piece)


def _verify_and_save(platform: str, key: str, body: bytes) -> Response:
    adapter = platform_class(platform)
    store_id, code, token = _find_store(platform, key)
    headers: Any = request.headers  # finds a name whatever its case
    claimed_code, event = adapter.webhook_headers(headers)
    signature_valid = adapter.has_valid_signature(body, headers, token)
    if not signature_valid or not store_id or (claimed_code and claimed_code != code):
        if store_id:
            _count_refused(store_id, key)
        return _empty_response(401)
    failpoints.hit("hook_before_commit")
    Webhook.record(store_id, event, hashlib.sha256(body).hexdigest(), body)
    failpoints.hit("hook_after_commit")
    notify_workers()
    return _empty_response(200)


def _find_store(platform: str, key: str) -> tuple[int, str, str]:
    """(id, code, hooks token) of the store with that address, at most a minute old; nobody's when there is none."""
    until, known = _store_cache.get(key, (0.0, _NO_STORE))
    if until > time.monotonic():
        return known
    store = Store.find_by_webhook_key(key)
    if store is None or store.platform != platform or store.state == "uninstalled" or not store.hooks_token:
        db.session.rollback()
        return _NO_STORE
    known = (store.id, store.code, store.hooks_token)
    db.session.rollback()
    if len(_store_cache) > 20_000:
        _store_cache.clear()
    _store_cache[key] = (time.monotonic() + STORE_CACHE_SECONDS, known)
    return known


def _count_refused(store_id: int, key: str) -> None:
    """Nothing; counts the refusal, so that the clock reads the store's hooks token again. The next look is fresh."""
    _store_cache.pop(key, None)
    Store.count_refused_webhook(store_id)


def _empty_response(status: int) -> Response:
    return Response(status=status)


def clear_store_cache() -> None:
    """Nothing; every kept store is read anew (tests, and a reset of the hooks token)."""
    _store_cache.clear()
