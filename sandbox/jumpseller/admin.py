"""The small shop admin: apps, taxes and webhooks, as plain Portuguese pages without scripts.

Opening a shop's admin logs the browser in to that shop with a cookie, which the consent page reads.
"""

from __future__ import annotations

import secrets
from decimal import InvalidOperation
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from .api_store import add_tax
from .components import components, shop_or_404
from .oauth import COOKIE
from .oauth_tokens import APP_SCOPE, CLIENT_ID
from .platform_state import Shop
from .seed import decimal_text
from .webhooks import MAX_TRIES

pages = Blueprint("admin", __name__, url_prefix="/admin/<code>")
STATE_NAMES = {
    "created": "Em aberto",
    "pending_payment": "Pagamento pendente",
    "paid": "Pago",
    "canceled": "Cancelado",
    "abandoned": "Abandonado",
}


def render_page(template: str, shop: Shop, status: int = 200, **more: object) -> Response:
    answer = make_response(
        render_template(
            f"admin/{template}",
            shop=shop,
            shops=components().platform.shops.values(),
            switches=components().switches,
            states=STATE_NAMES,
            **more,
        ),
        status,
    )
    answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
    return answer


def redirect_to(shop: Shop, path: str) -> AnyResponse:
    return redirect(f"/admin/{shop.code}/{path}", 303)


# --- the app ----------------------------------------------------------------------------------------------


def app_url(shop: Shop) -> str:
    """Return the App URL with the parameters that the switch says Jumpseller adds."""
    added = {
        "none": {},
        "store": {"store": shop.code},
        "junk": {"store": "outra-loja", "locale": "pt_BR", "hmac": "0" * 64, "token": "x' OR 1=1"},
    }[components().switches["app-url-parameters"]]
    return f"{components().platform.app_url}/" + (f"?{urlencode(added)}" if added else "")


def _consent_address() -> str:
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": components().oauth_tokens.redirect_uris()[0],
        "response_type": "code",
        "scope": APP_SCOPE,
    }
    return f"{components().platform.public}/oauth/authorize?{urlencode(asked)}"


@pages.get("/")
def home(code: str) -> Response:
    return render_page("home.html", shop_or_404(code))


@pages.get("/apps")
def apps(code: str) -> Response:
    return render_page("apps.html", shop_or_404(code), client=CLIENT_ID)


@pages.get("/apps/quick-invoice")
def app(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    if not shop.profile["installed"] and components().switches["install-begins"] == "authorize":
        answer = redirect(_consent_address(), 303)
        answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
        return answer
    return render_page("app.html", shop, address=app_url(shop))


@pages.post("/apps/quick-invoice/uninstall")
def uninstall(code: str) -> AnyResponse:
    components().oauth_tokens.uninstall(shop_or_404(code))
    return redirect_to(shop_or_404(code), "apps")


# --- taxes ----------------------------------------------------------------------------------------------


@pages.get("/taxes")
def taxes(code: str) -> Response:
    return render_page("taxes.html", shop_or_404(code))


@pages.post("/taxes")
def new_tax(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    try:
        rate = decimal_text(request.form.get("rate", "").replace(",", "."))
    except InvalidOperation:
        abort(422)
    add_tax(request.form.get("name") or f"IVA {rate}%", rate, False, shop)
    return redirect_to(shop, "taxes")


@pages.post("/taxes/<int:number>/remove")
def remove_tax(code: str, number: int) -> AnyResponse:
    shop = shop_or_404(code)
    if number in shop.taxes:
        shop.drop("tax", number)
    return redirect_to(shop, "taxes")


# --- webhooks ---------------------------------------------------------------------------------------------


@pages.get("/hooks")
def webhooks(code: str) -> Response:
    sent = [
        one for one in reversed(list(components().webhook_sender.deliveries.values())) if one["shop"] == code
    ]
    return render_page("hooks.html", shop_or_404(code), deliveries=sent[:100], tries=MAX_TRIES)


@pages.post("/hooks/token")
def new_token(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    shop.profile["hooks_token"] = secrets.token_hex(16)
    shop.save()
    return redirect_to(shop, "hooks")


@pages.post("/hooks/<int:number>/resume")
def resume(code: str, number: int) -> AnyResponse:
    shop = shop_or_404(code)
    if number in shop.hooks:
        hook = shop.hooks[number]
        hook.update(paused=False, failures=0)
        shop.put("hook", hook)
    return redirect_to(shop, "hooks")
