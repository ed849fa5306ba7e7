"""The control routes under `/sandbox/`: what tests, the demo and developers steer and look with.

Registered by the app. Nothing of this exists in the real program.
"""

from __future__ import annotations

import copy
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from . import goods, hands
from .base import Base
from .office import Office
from .wire import Refusal

GOODS = {"articles": "St", "stock": "Sa", "movements": "Sl"}


def control(office: Office) -> Blueprint:
    """The routes around one office."""
    pages = Blueprint("control", __name__, url_prefix="/sandbox")

    @pages.post("/reset")
    def reset() -> Response:
        office.reset()
        return installations()

    @pages.get("/installations")
    def installations() -> Response:
        return jsonify([_shown(office, path) for path in office.installations])

    @pages.post("/installations/<path>")
    def change(path: str) -> Response:
        _known(office, path)
        wanted = _json()
        if unknown := set(wanted) - {"plan", "allowance", "user", "password", "rotation"}:
            return _wrong(f"{', '.join(sorted(unknown))} cannot be changed")
        office.change(path, **wanted)
        return jsonify(_shown(office, path))

    _reading(office, pages)
    _clock_routes(office, pages)
    _fault_routes(office, pages)
    _session_routes(office, pages)
    _company_routes(office, pages)
    _goods_routes(office, pages)
    return pages


def _reading(office: Office, pages: Blueprint) -> None:
    @pages.get("/ledger")
    def ledger() -> Response:
        return jsonify(office.ledger.entries)

    @pages.get("/requests")
    def requests() -> Response:
        return jsonify(list(office.requests))

    @pages.get("/outbox")
    def outbox() -> Response:
        return jsonify(office.mails)

    @pages.get("/<any(documents, drafts, dossiers):what>")
    def listed(what: str) -> Response:
        found = []
        for base in office.bases.values():
            for row in base.rows("Bo" if what == "dossiers" else "Ft"):
                if what == "dossiers" or row["draftRecord"] == (what == "drafts"):
                    found.append(
                        copy.deepcopy(row) | {"installation": base.installation, "company": base.code}
                    )
        return jsonify(found)


def _clock_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return jsonify({"now": office.clock.now().isoformat(timespec="seconds")})

    @pages.post("/clock")
    def set_clock() -> Response:
        wanted = _json()
        try:
            if wanted.get("today"):
                office.clock.put_on(date.fromisoformat(wanted["today"]))
            elif wanted.get("now"):
                office.clock.put_at(datetime.fromisoformat(wanted["now"]))
            else:
                office.clock.put_back()
        except ValueError as wrong:
            return _wrong(str(wrong))
        return clock()


def _fault_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        return jsonify(office.faults.as_json())

    @pages.post("/faults")
    def order() -> Response:
        wanted = request.get_json()
        try:
            for one in wanted if isinstance(wanted, list) else [wanted]:
                office.faults.order(one)
        except (ValueError, TypeError) as wrong:
            return _wrong(str(wrong))
        return faults()

    @pages.delete("/faults")
    def clear() -> Response:
        office.faults.clear()
        office.faults.release()
        office.maintained_until = 0.0
        return faults()

    @pages.post("/faults/release")
    def release() -> Response:
        office.faults.release()
        return faults()


def _session_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/sessions")
    def sessions() -> Response:
        return jsonify([{"installation": one.installation, "company": one.company, "user": one.user,
                         "calls": one.calls} for one in office.sessions.values()])  # fmt: skip

    @pages.delete("/sessions")
    def end() -> Response:
        with office.lock:
            office.sessions.clear()
            office.failures.clear()
        return sessions()

    @pages.post("/maintenance")
    def maintenance() -> Response:
        seconds = float(_json().get("seconds", 180))
        office.maintained_until = office.clock.now().timestamp() + seconds
        return jsonify({"seconds": seconds})


def _company_routes(office: Office, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Base:
        return office.bases.get((path, code)) or abort(404)

    @pages.post("/companies/<path>/<code>/<any(series, dossier_series, layouts, customers):table>")
    def put(path: str, code: str, table: str) -> Response:
        try:
            with office.lock:
                row = hands.put(company(path, code), table, _json())
        except Refusal as no:
            return _wrong(str(no))
        return jsonify(row)

    @pages.delete("/companies/<path>/<code>/<any(layouts, dossier_series):table>")
    def none(path: str, code: str, table: str) -> Response:
        with office.lock:
            hands.clear(company(path, code), table)
        return jsonify([])

    @pages.post("/companies/<path>/<code>/records/<stamp>/<any(sign, annul, delete, receipt):act>")
    def by_hand(path: str, code: str, stamp: str, act: str) -> Response:
        try:
            with office.lock:
                return jsonify(hands.ACTS[act](office, company(path, code), stamp))
        except Refusal as no:
            return _wrong(str(no))


def _goods_routes(office: Office, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Base:
        return office.bases.get((path, code)) or abort(404)

    @pages.get("/goods")
    def deeds() -> Response:
        return jsonify(office.goods.entries)

    @pages.get("/companies/<path>/<code>/<any(articles, stock, movements):what>")
    def goods_of(path: str, code: str, what: str) -> Response:
        base, ref = company(path, code), request.args.get("ref")
        with office.lock:
            return jsonify(base.rows(GOODS[what]) if ref is None else base.alike(GOODS[what], ref))

    @pages.post("/companies/<path>/<code>/<any(articles, stock, catalogue):what>")
    def write(path: str, code: str, what: str) -> Response:
        base, wanted = company(path, code), request.get_json()
        try:
            with office.lock:
                if what == "articles":
                    return jsonify(hands.article(office, base, wanted))
                if what == "catalogue":
                    return jsonify({"articles": goods.load(office, base, wanted["articles"])})
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    hands.stock(office, base, one)
                return jsonify(base.rows("Sa"))
        except (Refusal, KeyError, ValueError) as no:
            return _wrong(str(no))


def _known(office: Office, path: str) -> None:
    if path not in office.installations:
        abort(404)


def _shown(office: Office, path: str) -> dict[str, Any]:
    """The installation with all that a merchant would copy from it."""
    facts = office.installations[path]
    return facts | {
        "path": path,
        "url": f"{office.public}/{path}",
        "token": office.token(path),
        "used": office.used(path),
        "companies": [
            {"code": base.code, "name": base.facts["name"], "nif": base.facts["nif"], "series": base.rows("Td"),
             "dossier_series": base.rows("Ts"), "layouts": base.rows("Layout")}
            for base in office.companies(path)
        ],
    }  # fmt: skip


def _json() -> dict[str, Any]:
    found: dict[str, Any] = request.get_json(silent=True) or {}
    return found


def _wrong(text: str) -> Response:
    answer = jsonify({"error": text})
    answer.status_code = 422
    return answer
