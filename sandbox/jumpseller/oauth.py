"""The pages of accounts.jumpseller.com: consent, token and token info.

The admin's log-in cookie says which shop authorises the app, or the page lets the merchant choose.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import unquote_plus, urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from .components import components
from .oauth_tokens import CLIENT_ID, CLIENT_SECRET, SCOPES, OAuthError
from .platform_state import Shop

pages = Blueprint("oauth", __name__)
COOKIE = "sandbox_shop"
CONSENT_FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


def _consent_error(asked: Json) -> str | None:
    """Return the OAuth error code for a wrong consent request of a known client, or None."""
    if asked["response_type"] != "code":
        return "unsupported_response_type"
    scopes = asked["scope"].split()
    if not scopes or not SCOPES.issuperset(scopes):
        return "invalid_scope"
    if asked["code_challenge"] and asked["code_challenge_method"] not in ("", "plain", "S256"):
        return "invalid_request"
    return None


def _redirect_back(asked: Json, answer: Json) -> AnyResponse:
    """Redirect the browser to the app; the out-of-band address shows the code on a page instead."""
    if asked["redirect_uri"].startswith("urn:"):
        return make_response(render_template("oauth/code.html", answer=answer))
    kept = {"state": asked["state"]} if asked["state"] else {}
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect(asked["redirect_uri"] + joint + urlencode({**answer, **kept}), 302)


def _client_credentials(fields: Json) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic" and components().switches["token-client"] == "body-or-basic":
        try:
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
            return unquote_plus(name), unquote_plus(secret)
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
    return str(fields.get("client_id", "")), str(fields.get("client_secret", ""))


def _token_answer(fields: Json) -> Json:
    name, secret = _client_credentials(fields)
    is_known = hmac.compare_digest(name.encode(), CLIENT_ID.encode())
    if not is_known or not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise OAuthError("invalid_client", "A autenticação do cliente falhou.", 401)
    kind = fields.get("grant_type")
    if kind == "authorization_code":
        uri, verifier = str(fields.get("redirect_uri", "")), fields.get("code_verifier")
        return components().oauth_tokens.exchange(str(fields.get("code", "")), uri, verifier)
    if kind == "refresh_token":
        return components().oauth_tokens.refresh(str(fields.get("refresh_token", "")))
    raise OAuthError("unsupported_grant_type", "Este tipo de autorização não é suportado.")


def _consent_response(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    if components().switches["consent-framed"] == "refused":
        answer.headers["X-Frame-Options"] = "SAMEORIGIN"
        answer.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
    if components().switches["consent-coop"] == "same-origin":
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refusal_page(text: str, status: int) -> Response:
    return _consent_response(render_template("oauth/refused.html", text=text), status)


@pages.get("/oauth/authorize")
def consent() -> AnyResponse:
    asked = {name: request.args.get(name, "") for name in CONSENT_FIELDS}
    if (
        asked["client_id"] != CLIENT_ID
        or asked["redirect_uri"] not in components().oauth_tokens.redirect_uris()
    ):
        return _refusal_page("Cliente desconhecido ou endereço de retorno não registado.", 401)
    wrong = _consent_error(asked)
    if wrong:
        return _redirect_back(asked, {"error": wrong})
    if components().switches["store-permitted"] == "no":
        return _refusal_page("Your store does not have permission to access this application.", 403)
    shop = components().platform.shops.get(request.cookies.get(COOKIE, ""))
    is_same = shop and shop.profile["installed"] and shop.profile["scope"] == asked["scope"]
    if (
        shop
        and is_same
        and components().oauth_tokens.live_tokens(shop)
        and components().switches["consent-again"] == "at-once"
    ):
        return _redirect_back(asked, {"code": components().oauth_tokens.issue_code(shop, asked)})
    shops = [shop] if shop else list(components().platform.shops.values())
    return _consent_response(render_template("oauth/consent.html", asked=asked, shops=shops))


@pages.post("/oauth/authorize")
def decide() -> AnyResponse:
    asked = {name: request.form.get(name, "") for name in CONSENT_FIELDS}
    shop: Shop | None = components().platform.shops.get(request.form.get("shop", ""))
    known = (
        asked["client_id"] == CLIENT_ID and asked["redirect_uri"] in components().oauth_tokens.redirect_uris()
    )
    if not shop or not known or _consent_error(asked):
        return _refusal_page("Pedido inválido.", 400)
    if request.form.get("answer") != "yes":
        return _redirect_back(
            asked, {"error": "access_denied", "error_description": "O comerciante recusou o acesso."}
        )
    answer = _redirect_back(asked, {"code": components().oauth_tokens.issue_code(shop, asked)})
    answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
    return answer


@pages.post("/oauth/token")
def token() -> tuple[Response, int]:
    sent = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    try:
        answer = jsonify(_token_answer(sent if isinstance(sent, dict) else {}))
    except OAuthError as wrong:
        return jsonify({"error": wrong.code, "error_description": wrong.description}), wrong.status
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    return answer, 200


@pages.get("/oauth/token/info")
def token_info() -> tuple[Response, int]:
    token_text = request.headers.get("Authorization", "").partition(" ")[2] or request.args.get(
        "access_token", ""
    )
    found = components().oauth_tokens.find_live_token(token_text)
    if not found:
        return jsonify({"error": "invalid_token", "error_description": "O token é inválido."}), 401
    shop = components().platform.shops[found["shop"]]
    seconds_left = int(found["expires"] - found["created"])
    return jsonify(
        {
            "resource_owner_id": shop.profile["number"],
            "scope": found["scope"].split(),
            "expires_in": seconds_left,
            "application": {"uid": CLIENT_ID},
            "created_at": int(found["created"]),
        }
    ), 200
