"""Faults: the next N calls under a path of /v1 fail in the requested way.

The kinds that end in `-after` execute the call first and lose the answer.
"""

from __future__ import annotations

import time

from flask import Response, g, jsonify, make_response, request

from sandbox.core.server import drop_connection
from sandbox.core.storage import Json

from .components import components

KINDS_BEFORE = ("500", "503", "429", "403", "401", "404", "drop", "garbage", "html", "empty", "slow")
KINDS_AFTER = ("500-after", "drop-after", "garbage-after")
KINDS = KINDS_BEFORE + KINDS_AFTER


class FaultError(ValueError):
    """A fault of an unknown kind."""


def add_fault(wanted: Json) -> Json:
    """Schedule the fault and return it. Raises FaultError for an unknown kind."""
    if wanted.get("kind") not in KINDS:
        raise FaultError(f"kind must be one of {', '.join(KINDS)}")
    fault = {
        "path": wanted.get("path", "/v1"),
        "method": wanted.get("method"),
        "shop": wanted.get("shop"),
        "kind": wanted["kind"],
        "times": int(wanted.get("times", 1)),
        "after": int(wanted.get("after", 0)),
        "seconds": float(wanted.get("seconds", 5)),
    }
    with components().state.lock:
        components().state.faults.append(fault)
    return fault


def _take_fault() -> Json | None:
    state, shop = components().state, g.get("shop")
    with state.lock:
        for fault in state.faults:
            if not request.path.startswith(fault["path"]) or fault["method"] not in (None, request.method):
                continue
            if fault["shop"] and fault["shop"] != (shop.code if shop else None):
                continue
            if fault["after"] > 0:
                fault["after"] -= 1
                continue
            fault["times"] -= 1
            if fault["times"] <= 0:
                state.faults.remove(fault)
            return fault
    return None


def before_request() -> Response | None:
    """Return the faulty answer to this call, or None when the call is executed (perhaps later)."""
    if not components().state.faults or not request.path.startswith("/v1"):
        return None
    fault = _take_fault()
    if not fault:
        return None
    kind = fault["kind"]
    if kind == "slow":
        time.sleep(fault["seconds"])
        return None
    if kind in KINDS_AFTER:
        g.fault = kind
        return None
    return _faulty_response(kind)


def after_request(answer: Response) -> Response:
    """Return the answer, or the faulty one in its place."""
    kind = g.get("fault")
    return _faulty_response(kind.removesuffix("-after")) if kind else answer


def _faulty_response(kind: str) -> Response:
    if kind == "drop":
        return drop_connection()
    if kind == "garbage":
        return Response(b'{"id": 30050', content_type="application/json")
    if kind == "html":
        return Response("<html><title>Shopkit</title><p>Em manutenção</p></html>", content_type="text/html")
    if kind == "empty":
        return Response(b"", content_type="application/json")
    return make_response(jsonify({"message": "Error"}), int(kind))
