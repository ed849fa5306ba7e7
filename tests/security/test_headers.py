"""Every answer of every route has the security headers of docs/security.md."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.security.conftest import StoreSession, fill_path, routes

NEVER_FRAMED = {
    "connect.show",
    "connect.try_key",
    "connect.confirm",
    "sign_in.ask",
    "sign_in.send",
    "sign_in.show",
    "sign_in.enter",
    "install.start",
    "install.callback",
    "install.welcome",
    "public.buyer_pdf",
    "health.healthz",
    "webhooks.receive",
    "static",
}
SAFE = ("GET", "HEAD", "OPTIONS")


def values(shop: StoreSession) -> dict[str, Any]:
    document = shop.documents["issued"]
    return {
        "number": document.id, "name": "igest", "token": document.link_token, "filename": "style.css",
        "platform": "jumpseller", "key": shop.store.hook_key,
        "reading": "net", "table": "documentos", "secret": "x" * 43,
    }  # fmt: skip


def opener_policy(where: str, framed_by: str, is_served: bool) -> str:
    """Return who may keep a reference to the window: only the window of the authorisation passes something on."""
    path = where.split()[1] if " " in where else where
    if is_served and path.startswith(("/install", "/welcome")):
        return "unsafe-none"
    return "same-origin" if framed_by == "'none'" else "same-origin-allow-popups"


def check(answer: Any, where: str, framed_by: str, is_served: bool = True) -> None:
    headers = answer.headers
    policy = dict(
        part.strip().split(" ", 1)
        for part in headers["Content-Security-Policy"].split(";")
        if " " in part.strip()
    )
    assert policy["default-src"] == "'none'", where
    assert policy["object-src"] == "'none'" and policy["base-uri"] == "'none'", where
    assert policy["script-src"] == "'self'" and policy["style-src"] == "'self'", where
    assert policy["form-action"] == "'self'" and policy["connect-src"] == "'self'", where
    assert (
        "unsafe" not in headers["Content-Security-Policy"]
        and "data:" not in headers["Content-Security-Policy"]
    ), where
    assert policy["frame-ancestors"] == framed_by, where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Referrer-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Opener-Policy"] == opener_policy(where, framed_by, is_served), where
    assert "X-Frame-Options" not in headers, where


def every_route(app: Flask, shop: StoreSession, client: Any) -> list[tuple[str, str, Any]]:
    """Return (endpoint, request, answer) for each route and method.

    The endpoint is empty for a method that the route does not allow.
    """
    found = []
    for rule in routes(app):
        others = {other for one in routes(app) if one.rule == rule.rule for other in one.methods or ()}
        for method in sorted(others | {"GET", "POST", "DELETE"}):
            answer = client.open(fill_path(rule, values(shop)), method=method, buffered=True)
            endpoint = rule.endpoint if method in others else ""
            found.append((endpoint, f"{method} {rule.rule} {answer.status_code}", answer))
    return found


def test_every_route_says_who_may_frame_it_and_what_it_may_load(app: Flask, ours: StoreSession) -> None:
    answers = every_route(app, ours, ours.client)
    for endpoint, where, answer in answers:
        framed_by = "'none'" if not endpoint or endpoint in NEVER_FRAMED else "http://admin.localhost"
        check(answer, where, framed_by, is_served=bool(endpoint))
    assert len(answers) > 100


def test_without_a_session_only_the_platform_may_frame_the_consent_page(
    app: Flask, ours: StoreSession
) -> None:
    for path, status in (("/", 200), ("/documents", 401), (f"/documents/{ours.documents['nif'].id}", 401)):
        answer = app.test_client().get(path)
        assert answer.status_code == status
        check(answer, path, "http://admin.localhost")
        assert "Yes, Authorize" in answer.get_data(as_text=True)


def test_only_the_stores_own_admin_may_frame_its_pages(make_app: Any) -> None:
    from dev.factories import make_account, make_store
    from tests.security.conftest import log_in

    app = make_app(JUMPSELLER_ADMIN_ORIGINS="http://*.admin.localhost")
    with app.app_context():
        store = make_store("olariadosado")
        make_account(store)
        client = log_in(app, store)
    assert (
        "frame-ancestors http://olariadosado.admin.localhost"
        in client.get("/documents").headers["Content-Security-Policy"]
    )
    without = app.test_client().get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors http://*.admin.localhost" in without


@pytest.mark.parametrize(
    "path", ["/nowhere", "/documents/99999999", "/documents/9999999999999999999999", "/setup/keys/none"]
)
def test_error_pages_carry_the_same_headers(app: Flask, ours: StoreSession, path: str) -> None:
    answer = ours.client.get(path)
    assert answer.status_code == 404
    check(answer, path, "'none'" if path == "/nowhere" else "http://admin.localhost")


def test_only_static_files_may_be_cached(app: Flask, ours: StoreSession) -> None:
    for endpoint, where, answer in every_route(app, ours, ours.client):
        if endpoint == "static" and answer.status_code == 200:
            assert "immutable" in answer.headers["Cache-Control"], where
        else:
            assert answer.headers["Cache-Control"] == "no-store", where


def test_https_answers_carry_hsts(make_app: Any) -> None:
    app = make_app(
        APP_URL="https://app.example", ALLOW_PLAIN_HTTP="", JUMPSELLER_ACCOUNTS_URL="https://accounts.example",
        JUMPSELLER_API_URL="https://api.example/v1", IGEST_URL="https://igest.example/x",
    )  # fmt: skip
    for path in ("/", "/nowhere", "/healthz"):
        assert app.test_client().get(path).headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_session_cookie_is_host_only_and_partitioned(app: Flask, ours: StoreSession) -> None:
    cookie = app.test_client().get("/").headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for part in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


def test_no_page_contains_inline_script_or_style(app: Flask, ours: StoreSession) -> None:
    import re

    for _, where, answer in every_route(app, ours, ours.client):
        if answer.mimetype != "text/html":
            continue
        page = answer.get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), where
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|src=\"data:", page), where
