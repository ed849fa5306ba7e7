"""The demo with PHC GO: the main scenarios, a fault at each step, and every option of the settings form.

Only the stand-in and the shop are asked what happened, never the app's tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from dev.merchant import wait_until
from dev.phcgo_merchant import OLARIA, QUINTA, PhcGoMerchant

from .choices import DemoOfChoices
from .scenarios import BOOK, COURSE, MUG, WINE, DemoOrder, Order

OPTIONS = {
    "drafts": "yes", "notes": "yes", "note_drafts": "", "transport": "yes", "guide": "yes", "email_buyer": "yes",
    "loading_street": "Rua das Olarias 14", "loading_postal_code": "2900-001", "loading_city": "Setúbal",
    "leaves_at": "23:59", "allowance": "30.000",
}  # fmt: skip
NO_OPTIONS = dict.fromkeys(("drafts", "notes", "note_drafts", "transport", "guide", "email_buyer"), "")
FAULTS_BY_STEP = (
    ("login", "503"), ("getNewInstance", "html"), ("actEntity", "cut-after"), ("Save", "drop-after"),
    ("signDocument", "drop-after"), ("query", "session-lost"),
)  # fmt: skip
"""The fault at each step on the way to a document; printing has its own scenario."""


class PhcGoDemo(DemoOfChoices):
    """The same two merchants with PHC GO: one whose series keep drafts, one whose series keep none."""

    provider_name = "PHC GO"
    unpaid_events: ClassVar[set[str]] = {"order_pending_payment"}
    """The shop's webhooks of unpaid orders."""
    settings: ClassVar[dict[str, str]] = {"LOOKUP_SECONDS": "1", "HOOK_WATCH_SECONDS": "2"}
    olaria: PhcGoMerchant
    quinta: PhcGoMerchant

    def _merchants(self) -> tuple[PhcGoMerchant, PhcGoMerchant]:
        return (
            PhcGoMerchant(self.stack, "olariadosado", OLARIA),
            PhcGoMerchant(self.stack, "quintadaserra", QUINTA),
        )

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        return (
            self._no_webhooks_before_payment,
            self._limits_shown_at_setup,
            *super().scenarios,
            self._fault_at_each_step,
            self._not_printed,
            self._exemption_reason,
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

    # The results of the main scenarios where a draft is signed

    def _answer_lost_after_issuing(self) -> None:
        self.olaria.inject_fault(kind="drop-after")
        drafted = self.place_paid_order("signed, answer lost", MUG, nif="123456789")
        self.wait_until_issued(drafted)
        self.quinta.inject_fault(step="Save", kind="drop-after")
        self.wait_until_issued(
            self.place_paid_order("saved without draft, answer lost", MUG, merchant=self.quinta)
        )

    def _answer_lost_before_issuing(self) -> None:
        self.olaria.inject_fault(kind="drop-before")
        self.wait_until_issued(self.place_paid_order("not signed, answer lost", BOOK))

    # Faults

    def _fault_at_each_step(self) -> None:
        for step, kind in FAULTS_BY_STEP:
            if step == "login":
                self.olaria.end_sessions()
            self.olaria.inject_fault(step=step, kind=kind)
            self.wait_until_issued(self.place_paid_order(f"{step}: {kind}", MUG, WINE, nif="123456789"))
            self._all_faults_met()

    def _not_printed(self) -> None:
        demo_order = self.place_paid_order("printing fails once", MUG, COURSE)
        self.wait_until_issued(demo_order)
        address = f"{self.olaria.open_document(demo_order.number).url}/pdf"
        self.olaria.inject_fault(step="print", kind="503")
        browser = self.olaria.browser
        check_that(
            browser.open(address).status != 200, f"#{demo_order.number} was printed in spite of the fault"
        )
        check_that(
            browser.open(address).body.startswith(b"%PDF-"),
            f"#{demo_order.number} has no PDF: {browser.text}",
        )
        self._all_faults_met()

    def _all_faults_met(self) -> None:
        left = [f"{one['step']} {one['kind']}" for one in self.olaria.get_control("faults")["faults"]]
        check_that(not left, f"faults that befell no call: {left}")

    # Options

    def _no_webhooks_before_payment(self) -> None:
        wait_until(lambda: "order_paid" in self.olaria.webhook_events(), "the shop announces paid orders")
        check_that(
            not self.olaria.webhook_events() & self.unpaid_events,
            f"told early of what nobody wants: {self.olaria.webhook_events()}",
        )

    def _limits_shown_at_setup(self) -> None:
        """Show beside each option why an account can't have it, before the first order."""
        words = self.quinta.browser.open(f"{self.stack.app_url}/setup/choices").text
        for reason in ("Nenhuma das suas séries de faturação permite rascunhos", "pode não incluir dossiers"):
            check_that(reason in words, f"the small plan's form does not say: {reason}")

    def _exemption_reason(self) -> None:
        reasons = {one["reason"] for one in self.olaria.issued_documents() if one["type"] == "NC"}
        check_that("Duas taças partidas" in reasons, f"the credit note's reason was not told: {reasons}")

    def _kinds_and_series(self) -> None:
        for kind, series in (("FT", "12"), ("FS", "31"), ("FR", "84"), ("FR", "47")):
            self.olaria.choose(kind=kind, **{f"series_{kind}": series})
            demo_order = self.place_paid_order(f"{kind}, series {series}", MUG)
            demo_order.kinds = (kind,)
            self.wait_until_issued(demo_order)
            (document,) = self.documents(demo_order)
            check_that(
                str(document["series"]) == series, f"{document['number']} is not of the series {series}"
            )

    def _options_on(self) -> None:
        self.olaria.choose(**OPTIONS)
        wait_until(
            lambda: self.olaria.webhook_events() >= self.unpaid_events,
            "the shop announces orders before they are paid",
        )

    def _draft_follows_order(self) -> None:
        """Edit an order: its draft follows, and the last draft is signed without another call to create it."""
        demo_order = self._place_unpaid("drafted, edited, signed when paid", MUG)
        former = self._wait_for_draft(demo_order)
        self.olaria.edit_order(demo_order.number, MUG, BOOK)
        latter = self._wait_for_draft(demo_order, besides=former)
        self._pay_and_check(demo_order)
        check_that(
            self.documents(demo_order)[0]["id"] == latter, f"#{demo_order.number}: another draft was signed"
        )

    def _invoice_from_order_note(self) -> None:
        demo_order = self._place_unpaid("noted, the invoice made out of the note", MUG, WINE)
        note = self._wait_for_order_note(demo_order, draft=False)
        self._wait_for_draft(demo_order)
        self._pay_and_check(demo_order)
        check_that(
            self.documents(demo_order)[0]["dossiers"] == [note],
            f"#{demo_order.number} was not made out of its order note",
        )

    def _order_note_as_draft(self) -> None:
        self.olaria.choose(note_drafts="yes")
        demo_order = self._place_unpaid("its note a draft", BOOK)
        note = self._wait_for_order_note(demo_order, draft=True)
        self._wait_for_draft(demo_order)
        self._pay_and_check(demo_order)
        self._check_made_from_note(note, demo_order)

    def _check_made_from_note(self, note: str, demo_order: DemoOrder) -> None:
        check_that(
            self.documents(demo_order)[0]["dossiers"] == [note],
            f"#{demo_order.number}: not made out of its order note",
        )

    def _abandoned_order(self) -> None:
        demo_order = self._place_unpaid("drafted, then cancelled", MUG)
        demo_order.kinds = ()
        self._wait_for_order_note(demo_order, draft=True)
        self._wait_for_draft(demo_order)
        self.olaria.change_order(demo_order.number, "cancel")
        wait_until(
            lambda: (
                not self.olaria.rows_of_order("drafts", demo_order.number)
                and not self.olaria.rows_of_order("dossiers", demo_order.number)
            ),
            f"the drafts of #{demo_order.number} are gone",
        )

    def _issued_by_click(self) -> None:
        self.olaria.choose(automatic="no")
        demo_order = self.place_paid_order("paid, issued by a click", MUG)
        self.olaria.wait_for_state(demo_order.number, "À espera")
        self._wait_for_draft(demo_order)
        self.olaria.open_document(demo_order.number).send("Emitir agora")
        self._wait_for_invoice_and_guide(demo_order)
        self.olaria.choose(automatic="yes")

    def _annulled_document(self) -> None:
        demo_order = self.place_paid_order("annulled by hand in PHC GO", MUG)
        self._wait_for_invoice_and_guide(demo_order)
        self.olaria.act_by_hand("annul", self.documents(demo_order)[0]["id"])
        wait_until(
            lambda: "foi anulado no PHC GO" in self.olaria.open_invoice(demo_order.number).text,
            f"#{demo_order.number} is flagged as annulled",
        )

    def _options_off(self) -> None:
        self.olaria.choose(**NO_OPTIONS)
        wait_until(
            lambda: not self.olaria.webhook_events() & self.unpaid_events,
            "the shop announces paid orders only",
        )
        self.wait_until_issued(self.place_paid_order("with no option again", MUG))

    def _call_counts_shown(self) -> None:
        """Show the number of calls: this month's on the form, a document's own on its page."""
        used = self.olaria.calls_this_month()
        words = self.olaria.browser.open(f"{self.stack.app_url}/setup/choices").text
        told = re.search(r"Este mês fizemos (\d+) pedidos", words)
        shown = int(told[1]) if told else 0
        page = self.olaria.open_document(self.orders[-1].number).text
        each = re.search(r"Pedidos (\d+) ao PHC GO", page)
        print(
            f"Calls of {OLARIA}: {shown} counted here, {used} over there;"
            f" the last document took {each[1] if each else 'an unknown number'}."
        )
        check_that(shown > 0 and each is not None, f"calls are not counted: {words[-300:]}")

    def _no_drafts_left(self) -> None:
        wait_until(
            lambda: not self.olaria.stand_in_rows("drafts"), "no draft is left that became no document"
        )

    def check(self) -> list[str]:
        """Return where an e-mail or transport data is missing, in addition to the ledger's verdict."""
        mailed = {one["id"] for one in self.olaria.stand_in_rows("outbox")}
        wrong = []
        for demo_order in self.orders:
            if "GT" not in demo_order.kinds:
                continue
            invoice, guide = self.documents(demo_order)
            where = f"{demo_order.merchant.shop} #{demo_order.number}"
            if invoice["id"] not in mailed:
                wrong.append(f"{where}: {invoice['number']} was not mailed to its buyer")
            for one in (invoice, guide):
                if not one["transport"].get("carga") or not one["transport"].get("moradato"):
                    wrong.append(f"{where}: {one['number']} does not tell the way of the goods")
        return wrong

    # Documents of an order

    def _place_unpaid(self, title: str, *lines: Order, **spec: Any) -> DemoOrder:
        return self.place_paid_order(title, *lines, pay=False, **spec)

    def _wait_for_draft(self, demo_order: DemoOrder, besides: str = "") -> str:
        """Wait for a draft of the order other than the given one; return its stamp."""

        def seen() -> str:
            found = [one["ftstamp"] for one in self.olaria.rows_of_order("drafts", demo_order.number)]
            return found[0] if len(found) == 1 and found[0] != besides else ""

        return wait_until(seen, f"draft of #{demo_order.number}")

    def _wait_for_order_note(self, demo_order: DemoOrder, draft: bool) -> str:
        """Wait for the order's note; return its stamp."""

        def seen() -> str:
            found = self.olaria.rows_of_order("dossiers", demo_order.number)
            return found[0]["bostamp"] if found and bool(found[0]["draftRecord"]) is draft else ""

        return wait_until(seen, f"order note of #{demo_order.number}")

    def _pay_and_check(self, demo_order: DemoOrder) -> None:
        self.olaria.change_order(demo_order.number, "pay")
        self._wait_for_invoice_and_guide(demo_order)

    def _wait_for_invoice_and_guide(self, demo_order: DemoOrder) -> None:
        """Wait until the order has its invoice and its guide, and the page says so."""
        demo_order.kinds = ("FR", "GT")
        wait_until(
            lambda: [one["type"] for one in self.documents(demo_order)] == ["FR", "GT"],
            f"invoice and guide of #{demo_order.number}",
        )
        wait_until(
            lambda: sum("Emitido" in row.text for row in self.olaria.listing_rows(demo_order.number)) >= 2,
            f"#{demo_order.number} is shown as issued",
        )

    def documents(self, demo_order: DemoOrder) -> list[dict[str, Any]]:
        """Return the order's documents in the stand-in's ledger."""
        merchant = demo_order.merchant
        assert isinstance(merchant, PhcGoMerchant)
        return merchant.rows_of_order("ledger", demo_order.number)


def check_that(true: bool, otherwise: str) -> None:
    """Raise AssertionError with these words unless the condition holds."""
    if not true:
        raise AssertionError(otherwise)
