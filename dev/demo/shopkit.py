"""The demo on Shopkit: orders of every kind, requests from the back office, returns, and every option of PHC GO.

Only the stand-ins are asked what happened, never the app's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dev.merchant import wait_until
from dev.phcgo_merchant import OLARIA, QUINTA
from dev.shopkit_merchant import ShopkitPhcGoMerchant, ShopkitShop

from .phcgo import PhcGoDemo, check_that
from .scenarios import Demo, DemoOrder
from .shopkit_orders import BOOK, MUG, STOPPED, WITH_VAT, WITHOUT_VAT, several


class ShopkitDemo(Demo):
    """Two merchants on Shopkit with iGEST: prices with VAT, and prices without."""

    settings: ClassVar[dict[str, str]] = {"HOOK_WATCH_SECONDS": "2"}
    olaria: ShopkitShop
    quinta: ShopkitShop

    def _merchants(self) -> tuple[ShopkitShop, ShopkitShop]:
        return ShopkitShop(self.stack), ShopkitShop(self.stack, "quintadaserra", "40377")

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        return (
            self._orders_of_every_kind,
            self._stopped,
            self._repeated_webhook,
            self._missing_webhook,
            self._suspended_webhooks,
            self._refused,
            self._answer_lost_after_issuing,
            self._answer_lost_before_issuing,
            self._wrong_nif,
            self._asked_for_in_the_shop,
            self._tests_of_webhooks,
            self._cancelled,
            self._deleted,
            self._returned,
            self._credited,
            self._corrected,
            self._paid_again,
            self._edited,
        )

    def place(self, title: str, merchant: ShopkitShop | None = None, **spec: Any) -> DemoOrder:
        """Place and pay an order of that specification."""
        return self.place_paid_order(title, merchant=merchant, **spec)

    def _repeated_webhook(self) -> None:
        self.olaria.set_switch("webhook-copies", "five")
        demo_order = self.place("its webhooks five times", lines=[MUG])
        self.olaria.set_switch("webhook-copies", "one")
        self.wait_until_issued(demo_order)

    def _missing_webhook(self) -> None:
        self.olaria.set_switch("webhook-losses", "all")
        demo_order = self.place("no webhook at all", lines=[MUG])
        self.olaria.set_switch("webhook-losses", "none")
        self.wait_until_issued(demo_order)

    def _orders_of_every_kind(self) -> None:
        self.wait_until_issued(
            *(self.place(title, **spec) for title, spec in WITH_VAT.items()),
            *(self.place(title, self.quinta, **spec) for title, spec in WITHOUT_VAT.items()),
        )

    def _stopped(self) -> None:
        """Sell what does not add up: both figures stand on the page, and nothing is issued."""
        for title, spec in STOPPED.items():
            demo_order = self.place(title, **spec)
            demo_order.kinds = ()
            self.olaria.wait_for_state(demo_order.number, "Bloqueado")
            page = self.olaria.open_document(demo_order.number).text
            check_that(page.count("€") >= 2, f"{title}: both figures are shown")

    def _suspended_webhooks(self) -> None:
        """Shopkit suspends the webhooks: they are created again, and the order is found."""
        self.olaria.act_on_shop("suspend")
        demo_order = self.place("its webhooks suspended", lines=[MUG])
        self.wait_until_issued(demo_order)
        wait_until(
            lambda: all(hook["active"] for hook in self.olaria.about()["webhooks"]),
            "the webhooks are active again",
        )

    def _asked_for_in_the_shop(self) -> None:
        """Issue by hand: the merchant presses the button in Shopkit's back office, for a paid and an unpaid order."""
        self.olaria.choose(automatic="")
        paid = self.place("asked for in the back office", lines=[MUG])
        unpaid = self.place("asked for, paid later", lines=[BOOK], pay=False)
        self.olaria.wait_for_state(paid.number, "À espera")
        for _ in range(2):
            self.olaria.change_order(paid.number, "request-invoice")
        self.olaria.change_order(unpaid.number, "request-invoice")
        self.olaria.wait_for_state(unpaid.number, "À espera")
        self.wait_until_issued(paid)
        self.olaria.change_order(unpaid.number, "pay")
        self.wait_until_issued(unpaid)
        self.olaria.choose(automatic="yes")

    def _tests_of_webhooks(self) -> None:
        """Send the back office's test of each webhook, of no order and of one that waits."""
        self.olaria.choose(automatic="")
        waiting = self.place("waits while tests name it", lines=[MUG])
        waiting.kinds = ()
        self.olaria.wait_for_state(waiting.number, "À espera")
        for position in ("unknown", "existing"):
            self.olaria.set_switch("test-order", position)
            for event in ("order_paid", "order_invoice", "order_created", "order_canceled"):
                self.olaria.act_on_shop("test", event=event)
        follower = self.place("after the tests", lines=[MUG])
        follower.merchant.wait_for_state(follower.number, "À espera")
        self.olaria.open_document(follower.number).send("Emitir agora")
        self.wait_until_issued(follower)
        self.olaria.wait_for_state(waiting.number, "À espera")
        self.olaria.choose(automatic="yes")

    def _deleted(self) -> None:
        """Delete an unpaid order, and one that has its invoice: the merchant is asked for the credit note."""
        invoiced = self.place("deleted after its invoice", lines=[MUG])
        self.wait_until_issued(invoiced)
        wait_until(lambda: self.all_documents_shown(), "the invoice is on the order")
        self.olaria.delete_order(invoiced.number)
        wait_until(
            lambda: "nota de crédito" in self.olaria.listing_text(invoiced.number),
            "the credit note is asked for",
        )

    def _returned(self) -> None:
        """Take one of two pieces back: the merchant is asked, and credits it."""
        demo_order = self.place("one of two pieces returned", lines=[several(MUG, 2)])
        self.wait_until_issued(demo_order)
        self.olaria.change_order(demo_order.number, "return", lines={"0": 1})
        wait_until(
            lambda: "nota de crédito" in self.olaria.listing_text(demo_order.number),
            "the credit note is asked for",
        )
        self.olaria.credit(demo_order.number, {"Taça de barro vidrado": "1"}, reason="Devolução")
        demo_order.kinds, demo_order.credited = (
            ("FR", "NC"),
            demo_order.merchant.paid_amount({"total": "12.30"}),
        )
        self.olaria.wait_for_kinds(demo_order.number, *demo_order.kinds)

    def check(self) -> list[str]:
        """Return which store was called above its limit."""
        wrong = []
        for merchant in (self.olaria, self.quinta):
            counts = merchant.call_counts()
            over = counts["over_limit"]
            print(
                f"{merchant.shop}: {counts['calls']} calls, {counts['busiest_hour']} in the busiest hour, {over} above"
                " the limit."
            )
            sent = [write for order in merchant.shop_orders() for write in order["writes"]]
            files, links = (sum(name in write for write in sent) for name in ("invoice_file", "invoice_url"))
            print(f"{merchant.shop}: {files} invoices written as files, {links} as links.")
            if over:
                wrong.append(f"{merchant.shop}: {over} calls above the limit")
        return wrong


class ShopkitPhcGoDemo(ShopkitDemo, PhcGoDemo):
    """The same two merchants with PHC GO: every option of the settings form, and drafts that follow their orders."""

    provider_name = "PHC GO"
    settings: ClassVar[dict[str, str]] = {**PhcGoDemo.settings, **ShopkitDemo.settings}
    unpaid_events: ClassVar[set[str]] = {"order_created"}
    olaria: ShopkitPhcGoMerchant
    quinta: ShopkitPhcGoMerchant

    def _merchants(self) -> tuple[ShopkitPhcGoMerchant, ShopkitPhcGoMerchant]:
        return (
            ShopkitPhcGoMerchant(self.stack, "olariadosado", OLARIA),
            ShopkitPhcGoMerchant(self.stack, "quintadaserra", QUINTA),
        )

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        return (
            self._no_webhooks_before_payment,
            self._limits_shown_at_setup,
            *super().scenarios,
            self._kinds_and_series,
            self._options_on,
            self._draft_follows_order,
            self._invoice_from_order_note,
            self._order_note_as_draft,
            self._abandoned_order,
            self._issued_by_click,
            self._annulled_document,
            self._options_off,
            self._call_counts_shown,
            self._no_drafts_left,
        )

    def _answer_lost_after_issuing(self) -> None:
        PhcGoDemo._answer_lost_after_issuing(self)

    def _answer_lost_before_issuing(self) -> None:
        PhcGoDemo._answer_lost_before_issuing(self)

    def _options_on(self) -> None:
        self.olaria.set_switches(transport_code="told")
        super()._options_on()

    def check(self) -> list[str]:
        return ShopkitDemo.check(self) + PhcGoDemo.check(self) + self._wrong_transport_codes()

    def _wrong_transport_codes(self) -> list[str]:
        """Return the orders that do not show the tax authority's code of their guide."""
        shown = {int(order["id"]): order["at_code"] for order in self.olaria.shop_orders()}
        guides = {one.number: self.documents(one)[1]["at_code"] for one in self.orders if "GT" in one.kinds}
        print(f"{len(guides)} guides, whose codes are on their orders: {sorted(guides.values())}")
        return [
            f"#{number}: not {code} but {shown[number]!r}"
            for number, code in guides.items()
            if shown[number] != code
        ]
