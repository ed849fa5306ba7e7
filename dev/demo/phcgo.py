"""The demo with PHC GO: the main job's acts, a fault at each step of its wire, and every option of the settings form.

Played by the command for PROVIDER=phcgo. What happened is asked of the program and of the shop, never of the app's
tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from dev.merchant import until
from dev.phcgo import OLARIA, QUINTA, PhcGoMerchant

from .acts import BOOK, COURSE, MUG, WINE, Demo, Order, Part

EARLY = {"order_pending_payment", "order_updated"}
"""The shop's hooks of orders that nobody has paid yet."""
OPTIONS = {
    "drafts": "yes", "notes": "yes", "note_drafts": "", "transport": "yes", "guide": "yes", "email_buyer": "yes",
    "loading_street": "Rua das Olarias 14", "loading_postal_code": "2900-001", "loading_city": "Setúbal",
    "leaves_at": "23:59", "allowance": "30.000",
}  # fmt: skip
NONE = dict.fromkeys(("drafts", "notes", "note_drafts", "transport", "guide", "email_buyer"), "")
STRUCK = (
    ("login", "503"), ("getNewInstance", "html"), ("actEntity", "cut-after"), ("Save", "drop-after"),
    ("signDocument", "drop-after"), ("query", "session-lost"),
)  # fmt: skip
"""What goes wrong at each step on the way to a document; printing has an act of its own."""


class PhcGoDemo(Demo):
    """The same two merchants at PHC GO: one whose series keep drafts, one whose series keep none."""

    program = "PHC GO"
    settings: ClassVar[dict[str, str]] = {"LOOKUP_SECONDS": "1", "HOOK_WATCH_SECONDS": "2"}
    olaria: PhcGoMerchant
    quinta: PhcGoMerchant

    def _merchants(self) -> tuple[PhcGoMerchant, PhcGoMerchant]:
        return (
            PhcGoMerchant(self.house, "olariadosado", OLARIA),
            PhcGoMerchant(self.house, "quintadaserra", QUINTA),
        )

    @property
    def acts(self) -> tuple[Callable[[], None], ...]:
        return (
            self._not_told_early, self._said_at_set_up, *super().acts, self._struck_at_each_step, self._not_printed,
            self._reason_told, self._kinds_and_series, self._options_on, self._followed, self._out_of_its_note,
            self._note_as_draft, self._given_up, self._by_click, self._annulled, self._options_off, self._counted,
            self._nothing_left,
        )  # fmt: skip

    # what the base's acts come to where a draft is signed

    def _lost_after(self) -> None:
        self.olaria.fault(kind="drop-after")
        drafted = self.pay("signed, answer lost", MUG, nif="123456789")
        self.issued(drafted)
        self.quinta.fault(step="Save", kind="drop-after")
        self.issued(self.pay("saved without draft, answer lost", MUG, merchant=self.quinta))

    def _lost_before(self) -> None:
        self.olaria.fault(kind="drop-before")
        self.issued(self.pay("not signed, answer lost", BOOK))

    # faults

    def _struck_at_each_step(self) -> None:
        for step, kind in STRUCK:
            if step == "login":
                self.olaria.end_sessions()
            self.olaria.fault(step=step, kind=kind)
            self.issued(self.pay(f"{step}: {kind}", MUG, WINE, nif="123456789"))
            self._all_struck()

    def _not_printed(self) -> None:
        part = self.pay("printing fails once", COURSE)
        self.issued(part)
        address = f"{self.olaria.page(part.number).url}/pdf"
        self.olaria.fault(step="print", kind="503")
        browser = self.olaria.browser
        holds(browser.open(address).status != 200, f"#{part.number} was printed in spite of the fault")
        holds(browser.open(address).body.startswith(b"%PDF-"), f"#{part.number} has no PDF: {browser.text}")
        self._all_struck()

    def _all_struck(self) -> None:
        left = [f"{one['step']} {one['kind']}" for one in self.olaria.asked("faults")["faults"]]
        holds(not left, f"faults that befell no call: {left}")

    # options

    def _not_told_early(self) -> None:
        until(lambda: "order_paid" in self.olaria.hooks(), "the shop tells of paid orders")
        holds(not self.olaria.hooks() & EARLY, f"told early of what nobody wants: {self.olaria.hooks()}")

    def _said_at_set_up(self) -> None:
        """What an account cannot have is said beside the option, before the first order."""
        words = self.quinta.browser.open(f"{self.house.app_url}/setup/choices").text
        for reason in ("Nenhuma das suas séries de faturação permite rascunhos", "pode não incluir dossiers"):
            holds(reason in words, f"the small plan's form does not say: {reason}")

    def _reason_told(self) -> None:
        reasons = {one["reason"] for one in self.olaria.sold() if one["type"] == "NC"}
        holds("Duas taças partidas" in reasons, f"the credit note's reason was not told: {reasons}")

    def _kinds_and_series(self) -> None:
        for kind, series in (("FT", "12"), ("FS", "31"), ("FR", "84"), ("FR", "47")):
            self.olaria.choose(kind=kind, **{f"series_{kind}": series})
            part = self.pay(f"{kind}, series {series}", MUG)
            part.kinds = (kind,)
            self.issued(part)
            (document,) = self.documents(part)
            holds(str(document["series"]) == series, f"{document['number']} is not of the series {series}")

    def _options_on(self) -> None:
        self.olaria.choose(**OPTIONS)
        until(lambda: self.olaria.hooks() >= EARLY, "the shop tells of orders before they are paid")

    def _followed(self) -> None:
        """The draft follows its order; the one that is signed is the last one, without another call to make it."""
        part = self._placed("drafted, edited, signed when paid", MUG)
        former = self._draft(part)
        self.olaria.edit(part.number, MUG, BOOK)
        latter = self._draft(part, besides=former)
        self._paid(part)
        holds(self.documents(part)[0]["id"] == latter, f"#{part.number}: another draft was signed")

    def _out_of_its_note(self) -> None:
        part = self._placed("noted, the invoice made out of the note", MUG, WINE)
        note = self._note(part, draft=False)
        self._draft(part)
        self._paid(part)
        holds(
            self.documents(part)[0]["dossiers"] == [note],
            f"#{part.number} was not made out of its order note",
        )

    def _note_as_draft(self) -> None:
        self.olaria.choose(note_drafts="yes")
        part = self._placed("its note a draft", BOOK)
        note = self._note(part, draft=True)
        self._draft(part)
        self._paid(part)
        self._made_out_of(note, part)

    def _made_out_of(self, note: str, part: Part) -> None:
        holds(
            self.documents(part)[0]["dossiers"] == [note], f"#{part.number}: not made out of its order note"
        )

    def _given_up(self) -> None:
        part = self._placed("drafted, then cancelled", MUG)
        part.kinds = ()
        self._note(part, draft=True)
        self._draft(part)
        self.olaria.act(part.number, "cancel")
        until(
            lambda: (
                not self.olaria.of_order("drafts", part.number)
                and not self.olaria.of_order("dossiers", part.number)
            ),
            f"the drafts of #{part.number} are gone",
        )

    def _by_click(self) -> None:
        self.olaria.choose(automatic="no")
        part = self.pay("paid, issued by a click", MUG)
        self.olaria.wait(part.number, "À espera")
        self._draft(part)
        self.olaria.page(part.number).send("Emitir agora")
        self._accompanied(part)
        self.olaria.choose(automatic="yes")

    def _annulled(self) -> None:
        part = self.pay("annulled by hand in PHC GO", MUG)
        self._accompanied(part)
        self.olaria.by_hand("annul", self.documents(part)[0]["id"])
        until(
            lambda: "foi anulado no PHC GO" in self.olaria.invoice(part.number).text,
            f"#{part.number} is flagged as annulled",
        )

    def _options_off(self) -> None:
        self.olaria.choose(**NONE)
        until(lambda: not self.olaria.hooks() & EARLY, "the shop tells of paid orders only")
        self.issued(self.pay("with no option again", MUG))

    def _counted(self) -> None:
        """How many calls it took is shown: this month's on the form, a document's own on its page."""
        used = self.olaria.used()
        words = self.olaria.browser.open(f"{self.house.app_url}/setup/choices").text
        told = re.search(r"Este mês fizemos (\d+) pedidos", words)
        shown = int(told[1]) if told else 0
        page = self.olaria.page(self.parts[-1].number).text
        each = re.search(r"Pedidos (\d+) ao PHC GO", page)
        print(
            f"Calls of {OLARIA}: {shown} counted here, {used} over there;"
            f" the last document took {each[1] if each else 'an unknown number'}."
        )
        holds(shown > 0 and each is not None, f"calls are not counted: {words[-300:]}")

    def _nothing_left(self) -> None:
        until(lambda: not self.olaria.seen("drafts"), "no draft is left that became no document")

    def check(self) -> list[str]:
        """Where mail or the way of the goods is missing, beside the ledger."""
        mailed = {one["id"] for one in self.olaria.seen("outbox")}
        wrong = []
        for part in self.parts:
            if "GT" not in part.kinds:
                continue
            invoice, guide = self.documents(part)
            where = f"{part.merchant.shop} #{part.number}"
            if invoice["id"] not in mailed:
                wrong.append(f"{where}: {invoice['number']} was not mailed to its buyer")
            for one in (invoice, guide):
                if not one["transport"].get("carga") or not one["transport"].get("moradato"):
                    wrong.append(f"{where}: {one['number']} does not tell the way of the goods")
        return wrong

    # an order on its way

    def _placed(self, title: str, *lines: Order, **spec: Any) -> Part:
        return self.pay(title, *lines, pay=False, **spec)

    def _draft(self, part: Part, besides: str = "") -> str:
        """The stamp of the order's draft once there is one, and it is no longer that other."""

        def seen() -> str:
            found = [one["ftstamp"] for one in self.olaria.of_order("drafts", part.number)]
            return found[0] if len(found) == 1 and found[0] != besides else ""

        return until(seen, f"draft of #{part.number}")

    def _note(self, part: Part, draft: bool) -> str:
        """The stamp of the order's note once there is one."""

        def seen() -> str:
            found = self.olaria.of_order("dossiers", part.number)
            return found[0]["bostamp"] if found and bool(found[0]["draftRecord"]) is draft else ""

        return until(seen, f"order note of #{part.number}")

    def _paid(self, part: Part) -> None:
        self.olaria.act(part.number, "pay")
        self._accompanied(part)

    def _accompanied(self, part: Part) -> None:
        """Nothing, once the order has its invoice, its guide, and the page says so."""
        part.kinds = ("FR", "GT")
        until(
            lambda: [one["type"] for one in self.documents(part)] == ["FR", "GT"],
            f"invoice and guide of #{part.number}",
        )
        until(
            lambda: sum("Emitido" in row.text for row in self.olaria.rows(part.number)) >= 2,
            f"#{part.number} is shown as issued",
        )

    def documents(self, part: Part) -> list[dict[str, Any]]:
        """What the program's ledger has of the order."""
        merchant = part.merchant
        assert isinstance(merchant, PhcGoMerchant)
        return merchant.of_order("ledger", part.number)


def holds(true: bool, otherwise: str) -> None:
    """Nothing; AssertionError with these words where it does not."""
    if not true:
        raise AssertionError(otherwise)
