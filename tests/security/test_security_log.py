"""What the log says of attacks and of what merchants change: a named event with request, client and store."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from flask import Flask

from shopapp.logs import LineFormatter
from shopapp.web.session import entry_code
from tests.security.conftest import ORIGIN, StoreSession, csrf_token_of


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that gives the events since it was last asked: name and facts."""
    caplog.set_level(logging.INFO)

    def read() -> list[tuple[str, dict[str, Any]]]:
        found = [(one.event, one.facts) for one in caplog.records if one.name == "shopapp.security"]  # type: ignore[attr-defined]
        caplog.clear()
        return found

    return read


def names(found: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in found]


def test_what_was_refused_is_a_named_event(
    app: Flask, ours: StoreSession, theirs: StoreSession, events: Any
) -> None:
    events()
    stranger = app.test_client()
    token = csrf_token_of(stranger, "/")
    for kind in ("token", "code"):
        stranger.post(
            "/enter", data={"csrf_token": token, kind: "no-such-secret"}, headers={"Origin": ORIGIN}
        )
        assert events() == [("session-refused", {"how": kind})]
    ours.client.post(
        "/setup/disconnect", data={"csrf_token": ours.token}, headers={"Origin": "https://evil.example"}
    )
    assert events() == [("form-refused", {"reason": "origin"})]
    ours.post("/setup/disconnect", {"csrf_token": "forged"})
    assert events() == [("form-refused", {"reason": "csrf-token"})]
    ours.client.get(f"/documents/{theirs.documents['issued'].id}")
    assert events() == [("row-refused", {"page": "documents.one"})]
    ours.post("/documents/bulk", {"do": "issue", "id": [theirs.documents["nif"].id]})
    assert events() == [("row-refused", {"page": "bulk.apply"})]
    stranger.post(f"/hooks/jumpseller/{ours.store.hook_key}", data=b"{}")
    stranger.post("/hooks/jumpseller/unknown", data=b"{}")
    assert events() == [("signature-refused", {"store": ours.store.id}), ("address-refused", {})]
    stranger.get("/d/" + "0" * 32)
    stranger.get("/install/callback?state=x&code=y")
    assert events() == [("link-refused", {}), ("install-refused", {"reason": "state"})]
    for _ in range(11):
        stranger.get("/install")
    assert events()[-1] == ("rate-limited", {"page": "install.start"})


def test_what_a_merchant_changes_is_a_named_event(app: Flask, ours: StoreSession, events: Any) -> None:
    code = entry_code(ours.store)
    second = app.test_client()
    form = {"csrf_token": csrf_token_of(second, "/"), "code": code}
    second.post("/enter", data=form, headers={"Origin": ORIGIN})
    assert events() == [("session-started", {"how": "code"})]
    ours.post("/setup/sessions/end-others")
    ours.post("/setup/disconnect", {"sure": "yes"})
    ours.post("/leave")
    assert events() == [
        ("session-ended", {"how": "others", "count": 1}),
        ("provider-disconnected", {"provider": "igest"}),
        ("session-ended", {"how": "log-out", "count": 1}),
    ]


def test_every_answer_names_its_request_and_no_request_names_itself(ours: StoreSession, app: Flask) -> None:
    given = {"X-Request-ID": "mine", "X-Correlation-ID": "mine"}
    asked = [
        ours.client.get(path, headers=given, buffered=True)
        for path in ("/documents", "/nowhere", "/static/style.css")
    ]
    asked.append(app.test_client().post("/hooks/jumpseller/x", data=b"{}", headers=given))
    found = [answer.headers["X-Request-ID"] for answer in asked]
    assert len(set(found)) == 4 and all(len(one) == 16 and int(one, 16) >= 0 for one in found)


@pytest.mark.parametrize(("proxies", "client"), [(0, "127.0.0.1"), (1, "192.0.2.7")])
def test_a_line_names_the_client_behind_the_operators_proxies(
    make_app: Any, proxies: int, client: str
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    logging.getLogger("shopapp").addHandler(handler)
    try:
        client_of_proxy = make_app(PROXIES=proxies).test_client()
        client_of_proxy.get("/d/" + "0" * 32, headers={"X-Forwarded-For": "192.0.2.7"})
    finally:
        logging.getLogger("shopapp").removeHandler(handler)
    assert f" client={client} event=link-refused" in written.getvalue()
    assert " request=" in written.getvalue()
