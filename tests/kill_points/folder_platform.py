"""A shop platform that keeps its data in a folder, so that all processes forked for one case share it.

Its refresh tokens rotate. A token used twice ends the grant, as at a platform that assumes it was stolen.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from shopapp.errors import CredentialsError, StoreAccessError
from shopapp.fiscal.order import Order
from shopapp.platforms.base import Attachment, OrderSummary, StoreInfo
from shopapp.platforms.oauth import OAuthTokens
from tests.fakes import FakePlatform

HOOKS_TOKEN = "hooks-token"


class FolderPlatform(FakePlatform):
    """The platform's methods; the orders are those of `PLATFORM_STATE` when the case was forked."""

    folder: ClassVar[Path]

    def __init__(self, wire: Any, token: Any, redirect: str, **settings: Any) -> None:
        super().__init__(wire, token, redirect)

    @classmethod
    def set_up(cls, folder: Path) -> None:
        """Start with the first grant and no document shown."""
        cls.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "shop.json").write_text(json.dumps({"grant": 1, "shown": [], "notes": [], "hooks": []}))

    @classmethod
    @contextmanager
    def state(cls) -> Iterator[dict[str, Any]]:
        """Yield the shop's data under a lock; changes are stored."""
        with open(cls.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = cls.folder / "shop.json"
            known = json.loads(file.read_text())
            yield known
            fresh = cls.folder / "shop.new"
            fresh.write_text(json.dumps(known))
            os.replace(fresh, file)

    def _require_grant(self) -> None:
        """Require the token of the present grant; get another one once when it is refused."""
        self._http.before_call()
        token = self._token(None)
        with self.state() as known:
            good = f"access-{known['grant']}"
        if token != good:
            token = self._token(token)
            with self.state() as known:
                if token != f"access-{known['grant']}":
                    raise StoreAccessError(token)
        self._http.before_call()

    def exchange(self, code: str, verifier: str) -> OAuthTokens:
        self._http.before_call()
        with self.state() as known:
            known["grant"] = abs(known["grant"]) + 1
            return self._tokens(known["grant"])

    def refresh(self, refresh_token: str) -> OAuthTokens:
        self._http.before_call()
        with self.state() as known:
            if refresh_token != f"refresh-{known['grant']}":
                known["grant"] = -abs(known["grant"])
                raise CredentialsError("grant-refused")
            known["grant"] += 1
            return self._tokens(known["grant"])

    @staticmethod
    def _tokens(number: int) -> OAuthTokens:
        return OAuthTokens(f"access-{number}", f"refresh-{number}", 3600)

    def _ask(self, verb: str) -> None:
        self._require_grant()

    def store_info(self) -> StoreInfo:
        self._require_grant()
        return StoreInfo("fake", "Fake", "EUR", "PT", "Europe/Lisbon", "pt", "loja@example.pt", "")

    def webhook_secret(self) -> str:
        self._require_grant()
        return HOOKS_TOKEN

    def read_order(self, order_id: str) -> Order:
        """Return the order; until it is paid it has another total."""
        order = super().read_order(order_id)
        if not self._is_unpaid():
            return order
        lines = (replace(order.lines[0], unit_price=Decimal(10)),)
        return replace(order, status="open", paid_at=None, paid_source="", lines=lines, total=Decimal(10))

    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        return iter(()) if self._is_unpaid() else super().paid_orders(since)

    def _is_unpaid(self) -> bool:
        return (self.folder / "placed").exists() and not (self.folder / "paid").exists()

    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        self._require_grant()
        with self.state() as known:
            missing = [event for event in events if event not in known["hooks"]]
            known["hooks"] += missing
        return "missing" if missing else ""

    def attach_document(self, order_id: str, document: Attachment) -> None:
        self._require_grant()
        with self.state() as known:
            if document.external_id not in [one[0] for one in known["shown"]]:
                known["shown"].append([document.external_id, document.number])

    def add_history_entry(self, order_id: str, text: str) -> None:
        self._require_grant()
        with self.state() as known:
            if text not in known["notes"]:
                known["notes"].append(text)
