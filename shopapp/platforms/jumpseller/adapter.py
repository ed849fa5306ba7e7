"""The platform's verbs, spoken to Jumpseller's REST API v1.

Built by `connect` from plain values. Sources: Jumpseller/api-docs openapi.json (2026-03-27) and Jumpseller/ai
SKILL.md (mid-2026), read 2026-11-20. *Unconfirmed*, each with the safe choice taken here: whether refresh tokens
rotate (treated as rotating), whether documents may be posted twice (looked up first), whether a slash may stand in
`public_id` (none is sent), whether a paused hook can be resumed (it is made anew).
"""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.fiscal.errors import CredentialsError, OrderError, RefusedError, ThrottledError, UnreachableError
from shopapp.fiscal.order import Order, Status
from shopapp.fiscal.party import Address
from shopapp.http import Answer, Wire, sort
from shopapp.platforms.oauth import authorize_url, token_request

from ..base import Attachment, Event, Platform, SaleSummary, ShopTax, StoreInfo, TokenGiver, Tokens
from .hooks import EARLY_EVENTS, EVENTS, claims, mending, read, signed
from .orders import order_from

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
    events, early_events = EVENTS, EARLY_EVENTS

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
        self._wire, self._token, self._redirect = wire, token, redirect_uri
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._accounts, self._api, self._origins = accounts_url, api_url, admin_origins

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

    def store_info(self) -> StoreInfo:
        store = self._object("GET", "/store/info.json", "store")
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
        for entry in self._list("/store/languages.json"):
            language = entry.get("language", entry)
            if isinstance(language, dict) and language.get("code"):
                return str(language["code"])[:10]
        return ""

    def listen(self, url: str, events: tuple[str, ...], anew: bool = False) -> str:
        present = [entry.get("hook", entry) for entry in self._list("/hooks.json")]
        plan = mending(present, url, events, anew)
        for number in plan.drop:
            self._call("DELETE", f"/hooks/{number}.json", writes=True)
        for event in plan.make:
            self._call("POST", "/hooks.json", {"hook": {"event": event, "url": url}}, writes=True)
        return plan.mended

    def order(self, order_id: str) -> Order:
        answer = self._call("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        history = self._call("GET", f"/orders/{order_id}/history.json")
        past = _parsed(history) if history.status == 200 else []
        return order_from(_parsed(answer), past)

    def paid_orders(self, since: datetime) -> Iterator[SaleSummary]:
        return self._orders(since, "paid")

    def other_orders(self, since: datetime) -> Iterator[SaleSummary]:
        return self._orders(since, "created", "pending_payment", "abandoned", "canceled")

    def sale(self, order_id: str) -> SaleSummary:
        answer = self._call("GET", f"/orders/{order_id}.json")
        if answer.status == 404:
            raise OrderError("order-missing")
        content = _parsed(answer)
        try:
            return summary_from(content.get("order", content))
        except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OrderError("order-unreadable") from error

    def _orders(self, since: datetime, *states: str) -> Iterator[SaleSummary]:
        """The list is by id, newest first, and can't be asked for what changed lately."""
        for page in range(1, 1000):
            query = {"status_filters[]": list(states), "limit": _PAGE, "page": page}
            entries = self._list("/orders.json", query)
            for entry in entries:
                summary = summary_from(entry.get("order", entry))
                if summary.created_at < since:
                    return
                yield summary
            if len(entries) < _PAGE:
                return

    def attach(self, order_id: str, document: Attachment) -> None:
        path = f"/orders/{order_id}/documents.json"
        present = [entry.get("document", entry) for entry in self._list(path)]
        if any(str(known.get("external_id")) == document.external_id for known in present):
            return
        content = {
            "document_type": _CREDIT if document.kind == "NC" else _INVOICE,
            "external_id": document.external_id,
            "public_id": document.number.replace("/", "-").replace(" ", "-"),
            "url": document.url,
            "order_id": int(order_id),
        }
        self._call("POST", path, {"document": content}, writes=True)

    def note(self, order_id: str, text: str) -> None:
        path = f"/orders/{order_id}/history.json"
        past = [entry.get("order_history", entry) for entry in self._list(path)]
        if not any(text == str(line.get("message")) for line in past):
            self._call("POST", path, {"order_history": {"message": text}}, writes=True)

    def taxes(self) -> tuple[ShopTax, ...]:
        return tuple(tax_from(entry.get("tax", entry)) for entry in self._list("/taxes.json"))

    signed = staticmethod(signed)
    hook_claims = staticmethod(claims)

    @staticmethod
    def read_hook(event: str, body: bytes) -> Event:
        return read(event, body)

    # the wire

    def _list(self, path: str, query: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        answer = self._call("GET", path, query=query)
        if answer.status == 404:
            raise OrderError("order-missing")
        content = _parsed(answer)
        if not isinstance(content, list):
            raise UnreachableError("unreachable", how="unreadable")
        return content

    def _object(self, method: str, path: str, root: str) -> Mapping[str, Any]:
        content = _parsed(self._call(method, path))
        inner = content.get(root, content) if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            raise UnreachableError("unreachable", how="unreadable")
        return inner

    def _call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        writes: bool = False,
    ) -> Answer:
        """The answer; a refused token is replaced once. 2xx and, for reads, 404 come back."""
        token = self._given(None)
        answer = self._send(method, path, content, query, writes, token)
        if answer.status == 401:
            answer = self._send(method, path, content, query, writes, self._given(token))
        limited = any(
            name.startswith("jumpseller-") and value == "0" for name, value in answer.headers.items()
        )
        banned = "jumpseller-bannedbyratelimit-reset" in answer.headers
        if answer.status == 429 or (answer.status == 403 and (limited or banned)):
            raise ThrottledError("throttled", retry_after=60 if banned else 2)
        if answer.status in (401, 403):
            raise CredentialsError("store-access", status=answer.status)
        answer = sort(answer, writes)
        if answer.status >= 400 and (writes or answer.status != 404):
            raise RefusedError("store-refused", status=answer.status)
        return answer

    def _given(self, refused: str | None) -> str:
        if self._token is None:
            raise CredentialsError("store-access")
        return self._token(refused)

    def _send(
        self, method: str, path: str, content: Any, query: Mapping[str, Any] | None, writes: bool, token: str
    ) -> Answer:
        more: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}", "Accept": "application/json"}}
        if content is not None:
            more["json"] = content
        if query:
            more["params"] = query
        return self._wire.send(method, self._api + path, writes=writes, **more)


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreachableError("unreachable", how="unreadable") from error


_ZONES = {"Lisbon": "Europe/Lisbon", "Azores": "Atlantic/Azores", "Madrid": "Europe/Madrid"}
"""Names that the platform's framework gives to zones, where they are not those of the tz database."""


def zone_from(name: str) -> str:
    """The tz database's name of a store's zone; Lisbon's when it is unknown."""
    found = _ZONES.get(name, name)
    return found if found in zoneinfo.available_timezones() else "Europe/Lisbon"


def summary_from(order: Mapping[str, Any]) -> SaleSummary:
    """One row of the order list in our words."""
    return SaleSummary(
        order_id=str(order["id"]),
        status=_STATUS.get(str(order.get("status_enum") or ""), "open"),
        created_at=instant(str(order["created_at"])),
        total=Decimal(str(order.get("total") or 0)),
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
