"""The parts that all calls of the REST API share: token, scope and limits, errors, paging and wrappers.

The calls themselves are in the `api_...` modules, which register on `pages`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, current_app, g, jsonify, request

from sandbox.core.storage import Json

from .components import components
from .platform_state import Shop

pages = Blueprint("api", __name__, url_prefix="/v1")
View = TypeVar("View", bound=Callable[..., object])
Thing = TypeVar("Thing")

REFUSAL_TEXTS: dict[str, dict[str, str]] = {
    "unauthorised": {
        "pt": "Acesso não autorizado.",
        "es": "Acceso no autorizado.",
        "en": "Unauthorized access.",
    },
    "scope": {
        "pt": "A aplicação não tem permissão para este recurso.",
        "es": "La aplicación no tiene permiso para este recurso.",
        "en": "The application may not use this resource.",
    },
    "not-found": {"pt": "Não encontrado.", "es": "No encontrado.", "en": "Not found."},
    "throttled": {
        "pt": "Limite de pedidos excedido.",
        "es": "Límite de peticiones superado.",
        "en": "Rate limit exceeded.",
    },
    "bad-body": {
        "pt": "O corpo do pedido não é válido.",
        "es": "El cuerpo de la petición no es válido.",
        "en": "The body of the request is not valid.",
    },
    "tracking": {
        "pt": "Os dados de seguimento pertencem ao envio e não podem ser alterados aqui.",
        "es": "Los datos de seguimiento pertenecen al envío y no pueden cambiarse aquí.",
        "en": "Tracking belongs to the fulfillment and cannot be changed here.",
    },
    "status": {
        "pt": "O estado não é válido.",
        "es": "El estado no es válido.",
        "en": "The status is not valid.",
    },
    "missing": {
        "pt": "{field} não pode estar em branco",
        "es": "{field} no puede estar en blanco",
        "en": "{field} can't be blank",
    },
    "not-a-choice": {
        "pt": "{field} não está incluído na lista",
        "es": "{field} no está incluido en la lista",
        "en": "{field} is not included in the list",
    },
}


class Refusal(Exception):
    """An answer other than 200; its text is in the shop's language."""

    def __init__(self, status: int, text: str, field: str = "") -> None:
        super().__init__(text)
        self.status, self.text, self.field = status, text, field


def requires_scope(scope: str | None) -> Callable[[View], View]:
    """Mark a view with the scope that its token must have (None: any valid token)."""

    def marked(view: View) -> View:
        view.scope = scope  # type: ignore[attr-defined]
        return view

    return marked


def current_shop() -> Shop:
    """Return the shop of the request's token."""
    found: Shop = g.shop
    return found


@pages.before_request
def authorise_request() -> None:
    """Refuse a call without a valid token and its scope, or above the limits."""
    scheme, _, token_text = request.headers.get("Authorization", "").partition(" ")
    token = components().oauth_tokens.find_live_token(token_text) if scheme.lower() == "bearer" else None
    if not token:
        raise Refusal(401, "unauthorised")
    g.shop = components().platform.shops[token["shop"]]
    limits = components().limits
    g.number = limits.record_call(g.shop.code, f"{request.method} {_path_pattern()}")
    if components().switches["rate-limits"] == "on":
        is_allowed, g.limit_headers = limits.check_limit(request.remote_addr or "", g.shop.code)
        if not is_allowed:
            limits.record_refusal(g.shop.code, f"{request.method} {request.path}")
            raise Refusal(int(components().switches["limit-answer"]), "throttled")
    scope = getattr(current_app.view_functions[str(request.endpoint)], "scope", None)
    if scope and scope not in token["scope"].split():
        raise Refusal(403, "scope")


def _path_pattern() -> str:
    """Return the path of this call without its numbers: `/products/{}.json`."""
    rule = request.url_rule.rule if request.url_rule else request.path
    return re.sub(r"<[^>]*>", "{}", rule.removeprefix("/v1"))


@pages.after_request
def add_limit_headers(answer: Response) -> Response:
    answer.headers.update(g.get("limit_headers", {}))
    return answer


@pages.errorhandler(Refusal)
def handle_refusal(refusal: Refusal) -> tuple[Response, int]:
    known = g.get("shop")
    language = known.profile["language"] if known else "en"
    text = (
        REFUSAL_TEXTS[refusal.text]
        .get(language, REFUSAL_TEXTS[refusal.text]["en"])
        .format(field=refusal.field)
    )
    if refusal.status == 422:
        return jsonify({"errors": [text]}), 422
    return jsonify({"message": text}), refusal.status


@pages.route("/<path:unknown>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
@requires_scope(None)
def nowhere(unknown: str) -> Response:
    raise Refusal(404, "not-found")


def request_body(wrapper: str | None = None) -> Json:
    """Return the JSON object of the request, from inside its wrapper when one is named."""
    sent = request.get_json(silent=True) if request.is_json else None
    inside = sent.get(wrapper) if wrapper and isinstance(sent, dict) else sent
    if not isinstance(inside, dict):
        raise Refusal(400, "bad-body")
    return inside


def stock_cause() -> Json:
    """Return the cause of this call's stock changes for the ledger."""
    return {"by": "api", "request": g.number}


def paginate(items: list[Thing]) -> list[Thing]:
    """Return the page of the list that `limit` and `page` ask for."""
    limit = min(max(request.args.get("limit", 50, int), 1), 100)
    first = (max(request.args.get("page", 1, int), 1) - 1) * limit
    return items[first : first + limit]


def only_fields(item: Json) -> Json:
    """Return the item with only the `fields` that were asked for."""
    fields = request.args.get("fields")
    return {key: item[key] for key in fields.split(",") if key in item} if fields else item


def get_or_404(kind: str, number: int) -> Json:
    """Return the shop's record of that kind and id, or abort with 404."""
    record = current_shop().records[kind].get(number)
    if record is None:
        raise Refusal(404, "not-found")
    return record
