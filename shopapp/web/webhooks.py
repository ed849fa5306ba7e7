"""The endpoint for the platforms' webhooks: a valid signature makes one row, and the workers are notified.

The raw bytes are verified before anything parses them. An unknown store and a wrong signature both get 401 after the
same work. A body that is too large gets 413 and an encoded one 415, before the signature is checked; after that the
answer is always 200, or 503 when the database cannot store the row.
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
from shopapp.connections.subscriptions import webhook_secret_of
from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.models import Store, Webhook, db

log = logging.getLogger(__name__)

bp = Blueprint("webhooks", __name__)

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_DRAINED_BYTES = 32 * 1024 * 1024
STORE_CACHE_SECONDS = 60.0
_NO_STORE = (0, "", "no store has this address")

_store_cache: dict[str, tuple[float, tuple[int, str, str]]] = {}
"""For each key of a webhook address: the time until which the entry is valid, and (store id, code, hooks token).

With it most webhooks cost one statement.
"""


@bp.post("/hooks/<platform>/<key>")
def receive(platform: str, key: str) -> Response:
    """Store the webhook and answer 200; 401, 413, 415 or 503 otherwise. Commits."""
    if platform not in platform_names() or "\0" in key:
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
        log.warning("webhook not stored: %s", type(error).__name__)
        return _empty_response(503)


def _drain_body() -> None:
    """Discard the rest of the body, so that the sender gets our answer before the connection closes."""
    left = MAX_DRAINED_BYTES if (request.content_length or 0) <= MAX_DRAINED_BYTES else 0
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(piece)


def _verify_and_save(platform: str, key: str, body: bytes) -> Response:
    adapter = platform_class(platform)
    store_id, code, token = _find_store(platform, key)
    headers: Any = request.headers  # its lookup ignores case
    claimed_code, event = adapter.webhook_headers(headers)
    signature_valid = adapter.has_valid_signature(body, headers, token)
    if not signature_valid or not store_id or (claimed_code and claimed_code != code):
        if store_id:
            log_event("signature-refused", store=store_id)
            _count_refused(store_id, key)
        else:
            log_event("address-refused")
        return _empty_response(401)
    failpoints.hit("hook_before_commit")
    Webhook.record(store_id, event, hashlib.sha256(body).hexdigest(), body)
    failpoints.hit("hook_after_commit")
    notify_workers()
    return _empty_response(200)


def _find_store(platform: str, key: str) -> tuple[int, str, str]:
    """Return (id, code, hooks token) of the store, at most a minute old; `_NO_STORE` when there is none."""
    until, known = _store_cache.get(key, (0.0, _NO_STORE))
    if until > time.monotonic():
        return known
    store = Store.find_by_webhook_key(key)
    if store is None or store.platform != platform or store.state == "uninstalled":
        db.session.rollback()
        return _NO_STORE
    known = (store.id, store.code, webhook_secret_of(store))
    db.session.rollback()
    if not known[2]:
        return _NO_STORE
    if len(_store_cache) > 20_000:
        _store_cache.clear()
    _store_cache[key] = (time.monotonic() + STORE_CACHE_SECONDS, known)
    return known


def _count_refused(store_id: int, key: str) -> None:
    """Count the refusal, so that the clock process reads the hooks token again, and forget the cached one."""
    _store_cache.pop(key, None)
    Store.count_refused_webhook(store_id)


def _empty_response(status: int) -> Response:
    return Response(status=status)


def clear_store_cache() -> None:
    """Forget every cached store: for tests, and when a hooks token was reset."""
    _store_cache.clear()
