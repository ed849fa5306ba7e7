"""The merchants of a run, one for each shop platform: how their shop is prepared, read, and made to lose webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

from dev.browser import StepFailed
from dev.local_stack import LocalStack
from dev.merchant import Merchant
from dev.shopkit_merchant import ShopkitShop

from .plan import TIME_SCALE
from .provider_stand_in import ProviderStandIn

Json = dict[str, Any]
INSTANT = "%Y-%m-%d %H:%M:%S UTC"


class TortureMerchant(Merchant):
    """The merchant with the run's invoicing system; keeps one connection to the shop's admin open."""

    def __init__(self, stack: LocalStack, program: ProviderStandIn) -> None:
        super().__init__(stack)
        self.provider = program
        self._open = requests.Session()
        self._open.trust_env = False

    def connect(self, **instead: str) -> None:
        self.browser.open(f"{self.stack.app_url}/setup/keys/{self.provider.name}")
        keys = self.provider.keys
        self.browser.send(next(iter(keys)), **{**keys, **instead})
        if "/setup/choices" not in self.browser.url:
            raise StepFailed(f"keys not accepted: {self.browser.text[:600]}")

    def resolve_all(self, numbers: list[str]) -> None:
        """Look up each document that waits for the merchant in the provider's list and answer its page."""
        listed = self.provider.listed_documents()
        for order in numbers:
            page, found = self.open_document(int(order)), listed.get(order)
            if found is None:
                page.send("sure", sure="yes")
            else:
                page.send(
                    "number", number=found[0], total=found[1], atcud=f"JFX4RT2K-{found[0].rpartition('/')[2]}"
                )

    def prepare_shop(self) -> None:
        """Lift the shop's limit of calls before the app is installed: a run has in minutes the calls of hours."""
        self.set_switch("rate-limits", "off")

    def disturb_webhooks(self, shows_pause: bool) -> None:
        """Shuffle the webhooks; with `shows_pause` their list says when the shop paused one."""
        self.set_switch("hook-order", "shuffled")
        self.set_switch("hook-pause-shown", "yes" if shows_pause else "no")

    def lose_webhooks(self, all_of_them: bool) -> None:
        """Let the shop send no webhook, or all of them again."""
        self.set_switch("hook-losses", "all" if all_of_them else "none")

    def resend_webhook(self, order: int, copies: int) -> None:
        """Let the shop send the webhook of a paid order again."""
        self.change_order(order, "hook", copies=copies)

    def webhooks_are_active(self) -> bool:
        """Return whether the shop sends webhooks of paid orders and has not paused them."""
        paid = [hook for hook in self._shop_now()["hooks"] if hook["event"] == "order_paid"]
        return bool(paid) and not any(hook.get("paused") for hook in paid)

    def webhook_pauses(self) -> int:
        """Return the moments at which the shop paused webhooks, by the e-mails that it wrote about it."""
        return len({letter["at"] for letter in self._shop_now()["letters"] if "em pausa" in letter["text"]})

    def deliveries(self) -> list[Json]:
        """Return every webhook that the shop sent, with its tries."""
        sent: list[Json] = self._read_control(self.stack.admin_url, "deliveries", limit=10**6)
        return sent

    def calls_over_limit(self) -> int:
        """Return how many calls the shop counted above its limit."""
        return 0

    def _read_control(self, shop_url: str, path: str, **query: int) -> Any:
        return self._open.get(f"{shop_url}/sandbox/{path}", params=query, timeout=120).json()

    def _shop_now(self) -> Json:
        about: Json = self._open.get(self._shop_url("").rstrip("/"), timeout=30).json()
        return about

    def _post_to_shop(self, path: str, sent: Json) -> Json:
        answer = self._open.post(self._shop_url(path), json=sent, timeout=30)
        answer.raise_for_status()
        content: Json = answer.json()
        inner: Json = content.get("order", content)
        return inner


class TortureShopkitMerchant(TortureMerchant, ShopkitShop):
    """The same merchant with a store on Shopkit."""

    def prepare_shop(self) -> None:
        url = f"{self.stack.shopkit_url}/sandbox/limits"
        # `dev.torture.app` scales what the app allows itself in the same way
        requests.post(url, json={"calls": 3600 * TIME_SCALE}, timeout=30).raise_for_status()

    def disturb_webhooks(self, shows_pause: bool) -> None:
        self.set_switch("webhook-order", "shuffled")
        self.set_switch("suspended-shown", "inactive" if shows_pause else "active")

    def lose_webhooks(self, all_of_them: bool) -> None:
        self.set_switch("webhook-losses", "all" if all_of_them else "none")

    def resend_webhook(self, order: int, copies: int) -> None:
        self.change_order(order, "webhook", copies=copies)

    def webhooks_are_active(self) -> bool:
        paid = [hook for hook in self.about()["webhooks"] if hook["event"] == "order_paid"]
        return bool(paid) and not any(hook["suspended"] for hook in paid)

    def webhook_pauses(self) -> int:
        return sum(one["state"] == "given-up" for one in self.deliveries())

    def deliveries(self) -> list[Json]:
        sent: list[Json] = self._read_control(self.stack.shopkit_url, "deliveries", limit=10**6)
        for delivery in sent:
            for one in delivery["tries"]:
                one["at"] = datetime.fromisoformat(one["at"]).astimezone(UTC).strftime(INSTANT)
            if delivery["event"] == "order_updated" and delivery["origin"] == "api":
                # an echo of what the app wrote, which need not be kept
                delivery["order_id"] = None
        return sent

    def calls_over_limit(self) -> int:
        return int(self.call_counts()["over_limit"])

    def shop_orders(self) -> list[Json]:
        return [
            {**order, "status_enum": "paid" if order["paid"] else "", "total": self.paid_amount(order)}
            for order in super().shop_orders()
        ]


MERCHANTS: dict[str, type[TortureMerchant]] = {
    "jumpseller": TortureMerchant,
    "shopkit": TortureShopkitMerchant,
}
"""By the value of PLATFORM=."""
