"""A stack for tests over real HTTP: short intervals, scripted merchants, and the data that tests may inspect.

The provider's ledger and the shop's orders are the judges. `StackDatabase` reads the app's own tables, only
where a test needs to know what the app itself has stored.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import requests
import sqlalchemy
from sqlalchemy.pool import NullPool

from dev.local_stack import LocalStack
from dev.merchant import PATIENCE, Merchant, wait_until
from tests.databases import migrated_sqlite_file

Json = dict[str, Any]

FAST_SETTINGS = {
    "CLOCK_SECONDS": "0.5",
    "RECONCILE_SECONDS": "2",
    "RETRY_SECONDS": "1",
    "WORKERS": "1",
    "WEB_PROCESSES": "1",
    "FAULT_POINT": "",
    # Lets a test come from any number of addresses.
    "PROXIES": "1",
}
FINAL_STATES = ("issued", "blocked", "review", "void", "waiting")
TIMEOUT = PATIENCE

MUG: Json = {"sku": "TACA-01", "name": "Taça", "qty": 1, "price": "12.30", "tax": "IVA 23%"}
MUGS: Json = {**MUG, "qty": 3, "price": "9.99", "discount": "1.50"}
BOOK: Json = {"sku": "LIV-01", "name": "Livro", "qty": 1, "price": "15.90", "tax": "IVA 6%"}
WINE: Json = {"sku": "VIN-01", "name": "Vinho", "qty": 2, "price": "8.49", "tax": "IVA 13%"}
COURSE: Json = {"sku": "FOR-01", "name": "Oficina de roda", "qty": 1, "price": "45.00", "tax": []}
FULL_ORDER: Json = {
    "lines": [MUGS, BOOK, WINE],
    "coupon": {"code": "DEZ", "amount": "3.00"},
    "shipping": {"price": "4.92", "tax": "IVA 23%"},
    "gift_card": "5.00",
    "nif": "123456789",
    "pay": True,
}
"""Three pieces with a discount, three rates, a coupon, taxed shipping, a gift card: most unknowns in one order."""

_visitors = itertools.count(1)


class StackDatabase:
    """The app's own tables, read from outside."""

    def __init__(self, url: str) -> None:
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def select(self, statement: str, **values: Any) -> list[Json]:
        """Return the rows of a SELECT, as mappings."""
        with self._engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(statement), values)
            return [dict(row) for row in found.mappings()]

    def document(self, shop: str, order: int) -> Json:
        """Return the row of that order's sale, empty while there is none."""
        found = self.select(
            "SELECT document.* FROM document JOIN store ON store.id = store_id"
            " WHERE code = :shop AND order_id = :order AND cause = 'sale'",
            shop=shop, order=str(order),
        )  # fmt: skip
        return found[0] if found else {}

    def store(self, shop: str) -> Json:
        """Return the row of that shop, empty while there is none."""
        found = self.select("SELECT * FROM store WHERE code = :shop", shop=shop)
        return found[0] if found else {}

    def execute(self, statement: str) -> None:
        """Change rows without the app's knowledge, as if time had passed."""
        with self._engine.begin() as connection:
            connection.execute(sqlalchemy.text(statement))

    def count(self, table: str, where: str = "1 = 1") -> int:
        """Return the number of rows in a table."""
        return int(self.select(f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"])


class StackWorld:
    """One stack, its merchants by shop, and the two judges."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.database = StackDatabase(stack.env["DATABASE_URL"])
        self.merchants: dict[str, Merchant] = {}

    def merchant(self, shop: str = "olariadosado", entity: str = "40321", **choices: str) -> Merchant:
        """Return the owner of a shop, setting it up at the first call."""
        if shop not in self.merchants:
            made = self.new_merchant(shop, entity)
            made.set_up(**{"exemption": "M07", **choices})
            self.decide(shop, "gift-card-use", "*", "multi-purpose")
            self.merchants[shop] = made
        return self.merchants[shop]

    def decide(self, shop: str, kind: str, subject: str, answer: str) -> None:
        """Answer a question before any order asks it, as if an earlier one had."""
        self.database.execute(
            "INSERT INTO decision (account_id, kind, subject, answer, facts, decided_by)"
            f" SELECT account.id, '{kind}', '{subject}', '{answer}', '{{}}', 'merchant'"
            f" FROM account JOIN store ON store.id = account.store_id WHERE code = '{shop}'"
        )

    def new_merchant(self, shop: str = "olariadosado", entity: str = "40321") -> Merchant:
        """Return the owner of a shop that has not installed the app yet."""
        made = Merchant(self.stack, shop, entity)
        use_new_address(made)
        return made

    # The judges

    def issued_documents(self, merchant: Merchant, order: int) -> list[Json]:
        """Return the documents in the provider's ledger for the order."""
        reference = f"QI-{self.database.store(merchant.shop)['id']}-{order}"
        return [row for row in merchant.issued_documents() if row["reference"] == reference]

    def shop_order(self, merchant: Merchant, order: int) -> Json:
        """Return the order as the shop has it, with its documents and its history."""
        url = f"{self.stack.admin_url}/sandbox/shops/{merchant.shop}/orders/{order}"
        found: Json = requests.get(url, timeout=30).json()
        return found

    def check_document(self, merchant: Merchant, order: int) -> Json:
        """Check that a paid order has one document, equal to the cent to what the buyer paid, and return it."""
        documents = self.issued_documents(merchant, order)
        assert len(documents) == 1, f"{merchant.shop} #{order}: {[d['number'] for d in documents]}"
        paid = paid_total(self.shop_order(merchant, order))
        assert Decimal(documents[0]["totals"]["gross"]) == paid, (
            f"{merchant.shop} #{order}: {documents[0]['number']} is {documents[0]['totals']}, paid {paid}"
        )
        return documents[0]

    # Waiting

    def document_row(self, merchant: Merchant, order: int) -> Json:
        """Return the app's own row for the order, empty while there is none."""
        return self.database.document(merchant.shop, order)

    def wait_until_final(
        self, merchant: Merchant, order: int, *states: str, seconds: float = TIMEOUT
    ) -> Json:
        """Return the order's row once it is final (in one of these states, when some are named)."""
        return wait_until(
            lambda: (
                row
                if (row := self.document_row(merchant, order)).get("state") in (states or FINAL_STATES)
                else {}
            ),
            f"{merchant.shop} #{order} {states or FINAL_STATES}",
            seconds,
        )

    def wait_until_shown(self, merchant: Merchant, order: int) -> Json:
        """Return the shop's order once its document is shown on it."""
        return wait_until(
            lambda: found if (found := self.shop_order(merchant, order))["documents"] else {},
            f"document on #{order}",
            TIMEOUT,
        )

    # Controlling the stand-ins

    def expire_leases(self) -> None:
        """Expire short leases and first delays, as if a minute had passed."""
        self.database.execute(
            "UPDATE document SET lease_until = NULL, not_before = NULL WHERE state = 'pending'"
        )
        self.database.execute("UPDATE follow_up SET not_before = owed_at WHERE state = 'due'")
        self.database.execute("UPDATE store SET token_lease_until = NULL")

    def set_switch(self, where: str, name: str, position: str) -> None:
        """Set a switch of `jumpseller` or `igest`."""
        self._control(where, "switches", {name: position})

    def inject_fault(self, where: str, **fault: Any) -> None:
        """Make the next answers of a stand-in fail."""
        self._control(where, "faults", fault)

    def reset_stand_ins(self) -> None:
        """Set every switch to its first position and end every fault."""
        for url in (self.stack.admin_url, self.stack.igest_url):
            for what in ("switches", "faults"):
                requests.delete(f"{url}/sandbox/{what}", timeout=30).raise_for_status()

    def unanswered_calls(self) -> int:
        """Return the number of calls that the provider has received and not answered yet."""
        found = requests.get(f"{self.stack.igest_url}/sandbox/faults", timeout=30).json()
        return int(found["waiting"])

    def finished_deliveries(self, seconds: int = 30) -> list[Json]:
        """Return the shop's deliveries, newest first, once none is in progress."""
        url = f"{self.stack.admin_url}/sandbox/deliveries"
        found: list[Json] = requests.get(url, params={"settled": seconds}, timeout=seconds + 30).json()
        return found

    def _control(self, where: str, what: str, sent: Json) -> None:
        url = {"jumpseller": self.stack.admin_url, "igest": self.stack.igest_url}[where]
        answer = requests.post(f"{url}/sandbox/{what}", json=sent, timeout=30)
        assert answer.status_code < 400, answer.text


def paid_total(order: Json) -> Decimal:
    """Return what the buyer paid, gift cards included."""
    return Decimal(str(order["total"])) + Decimal(str(order.get("gift_cards_discount") or 0))


def use_new_address(merchant: Merchant) -> None:
    """Give the merchant an IP address that has not been used, so that no rate limit applies to them."""
    merchant.browser.session.headers["X-Forwarded-For"] = f"127.1.0.{next(_visitors) % 250 + 1}"


@contextmanager
def running_world(settings: Mapping[str, str] | None = None, **more: Any) -> Iterator[StackWorld]:
    """Run a stack on a database that has its tables; without a `database_url`, on SQLite."""
    options = {"clock_scale": 600, "is_migrated": True, **more}
    stack = LocalStack(settings={**FAST_SETTINGS, **(settings or {})}, **options)
    if "database_url" not in more:
        shutil.copy(migrated_sqlite_file(), stack.env["DATABASE_URL"].removeprefix("sqlite:///"))
    with stack:
        yield StackWorld(stack)
