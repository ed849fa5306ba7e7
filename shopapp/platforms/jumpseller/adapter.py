"""The platform's verbs, spoken to Jumpseller's REST API v1.

Built by `connect` from plain values. Sources: Jumpseller/api-docs openapi.json (2026-03-27) and Jumpseller/ai
SKILL.md (mid-2026), read 2026-11-20. *Unconfirmed*, each with the safe choice taken here: whether refresh tokens
rotate (treated as rotating), whether documents may be posted twice (looked up first), whether a slash may stand in
`public_id` (none is sent), whether a paused hook can be resumed (it is made anew); of products and stock, see `goods`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.fiscal.errors import OrderError
from shopapp.fiscal.money import ZERO
from shopapp.fiscal.order import Order, Status
from shopapp.fiscal.party import Address
from shopapp.http import Wire
from shopapp.platforms.oauth import authorize_url, token_request

from ..base import (
    Attachment,
    Event,
    Goods,
    GoodsPage,
    Location,
    Platform,
    SaleSummary,
    ShopTax,
    StoreInfo,
    TokenGiver,
    Tokens,
)
from .goods import levels, one_product, page_after, places, write_level
from .hooks import EARLY_EVENTS, EVENTS, PRODUCT_EVENTS, claims, mending, read, signed
from .orders import in_cents, order_from
from .wire import Calls, parsed

SCOPE = (
    "read_store read_orders write_orders read_products write_products read_customers read_taxes"
    " read_hooks write_hooks read_apps"
)
_PAGE = 100
_STATUS: dict[str, Status] = {"paid": "paid", "canceled": "cancelled", "abandoned": "abandoned"}
_CREDIT, _INVOICE = 0, 1


class Jumpseller(Platform):
    """Jumpseller, for one store when a token giver is there."""

    name = "jumpseller"
    label = "Jumpseller"
    events, early_events, product_events = EVENTS, EARLY_EVENTS, PRODUCT_EVENTS

    def __init__(
        self,
        wire: Wire,
        token: TokenGiver | None = None,
        redirect_uri: str = "",
        *,
        client_id: str,
        client_secret: str,
        accounts_url: str,
        api_url: str,
        admin_origins: tuple[str, ...],
    ) -> None:
        self._wire, self._redirect = wire, redirect_uri
        self._calls = Calls(wire, token, api_url)
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._accounts, self._origins = accounts_url, admin_origins

    def authorize_url(self, state: str, challenge: str) -> str:
        return authorize_url(
            self._accounts + "/oauth/authorize", client_id=self._client["client_id"], redirect_uri=self._redirect,
            scope=SCOPE, state=state, challenge=challenge,
        )  # fmt: skip

    def exchange(self, code: str, verifier: str) -> Tokens:
        return self._tokens(
            "authorization_code", code=code, code_verifier=verifier, redirect_uri=self._redirect
        )

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens("refresh_token", refresh_token=refresh_token)

    def _tokens(self, grant: str, **values: str) -> Tokens:
        return token_request(self._wire, self._accounts + "/oauth/token", grant, **self._client, **values)

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return tuple(origin.replace("*", code or "*") for origin in self._origins)

    def order_admin_url(self, code: str, order_id: str) -> str:
        return f"{self.admin_origins(code)[0]}/admin/orders/edit/{order_id}"

    def product_admin_url(self, code: str, product_id: str) -> str:
        return f"{self.admin_origins(code)[0]}/admin/products/edit/{product_id}"

    def store_info(self) -> StoreInfo:
        store = self._calls.thing("/store/info.json", "store")
        address = store.get("address") or {}
        return StoreInfo(
            code=str(store["code"]),
            name=str(store.get("name") or store["code"]),
            currency=str(store.get("currency") or "EUR"),
            country=str(address.get("country_code") or store.get("country") or "")[:2].upper(),
            timezone=zone_from(str(store.get("timezone") or "")),
            language=self._language(),
            email=str(store.get("email") or ""),
            url=str(store.get("url") or ""),
            hooks_token=str(store.get("hooks_token") or ""),
            address=Address(
                *(str(address.get(k) or "") for k in ("address", "postal", "city", "country_code"))
            ),
        )

    def _language(self) -> str:
        """The first of the store's languages (that it is the shop's own is unconfirmed), or empty."""
        for entry in self._calls.rows("/store/languages.json"):
            language = entry.get("language", entry)
            if isinstance(language, dict) and language.get("code"):
                return str(language["code"])[:10]
        return ""

    def listen(self, url: str, events: tuple[str, ...], anew: bool = False) -> str:
        present = [entry.get("hook", entry) for entry in self._calls.rows("/hooks.json")]
        plan = mending(present, url, events, anew)
        for number in plan.drop:
            self._calls.send("DELETE", f"/hooks/{number}.json", writes=True)
        for event in plan.make:
            self._calls.send("POST", "/hooks.json", {"hook": {"event": event, "url": url}}, writes=True)
        return plan.mended

    def order(self, order_id: str) -> Order:
        answer = self._calls.send("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        history = self._calls.send("GET", f"/orders/{order_id}/history.json")
        past = parsed(history) if history.status == 200 else []
        return order_from(parsed(answer), past)

    def paid_orders(self, since: datetime) -> Iterator[SaleSummary]:
        return self._orders(since, "paid")

    def other_orders(self, since: datetime) -> Iterator[SaleSummary]:
        return self._orders(since, "created", "pending_payment", "abandoned", "canceled")

    def sale(self, order_id: str) -> SaleSummary:
        answer = self._calls.send("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        content = parsed(answer)
        try:
            return summary_from(content.get("order", content))
        except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OrderError("order-unreadable") from error

    def _orders(self, since: datetime, *states: str) -> Iterator[SaleSummary]:
        """The list is by id, newest first, and can't be asked for what changed lately."""
        for page in range(1, 1000):
            query = {"status_filters[]": list(states), "limit": _PAGE, "page": page}
            entries = self._calls.rows("/orders.json", query)
            for entry in entries:
                summary = summary_from(entry.get("order", entry))
                if summary.created_at < since:
                    return
                yield summary
            if len(entries) < _PAGE:
                return

    def attach(self, order_id: str, document: Attachment) -> None:
        path = f"/orders/{order_id}/documents.json"
        present = [entry.get("document", entry) for entry in self._calls.rows(path)]
        if any(str(known.get("external_id")) == document.external_id for known in present):
            return
        content = {
            "document_type": _CREDIT if document.kind == "NC" else _INVOICE,
            "external_id": document.external_id,
            "public_id": document.number.replace("/", "-").replace(" ", "-"),
            "url": document.url,
            "order_id": int(order_id),
        }
        self._calls.send("POST", path, {"document": content}, writes=True)

    def note(self, order_id: str, text: str) -> None:
        path = f"/orders/{order_id}/history.json"
        past = [entry.get("order_history", entry) for entry in self._calls.rows(path)]
        if not any(text == str(line.get("message")) for line in past):
            self._calls.send("POST", path, {"order_history": {"message": text}}, writes=True)

    def taxes(self) -> tuple[ShopTax, ...]:
        return tuple(tax_from(entry.get("tax", entry)) for entry in self._calls.rows("/taxes.json"))

    def goods(self, after: str = "") -> GoodsPage:
        return page_after(self._calls, after)

    def goods_of(self, product_id: str) -> tuple[Goods, ...]:
        return one_product(self._calls, product_id)

    def locations(self) -> tuple[Location, ...]:
        return places(self._calls)

    def stock_at(
        self, goods: Sequence[tuple[str, str]], locations: Sequence[str]
    ) -> Mapping[tuple[str, str, str], int]:
        return levels(self._calls, goods, locations)

    def set_stock(self, product_id: str, variant_id: str, pieces: int, location: str = "") -> None:
        write_level(self._calls, product_id, variant_id, pieces, location)

    signed = staticmethod(signed)
    hook_claims = staticmethod(claims)

    @staticmethod
    def read_hook(event: str, body: bytes) -> Event:
        return read(event, body)


_ZONES = {"Lisbon": "Europe/Lisbon", "Azores": "Atlantic/Azores", "Madrid": "Europe/Madrid"}
"""Names that the platform's framework gives to zones, where they are not those of the tz database."""


def zone_from(name: str) -> str:
    """The tz database's name of a store's zone; Lisbon's when it is unknown."""
    found = _ZONES.get(name, name)
    return found if found in zoneinfo.available_timezones() else "Europe/Lisbon"


def summary_from(order: Mapping[str, Any]) -> SaleSummary:
    """One row of the order list in our words; a total that can't be read is 0 here, and told when its order is read.

    It must not keep the orders behind it from being found.
    """
    try:
        total = in_cents(order, "total", ZERO)
    except OrderError:
        total = ZERO
    return SaleSummary(
        order_id=str(order["id"]),
        status=_STATUS.get(str(order.get("status_enum") or ""), "open"),
        created_at=instant(str(order["created_at"])),
        total=total,
    )


def tax_from(tax: Mapping[str, Any]) -> ShopTax:
    """One tax of the shop in our words; the amount is `tax_amount`, or `tax` as on creating."""
    amount = tax.get("tax_amount", tax.get("tax", 0))
    return ShopTax(
        name=str(tax.get("name") or ""),
        rate=Decimal(str(amount or 0)),
        fixed=bool(tax.get("fixed")),
        country=str(tax.get("country") or ""),
        region=str(tax.get("region") or ""),
        shipping=bool(tax.get("shipping")),
    )


def instant(text: str) -> datetime:
    """Jumpseller's `2026-10-03 19:02:44 UTC` (or ISO 8601) as an aware instant."""
    plain = text.removesuffix(" UTC").strip().replace("Z", "+00:00")
    found = datetime.fromisoformat(plain)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
