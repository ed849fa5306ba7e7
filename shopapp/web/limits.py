"""How often each thing may be done: from one address, with one link, in one session, for one store.

Counted in Redis, for all processes together. While Redis is away each process counts in its own memory: the limits are
looser then, and nothing stops. Webhooks and workers have no limit here; how much of a plan may be used is decided in
`connections.api_usage`, by the database's own count.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Flask, current_app, g, request
from flask_limiter import Limit, Limiter

from shopapp import encryption
from shopapp.http_client import is_public_address
from shopapp.jobs.queue import redis_connection
from shopapp.messages.i18n import N_, gettext
from shopapp.web.form_fields import shop_address

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
Owner = Literal[
    "address",
    "network",
    "address and link",
    "link",
    "document",
    "session",
    "store",
    "store of the link",
    "recipient",
    "shop typed",
]

_REDIS_SECONDS = 0.25
"""How long a request waits for Redis."""
_UNFIT = "proxies_unfit"


def _address_key() -> str:
    _check_proxies()
    # marks, here and below: Redis holds no personal data
    return encryption.marks_of(request.remote_addr or "unknown")[0]


def _address_and_link_key() -> str:
    # so that whoever opens one link too often keeps no other buyer out
    return encryption.marks_of(f"{_address_key()} {request.path}")[0]


def _network_key() -> str:
    # whoever has a network has as many addresses as they like
    try:
        parsed = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return _address_key()
    address = getattr(parsed, "ipv4_mapped", None) or parsed
    network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return encryption.marks_of(f"network {network}")[0]


def _typed_shop_key() -> str:
    shop = f"{request.view_args} {shop_address(request.form.get('shop', ''))}"
    return encryption.marks_of(shop)[0]


def _store_key() -> str:
    return str(g.store.id) if g.get("store") is not None else _address_key()


def _session_key() -> str:
    return str(g.session_id) if g.get("store") is not None else _address_key()


def _recipient_key() -> str:
    return encryption.marks_of(f"{_store_key()} {request.form.get('to', '').strip().casefold()}")[0]


_KEYS: dict[Owner, Callable[[], str]] = {
    "network": _network_key, "shop typed": _typed_shop_key,
    "address": _address_key, "address and link": _address_and_link_key,
    "session": _session_key, "store": _store_key, "recipient": _recipient_key,
    "link": lambda: str(g.fetched.id), "document": lambda: str(g.fetched.id),
    "store of the link": lambda: str(g.fetched.store_id),
}  # fmt: skip

_TOO_MANY_ACTIONS = N_("Foram muitas ações seguidas nesta sessão.")
_TOO_MANY_READS = N_(
    "Isto pergunta à loja ou ao programa de faturação, e já foi pedido muitas vezes seguidas."
)
_TOO_MANY_MAILS = N_("Foram muitos e-mails seguidos a partir desta loja.")
_TOO_MANY_LINKS = N_("Foram pedidas muitas ligações de entrada seguidas.")
_TOO_MANY_PDFS = N_("Este documento foi pedido muitas vezes seguidas.")

limiter = Limiter(
    _address_key,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    headers_enabled=False,
    default_limits=[
        Limit(
            "60 per minute",
            key_function=_session_key,
            methods=["POST"],
            error_message=lambda: gettext(_TOO_MANY_ACTIONS),
        )
    ],
)


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit that the pages of one kind share; it decorates them, below `store_required`."""

    name: str
    rate: str
    per: Owner
    text: str
    """What the reader is told, as a Portuguese message id."""
    cost: Callable[[], int] | int = 1
    exempt_when: Callable[[], bool] | None = None
    shared: bool = True
    """Whether the pages are counted together."""

    def __call__(self, view: View) -> View:
        rules: dict[str, Any] = {
            "key_func": _KEYS[self.per], "cost": self.cost, "exempt_when": self.exempt_when,
            "error_message": lambda: gettext(self.text),
        }  # fmt: skip
        if self.shared:
            return limiter.shared_limit(self.rate, scope=self.name, **rules)(view)  # type: ignore[return-value]
        return limiter.limit(self.rate, scope=self.name, **rules)(view)  # type: ignore[return-value]


def _mailed_documents() -> int:
    return max(1, len(request.form.getlist("id")))


ENTRY = Budget("entry", "10 per minute", "address", N_("Foram muitas tentativas seguidas."), shared=False)
CONNECT = Budget("connect", "10 per minute; 60 per hour", "address", N_("Foram muitas tentativas seguidas."))
SIGN_IN_LINK = Budget("sign-in-link", "6 per hour; 20 per day", "address", _TOO_MANY_LINKS)
SIGN_IN_NETWORK = Budget("sign-in-network", "30 per hour", "network", _TOO_MANY_LINKS)
SIGN_IN_SHOP = Budget("sign-in-shop", "6 per hour", "shop typed", _TOO_MANY_LINKS)
LINK = Budget("link", "30 per minute", "address and link", _TOO_MANY_PDFS)
LINK_FETCH = Budget("link-fetch", "4 per hour", "link", _TOO_MANY_PDFS)
LINKS_FETCH = Budget("links-fetch", "300 per hour", "store of the link", _TOO_MANY_PDFS)
PDF_FETCH = Budget("pdf-fetch", "4 per hour", "document", _TOO_MANY_PDFS)
PDFS_FETCH = Budget("pdfs-fetch", "60 per hour", "store", _TOO_MANY_READS)
ACTIONS = Budget("actions", "30 per minute", "session", _TOO_MANY_ACTIONS)
BULK = Budget("bulk", "10 per minute", "session", _TOO_MANY_ACTIONS)
BULK_MAILS = Budget(
    "bulk-mails", "600 per day", "store", _TOO_MANY_MAILS, _mailed_documents,
    lambda: request.form.get("do") != "email",
)  # fmt: skip
MAILS = Budget("mails", "40 per hour", "store", _TOO_MANY_MAILS)
MAILS_TO_ONE = Budget(
    "mails-to-one",
    "5 per hour",
    "recipient",
    N_("Este endereço já recebeu muitos e-mails desta loja há pouco."),
)
PREVIEWS = Budget("previews", "30 per minute; 300 per hour", "store", _TOO_MANY_READS)
CHECKS = Budget("checks", "30 per minute; 100 per hour", "store", _TOO_MANY_READS)
LISTS = Budget("lists", "30 per minute; 100 per hour", "store", _TOO_MANY_READS)
KEYS = Budget("keys", "10 per minute; 30 per hour", "store", _TOO_MANY_READS)
RUNS = Budget("runs", "15 per minute; 60 per hour", "store", _TOO_MANY_READS)
EXPORTS = Budget(
    "exports", "10 per minute; 100 per hour", "store", N_("Foram pedidos muitos ficheiros seguidos.")
)
ARTICLES = Budget("articles", "60 per minute", "store", _TOO_MANY_READS)

BUDGETS = (
    ENTRY, CONNECT, SIGN_IN_LINK, SIGN_IN_NETWORK, SIGN_IN_SHOP,
    LINK, LINK_FETCH, LINKS_FETCH, PDF_FETCH, PDFS_FETCH, ACTIONS, BULK, BULK_MAILS, MAILS, MAILS_TO_ONE,
    PREVIEWS, CHECKS, LISTS, KEYS, RUNS, EXPORTS, ARTICLES,
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Register the limiter with the app, on the Redis of the settings."""
    pool = redis_connection(app.config["REDIS_URL"], _REDIS_SECONDS).connection_pool
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": pool}
    limiter.init_app(app)


def seconds_left() -> int:
    """Return the seconds until what was refused in this request may be done again."""
    refused = limiter.current_limit
    try:
        return max(1, int(refused.reset_at - time.time()) + 1) if refused is not None else 60
    except Exception:  # noqa: BLE001  (Redis went away in between: the shortest window)
        return 60


def proxies_fit() -> bool:
    """Return whether PROXIES seems right, as far as this process has seen requests from outside."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        _check_proxies()
    return not current_app.extensions.get(_UNFIT)


def _check_proxies() -> None:
    """Warn once when a request from outside seems to come from a private address, which is then a proxy's.

    All visitors then share one rate limit: whoever uses it up locks every merchant out.
    """
    app = current_app
    if app.extensions.get(_UNFIT) or not app.config["APP_URL"].startswith("https:"):
        return
    if not _is_public(request.remote_addr or ""):
        app.extensions[_UNFIT] = True
        log.warning(
            "PROXIES=%s does not fit: all visitors seem to come from %s. Set it to the number of proxies in front of"
            " the app, and let each of them set X-Forwarded-For. Until then all visitors share one rate limit.",
            app.config["PROXIES"],
            request.remote_addr or "a socket",
        )


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return is_public_address(str(getattr(parsed, "ipv4_mapped", None) or parsed))
