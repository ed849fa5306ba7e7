"""Shopkit as a platform: its REST API v1 with one key for each store.

Sources and what is *unconfirmed*: docs/shopkit.md. The safe choices made here: the store is known by its `username`;
the back office is at `https://<username>.shopk.it/admin` (seen in code), nothing of ours is framed there, and the path
of an order is a guess; a store states no time zone and no language, so they are Lisbon's and Portuguese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shopapp.errors import RefusedError, UnreachableError
from shopapp.fiscal.order import Order, OrderStatus
from shopapp.fiscal.party import Address
from shopapp.http_client import HttpClient

from ..base import (
    AccessTokenGetter,
    Attachment,
    CatalogueItem,
    CataloguePage,
    Location,
    OrderSummary,
    ShopTax,
    StoreInfo,
    SupportsApiKey,
    SupportsOrderDocuments,
    SupportsOrderHistory,
    SupportsProductStock,
    SupportsTransportCode,
    WebhookEvent,
)
from ..fields import Json, objects_field, read_id, text_field
from ..webhooks import plan_subscriptions
from .addresses import address_of
from .catalogue import read_catalogue_page, read_product_items, write_stock
from .client import ShopkitClient
from .order_documents import add_note, read_payload, set_transport_code, show_invoice
from .order_list import order_summary_from
from .orders import order_from
from .webhooks import (
    EVENTS,
    PAID_EVENT,
    PRODUCT_EVENTS,
    UNPAID_ORDER_EVENTS,
    has_valid_signature,
    is_suspended,
    parse_webhook,
    webhook_headers,
)

_STORE_CODE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{40}(?![0-9A-Za-z])")


class Shopkit(
    SupportsApiKey, SupportsOrderDocuments, SupportsOrderHistory, SupportsTransportCode, SupportsProductStock
):
    """Shopkit, for one store when there is a getter of its key."""

    name = "shopkit"
    label = "Shopkit"
    key_path = ("Account settings", "Developers")
    events, unpaid_order_events, product_events = EVENTS, UNPAID_ORDER_EVENTS, PRODUCT_EVENTS
    invoices_on_request = True
    calls_per_hour = 3600
    calls_per_second = 0.5
    """Half of what the limit allows on average: the other half is for documents and for the merchant's own programs."""
    stores_files = True
    shows_every_document = False

    def __init__(
        self,
        http: HttpClient,
        token: AccessTokenGetter | None = None,
        redirect_uri: str = "",
        *,
        api_url: str,
        admin_url: str,
        webhook_secret: str = "",
    ) -> None:
        self._http, self._admin_url = http, admin_url
        self._client = ShopkitClient(http, token, api_url)

    @staticmethod
    def clean_key(text: str) -> str:
        """Return the key in a pasted text: 40 hexadecimal digits; '' where there is none, or more than one."""
        found = {each.lower() for each in _KEY.findall(text)}
        return found.pop() if len(found) == 1 else ""

    # the store

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return ()

    def order_admin_url(self, code: str, order_id: str) -> str:
        return f"{self._admin_url.replace('*', code)}/orders/{order_id}"

    def product_admin_url(self, code: str, product_id: str) -> str:
        return f"{self._admin_url.replace('*', code)}/products/{product_id}"

    def store_info(self) -> StoreInfo:
        store = self._client.get_object("/store") or {}
        code = store.get("username")
        if not isinstance(code, str) or not _STORE_CODE.fullmatch(code):
            # It is part of host names and alone tells two stores apart.
            raise UnreachableError("unreachable", how="unreadable")
        locations = objects_field(store, "locations")
        address = address_of(locations[0]) if locations else None
        return StoreInfo(
            code=code,
            name=text_field(store, "name") or code,
            currency=text_field(store, "currency").upper() or "EUR",
            country=(address and address.country) or "PT",
            timezone="Europe/Lisbon",
            language="pt",
            email=text_field(store, "email"),
            url=text_field(store, "url"),
            address=address or Address(),
        )

    def taxes(self) -> tuple[ShopTax, ...] | None:
        """Return None: no call of the API tells the taxes of a store. Sends nothing."""
        return None

    # orders

    def read_order(self, order_id: str) -> Order:
        return order_from(read_payload(self._client, order_id))

    def order_summary(self, order_id: str) -> OrderSummary:
        return replace(order_summary_from(read_payload(self._client, order_id)), order_id=order_id)

    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        return self._orders(since, ("paid",), {"paid": "true"})

    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        return self._orders(
            since, ("open", "cancelled"), {"paid": "false"}, {"paid": "true", "status_alias": "canceled"}
        )

    def _orders(
        self, since: datetime, statuses: tuple[OrderStatus, ...], *filters: Mapping[str, str]
    ) -> Iterator[OrderSummary]:
        # the day that the filter means may begin in another time zone, and its order is not documented
        first_day = (since - timedelta(days=1)).date().isoformat()
        found: dict[str, OrderSummary] = {}
        for query in filters:
            asked = {**query, "date_type": "created_at", "date_from": first_day}
            for row in map(order_summary_from, self._client.get_rows("/order", asked)):
                found.setdefault(row.key, row)
        wanted = [
            row
            for row in found.values()
            if (row.status in statuses or "status" in row.unreadable)
            and (row.created_at is None or row.created_at >= since)
        ]
        last = datetime.max.replace(tzinfo=UTC)
        yield from sorted(
            wanted, key=lambda row: (row.created_at or last, int(row.order_id or 0)), reverse=True
        )

    def attach_document(self, order_id: str, document: Attachment) -> None:
        show_invoice(self._client, order_id, document)

    def add_history_entry(self, order_id: str, text: str) -> None:
        add_note(self._client, order_id, text)

    def set_transport_code(self, order_id: str, code: str) -> None:
        set_transport_code(self._client, order_id, code)

    # webhooks

    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        present = self._webhooks()
        plan = plan_subscriptions(present, url, events, recreate, is_suspended)
        for number in plan.delete:
            self._delete_webhook(number)
        refused = [event for event in plan.create if not self._create_webhook(url, event)]
        return "" if refused and refused == plan.create and not plan.delete else plan.problem

    def _webhooks(self, **query: str) -> list[Json]:
        return [
            row
            for row in self._client.get_rows("/webhook", query)
            if isinstance(row, dict) and read_id(row.get("id"))
        ]

    def _create_webhook(self, url: str, event: str) -> bool:
        """Subscribe the event; return False where the API does not know it.

        Its list is shorter than that of the webhook page; only the event of payments must be there. 409 says that it is
        there already, although the list did not have it: it may be suspended.
        """
        content = {"url": url, "event": event}
        try:
            self._client.write("POST", "/webhook", content)
        except RefusedError as error:
            status = error.detail.get("status")
            if status == 400 and event != PAID_EVENT:
                return False
            if status != 409:
                raise
            hidden = [each for each in self._webhooks(active="false") if self._is(each, url, event)]
            for each in hidden:
                self._delete_webhook(each["id"])
            if hidden:
                self._client.write("POST", "/webhook", content)
        return True

    @staticmethod
    def _is(hook: Json, url: str, event: str) -> bool:
        return hook.get("url") == url and hook.get("event") == event and is_suspended(hook)

    def _delete_webhook(self, number: object) -> None:
        try:
            self._client.write("DELETE", f"/webhook/{read_id(number)}")
        except RefusedError as error:
            if error.detail.get("status") != 404:
                raise

    has_valid_signature = staticmethod(has_valid_signature)
    webhook_headers = staticmethod(webhook_headers)

    @staticmethod
    def parse_webhook(event: str, body: bytes) -> WebhookEvent:
        return parse_webhook(event, body)

    # products

    def catalogue_page(self, after: str = "") -> CataloguePage:
        return read_catalogue_page(self._client, after)

    def items_of_product(self, product_id: str) -> tuple[CatalogueItem, ...]:
        return read_product_items(self._client, product_id)

    def locations(self) -> tuple[Location, ...]:
        """Return nothing: stock is not kept by location. Sends nothing."""
        return ()

    def stock_by_location(
        self, items: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        return {}

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        if location:
            raise RefusedError("goods-gone")
        write_stock(self._client, product_id, variant_id, pieces)
