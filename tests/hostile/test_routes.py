"""Every route from the URL map with odd requests: no error of ours, no word and no change of another store."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.routing import Rule

from shopapp.models import Heartbeat
from shopapp.web.limits import limiter
from tests.fakes import PLATFORM_STATE, paid_order
from tests.hostile.conftest import FULL, Figures, amount, marks_of, rows_of
from tests.hostile.odd_values import CONTENT_TYPES, HEADERS, IDS, MULTIPART, TEXTS
from tests.security.conftest import ORIGIN, StoreSession, fill_path, open_store_session, routes, text_of
from tests.security.test_sessions import KINDS, cookies_of

COOKIE = "__Host-session"
ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(
    {"next", "url", "return", "store", "_method", "csrf_token", "page"}.union(
        *(
            re.findall(r"request\.(?:args|form|values)\.(?:get|getlist)\(\s*\"([^\"]+)\"", path.read_text())
            for path in (ROOT / "shopapp" / "web").rglob("*.py")
        ),
        *(
            re.findall(r"\bname=\"([a-zA-Z_.-]+)\"", path.read_text())
            for path in (ROOT / "templates").glob("*.html")
        ),
    )
)
"""Every name of a parameter or a field that the app reads, from its source."""


@dataclass
class Attacker:
    """A merchant of a store of their own, and the forged cookies made from its session."""

    shop: StoreSession
    cookies: dict[str, str]
    forged: list[str]

    @classmethod
    def open(cls, app: Flask, code: str) -> Attacker:
        shop = open_store_session(app, code)
        for document in shop.documents.values():
            PLATFORM_STATE.orders[document.order_id] = paid_order(document.order_id)
        cookie = shop.client.get_cookie(COOKIE)
        assert cookie is not None
        return cls(shop, {"own": cookie.value}, list(cookies_of(app, shop).values()))


class Requests:
    """Puts requests to one route together, and judges their answers."""

    def __init__(
        self, app: Flask, victim: StoreSession, attacker: Attacker, rng: random.Random, figures: Figures
    ) -> None:
        self.app, self.victim, self.attacker, self.rng, self.figures = app, victim, attacker, rng, figures
        self.marks = marks_of(victim)

    def send(self, rule: Rule, method: str) -> None:
        """Send one request to the route."""
        limiter.reset()
        client = self.app.test_client()
        session = self._session(client, rule)
        path, query = self._path(rule), self._pairs(0.5)
        content = self._content() if method not in ("GET", "HEAD", "OPTIONS") else {}
        headers = {**self._headers(), **content.pop("headers", {})}
        address = path + (
            "?" + "&".join(f"{quote(name)}={quote(text)}" for name, text in query) if query else ""
        )
        where = f"{method} {rule.rule} {address[:150]!a} session {session} {str(content)[:150]!a} {headers}"
        self.figures["requests"] += 1
        try:
            answer = client.open(address, method=method, headers=headers, buffered=True, **content)
        except Exception as error:  # noqa: BLE001  (what reaches us would have reached the server)
            self.figures.fault("uncaught", f"{type(error).__name__} {error} {where}")
            return
        self._judge(answer, where, f"{address} {content}")

    def _judge(self, answer: Any, where: str, sent: str) -> None:
        status = answer.status_code
        self.figures[f"{status // 100}xx"] += 1
        if status >= 500:
            self.figures.fault(f"status {status}", where)
        target = urlsplit(answer.headers.get("Location", ""))
        if target.netloc and "evil" in target.netloc:
            self.figures.fault("foreign redirect", where)
        page = text_of(answer) + str(answer.headers)
        if found := [mark for mark in self.marks if mark in page and mark not in sent]:
            self.figures.fault("leak", f"{found} {where}")
        if "Traceback (most recent" in page:
            self.figures.fault("traceback", where)

    def _session(self, client: Any, rule: Rule) -> str:
        kind = self.rng.choice(["none", "own", "own", "own", "forged"])
        if rule.endpoint in ("session.leave", "session.enter") and kind == "own":
            kind = "none"  # it would end the session that the requests to come need
        if kind == "own":
            client.set_cookie(COOKIE, self.attacker.cookies["own"], secure=True)
        elif kind == "forged":
            client.set_cookie(COOKIE, self.rng.choice(self.attacker.forged), secure=True)
        if self.rng.random() < 0.1:
            client.set_cookie(
                self.rng.choice(["__Host-install", "x", "session"]), "x" * self.rng.choice([1, 43, 3000])
            )
        return kind

    def _path(self, rule: Rule) -> str:
        own, other = self.attacker.shop.documents, self.victim.documents
        documents = {**own, **{f"victim's {name}": one for name, one in other.items()}}
        document = documents[self.rng.choice(list(documents))]
        known: dict[str, Any] = {
            "number": document.id, "name": self.rng.choice(["igest", "phcgo"]), "filename": "style.css",
            "token": self.rng.choice(list(own.values())).link_token, "platform": "jumpseller",
            "key": self.attacker.shop.store.hook_key,
        }  # fmt: skip
        values = {
            name: known.get(name, "1") if self.rng.random() < 0.6 else self.rng.choice(IDS)
            for name in rule.arguments
        }
        return fill_path(rule, {name: quote(str(text), safe="%;'*+.") for name, text in values.items()})

    def _text(self) -> str:
        own = [str(one.id) for one in self.attacker.shop.documents.values()]
        others = [str(one.id) for one in self.victim.documents.values()]
        return self.rng.choice(
            [self.rng.choice(TEXTS), self.rng.choice(TEXTS), self.rng.choice(own + others)]
        )

    def _pairs(self, share: float) -> list[tuple[str, str]]:
        if self.rng.random() > share:
            return []
        return [(self.rng.choice(NAMES), self._text()) for _ in range(self.rng.choice([1, 2, 5, 40]))]

    def _headers(self) -> dict[str, str]:
        if self.rng.random() < 0.5:
            return {}
        names = self.rng.sample(list(HEADERS), self.rng.choice([1, 2, 4]))
        return {name: self.rng.choice(HEADERS[name]) for name in names}

    def _content(self) -> dict[str, Any]:
        headers = {"Origin": self.rng.choice([ORIGIN] * 5 + ["null", "https://evil.example", ""])}
        token = self.rng.choice([self.attacker.shop.token] * 5 + [self.victim.token, "", "x" * 5000])
        kind = self.rng.random()
        if kind < 0.75:
            form: dict[str, list[str]] = {"csrf_token": [token]}
            for name, text in self._pairs(0.95):
                form.setdefault(name, []).append(text)
            more = {"content_type": "multipart/form-data"} if self.rng.random() < 0.15 else {}
            return {"data": form, "headers": headers, **more}
        body = self.rng.choice(
            [*MULTIPART, b"\xff\xfe", b"a=1&a=2&" * 500, b'{"csrf_token": "x"}', b"x" * 300_000]
        )
        kind_of_content = "multipart/form-data; boundary=x" if kind < 0.9 else self.rng.choice(CONTENT_TYPES)
        return {"data": body, "content_type": kind_of_content, "headers": headers}


def targets(app: Flask) -> list[tuple[Rule, str]]:
    """Return each route with each of its methods; webhooks have a test of their own."""
    found = [rule for rule in routes(app) if rule.endpoint not in ("webhooks.receive", "static")]
    return [
        (rule, method) for rule in found for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_no_request_to_any_route_is_an_error_or_touches_another_store(
    app: Flask, db: SQLAlchemy, victim: StoreSession, rng: random.Random, figures: Figures, errors: list[str]
) -> None:
    before = rows_of(db, victim.store)
    attacker = Attacker.open(app, "atacante")
    for number, (rule, method) in enumerate(targets(app)):
        if FULL:
            attacker = Attacker.open(app, f"atacante{number}")
        requests = Requests(app, victim, attacker, rng, figures)
        figures["routes"] += 1
        Heartbeat.beat("clock")  # the attack takes longer than a clock may be silent
        db.session.commit()
        for _ in range(amount(1000, 3)):
            requests.send(rule, method)
    changed = [name for name, rows in rows_of(db, victim.store).items() if rows != before[name]]
    for name in changed:
        figures.fault("change", name)
    figures.faults += errors
    assert figures["routes"] > 40 and figures["2xx"] and figures["3xx"] and figures["4xx"]
    figures.check()


@pytest.mark.parametrize("kind", KINDS[:1])
def test_the_attackers_own_session_is_worth_something(app: Flask, victim: StoreSession, kind: str) -> None:
    attacker = Attacker.open(app, "atacante")
    client = app.test_client()
    client.set_cookie(COOKIE, attacker.cookies["own"], secure=True)
    assert client.get("/documents").status_code == 200
