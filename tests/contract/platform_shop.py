"""The interface through which the contract suites use a shop, live at its stand-in or from a cassette."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

import requests

from shopapp.fiscal.order import LineKind
from shopapp.platforms.base import Platform

REDIRECT = "https://app.test/install/callback"


@dataclass(frozen=True)
class Exchange:
    """One call: the request and the answer, JSON parsed."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    sent: Any
    status: int
    got: Any


class FrozenClock(datetime):
    """Replaces the stand-in's clock, so that recording the same exchange again changes no cassette."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 11, 20, 10, 0, tzinfo=tz)


class PlatformShop(ABC):
    """A shop at one platform, in use inside `opened`."""

    name: ClassVar[str]
    code: ClassVar[str]
    events: ClassVar[tuple[str, ...]]

    # what its platform's API tells

    tax_rates: ClassVar[set[Decimal] | None]
    """The rates of its taxes; None where no call tells them."""
    silent_verbs: ClassVar[tuple[str, ...]] = ()
    """The methods of the platform that send nothing."""
    has_locations: ClassVar[bool]
    reads_before_setting_stock: ClassVar[bool] = False

    # the order that `place_order` places without a specification

    order_total: ClassVar[Decimal]
    order_lines: ClassVar[tuple[tuple[str, Decimal, Decimal], ...]]
    """Its goods: SKU, pieces and rate."""

    # what it sells

    levels: ClassVar[Mapping[str, int]]
    """The pieces of everything that is goods, by SKU; at least two beside the cup and the tiles."""
    unlimited: ClassVar[Mapping[str, LineKind]]
    """The kind of everything else, by SKU; it has no stock."""
    cup: ClassVar[str]
    """A product without variants."""
    tiles: ClassVar[tuple[str, str]]
    """The two variants of one product."""
    tile_name: ClassVar[str]

    # its webhooks

    webhook_headers: ClassVar[Mapping[str, str]]
    """The headers that have the `signature`, the `event` and, where one does, the store's `code`."""
    other_event: ClassVar[str]
    """An event that is about neither orders nor products."""

    @staticmethod
    @abstractmethod
    def signature(body: bytes, key: str) -> str:
        """Return the signature of the body as the platform's documentation describes it."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.urls: list[str] = []

    @abstractmethod
    @contextmanager
    def opened(self, mode: str, cassette: str) -> Iterator[None]:
        """Make the shop ready: `replayed`, `live`, `recorded`, or `unplugged` when nothing answers."""

    @abstractmethod
    def platform(self, token: Callable[[str | None], str] | None = None) -> Platform:
        """Open the platform as the application does: for this shop, or for no shop when there is no token getter."""

    @abstractmethod
    def consent_code(self, challenge: str) -> str:
        """Return the code that the merchant's consent gives."""

    @abstractmethod
    def token(self) -> str:
        """Return a valid access token of this shop."""

    @abstractmethod
    def place_order(self, **spec: Any) -> str:
        """Place an order by the stand-in's specification; return its number."""

    @abstractmethod
    def arrange(self, scene: str) -> None:
        """Put the external system into that scene from now on."""

    @abstractmethod
    def stored_order(self, order_id: str) -> Mapping[str, Any]:
        """Return the order with its documents and history, as the stand-in has stored it."""

    @abstractmethod
    def history(self, order_id: str) -> list[str]:
        """Return the entries of the order's history, or the lines of its note."""

    @abstractmethod
    def webhooks(self) -> list[Mapping[str, Any]]:
        """Return the shop's webhook subscriptions, as the stand-in has stored them."""

    @abstractmethod
    def edit_product(self, sku: str, /, **changes: Any) -> None:
        """Edit the product of that SKU as the merchant would (`sku`, `name`, `stock`, `stock_unlimited`, `gone`)."""

    @abstractmethod
    def stock(self, sku: str) -> Mapping[str, int]:
        """Return the pieces by location, as the stand-in has stored them."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that no address, log line or error may contain."""

    def session(self) -> requests.Session:
        """Return a session that records each of its calls."""
        session = requests.Session()
        session.hooks["response"].append(self._record_exchange)
        return session

    def _record_exchange(self, reply: requests.Response, **more: Any) -> None:
        request = reply.request
        parts = urlsplit(str(request.url))
        self.urls.append(str(request.url))
        self.exchanges.append(
            Exchange(
                str(request.method),
                parts.path,
                parse_qsl(parts.query),
                request.headers,
                _read(request.body, str(request.headers.get("Content-Type", ""))),
                reply.status_code,
                _read(reply.content, reply.headers.get("Content-Type", "")),
            )
        )


def _read(body: Any, kind: str) -> Any:
    text = body.decode() if isinstance(body, bytes) else body or ""
    if "urlencoded" in kind:
        return dict(parse_qsl(text))
    try:
        return json.loads(text)
    except ValueError:
        return text or None
