"""The app behind a proxy that terminates TLS, as in production: https only, with cookies and forms.

The proxy is in this file and has a self-signed certificate; the shop's admin is a page with one frame.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from dev.local_stack import LocalStack
from dev.servers import free_port
from tests.conftest import BROWSER_MS
from tests.unit.hostile_server import certificate

pytestmark = [pytest.mark.browser, pytest.mark.journey]

OWN = {"connection", "keep-alive", "transfer-encoding", "host"}


class Proxy(BaseHTTPRequestHandler):
    """Forwards each request to the app at port `app`, marked as received over https, under another host name.

    Under the name `localhost`, which is another site, the same server is the shop's admin.
    """

    protocol_version = "HTTP/1.1"
    app = 0

    def forward(self) -> None:
        if self.headers["Host"].startswith("localhost"):
            own = self.headers["Host"].replace("localhost", "127.0.0.1")
            self.answer(
                200, [("Content-Type", "text/html")], f'<iframe name="app" src="https://{own}/">'.encode()
            )
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
        headers |= {
            "Host": "app.internal",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": self.client_address[0],
        }
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection("127.0.0.1", self.app, timeout=60)
        connection.request(self.command, self.path, sent or None, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.answer(answer.status, answer.getheaders(), body)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in OWN | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = forward

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start the web process behind the proxy, without any other part."""
    port, nowhere = free_port(), "https://127.0.0.1:9"
    stack = LocalStack(
        tmp_path_factory.mktemp("tls"),
        redis_url="redis://127.0.0.1:9/0",
        settings={
            "APP_URL": f"https://127.0.0.1:{port}",
            "PROXIES": "1",
            "ALLOW_PLAIN_HTTP": "",
            "JUMPSELLER_ACCOUNTS_URL": nowhere,
            "JUMPSELLER_API_URL": nowhere,
            "JUMPSELLER_ADMIN_ORIGINS": f"https://localhost:{port}",
            "SHOPKIT_API_URL": nowhere,
            "SHOPKIT_ADMIN_URL": nowhere,
            "IGEST_URL": nowhere,
            "PHCGO_LOOPBACK": "",
            "WEB_PROCESSES": "1",
        },
    )
    Proxy.app = stack.ports.app
    server = ThreadingHTTPServer(("127.0.0.1", port), Proxy)
    guarded, _ = certificate(stack.folder)
    server.socket = guarded.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        stack.migrate()
        stack.restart("web")
        yield stack
    finally:
        stack.stop()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def code(stack: LocalStack) -> str:
    """Return an entry code of a sample store, as the welcome page would show it."""
    from dev.factories import make_account, make_store
    from shopapp import create_app
    from shopapp.models import Store
    from shopapp.web.session import entry_code

    app: Flask = create_app(stack.env)
    with app.app_context():
        store: Store = make_store()
        make_account(store)
        return entry_code(store)


def test_behind_a_tls_proxy_the_frame_logs_in_with_a_secure_cookie(
    browser: Browser, stack: LocalStack, code: str
) -> None:
    app_url = stack.env["APP_URL"]
    context = browser.new_context(locale="pt-PT", ignore_https_errors=True)
    context.set_default_timeout(BROWSER_MS)
    page = context.new_page()
    page.goto(stack.env["JUMPSELLER_ADMIN_ORIGINS"])
    frame = page.frame_locator("iframe[name=app]")
    frame.get_by_text("A janela mostrou-lhe um código?").click()
    frame.locator("#f-code").fill(code)
    frame.get_by_role("button", name="Entrar").click()
    expect(frame.get_by_role("navigation", name="Principal")).to_be_visible()
    cookie = next(one for one in context.cookies(app_url) if one["name"] == "__Host-session")
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    assert cookie.get("partitionKey")
    context.close()


def test_behind_a_tls_proxy_every_address_is_https(browser: Browser, stack: LocalStack) -> None:
    app_url = stack.env["APP_URL"]
    context = browser.new_context(ignore_https_errors=True)
    for path in ("/", "/nowhere", "/healthz"):
        answer = context.request.get(app_url + path)
        assert "max-age=31536000" in answer.headers["strict-transport-security"], path
    start = context.request.get(f"{app_url}/install", max_redirects=0)
    assert start.status == 302
    asked = parse_qs(urlsplit(start.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{app_url}/install/callback"]
    bound = start.headers["set-cookie"]
    assert bound.startswith("__Host-install=") and "Secure" in bound and "HttpOnly" in bound
    # A form from another site is refused, although it carries the session's cookie.
    foreign = context.request.post(
        f"{app_url}/enter", headers={"Origin": "https://127.0.0.1"}, form={"code": "x"}
    )
    assert foreign.status == 403
    context.close()
