"""A scripted merchant whose shop is on Shopkit: its key is pasted, and the rest is as in `dev.merchant`."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import requests

from dev.browser import StepFailed
from dev.local_stack import LocalStack
from dev.merchant import Merchant
from dev.phcgo_merchant import OLARIA, PhcGoMerchant


class ShopkitShop(Merchant):
    """The owner of one store of the Shopkit stand-in."""

    def __init__(self, stack: LocalStack, shop: str = "olariadosado", entity: str = "40321") -> None:
        super().__init__(stack, shop, entity)
        self.deleted: list[dict[str, Any]] = []

    def install(self) -> None:
        """Paste the store's key, and the secret shown beside it, into the page that connects a shop."""
        self.browser.open(f"{self.stack.app_url}/connect/shopkit")
        about = self.about()
        self.browser.send("key", shop=about["name"], key=about["key"], secret=about["webhook_secret"])
        if self.browser.status != 200 or "/connect" in self.browser.url:
            raise StepFailed(f"not connected: {self.browser.url} {self.browser.text[:300]}")

    def about(self) -> dict[str, Any]:
        """Ask the stand-in for the store's key, secret and webhooks."""
        found: dict[str, Any] = requests.get(self._shop_url("").rstrip("/"), timeout=30).json()
        return found

    def call_counts(self) -> dict[str, Any]:
        """Return the number of calls for this store, those above the limit, and the most in an hour."""
        found = requests.get(f"{self.stack.shopkit_url}/sandbox/limits", timeout=30).json()
        counts: dict[str, Any] = found.get(self.shop, {"calls": 0, "over_limit": 0, "busiest_hour": 0})
        return counts

    def webhook_events(self) -> set[str]:
        """Return the events to which the store's webhooks are subscribed."""
        return {hook["event"] for hook in self.about()["webhooks"]}

    def place_order(self, **spec: Any) -> dict[str, Any]:
        """Place an order and return it as the store's API shows it; `pay=True` pays it at once.

        A line may be written as for `dev.merchant`: its tax by name.
        """
        if "lines" in spec:
            # what the store does not sell needs a name
            spec = {**spec, "lines": [{**self._names(line), **_with_rate(line)} for line in spec["lines"]]}
        return super().place_order(**spec)

    def _names(self, line: dict[str, Any]) -> dict[str, Any]:
        return {} if self.shop == "olariadosado" else {"name": f"Artigo {line['sku']}"}

    def edit_order(self, number: int, *lines: dict[str, Any]) -> dict[str, Any]:
        """Change the order's lines in the back office and return the order."""
        return self.change_order(
            number, "edit", spec={"lines": [{**self._names(line), **_with_rate(line)} for line in lines]}
        )

    def delete_order(self, number: int) -> None:
        """Delete the order in the back office; `shop_orders` still has it, as it was."""
        self.deleted += [order for order in super().shop_orders() if int(order["id"]) == number]
        self._post_to_shop(f"orders/{number}/delete", {})

    def shop_orders(self) -> list[dict[str, Any]]:
        """Return all orders of the store with their documents, newest first, then the deleted ones."""
        return super().shop_orders() + self.deleted

    def act_on_shop(self, act: str, **how: Any) -> None:
        """Act on the whole store: `suspend` its webhooks, or send the `test` payload of an event."""
        self._post_to_shop(act, how)

    def set_switch(self, name: str, position: str) -> None:
        """Set a switch of the shop platform's stand-in."""
        url = f"{self.stack.shopkit_url}/sandbox/switches"
        requests.post(url, json={name: position}, timeout=30).raise_for_status()

    def paid_amount(self, order: dict[str, Any]) -> Decimal:
        """Return the order's total in whole cents, however the store writes it."""
        text = str(order["total"]).replace(",", ".")
        return Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def documents_shown(self, order: dict[str, Any]) -> int:
        """Return how many documents the order's note names, where it also has its invoice."""
        return len(re.findall(r"^Quick Invoice: .+ €\)", order["note"] or "", re.MULTILINE)) * bool(
            order["invoice_url"]
        )

    def shows_documents(self, order: dict[str, Any], numbers: list[str]) -> bool:
        """Return whether the order has its invoice, and its note names each document."""
        note = order["note"] or ""
        return bool(order["invoice_url"]) == bool(numbers) and all(number in note for number in numbers)

    def _shop_url(self, path: str) -> str:
        return f"{self.stack.shopkit_url}/sandbox/shops/{self.shop}/{path}"


def _with_rate(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line with its rate in place of the name of a tax, `IVA 23%`, or of none."""
    tax = line.get("tax")
    rate = re.sub(r"\D", "", tax) if isinstance(tax, str) else tax
    return {**line, "tax": rate or 0} if "tax" in line else line


class ShopkitPhcGoMerchant(ShopkitShop, PhcGoMerchant):
    """The owner of one store of Shopkit and of one company of PHC GO."""

    def __init__(self, stack: LocalStack, shop: str = "olariadosado", entity: str = OLARIA) -> None:
        super().__init__(stack, shop, entity)
