"""The calls on the store: its profile, webhooks, taxes, locations, customers and the app's installation."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, jsonify

from sandbox.core.storage import Json

from .api import Refusal, current_shop, get_or_404, only_fields, pages, paginate, request_body, requires_scope
from .components import components
from .json_format import tax_json
from .oauth_tokens import APP_CODE
from .platform_state import format_timestamp
from .seed import decimal_text

WEBHOOK_EVENTS = (
    "order_updated order_pending_payment order_paid order_shipped order_canceled order_abandoned "
    "product_created product_updated product_deleted product_stock_updated "
    "customer_created customer_updated customer_deleted"
)
LANGUAGES = {"pt": "Português", "es": "Español", "en": "English"}


@pages.get("/store/info.json")
@requires_scope("read_store")
def store_info() -> Response:
    profile = current_shop().profile
    shown = {key: profile[key] for key in ("name", "code", "currency", "country", "timezone", "email")}
    shown |= {
        "hooks_token": profile["hooks_token"],
        "url": f"https://{profile['code']}.jumpseller.com",
        "logo": "",
        "weight_unit": "kg",
        "subscription_status": "active",
        "subscription_plan": "plus",
        "fb_pixel_id": "",
        "whatsapp_phone": "",
        "checkout_version": "v2",
        "mobile_app_version": None,
        "address": {**profile["address"], "country": profile["address"]["country_code"]},
    }
    answer = only_fields(shown)
    return jsonify({"store": answer} if components().switches["wrapped-store"] == "wrapped" else answer)


@pages.get("/store/languages.json")
@requires_scope("read_store")
def languages() -> Response:
    first = current_shop().profile["language"]
    return jsonify([{"code": first, "name": LANGUAGES[first]}])


@pages.get("/locations.json")
@requires_scope("read_store")
def locations() -> Response:
    return jsonify([{"location": one} for one in current_shop().records["location"].values()])


@pages.get("/apps/<code>/install_status.json")
@requires_scope("read_apps")
def install_status(code: str) -> Response:
    if code != APP_CODE:
        raise Refusal(404, "not-found")
    profile = current_shop().profile
    return jsonify(
        {
            "app_code": code,
            "store_id": profile["number"],
            "installed": profile["installed"],
            "subscription_plan": "plus",
            "subscription_status": "active",
            "code": profile["code"],
        }
    )


# --- webhooks ---------------------------------------------------------------------------------------------


def _webhook_json(hook: Json) -> Json:
    fields = ("id", "name", "event", "url", "created_at", "application_id")
    shown = {key: hook[key] for key in fields}
    if components().switches["hook-pause-shown"] == "yes":
        shown["paused"] = bool(hook.get("paused"))
    return {"hook": shown}


def _valid_webhook() -> Json:
    sent = request_body("hook")
    if sent.get("event") not in WEBHOOK_EVENTS.split():
        raise Refusal(422, "not-a-choice", "event")
    parts_of_url = urlsplit(str(sent.get("url", "")))
    if parts_of_url.scheme not in ("http", "https") or not parts_of_url.hostname:
        raise Refusal(422, "missing", "url")
    return {"event": sent["event"], "url": str(sent["url"])}


@pages.get("/hooks.json")
@requires_scope("read_hooks")
def webhooks() -> Response:
    return jsonify([_webhook_json(hook) for hook in paginate(list(current_shop().hooks.values()))])


@pages.post("/hooks.json")
@requires_scope("write_hooks")
def new_webhook() -> Response:
    sent = _valid_webhook()
    with components().platform.lock:
        number = current_shop().next_id("hook", current_shop().profile["number"] * 10 + 1)
        hook = {
            "id": number,
            "name": sent["event"],
            **sent,
            "created_at": format_timestamp(),
            "application_id": 8801,
        }
        current_shop().put("hook", hook)
    return jsonify(_webhook_json(hook))


@pages.get("/hooks/<int:number>.json")
@requires_scope("read_hooks")
def one_webhook(number: int) -> Response:
    return jsonify(_webhook_json(get_or_404("hook", number)))


@pages.put("/hooks/<int:number>.json")
@requires_scope("write_hooks")
def change_webhook(number: int) -> Response:
    hook = get_or_404("hook", number)
    hook.update(_valid_webhook())
    if components().switches["hook-resume"] == "put":
        hook.update(paused=False, failures=0)
    current_shop().put("hook", hook)
    return jsonify(_webhook_json(hook))


@pages.delete("/hooks/<int:number>.json")
@requires_scope("write_hooks")
def drop_webhook(number: int) -> Response:
    get_or_404("hook", number)
    current_shop().drop("hook", number)
    return jsonify("OK")


# --- taxes ------------------------------------------------------------------------------------------------


@pages.get("/taxes.json")
@requires_scope("read_taxes")
def taxes() -> Response:
    return jsonify([{"tax": tax_json(tax)} for tax in current_shop().taxes.values()])


@pages.get("/taxes/<int:number>.json")
@requires_scope("read_taxes")
def one_tax(number: int) -> Response:
    return jsonify({"tax": tax_json(get_or_404("tax", number))})


@pages.post("/taxes.json")
@requires_scope("write_taxes")
def new_tax() -> Response:
    sent = request_body("tax")
    if sent.get("tax") is None:
        raise Refusal(422, "missing", "tax")
    tax = add_tax(
        sent.get("name") or f"IVA {sent['tax']}%", decimal_text(sent["tax"]), bool(sent.get("fixed"))
    )
    return jsonify({"tax": tax_json(tax)})


def add_tax(name: str, amount: str, is_fixed: bool, shop_: Json = None) -> Json:
    """Add a tax to the shop (default: the shop of the request) and return it."""
    target = shop_ or current_shop()
    tax = {
        "id": target.next_id("tax", 51200000),
        "name": name,
        "country": "Portugal",
        "region": None,
        "category_id": None,
        "tax_amount": amount,
        "fixed": is_fixed,
        "shipping": False,
    }
    target.put("tax", tax)
    return tax


# --- customers, with the fields that an invoicing app reads -----------------------------------------------


def _customers() -> list[Json]:
    known = {}
    for order in current_shop().orders.values():
        spec = order["spec"]
        buyer, place = spec["buyer"], spec["billing"]
        address = {
            "name": buyer["name"],
            "surname": buyer["surname"],
            "address": place["address"],
            "city": place["city"],
            "postal": place["postal"],
            "municipality": "",
            "region": place["region_code"],
            "country": place["country_code"],
        }
        known[buyer["email"]] = {
            "id": 21480000 + order["id"],
            "email": buyer["email"],
            "phone": buyer["phone"],
            "fullname": f"{buyer['name']} {buyer['surname']}".strip(),
            "status": "approved",
            "accepts_marketing": False,
            "shipping_address": address,
            "billing_address": {**address, "taxid": spec["nif"]},
            "customer_categories": [],
            "customer_additional_fields": [],
        }
    return list(known.values())


@pages.get("/customers.json")
@requires_scope("read_customers")
def customers() -> Response:
    return jsonify([{"customer": one} for one in paginate(_customers())])


@pages.get("/customers/count.json")
@requires_scope("read_customers")
def count_customers() -> Response:
    return jsonify({"count": len(_customers())})


@pages.get("/customers/<int:number>.json")
@requires_scope("read_customers")
def one_customer(number: int) -> Response:
    for one in _customers():
        if one["id"] == number:
            return jsonify({"customer": one})
    raise Refusal(404, "not-found")


@pages.get("/customers/email/<email>.json")
@requires_scope("read_customers")
def customer_by_email(email: str) -> Response:
    for one in _customers():
        if one["email"] == email:
            return jsonify({"customer": one})
    raise Refusal(404, "not-found")


# --- payment and shipping methods ---------------------------------------------------------------------------


@pages.get("/payment_methods.json")
@requires_scope("read_payment_methods")
def payment_methods() -> Response:
    methods = (
        ("ifthenpay", "Multibanco"),
        ("manual", "Transferência bancária"),
        ("stripe", "Cartão"),
        ("paypal", "PayPal"),
    )
    return jsonify(
        [
            {"payment_method": {"id": 3001 + at, "type": kind, "name": name}}
            for at, (kind, name) in enumerate(methods)
        ]
    )


@pages.get("/shipping_methods.json")
@requires_scope("read_shipping_methods")
def shipping_methods() -> Response:
    method = {
        "id": 702114,
        "type": "tables",
        "name": "CTT Expresso 24h",
        "enabled": True,
        "free_shipping": False,
        "free_shipping_minimum_purchase": None,
        "fee": None,
        "services": [],
        "tables": [],
        "city": "",
        "postal": "",
        "state": "",
        "callback_url": None,
        "fetch_services_url": None,
    }
    return jsonify([{"shipping_method": method}])
