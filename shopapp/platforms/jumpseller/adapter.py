"""Jumpseller as a platform: its REST API v1 and its OAuth.

Sources: Jumpseller/api-docs openapi.json (2026-03-27) and Jumpseller/ai SKILL.md (mid-2026), read 2026-11-20.
*Unconfirmed*, each with the safe choice made here: whether refresh tokens rotate (treated as rotating), whether a
document may be posted twice (looked up first), whether `public_id` may contain a slash (none is sent), whether a paused
webhook can be resumed (it is created again); for products and stock see catalogue.py.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError, UnreachableError
from shopapp.fiscal.countries import country_code
from shopapp.fiscal.money import ZERO
from shopapp.fiscal.order import Order, OrderStatus
from shopapp.fiscal.party import Address
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.platforms.oauth import OAuthTokens, SupportsOAuth, authorize_url, request_tokens

from ..base import (
    AccessTokenGetter,
    Attachment,
    CatalogueItem,
    CataloguePage,
    Location,
    OrderSummary,
    ShopTax,
    StoreInfo,
    SupportsOrderDocuments,
    SupportsOrderHistory,
    SupportsProductStock,
    SupportsWebhookSecret,
    WebhookEvent,
)
from ..fields import amount_field, object_field, text_field
from ..webhooks import plan_subscriptions
from .catalogue import (
    read_catalogue_page,
    read_location_stock,
    read_locations,
    read_product_items,
    write_stock,
)
from .client import JumpsellerClient, objects_in, parse_body
from .order_list import order_summary_from
from .orders import order_from
from .webhooks import (
    EVENTS,
    PRODUCT_EVENTS,
    UNPAID_ORDER_EVENTS,
    has_valid_signature,
    is_paused,
    parse_webhook,
    webhook_headers,
)

SCOPE = "read_store read_orders write_orders read_products write_products read_taxes read_hooks write_hooks"
"""The scopes that the adapter's calls need, and no other."""
_PAGE = 100
_STORE_CODE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_CREDIT_NOTE_TYPE, _INVOICE_TYPE = 0, 1


class Jumpseller(
    SupportsOAuth, SupportsWebhookSecret, SupportsOrderDocuments, SupportsOrderHistory, SupportsProductStock
):
    """Jumpseller, for one store when there is a token getter."""

    name = "jumpseller"
    label = "Jumpseller"
    events, unpaid_order_events, product_events = EVENTS, UNPAID_ORDER_EVENTS, PRODUCT_EVENTS

    def __init__(
        self,
        http: HttpClient,
        token: AccessTokenGetter | None = None,
        redirect_uri: str = "",
        *,
        client_id: str,
        client_secret: str,
        accounts_url: str,
        api_url: str,
        admin_origins: tuple[str, ...],
    ) -> None:
        self._http, self._redirect = http, redirect_uri
        self._api_client = JumpsellerClient(http, token, api_url)
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._accounts, self._origins = accounts_url, admin_origins

    def authorize_url(self, state: str, challenge: str) -> str:
        return authorize_url(
            self._accounts + "/oauth/authorize", client_id=self._client["client_id"], redirect_uri=self._redirect,
            scope=SCOPE, state=state, challenge=challenge,
        )  # fmt: skip

    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        return self._tokens(
            "authorization_code", code=code, code_verifier=verifier, redirect_uri=self._redirect
        )

    def refresh(self, refresh_token: str) -> OAuthTokens:
        return self._tokens("refresh_token", refresh_token=refresh_token)

    def _tokens(self, grant: str, **values: str) -> OAuthTokens:
        return request_tokens(self._http, self._accounts + "/oauth/token", grant, **self._client, **values)

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return tuple(origin.replace("*", code or "*") for origin in self._origins)

    def order_admin_url(self, code: str, order_id: str) -> str:
        return f"{self.admin_origins(code)[0]}/admin/orders/edit/{order_id}"

    def product_admin_url(self, code: str, product_id: str) -> str:
        return f"{self.admin_origins(code)[0]}/admin/products/edit/{product_id}"

    def store_info(self) -> StoreInfo:
        store = self._api_client.get_object("/store/info.json", "store")
        code, address = store.get("code"), object_field(store, "address")
        if not isinstance(code, str) or not _STORE_CODE.fullmatch(code):
            # It is part of host names and of the pages' headers, and it alone tells two stores apart.
            raise UnreachableError("unreachable", how="unreadable")
        return StoreInfo(
            code=code,
            name=text_field(store, "name") or code,
            currency=text_field(store, "currency") or "EUR",
            country=country_code(text_field(address, "country_code") or text_field(store, "country")),
            timezone=time_zone_from(text_field(store, "timezone")),
            language=self._language(),
            email=text_field(store, "email"),
            url=text_field(store, "url"),
            address=Address(
                *(text_field(address, name) for name in ("address", "postal", "city", "country_code"))
            ),
        )

    def webhook_secret(self) -> str:
        token = self._api_client.get_object("/store/info.json", "store").get("hooks_token")
        return token if isinstance(token, str) else ""

    def _language(self) -> str:
        """Return the first of the store's languages, or empty. (That the first is the shop's own is unconfirmed.)"""
        for language in self._api_client.get_objects("/store/languages.json", "language"):
            if code := text_field(language, "code"):
                return code[:10]
        return ""

    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        present = self._api_client.get_objects("/hooks.json", "hook")
        plan = plan_subscriptions(present, url, events, recreate, is_paused)
        for number in plan.delete:
            self._api_client.send("DELETE", f"/hooks/{number}.json", writes=True)
        for event in plan.create:
            self._api_client.send("POST", "/hooks.json", {"hook": {"event": event, "url": url}}, writes=True)
        return plan.problem

    def read_order(self, order_id: str) -> Order:
        answer = self._api_client.send("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        history = self._api_client.send("GET", f"/orders/{order_id}/history.json")
        past = objects_in(parse_body(history), "order_history") if history.status == 200 else []
        return order_from(_order_object(answer), past)

    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        return self._orders(since, ("paid",), "paid")

    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        filters = ("created", "pending_payment", "abandoned", "canceled")
        return self._orders(since, ("open", "abandoned", "cancelled"), *filters)

    def order_summary(self, order_id: str) -> OrderSummary:
        answer = self._api_client.send("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        return replace(order_summary_from(_order_object(answer)), order_id=order_id)

    def _orders(
        self, since: datetime, statuses: tuple[OrderStatus, ...], *filters: str
    ) -> Iterator[OrderSummary]:
        # the list is ordered by id, newest first, and cannot be filtered by date of change (documented by
        # absence); neither its filter nor the date of a single row is trusted
        for page in range(1, 1000):
            query = {"status_filters[]": list(filters), "limit": _PAGE, "page": page}
            entries = self._api_client.get_list("/orders.json", query)
            rows = [order_summary_from(entry) for entry in entries]
            for row in rows:
                wanted = row.status in statuses or "status" in row.unreadable
                if wanted and (row.created_at is None or row.created_at >= since):
                    yield row
            dates = [row.created_at for row in rows if row.created_at]
            if len(entries) < _PAGE or (dates and max(dates) < since):
                return

    def attach_document(self, order_id: str, document: Attachment) -> None:
        path = f"/orders/{order_id}/documents.json"
        present = self._api_client.get_objects(path, "document")
        if any(str(known.get("external_id")) == document.external_id for known in present):
            return
        content = {
            "document_type": _CREDIT_NOTE_TYPE if document.kind == "NC" else _INVOICE_TYPE,
            "external_id": document.external_id,
            "public_id": document.number.replace("/", "-").replace(" ", "-"),
            "url": document.url,
            "order_id": int(order_id),
        }
        self._api_client.send("POST", path, {"document": content}, writes=True)

    def add_history_entry(self, order_id: str, text: str) -> None:
        path = f"/orders/{order_id}/history.json"
        past = self._api_client.get_objects(path, "order_history")
        if not any(text == str(line.get("message")) for line in past):
            self._api_client.send("POST", path, {"order_history": {"message": text}}, writes=True)

    def taxes(self) -> tuple[ShopTax, ...]:
        return tuple(map(shop_tax_from, self._api_client.get_objects("/taxes.json", "tax")))

    def catalogue_page(self, after: str = "") -> CataloguePage:
        return read_catalogue_page(self._api_client, after)

    def items_of_product(self, product_id: str) -> tuple[CatalogueItem, ...]:
        return read_product_items(self._api_client, product_id)

    def locations(self) -> tuple[Location, ...]:
        return read_locations(self._api_client)

    def stock_by_location(
        self, items: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        return read_location_stock(self._api_client, items, locations)

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        write_stock(self._api_client, product_id, variant_id, pieces, location)

    has_valid_signature = staticmethod(has_valid_signature)
    webhook_headers = staticmethod(webhook_headers)

    @staticmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        return parse_webhook(event, body)


_TIME_ZONES = {"Lisbon": "Europe/Lisbon", "Azores": "Atlantic/Azores", "Madrid": "Europe/Madrid"}
"""Time zones that the platform's framework names differently from the tz database."""


def _order_object(answer: HttpResponse) -> Mapping[str, Any]:
    content = parse_body(answer)
    if not isinstance(content, Mapping):
        raise OrderError("order-unreadable", field="order")
    return content


def time_zone_from(name: str) -> str:
    """Return the tz database's name of a store's time zone; Lisbon's when it is unknown."""
    found = _TIME_ZONES.get(name, name)
    return found if found in zoneinfo.available_timezones() else "Europe/Lisbon"


def shop_tax_from(tax: Mapping[str, Any]) -> ShopTax:
    """Return one tax of the shop; its rate is in `tax_amount`, or in `tax` as in the request that creates a tax.

    A rate that cannot be read is -1, which no country has.
    """
    try:
        rate = amount_field(tax, "tax_amount" if "tax_amount" in tax else "tax", ZERO)
    except OrderError:
        rate = Decimal(-1)
    return ShopTax(
        name=str(tax.get("name") or ""),
        rate=rate,
        fixed=bool(tax.get("fixed")),
        country=str(tax.get("country") or ""),
        region=str(tax.get("region") or ""),
        shipping=bool(tax.get("shipping")),
    )
