"""The pages of accounts.jumpseller.com: consent, token, token info.

Registered by the app. Which shop is authorising comes from the admin's own log-in cookie, or is chosen on
the page.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import unquote_plus, urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.web import Json

from .accounts import CLIENT_ID, CLIENT_SECRET, SCOPES, OAuthError
from .here import parts
from .world import Shop

pages = Blueprint("oauth", __name__)
COOKIE = "sandbox_shop"
ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


def _check_asked(asked: Json) -> str | None:
    """What is wrong with a request for consent from a known client and address, as an OAuth error code."""
    if asked["response_type"] != "code":
        return "unsupported_response_type"
    scopes = asked["scope"].split()
    if not scopes or not SCOPES.issuperset(scopes):
        return "invalid_scope"
    if asked["code_challenge"] and asked["code_challenge_method"] not in ("", "plain", "S256"):
        return "invalid_request"
    return None


def _back(asked: Json, answer: Json) -> AnyResponse:
    """The browser sent back to the app; out of band the code is shown on a page instead."""
    if asked["redirect_uri"].startswith("urn:"):
        return make_response(render_template("oauth/code.html", answer=answer))
    kept = {"state": asked["state"]} if asked["state"] else {}
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect(asked["redirect_uri"] + joint + urlencode({**answer, **kept}), 302)


def _client(fields: Json) -> tuple[str, str]:
    scheme, _, letters = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic" and parts().switches["token-client"] == "body-or-basic":
        try:
            name, _, secret = base64.b64decode(letters).decode().partition(":")
            return unquote_plus(name), unquote_plus(secret)
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
    return str(fields.get("client_id", "")), str(fields.get("client_secret", ""))


def _token(fields: Json) -> Json:
    name, secret = _client(fields)
    is_known = hmac.compare_digest(name.encode(), CLIENT_ID.encode())
    if not is_known or not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise OAuthError("invalid_client", "A autenticação do cliente falhou.", 401)
    kind = fields.get("grant_type")
    if kind == "authorization_code":
        uri, verifier = str(fields.get("redirect_uri", "")), fields.get("code_verifier")
        return parts().accounts.exchange(str(fields.get("code", "")), uri, verifier)
    if kind == "refresh_token":
        return parts().accounts.refresh(str(fields.get("refresh_token", "")))
    raise OAuthError("unsupported_grant_type", "Este tipo de autorização não é suportado.")


def _guarded(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    if parts().switches["consent-framed"] == "refused":
        answer.headers["X-Frame-Options"] = "SAMEORIGIN"
        answer.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
    if parts().switches["consent-coop"] == "same-origin":
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refusal(text: str, status: int) -> Response:
    return _guarded(render_template("oauth/refused.html", text=text), status)


@pages.get("/oauth/authorize")
def consent() -> AnyResponse:
    asked = {name: request.args.get(name, "") for name in ASKED}
    if asked["client_id"] != CLIENT_ID or asked["redirect_uri"] not in parts().accounts.redirect_uris():
        return _refusal("Cliente desconhecido ou endereço de retorno não registado.", 401)
    wrong = _check_asked(asked)
    if wrong:
        return _back(asked, {"error": wrong})
    if parts().switches["store-permitted"] == "no":
        return _refusal("Your store does not have permission to access this application.", 403)
    shop = parts().world.shops.get(request.cookies.get(COOKIE, ""))
    is_same = shop and shop.profile["installed"] and shop.profile["scope"] == asked["scope"]
    if shop and is_same and parts().accounts.live(shop) and parts().switches["consent-again"] == "at-once":
        return _back(asked, {"code": parts().accounts.grant(shop, asked)})
    shops = [shop] if shop else list(parts().world.shops.values())
    return _guarded(render_template("oauth/consent.html", asked=asked, shops=shops))


@pages.post("/oauth/authorize")
def decide() -> AnyResponse:
    asked = {name: request.form.get(name, "") for name in ASKED}
    shop: Shop | None = parts().world.shops.get(request.form.get("shop", ""))
    known = asked["client_id"] == CLIENT_ID and asked["redirect_uri"] in parts().accounts.redirect_uris()
    if not shop or not known or _check_asked(asked):
        return _refusal("Pedido inválido.", 400)
    if request.form.get("answer") != "yes":
        return _back(
            asked, {"error": "access_denied", "error_description": "O comerciante recusou o acesso."}
        )
    answer = _back(asked, {"code": parts().accounts.grant(shop, asked)})
    answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
    return answer


@pages.post("/oauth/token")
def token() -> tuple[Response, int]:
    sent = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    try:
        answer = jsonify(_token(sent if isinstance(sent, dict) else {}))
    except OAuthError as wrong:
        return jsonify({"error": wrong.code, "error_description": wrong.description}), wrong.status
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    return answer, 200


@pages.get("/oauth/token/info")
def about() -> tuple[Response, int]:
    letters = request.headers.get("Authorization", "").partition(" ")[2] or request.args.get(
        "access_token", ""
    )
    found = parts().accounts.bearer(letters)
    if not found:
        return jsonify({"error": "invalid_token", "error_description": "O token é inválido."}), 401
    shop = parts().world.shops[found["shop"]]
    left = int(found["expires"] - found["created"])
    return jsonify(
        {
            "resource_owner_id": shop.profile["number"],
            "scope": found["scope"].split(),
            "expires_in": left,
            "application": {"uid": CLIENT_ID},
            "created_at": int(found["created"]),
        }
    ), 200
