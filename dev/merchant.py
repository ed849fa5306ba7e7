"""A scripted merchant: installs the app, connects the invoicing system, saves the settings, answers questions.

Uses the real pages of the app, of the shop's admin and of the invoicing system's panel, as a person would, and
never reads the app's tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import requests

from dev.browser import Browser, Row, StepFailed
from dev.local_stack import LocalStack

T = TypeVar("T")
STATE_WORDS = (
    "À espera",
    "Por emitir",
    "A emitir",
    "Emitido",
    "A confirmar",
    "Por decidir",
    "Bloqueado",
    "Sem efeito",
)
PATIENCE = 120.0
"""Seconds allowed for a step that takes one on a fast machine. When a busy SQLite makes a worker leave its work,
the work is repeated after its lease (60 seconds) and a back-off.
"""
PAGE_SECONDS = 0.3
"""Seconds between two requests of a page: each costs the web process more than what is waited for."""
_KEYS = {"entity": "entidade", "nif": "nif", "key": "chave-integracao", "code": "codigo-seguranca"}


def wait_until(
    condition: Callable[[], T | None], what: str, seconds: float = PATIENCE, every: float = 0.1
) -> T:
    """Call `condition` `every` seconds until its result is true, and return it. Raises StepFailed when time is up."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise StepFailed(f"{what}: not within {seconds:g} s")
        time.sleep(every)


class Merchant:
    """The owner of one sandbox shop and of one entity of the invoicing system."""

    def __init__(self, stack: LocalStack, shop: str = "olariadosado", entity: str = "40321") -> None:
        self.stack, self.shop, self.entity = stack, shop, entity
        self.browser = Browser()

    # Setting up

    def set_up(self, **choices: str) -> None:
        """Install and connect the app and save the settings: it issues from now on."""
        self.install()
        self.connect()
        self.choose(**choices)

    def install(self) -> None:
        """Authorise the app from the shop's admin, through the consent page."""
        self.browser.open(f"{self.stack.admin_url}/admin/{self.shop}/apps")
        if not any(
            "Abrir Quick Invoice" in words for _, words in self.browser.open(f"{self.stack.app_url}/").links
        ):
            # The app knows the shop already, so the merchant asks to authorise again.
            self.browser.open(f"{self.stack.app_url}/authorise")
        self.browser.follow("Abrir Quick Invoice")
        if "Yes, Authorize" in self.browser.text:
            self.browser.send("Yes, Authorize", press="Yes, Authorize")
        if self.browser.status != 200 or "/welcome" not in self.browser.url:
            raise StepFailed(
                f"not installed: {self.browser.url} {self.browser.status} {self.browser.text[:300]}"
            )

    def keys(self) -> dict[str, str]:
        """Return the four values that the panel shows once the integration is active."""
        panel = Browser().open(f"{self.stack.igest_url}/panel/{self.entity}/integracoes")
        if "Ativar Jumpseller" in panel.text:
            panel.send("Ativar Jumpseller", press="Ativar Jumpseller")
        page = panel.body.decode()
        found = {name: re.search(rf'id="{mark}"[^>]*>\s*([^<\s]+)', page) for name, mark in _KEYS.items()}
        return {name: match.group(1) for name, match in found.items() if match}

    def connect(self, **instead: str) -> None:
        """Paste the keys into the form and check that they are accepted."""
        self.browser.open(f"{self.stack.app_url}/setup/keys/igest")
        self.browser.send("key", **{**self.keys(), **instead})
        if self.browser.status != 200 or "/setup/choices" not in self.browser.url:
            raise StepFailed(
                f"keys not accepted: {self.browser.url} {self.browser.status} {self.browser.text[:600]}"
            )

    def choose(self, **choices: str) -> None:
        """Save the settings as the form proposes them, with these changes."""
        self.browser.open(f"{self.stack.app_url}/setup/choices").send("kind", **choices)
        if "/setup/check" not in self.browser.url:
            raise StepFailed(
                f"choices not kept: {self.browser.url} {self.browser.status} {self.browser.text[:800]}"
            )

    # The shop

    def place_order(self, **spec: Any) -> dict[str, Any]:
        """Place an order and return it as the shop's API shows it; `pay=True` pays it at once."""
        return self._post_to_shop("orders", spec)

    def change_order(self, number: int, act: str, **how: Any) -> dict[str, Any]:
        """Return the order after pay, cancel, refund, forget, ship, or `hook` (sends its webhook again)."""
        return self._post_to_shop(f"orders/{number}/{act}", how)

    def edit_order(self, number: int, *lines: dict[str, Any]) -> dict[str, Any]:
        """Change the order's lines in the shop's admin and return the order."""
        return self._post_to_shop(f"edit/{number}", {"spec": {"lines": list(lines)}})

    def shop_orders(self) -> list[dict[str, Any]]:
        """Return all orders of the shop with their documents and history, newest first."""
        found: list[dict[str, Any]] = requests.get(self._shop_url("orders"), timeout=30).json()
        return found

    def paid_amount(self, order: dict[str, Any]) -> Decimal:
        """Return what the buyer paid for the order, gift cards included."""
        return Decimal(str(order["total"])) + Decimal(str(order.get("gift_cards_discount") or 0))

    def documents_shown(self, order: dict[str, Any]) -> int:
        """Return how many documents the order shows."""
        return len(order["documents"])

    def shows_documents(self, order: dict[str, Any], numbers: list[str]) -> bool:
        """Return whether the order shows exactly the documents with these numbers.

        Each has its own follow-up, so two workers may show two documents in either order.
        """
        shown = [str(one["public_id"]) for one in order["documents"]]
        return sorted(shown) == sorted(number.replace(" ", "-").replace("/", "-") for number in numbers)

    def _post_to_shop(self, path: str, sent: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(self._shop_url(path), json=sent, timeout=30)
        if answer.status_code >= 400:
            raise StepFailed(f"{path}: {answer.status_code} {answer.text[:300]}")
        content: dict[str, Any] = answer.json()
        inner: dict[str, Any] = content.get("order", content)
        return inner

    def _shop_url(self, path: str) -> str:
        return f"{self.stack.admin_url}/sandbox/shops/{self.shop}/{path}"

    # The invoicing system

    def set_switch(self, name: str, position: str) -> None:
        """Set a switch of the shop platform's stand-in."""
        answer = requests.post(f"{self.stack.admin_url}/sandbox/switches", json={name: position}, timeout=30)
        answer.raise_for_status()

    def set_vies_answer(self, number: str, answer: str) -> None:
        """Set what VIES says about the number from now on: `valid`, `invalid`, `unavailable`."""
        url = f"{self.stack.vies_url}/sandbox/numbers"
        requests.post(url, json={number: answer}, timeout=30).raise_for_status()

    def inject_fault(self, **fault: Any) -> None:
        """Make the next call to the invoicing system fail in this way."""
        fault = {"method": "novo_documento", "times": 1, **fault}
        answer = requests.post(f"{self.stack.igest_url}/sandbox/faults", json=fault, timeout=30)
        answer.raise_for_status()

    def issued_documents(self) -> list[dict[str, Any]]:
        """Return the entity's issued documents from the stand-in's ledger."""
        rows = requests.get(
            f"{self.stack.igest_url}/sandbox/ledger", params={"kind": "document"}, timeout=30
        ).json()
        return [row for row in rows if row["entity"] == self.entity]

    # The app

    def open_document(self, number: int) -> Browser:
        """Open the page of that order's document."""
        row = self._listing_row(number)
        if row is None:
            raise StepFailed(f"#{number} is not listed: {self.browser.text[:400]}")
        return self.browser.open(row.links[0][0])

    def state(self, number: int) -> str:
        """Return the state that the listing shows for the order; empty while it has no row."""
        row = self._listing_row(number)
        return next((word for word in STATE_WORDS if row and word in row.text), "")

    def listing_text(self, number: int) -> str:
        """Return the text of the order's row in the listing."""
        row = self._listing_row(number)
        return row.text if row else ""

    def resend(self, number: int) -> None:
        """Press the button that tries a blocked or waiting document again."""
        self.open_document(number).send("retry")

    def correct_nif(self, number: int, nif: str) -> None:
        """Type the right NIF into the page of the blocked document."""
        self.open_document(number).send("nif", nif=nif)

    def answer(self, number: int, answer: str) -> None:
        """Answer the question that blocks the document, for everything that the question offers."""
        page = self.open_document(number)
        scopes = re.findall(
            r'name="scope"[^>]*value="(\d)"|value="(\d)"[^>]*name="scope"', page.body.decode()
        )
        page.send("answer", answer=answer, **({"scope": str(len(scopes) - 1)} if scopes else {}))

    def state_exchange_rate(self, number: int, rate: str, source: str) -> None:
        """Type the rate of the month into the page of an order in another currency."""
        self.open_document(number).send("rate", rate=rate.replace(".", ","), source=source)

    def resolve_uncertain(self, number: int) -> str:
        """Enter, on the page of a document in doubt, the number that the invoicing system has, or '' for none."""
        page = self.open_document(number)
        reference = re.search(r"QI-\d+-[\w-]+", page.text)
        sold = Browser().open(
            f"{self.stack.igest_url}/panel/{self.entity}/vendas?q={reference.group(0) if reference else '?'}"
        )
        found = next((row for row in sold.rows if reference and reference.group(0) in row.text), None)
        match = found and re.search(r"(F[RST] \d{4}F[RST]/\d+).*?(\d+[,.]\d\d)", found.text)
        if not match:
            page.send("sure", sure="yes")
            return ""
        atcud = next(row["atcud"] for row in self.issued_documents() if row["number"] == match.group(1))
        page.send("number", number=match.group(1), total=match.group(2), atcud=atcud)
        return match.group(1)

    def credit(
        self, number: int, quantities: Mapping[str, str] | None = None, amount: str = "", reason: str = ""
    ) -> None:
        """Credit the order's document: pieces, for `amount` if given; an amount without pieces; or the whole."""
        page = self.open_invoice(number)
        page.open(f"{page.url}/credit?what={'lines' if quantities or amount else 'all'}")
        if quantities:
            page.send("seen", "Rever", way="goods", refund=amount, **self._quantity_fields(quantities))
        elif amount:
            page.send("seen", "Rever", way="money", amount=amount)
        self._confirm(page, "Emitir nota de crédito", {"why": reason} if reason else {})

    def take_back(self, number: int, quantities: Mapping[str, str]) -> None:
        """Put pieces of the order back into stock that came back without money."""
        page = self.open_invoice(number)
        page.open(f"{page.url}/credit?what=lines&way=stock")
        self._confirm(page, "Repor em stock", self._quantity_fields(quantities))

    def credit_and_reissue(self, number: int, **corrected: str) -> None:
        """Credit the whole and issue the order again with another `tax_id` or `name`."""
        page = self.open_invoice(number)
        self._confirm(page.open(f"{page.url}/credit?what=again"), "Creditar e emitir de novo", corrected)

    def _quantity_fields(self, quantities: Mapping[str, str]) -> dict[str, str]:
        """Return the form fields for these quantities, found by the text beside them."""
        named = re.findall(
            r'name="(quantity-[^"]+)"[^>]*aria-label="Quantidade de ([^"]+)"', self.browser.body.decode()
        )
        fields = {name: field for field, name in named}
        if missing := quantities.keys() - fields.keys():
            raise StepFailed(f"not offered: {missing}; offered: {sorted(fields)}")
        return {fields[name]: quantity for name, quantity in quantities.items()}

    def _confirm(self, page: Browser, button: str, typed: dict[str, str]) -> None:
        page.send("seen", button, **typed)
        if page.status != 200 or "/credit" in page.url:
            raise StepFailed(f"not credited: {page.url} {page.status} {page.text[:800]}")

    def open_invoice(self, number: int) -> Browser:
        """Open the page of the order's invoice, the last one where it was issued again."""
        for row in self.listing_rows(number):
            address, number_on_it = row.links[0]
            if re.match(r"F[RST] \d", number_on_it):
                return self.browser.open(address)
        raise StepFailed(f"#{number} has no invoice: {self.browser.text[:400]}")

    def listing_rows(self, number: int) -> list[Row]:
        """Return the listing's rows of the order, newest first."""
        self.browser.open(f"{self.stack.app_url}/documents")
        # without any document there is nothing to search in
        if "Procurar" in self.browser.text:
            self.browser.send("q", q=str(number))
        return [row for row in self.browser.rows if f"#{number}" in row.text]

    def wait_for_kinds(self, number: int, *kinds: str, seconds: float = PATIENCE) -> None:
        """Wait until the order has issued documents of exactly these kinds, in this order."""

        def issued() -> bool:
            rows = self.listing_rows(number)[::-1]
            return all("Emitido" in row.text for row in rows) and kinds == tuple(
                match.group(1) for row in rows if (match := re.search(r"\b(F[RST]|NC) \d", row.text))
            )

        wait_until(issued, f"#{number} {kinds}", seconds, PAGE_SECONDS)

    def wait_for_state(self, number: int, *states: str, seconds: float = PATIENCE) -> str:
        """Wait until the order's state is one of these and return it."""
        return wait_until(
            lambda: found if (found := self.state(number)) in states else "",
            f"#{number} {states}",
            seconds,
            PAGE_SECONDS,
        )

    def _listing_row(self, number: int) -> Row | None:
        return next(iter(self.listing_rows(number)), None)
