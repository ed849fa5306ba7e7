"""Installation: the OAuth state, the exchange of the code for tokens, the store's row, the session in the frame."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select

from shopapp import failpoints
from shopapp.errors import CredentialsError, ThrottledError, UncertainError, UnreachableError
from shopapp.models import OneTimeToken, Store, set_clock
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import Platform, StoreInfo
from shopapp.platforms.oauth import OAuthTokens
from shopapp.web.limits import limiter
from tests.fakes import FakePlatform
from tests.security.conftest import ORIGIN, csrf_token_of

ACCOUNTS = "https://accounts.shop.example"


class OAuthPlatform(FakePlatform):
    """A platform that grants tokens; the class records the calls."""

    exchanged: list[tuple[str, str]] = []
    store: str = "olariadosado"
    fails: Exception | None = None

    def __init__(self, http: Any, token: Any, redirect: str, **settings: Any) -> None:
        super().__init__(http, token, redirect)

    def authorize_url(self, state: str, challenge: str) -> str:
        return f"{ACCOUNTS}/oauth/authorize?state={state}&code_challenge={challenge}"

    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        self._http.before_call()
        OAuthPlatform.exchanged.append((code, verifier))
        if OAuthPlatform.fails:
            raise OAuthPlatform.fails
        return OAuthTokens(f"access for {code}", "refresh", 3600)

    def store_info(self) -> StoreInfo:
        self._http.before_call()
        assert self._token and self._token(None).startswith("access for ")
        return StoreInfo(
            OAuthPlatform.store,
            "Olaria do Sado",
            "EUR",
            "PT",
            "Europe/Lisbon",
            "pt",
            "geral@olaria.example",
            "",
        )

    def webhook_secret(self) -> str:
        self._http.before_call()
        return "hooks-token"


@pytest.fixture(autouse=True)
def oauth_platform(
    monkeypatch: pytest.MonkeyPatch, app: Flask, db: SQLAlchemy
) -> Iterator[type[OAuthPlatform]]:
    monkeypatch.setitem(PLATFORMS, "jumpseller", OAuthPlatform)
    OAuthPlatform.exchanged, OAuthPlatform.store, OAuthPlatform.fails = [], "olariadosado", None
    yield OAuthPlatform
    set_clock(None)
    failpoints.arm("")
    limiter.reset()


def start_install(client: FlaskClient) -> dict[str, str]:
    """Start an installation; return the parameters of the redirect to the platform."""
    answer = client.get("/install")
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def call_back(client: FlaskClient, state: str, **more: str) -> Any:
    return client.get("/install/callback", query_string={"state": state, "code": "the-code", **more})


def stores(db: SQLAlchemy) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Store)) or 0


def has_session(client: FlaskClient) -> bool:
    return client.get("/documents").status_code == 200


def test_install_redirects_with_a_state_bound_to_this_browser(client: FlaskClient) -> None:
    answer = client.get("/install")
    assert answer.headers["Location"].startswith(f"{ACCOUNTS}/oauth/authorize?")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-install="))
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"):
        assert part in cookie
    asked = start_install(client)
    assert len(base64.urlsafe_b64decode(asked["state"] + "==")) >= 16
    assert start_install(client)["state"] != asked["state"]


class OtherPlatform(OAuthPlatform):
    """A second platform, with its own consent page."""

    name = "othershop"

    def authorize_url(self, state: str, challenge: str) -> str:
        return f"https://other.example/authorize?state={state}&code_challenge={challenge}"


class PlatformWithoutOAuth(Platform):
    """A platform that is not connected by OAuth."""


def test_each_platform_is_installed_at_its_own_address(
    client: FlaskClient, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLATFORMS, "othershop", OtherPlatform)
    answer = client.get("/install/othershop")
    assert answer.headers["Location"].startswith("https://other.example/authorize?")
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    assert call_back(client, state).status_code == 303
    assert Store.find("othershop", "olariadosado") is not None
    assert Store.find("jumpseller", "olariadosado") is None
    assert client.get("/install/jumpseller").headers["Location"].startswith(f"{ACCOUNTS}/oauth/authorize?")


@pytest.mark.parametrize("name", ["unknown", "keyshop"])
def test_a_platform_that_cannot_be_authorised_has_no_install_page(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    PlatformWithoutOAuth.__abstractmethods__ = frozenset()
    PlatformWithoutOAuth.__init__ = lambda self, *given, **settings: None  # type: ignore[method-assign]
    PlatformWithoutOAuth.admin_origins = lambda self, code="": ()  # type: ignore[method-assign]
    monkeypatch.setitem(PLATFORMS, "keyshop", PlatformWithoutOAuth)
    assert client.get(f"/install/{name}").status_code == 404


def test_the_store_is_installed_and_the_browser_has_its_session(client: FlaskClient, db: SQLAlchemy) -> None:
    asked = start_install(client)
    answer = call_back(client, asked["state"])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/welcome")
    ((code, verifier),) = OAuthPlatform.exchanged
    assert code == "the-code"
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert digest == asked["code_challenge"]
    store = Store.find("jumpseller", "olariadosado")
    assert store is not None and store.state == "installed" and store.hooks_checked_at is None
    assert store.access_token == "access for the-code" and store.hooks_token == "hooks-token"
    assert b"access for" not in (store.access_token_sealed or b"")
    assert has_session(client)
    assert "Olaria do Sado" in client.get("/setup").get_data(as_text=True)


def test_installing_again_refreshes_the_row_and_adds_none(client: FlaskClient, db: SQLAlchemy) -> None:
    for _ in range(2):
        call_back(client, start_install(client)["state"])
    assert stores(db) == 1


def test_reinstalling_a_store_does_not_revive_its_old_sessions(
    app: Flask, client: FlaskClient, db: SQLAlchemy
) -> None:
    call_back(client, start_install(client)["state"])
    old = client
    store = Store.find("jumpseller", "olariadosado")
    assert store is not None
    store.state = "uninstalled"
    db.session.commit()
    assert old.get("/setup").status_code == 401
    fresh = app.test_client()
    call_back(fresh, start_install(fresh)["state"])
    assert fresh.get("/setup").status_code == 200
    assert old.get("/setup").status_code == 401
    assert stores(db) == 1


def test_authorising_anew_ends_every_earlier_session(app: Flask, client: FlaskClient, db: SQLAlchemy) -> None:
    call_back(client, start_install(client)["state"])
    copied = app.test_client()
    old = client.get_cookie("__Host-session")
    assert old is not None
    copied.set_cookie("__Host-session", old.value, secure=True)
    assert copied.get("/setup").status_code == 200
    call_back(client, start_install(client)["state"])
    assert client.get("/setup").status_code == 200
    assert copied.get("/setup").status_code == 401


def test_a_token_of_before_the_store_was_installed_anew_opens_nothing(
    app: Flask, window: FlaskClient, db: SQLAlchemy
) -> None:
    token, code = secrets_of(window)
    store = Store.find("jumpseller", "olariadosado")
    assert store is not None
    store.state = "uninstalled"
    db.session.commit()
    fresh = app.test_client()
    call_back(fresh, start_install(fresh)["state"])
    frame = app.test_client()
    assert enter(frame, token=token).status_code == enter(frame, code=code).status_code == 401
    assert frame.get("/setup").status_code == 401
    assert enter(frame, token=secrets_of(fresh)[0]).status_code == 303


HOSTILE = {
    "no state": {"state": ""}, "a made-up state": {"state": "A" * 43}, "a long state": {"state": "A" * 5000},
    "a state with a quote": {"state": "' or 1=1 --"},
    "an empty issuer": {"iss": ""}, "another issuer": {"iss": "https://evil.example"},
    "an issuer with ours in front": {"iss": ACCOUNTS + ".evil.example"},
    "an issuer with ours as user": {"iss": "https://accounts.shop.example@evil.example"},
    "an issuer over http": {"iss": ACCOUNTS.replace("https", "http")},
    "an issuer in capitals": {"iss": ACCOUNTS.upper()},
    "an issuer with a path": {"iss": ACCOUNTS + "/other"},
    "an issuer beyond ASCII": {"iss": "https://аccounts.shop.example"},
    "no code": {"code": ""}, "an error": {"error": "access_denied"},
    "an error with a code": {"error": "x", "code": "y"},
    "an error in markup": {"error": "<script>alert(1)</script>"},
    "a description in markup": {"error": "x", "error_description": "<script>alert(1)</script>"},
    "a description with a line break": {"error": "x", "error_description": "a\r\nSet-Cookie: b=c"},
    "an address in the error": {"error": "x", "error_uri": "javascript:alert(1)"},
    "an unlisted error": {"error": "ção"}, "an endless error": {"error": "e" * 4000},
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_an_answer_that_does_not_fit_installs_nothing(client: FlaskClient, db: SQLAlchemy, what: str) -> None:
    values = {"code": "the-code", "state": start_install(client)["state"], **HOSTILE[what]}
    answer = client.get("/install/callback", query_string=values)
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert "<script>alert" not in page and "javascript:" not in page and "Começar de novo" in page
    assert "Set-Cookie: b=c" not in str(answer.headers)
    assert not OAuthPlatform.exchanged and stores(db) == 0 and not has_session(client)


COOKIES = {
    "none": None,
    "empty": "",
    "another browser's": "B" * 43,
    "short": "x",
    "with a line break": "a b",
    "long": "C" * 900,
}


@pytest.mark.parametrize("cookie", COOKIES)
def test_a_state_is_refused_in_another_browser(
    app: Flask, client: FlaskClient, db: SQLAlchemy, cookie: str
) -> None:
    state = start_install(client)["state"]
    thief = app.test_client()
    if COOKIES[cookie] is not None:
        thief.set_cookie("__Host-install", str(COOKIES[cookie]))
    assert call_back(thief, state).status_code == 400
    assert stores(db) == 0 and not has_session(thief)


def test_two_browsers_with_one_state_make_one_install(
    app: Flask, client: FlaskClient, db: SQLAlchemy
) -> None:
    other = app.test_client()
    start_install(other)
    state = start_install(client)["state"]
    assert call_back(other, state).status_code == 400
    assert call_back(client, state).status_code == 303


def test_a_state_can_be_used_once(client: FlaskClient, db: SQLAlchemy) -> None:
    state = start_install(client)["state"]
    cookie = client.get_cookie("__Host-install")
    assert cookie is not None
    assert call_back(client, state).status_code == 303
    client.set_cookie("__Host-install", cookie.value)
    assert call_back(client, state, code="again").status_code == 400
    assert len(OAuthPlatform.exchanged) == 1


def test_a_state_lasts_ten_minutes(client: FlaskClient, db: SQLAlchemy) -> None:
    state = start_install(client)["state"]
    set_clock(lambda: datetime.now(UTC) + timedelta(seconds=601))
    assert call_back(client, state).status_code == 400
    assert not OAuthPlatform.exchanged


def test_two_windows_opened_at_once_do_not_break_each_other(client: FlaskClient, db: SQLAlchemy) -> None:
    first, second = start_install(client)["state"], start_install(client)["state"]
    assert call_back(client, first).status_code == 303
    client.get("/install")
    assert first != second


@pytest.mark.parametrize(
    "name", ["store", "code_store", "shop", "store_code", "next", "return_to", "redirect_uri"]
)
def test_only_the_platform_says_which_store_it_is(client: FlaskClient, db: SQLAlchemy, name: str) -> None:
    answer = call_back(client, start_install(client)["state"], **{name: "//evil.example"})
    assert answer.headers["Location"] == "/welcome"
    assert Store.find("jumpseller", "olariadosado") is not None and stores(db) == 1


@pytest.mark.parametrize(
    "target",
    ["//evil", "/\\evil", "https:evil", "%0d%0aLocation: x", "javascript:alert(1)", "http://localhost@evil"],
)
@pytest.mark.parametrize("path", ["/", "/install", "/enter", "/welcome", "/authorise", "/setup/resume"])
def test_no_address_redirects_to_another_site(client: FlaskClient, path: str, target: str) -> None:
    for name in ("next", "redirect_uri", "return_to", "url"):
        answer = client.get(f"{path}?{name}={quote(target)}")
        location = answer.headers.get("Location", "")
        assert location.startswith((f"{ACCOUNTS}/", "/")) or not location
        assert "evil" not in location


@pytest.mark.parametrize(
    "failure",
    [
        CredentialsError("grant-refused", error="<b>"), UncertainError("outcome-unknown", how="status-500"),
        UnreachableError("unreachable"), ThrottledError("throttled", 5),
    ],
)  # fmt: skip
def test_a_platform_that_gives_no_tokens_leaves_no_store(
    client: FlaskClient, db: SQLAlchemy, failure: Exception
) -> None:
    OAuthPlatform.fails = failure
    answer = call_back(client, start_install(client)["state"])
    assert answer.status_code == 502
    assert "<b>" not in answer.get_data(as_text=True)
    assert stores(db) == 0 and not has_session(client)


def test_a_crash_before_the_commit_installs_nothing(client: FlaskClient, db: SQLAlchemy) -> None:
    failpoints.arm("install_before_commit=raise")
    assert call_back(client, start_install(client)["state"]).status_code == 500
    assert stores(db) == 0
    assert call_back(client, start_install(client)["state"]).status_code == 303
    assert stores(db) == 1


def test_a_crash_after_the_commit_leaves_the_webhooks_due(client: FlaskClient, db: SQLAlchemy) -> None:
    failpoints.arm("install_after_commit=raise")
    assert call_back(client, start_install(client)["state"]).status_code == 500
    store = Store.find("jumpseller", "olariadosado")
    assert store is not None and [due.id for due in Store.due_for_webhook_check(3600)] == [store.id]


def test_log_in_starts_a_new_session(client: FlaskClient, db: SQLAlchemy) -> None:
    client.get("/")
    before = client.get_cookie("__Host-session")
    with client.session_transaction() as session:
        session["planted"] = "by someone else"
    call_back(client, start_install(client)["state"])
    after = client.get_cookie("__Host-session")
    assert before is not None and after is not None and before.value != after.value
    with client.session_transaction() as session:
        assert "planted" not in session


# The session in the frame


def secrets_of(client: FlaskClient) -> tuple[str, str]:
    """Return the token and the code on the welcome page."""
    page = client.get("/welcome").get_data(as_text=True)
    token = re.search(r'data-token="([^"]+)"', page)
    code = re.search(r"<code>([^<]+)</code>", page)
    assert token and code
    return token.group(1), code.group(1)


def enter(client: FlaskClient, **form: str) -> Any:
    page_token = csrf_token_of(client, "/")
    return client.post("/enter", data={"csrf_token": page_token, **form}, headers={"Origin": ORIGIN})


@pytest.fixture
def window(client: FlaskClient) -> FlaskClient:
    """Return the client of the window in which the merchant consented."""
    call_back(client, start_install(client)["state"])
    return client


def test_the_token_opens_the_frame_once(app: Flask, window: FlaskClient) -> None:
    token, _ = secrets_of(window)
    frame, thief = app.test_client(), app.test_client()
    answer = enter(frame, token=token)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert frame.get("/setup").status_code == 200
    assert enter(thief, token=token).status_code == 401
    assert thief.get("/setup").status_code == 401


def test_the_code_opens_the_frame_once_however_it_is_typed(app: Flask, window: FlaskClient) -> None:
    _, code = secrets_of(window)
    assert len(code.replace("-", "")) >= 12
    frame, thief = app.test_client(), app.test_client()
    assert enter(frame, code=f" {code.lower().replace('-', ' ')} ").status_code == 303
    assert frame.get("/setup").status_code == 200
    assert enter(thief, code=code).status_code == 401


@pytest.mark.parametrize(
    ("seconds", "token_good", "code_good"), [(50, True, True), (70, False, True), (310, False, False)]
)
def test_token_and_code_expire(
    app: Flask, window: FlaskClient, seconds: int, token_good: bool, code_good: bool
) -> None:
    token, code = secrets_of(window)
    set_clock(lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    assert (enter(app.test_client(), token=token).status_code == 303) is token_good
    assert (enter(app.test_client(), code=code).status_code == 303) is code_good


def test_a_token_is_not_a_code_nor_a_state(app: Flask, window: FlaskClient) -> None:
    token, code = secrets_of(window)
    for form in (
        {"code": token},
        {"token": code},
        {"token": code.replace("-", "")},
        {},
        {"token": "", "code": ""},
    ):
        assert enter(app.test_client(), **form).status_code == 401
    assert enter(app.test_client(), token=start_install(window)["state"]).status_code == 401


def test_a_token_of_an_ended_installation_opens_nothing(
    app: Flask, window: FlaskClient, db: SQLAlchemy
) -> None:
    token, code = secrets_of(window)
    store = Store.find("jumpseller", "olariadosado")
    assert store is not None
    store.state = "uninstalled"
    db.session.commit()
    assert enter(app.test_client(), token=token).status_code == 401
    assert enter(app.test_client(), code=code).status_code == 401


def test_tokens_and_codes_are_stored_only_as_hashes(window: FlaskClient, db: SQLAlchemy) -> None:
    token, code = secrets_of(window)
    for ticket in db.session.scalars(select(OneTimeToken)):
        kept = f"{ticket.secret_hash}{ticket.bound_hash}".encode() + (ticket.content_sealed or b"")
        assert token.encode() not in kept and code.replace("-", "").encode() not in kept


def test_no_address_contains_a_secret(window: FlaskClient) -> None:
    answer = window.get("/welcome")
    page = answer.get_data(as_text=True)
    token, _ = secrets_of(window)
    assert not [address for address in re.findall(r'(?:href|src|action)="([^"]*)"', page) if token in address]
