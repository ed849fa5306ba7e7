"""The OAuth pages of the Jumpseller stand-in: consent, codes, tokens, refresh, uninstalling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sandbox.jumpseller_client import CALLBACK, SADO, SERRA, JumpsellerClient, open_client


def test_the_consent_page_asks_and_brings_code_and_state_back(jumpseller: JumpsellerClient) -> None:
    page = jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query())
    assert "Yes, Authorize" in page.text
    assert "Quick Invoice pede acesso" in page.text
    came = jumpseller.consent()
    assert came["state"] == "xyz"
    tokens = jumpseller.exchange(came["code"]).json or {}
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token", "created_at"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)


def test_a_merchant_who_refuses_is_brought_back_with_an_error(jumpseller: JumpsellerClient) -> None:
    came = jumpseller.consent(answer="no")
    assert came["error"] == "access_denied"
    assert came["state"] == "xyz"
    assert jumpseller.browser.get(f"/sandbox/shops/{SADO}").json["installed"] is False  # type: ignore[index]


def test_the_shop_is_the_one_whose_admin_is_open(jumpseller: JumpsellerClient) -> None:
    both = jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query()).text
    assert "Em que loja?" in both
    jumpseller.browser.get(f"/admin/{SERRA}/")
    one = jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query()).text
    assert "Quinta da Serra" in one
    assert "Olaria do Sado" not in one


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": "http://evil.example/install/callback"},
        {"client_id": "another"},
    ],
)
def test_an_unknown_client_or_address_is_never_redirected_to(
    jumpseller: JumpsellerClient, changes: dict[str, str]
) -> None:
    answer = jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query(**changes))
    assert answer.status_code == 401
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "read_store steal_everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "x", "code_challenge_method": "S1"}, "invalid_request"),
    ],
)
def test_an_invalid_consent_request_is_answered_at_the_callback(
    jumpseller: JumpsellerClient, changes: dict[str, str], error: str
) -> None:
    answer = jumpseller.browser.get("/oauth/authorize", query_string=jumpseller.authorize_query(**changes))
    assert answer.location.startswith(f"{CALLBACK}?error={error}&state=xyz")


def test_the_out_of_band_address_shows_the_code(jumpseller: JumpsellerClient) -> None:
    oob = "urn:ietf:wg:oauth:2.0:oob"
    form = {**jumpseller.authorize_query(redirect_uri=oob), "shop": SADO, "answer": "yes"}
    assert 'id="code"' in jumpseller.browser.post("/oauth/authorize", data=form).text


@pytest.mark.parametrize("encoding", ["urlencoded", "json", "multipart"])
def test_the_token_request_may_be_encoded_in_three_ways(jumpseller: JumpsellerClient, encoding: str) -> None:
    fields = {
        "grant_type": "authorization_code",
        "client_id": "quick-invoice",
        "client_secret": "sandbox-secret",
        "code": jumpseller.consent()["code"],
        "redirect_uri": CALLBACK,
    }
    if encoding == "json":
        answer = jumpseller.browser.post("/oauth/token", json=fields)
    else:
        kind = "multipart/form-data" if encoding == "multipart" else "application/x-www-form-urlencoded"
        answer = jumpseller.browser.post("/oauth/token", data=fields, content_type=kind)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_ends_after_ten_minutes(jumpseller: JumpsellerClient) -> None:
    code = jumpseller.consent()["code"]
    jumpseller.parts.platform.grants[code]["expires"] -= 601
    assert (jumpseller.exchange(code).json or {})["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_address(jumpseller: JumpsellerClient) -> None:
    fields = {"grant_type": "authorization_code", "code": jumpseller.consent()["code"]}
    answer = jumpseller.post_token(redirect_uri="http://127.0.0.1:9/install/callback", **fields)
    assert (answer.json or {})["error"] == "invalid_grant"


def test_a_wrong_client_secret_is_an_invalid_client(jumpseller: JumpsellerClient) -> None:
    fields = {"grant_type": "refresh_token", "client_id": "quick-invoice", "client_secret": "wrong"}
    answer = jumpseller.browser.post("/oauth/token", data=fields)
    assert (answer.status_code, (answer.json or {})["error"]) == (401, "invalid_client")


def test_another_kind_of_grant_is_refused(jumpseller: JumpsellerClient) -> None:
    assert (jumpseller.post_token(grant_type="password").json or {})["error"] == "unsupported_grant_type"


def test_refresh_tokens_rotate_and_a_used_one_revokes_the_family(jumpseller: JumpsellerClient) -> None:
    first = jumpseller.install()
    second = jumpseller.refresh(first["refresh_token"]).json or {}
    assert second["refresh_token"] != first["refresh_token"]
    assert (jumpseller.refresh(first["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert (jumpseller.refresh(second["refresh_token"]).json or {})["error"] == "invalid_grant"
    jumpseller.token = second["access_token"]
    assert jumpseller.call("GET", "/store/info.json").status_code == 401


def test_an_expired_access_token_is_refused_until_refreshed(jumpseller: JumpsellerClient) -> None:
    tokens = jumpseller.install()
    jumpseller.browser.post(f"/sandbox/shops/{SADO}/expire")
    assert jumpseller.call("GET", "/store/info.json").status_code == 401
    jumpseller.token = (jumpseller.refresh(tokens["refresh_token"]).json or {})["access_token"]
    assert jumpseller.get("/store/info.json")["code"] == SADO


def test_revoked_tokens_cannot_be_refreshed(jumpseller: JumpsellerClient) -> None:
    tokens = jumpseller.install()
    jumpseller.browser.post(f"/sandbox/shops/{SADO}/revoke")
    assert (jumpseller.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"


def test_uninstalling_revokes_the_tokens_of_that_shop_alone(jumpseller: JumpsellerClient) -> None:
    jumpseller.install(SADO)
    gone = jumpseller.token
    jumpseller.install(SERRA)
    kept = jumpseller.token
    jumpseller.browser.post(f"/admin/{SADO}/apps/quick-invoice/uninstall")
    jumpseller.token = gone
    assert jumpseller.call("GET", "/store/info.json").status_code == 401
    jumpseller.token = kept
    assert jumpseller.get("/store/info.json")["code"] == SERRA


def test_token_info_shows_scope_and_client(jumpseller: JumpsellerClient) -> None:
    jumpseller.install()
    headers = {"Authorization": f"Bearer {jumpseller.token}"}
    told = jumpseller.browser.get("/oauth/token/info", headers=headers).json or {}
    assert told["application"] == {"uid": "quick-invoice"}
    assert "write_orders" in told["scope"]
    assert jumpseller.browser.get("/oauth/token/info").status_code == 401


def test_tokens_orders_webhooks_and_switches_survive_a_restart(tmp_path: Path) -> None:
    with open_client(tmp_path) as before:
        tokens = before.install()
        before.subscribe("http://127.0.0.1:9/h", "order_shipped")
        number = before.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
        before.switch("rate", "text")
    with open_client(tmp_path) as after:
        after.token = tokens["access_token"]
        order = after.get(f"/orders/{number}.json")["order"]
        assert order["products"][0]["taxes"][0]["rate"] == "23.0"
        assert [one["hook"]["event"] for one in after.get("/hooks.json")] == ["order_shipped"]
        assert after.refresh(tokens["refresh_token"]).status_code == 200


def test_a_reset_forgets_everything(jumpseller: JumpsellerClient) -> None:
    jumpseller.install()
    jumpseller.place_order(lines=[{"sku": "TACA-01"}])
    jumpseller.switch("rate", "text")
    assert jumpseller.browser.post("/sandbox/reset").json == {"shops": [SADO, SERRA]}
    assert jumpseller.call("GET", "/store/info.json").status_code == 401
    assert jumpseller.browser.get(f"/sandbox/shops/{SADO}/orders").json == []
    switches = json.loads(jumpseller.browser.get("/sandbox/switches").text)
    assert all(switch["position"] == switch["default"] for switch in switches)
