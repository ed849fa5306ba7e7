"""Fakes for the stores in the dump: one shop in memory for each store, and one provider for all of them.

They are registered under the names of the real platform and providers, and have the guarantees and capabilities
of the real classes. They identify a shop or an account only by the token or the keys that are decrypted from
the database.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from shopapp.errors import UnreachableError
from shopapp.models import Article, Document, Product, Sale, Store, SyncedSku, Webhook, db
from shopapp.platforms import PLATFORMS, Jumpseller
from shopapp.platforms.base import CatalogueItem
from shopapp.platforms.oauth import OAuthTokens
from shopapp.providers import PROVIDERS
from shopapp.providers.articles import ProviderArticle
from shopapp.providers.base import Choices, Issued, SupportsEmail
from shopapp.providers.igest import IGest
from shopapp.providers.phcgo import PhcGo
from tests import fakes
from tests.fakes import FakePlatform, FakeProvider, PlatformState, paid_order

SHOPS: dict[str, PlatformState] = {}
"""The shops by the code of their store."""
MAILED: list[str] = []
"""The documents that the provider was asked to e-mail."""
TEST_ONLY_KEYS: dict[str, dict[str, str]] = {
    "igest": {"key": "a" * 36 + "7c41", "code": "b" * 36 + "9d52", "nif": "509999990", "entity": "4711"},
    "phcgo": {"url": "https://loja.phcgo.test/empresa", "user": "loja", "password": "made-up password",
              "token": "made-up+token/==", "company": ""},
}  # fmt: skip
"""The content of the dump's encrypted credentials, all of it invented."""


class DumpShop(FakePlatform):
    """The shop whose token was decrypted."""

    name, events = "jumpseller", Jumpseller.events
    parse_webhook = staticmethod(Jumpseller.parse_webhook)

    def __init__(self, wire: Any, token: Any, redirect: str, **settings: Any) -> None:
        super().__init__(wire, token, redirect)

    def _ask(self, verb: str) -> None:
        self._http.before_call()
        fakes.PLATFORM_STATE = SHOPS[self._token(None).removeprefix("access-of-")]
        self._http.before_call()
        fakes.PLATFORM_STATE.record_call(verb)

    def refresh(self, refresh_token: str) -> OAuthTokens:
        code = refresh_token.removeprefix("refresh-of-")
        assert code in SHOPS
        return OAuthTokens(f"access-of-{code}", f"refresh-of-{code}", 3600)


class DumpProvider(FakeProvider, SupportsEmail):
    """The provider, opened with decrypted keys; its lists stay as they were last read."""

    def __init__(self, credentials: Any, wire: Any, now: Any, **settings: Any) -> None:
        assert credentials == TEST_ONLY_KEYS[self.name]
        super().__init__(credentials, wire, now)

    def choices(self) -> Choices:
        raise UnreachableError("unreachable")

    def email(self, provider_id: str, to: str) -> None:
        MAILED.append(provider_id)


class DumpIGest(DumpProvider):
    """The iGEST provider, whose guarantee is MANUAL."""

    name, label, support, help_paths = IGest.name, IGest.label, IGest.support, IGest.help_paths
    credential_fields, guarantee = IGest.credential_fields, IGest.guarantee
    capabilities = replace(IGest.capabilities, calls_per_second=1e9)


class DumpPhcGo(DumpProvider):
    """The PHC GO provider; its guarantee is DRAFT_FIRST or SEARCHABLE, according to its stored settings and lists."""

    name, label, support, help_paths = PhcGo.name, PhcGo.label, PhcGo.support, PhcGo.help_paths
    credential_fields, guarantee, guarantee_for = (
        PhcGo.credential_fields,
        PhcGo.guarantee,
        PhcGo.guarantee_for,
    )
    capabilities = replace(PhcGo.capabilities, calls_per_second=1e9)


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Replace the real platform and providers by empty fakes."""
    patch.setattr(fakes, "PLATFORM_STATE", PlatformState())
    fakes.PROVIDER_STATE.__init__()  # type: ignore[misc]
    SHOPS.clear()
    MAILED.clear()
    patch.setitem(PLATFORMS, "jumpseller", DumpShop)
    patch.setitem(PROVIDERS, "igest", DumpIGest)
    patch.setitem(PROVIDERS, "phcgo", DumpPhcGo)


def remember(arrived: tuple[str, ...], at: datetime) -> None:
    """Fill shops and provider from the rows; `arrived` are orders whose lost calls had reached the provider."""
    for store in db.session.query(Store):
        SHOPS[store.code] = PlatformState()
        _sell(store)
        _place_orders(store, at)
    _keep_articles()
    _record_documents(arrived)
    db.session.commit()


def _sell(store: Store) -> None:
    for row in db.session.query(Product).filter_by(store_id=store.id, gone_at=None):
        goods = CatalogueItem(
            row.product_id, row.variant_id, row.sku, row.name, row.kind, row.stock, row.active
        )
        SHOPS[store.code].stock.items[row.product_id, row.variant_id] = goods


def _place_orders(store: Store, at: datetime) -> None:
    orders = SHOPS[store.code].orders
    for sale in db.session.query(Sale).filter_by(store_id=store.id):
        plain = paid_order(sale.order_id, created_at=sale.ordered_at or at, status=sale.status or "paid")
        total = plain.total if sale.total is None else sale.total
        line = replace(plain.lines[0], unit_price=total, sku=f"{store.code.upper()}-1")
        orders[sale.order_id] = replace(plain, lines=(line,), total=total)
    for hook in db.session.query(Webhook).filter_by(store_id=store.id, state="new"):
        if hook.event == "order_paid":
            number = str(json.loads(hook.body)["order"]["id"])
            line = replace(paid_order().lines[0], sku=f"{store.code.upper()}-1")
            orders.setdefault(number, paid_order(number, created_at=at, lines=(line,)))


def _keep_articles() -> None:
    for row in db.session.query(Article).filter(Article.article_id != ""):
        kept = ProviderArticle(row.article_id, row.code, row.name, row.goods)
        fakes.PROVIDER_STATE.articles[row.article_id] = kept
        levels = db.session.query(SyncedSku).filter_by(account_id=row.account_id, sku=row.sku)
        for level in levels.filter(SyncedSku.theirs.is_not(None)):
            fakes.PROVIDER_STATE.stock.quantities[row.article_id, level.warehouse] = Decimal(level.theirs)


def _record_documents(arrived: tuple[str, ...]) -> None:
    """Give the provider every issued document, in the order of its ids, and every draft that it still has."""
    state = fakes.PROVIDER_STATE
    issued = db.session.query(Document).filter_by(state="issued").all()
    for at, document in enumerate(sorted(issued, key=lambda one: int(one.provider_id[3:])), 1):
        assert document.provider_id == f"id-{at}"
        state.ledger.append((document.reference, document.draft))
        made = Issued(document.provider_id, document.number, total=document.draft.gross)
        state.issued[document.draft_id or document.reference] = made
    kept = db.session.query(Document).filter(Document.draft_id.is_not(None), Document.state != "issued")
    for document in kept:
        state.drafts[document.draft_id] = (document.reference, document.draft)
    state.drafts_opened = 1000
    for document in db.session.query(Document).filter(Document.order_id.in_(arrived)).order_by(Document.id):
        made = state.record_document(document.draft, document.reference)
        state.issued[document.draft_id or document.reference] = made
