"""A session is what we signed, for the store and the installation that it names, and nothing else opens a page."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from shopapp import encryption
from shopapp.models import BrowserSession
from shopapp.web.session import entry_token
from tests.security.conftest import StoreSession, fill_path, routes
from tests.security.test_headers import values

OPEN = {"home.index", "session.authorise", "session.enter", "static", "health.healthz", "install.start",
        "install.callback", "connect.show", "sign_in.ask", "sign_in.show", "accountant.open_link",
        "public.buyer_pdf", "help.page", "help.accountant", "webhooks.receive"}  # fmt: skip


def content_of(ours: StoreSession) -> dict[str, Any]:
    return {"store": ours.store.id, "key": BrowserSession.begin(ours.store)}


def encoded(content: Any, compressed: bool = False) -> str:
    text = json.dumps(content).encode()
    packed = base64.urlsafe_b64encode(zlib.compress(text) if compressed else text).rstrip(b"=").decode()
    return f".{packed}" if compressed else packed


def cookies_of(app: Flask, ours: StoreSession) -> dict[str, str]:
    """Return cookies that are not ours, by what was done to them."""
    real = SecureCookieSessionInterface().get_signing_serializer(app)
    assert real is not None
    good = str(real.dumps(content_of(ours)))
    payload, moment, signature = good.rsplit(".", 2)
    other_key = URLSafeTimedSerializer("x" * 40, salt="cookie-session", serializer=real.serializer)
    other_salt = URLSafeTimedSerializer(str(app.secret_key), salt="other", serializer=real.serializer)
    return {
        "signed with another key": str(other_key.dumps(content_of(ours))),
        "signed for another use": str(other_salt.dumps(content_of(ours))),
        "unsigned": payload,
        "without its signature": f"{payload}.{moment}",
        "with an empty signature": f"{payload}.{moment}.",
        "with a cut signature": good[:-1],
        "with a changed store": f"{encoded({**content_of(ours), 'store': ours.store.id + 1})}.{moment}.{signature}",
        "with a changed moment": f"{payload}.AAAA.{signature}",
        "plain JSON": json.dumps(content_of(ours)),
        "compressed and unsigned": encoded(content_of(ours), compressed=True),
        "doubled": f"{good}.{signature}",
        "empty": "",
    }


KINDS = (
    "signed with another key", "signed for another use", "unsigned", "without its signature", "with an empty signature",
    "with a cut signature", "with a changed store", "with a changed moment", "plain JSON", "compressed and unsigned",
    "doubled", "empty",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_cookie_that_we_did_not_sign_opens_no_page(app: Flask, ours: StoreSession, kind: str) -> None:
    cookie = cookies_of(app, ours)[kind]
    asked = 0
    for rule in routes(app):
        if rule.endpoint in OPEN or "GET" not in (rule.methods or ()):
            continue
        client = app.test_client()
        client.set_cookie("__Host-session", cookie, secure=True)
        answer = client.get(fill_path(rule, values(ours)), buffered=True)
        assert answer.status_code == 401, rule.rule
        assert ours.store.name not in answer.get_data(as_text=True), rule.rule
        asked += 1
    assert asked > 20


def test_the_same_cookie_signed_by_us_opens_them(app: Flask, ours: StoreSession) -> None:
    real = SecureCookieSessionInterface().get_signing_serializer(app)
    assert real is not None
    client = app.test_client()
    client.set_cookie("__Host-session", str(real.dumps(content_of(ours))), secure=True)
    assert client.get("/documents").status_code == 200


@pytest.mark.usefixtures("no_limits")
def test_every_post_of_a_page_takes_256_kib_at_most(app: Flask, ours: StoreSession) -> None:
    asked = 0
    for rule in routes(app):
        if rule.endpoint != "webhooks.receive" and "POST" in (rule.methods or ()):
            path = fill_path(rule, values(ours))
            most = 5 * 1024 if rule.endpoint == "report_saft.compare" else 256
            answer = ours.post(path, {"text": "x" * (most * 1024)})
            assert answer.status_code == 413, path
            asked += 1
    assert asked > 20


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("name", ["next", "url", "return", "redirect", "back", "continue", "to"])
def test_no_parameter_decides_where_a_post_leads(app: Flask, ours: StoreSession, name: str) -> None:
    for rule in routes(app):
        if rule.endpoint not in ("webhooks.receive", "session.leave") and "POST" in (rule.methods or ()):
            path = fill_path(rule, values(ours))
            answer = ours.post(f"{path}?{name}=https://evil.example/", {name: "https://evil.example/"})
            assert "evil.example" not in answer.headers.get("Location", ""), path

    answer = ours.post(f"/leave?{name}=https://evil.example/", {name: "https://evil.example/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("name", ["next", "url", "return"])
def test_entering_leads_home_whatever_the_request_names(app: Flask, ours: StoreSession, name: str) -> None:
    token = entry_token(ours.store)
    answer = ours.post(f"/enter?{name}=https://evil.example/", {"token": token, name: "//evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_forwarded_headers_are_believed_only_from_the_proxies_that_the_operator_named(make_app: Any) -> None:
    app = make_app(PROXIES=0)
    assert not isinstance(app.wsgi_app, ProxyFix)
    client = app.test_client()
    for number in range(10):
        client.get(
            "/install", headers={"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        )
    assert client.get("/install", headers={"X-Forwarded-For": "192.0.2.99"}).status_code == 429
    behind = make_app(PROXIES=1).wsgi_app
    assert isinstance(behind, ProxyFix)
    assert (behind.x_for, behind.x_proto, behind.x_host, behind.x_port, behind.x_prefix) == (1, 1, 0, 0, 0)


BEHIND = {"X-Forwarded-For": "8.8.8.8"}


@pytest.mark.parametrize(
    ("proxies", "peer", "headers", "fit"),
    [
        (0, "127.0.0.1", BEHIND, False),
        (0, "10.0.0.3", {}, False),
        (0, "8.8.4.4", BEHIND, True),
        (1, "10.0.0.3", BEHIND, True),
        (1, "10.0.0.3", {}, False),
        (1, "10.0.0.3", {"X-Forwarded-For": "8.8.8.8, 10.0.0.2"}, False),
        (2, "10.0.0.3", {"X-Forwarded-For": "8.8.8.8, 10.0.0.2"}, True),
        (0, "::ffff:10.0.0.3", BEHIND, False),
        (0, "", BEHIND, False),
    ],
)
def test_a_wrong_number_of_proxies_is_said_once_in_the_log_and_by_the_health_check(
    make_app: Any,
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    peer: str,
    headers: dict[str, str],
    fit: bool,
) -> None:
    addresses = (
        "JUMPSELLER_ACCOUNTS_URL",
        "JUMPSELLER_API_URL",
        "JUMPSELLER_ADMIN_ORIGINS",
        "IGEST_URL",
        "VIES_URL",
    )
    settings: dict[str, Any] = dict.fromkeys(addresses, "https://nowhere.example")
    settings |= {"PROXIES": proxies, "APP_URL": "https://app.example", "ALLOW_PLAIN_HTTP": ""}
    app = make_app(**settings)
    client, beside = app.test_client(), {"REMOTE_ADDR": peer}
    assert client.get("/healthz").json["proxies"] is True
    with caplog.at_level("WARNING", logger="shopapp"):
        for _ in range(3):
            client.get("/d/" + "0" * 32, headers=headers, environ_overrides=beside)
    assert caplog.text.count("does not fit") == (not fit)
    assert client.get("/healthz").json["proxies"] is fit
    seen = make_app(**settings).test_client().get("/healthz", headers=headers, environ_overrides=beside)
    assert seen.json["proxies"] is (fit or not headers)


def test_who_reads_one_link_too_often_keeps_no_other_buyer_out(app: Flask) -> None:
    client = app.test_client()
    answers = [client.get("/d/" + "0" * 32).status_code for _ in range(31)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert client.get("/d/" + "1" * 32).status_code == 404


def test_a_tax_id_is_hashed_with_a_key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        ours = encryption.marks_of("123456789")
        monkeypatch.setitem(app.config, "SEAL_KEYS", ((b"k" * 32),))
        other = encryption.marks_of("123456789")
    assert not set(ours) & set(other)


def test_control_characters_never_reach_what_is_typed(ours: StoreSession) -> None:
    answer = ours.post(
        "/setup/keys/igest", {"entity": "47\x1b11\x85", "nif": "509\u202e999990"}, follow_redirects=True
    )
    page = answer.get_data(as_text=True)
    assert not {"\x1b", "\x85", "\u202e"} & set(page)


def test_no_page_lets_another_origin_read_it(app: Flask, ours: StoreSession) -> None:
    for method in ("GET", "OPTIONS"):
        answer = ours.client.open("/documents", method=method, headers={"Origin": "https://evil.example"})
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
