"""A merchant without hands: installs, connects his invoicing program, chooses, and answers what waits for him.

Used by the demo and the journey tests. He walks the real pages of the app, of the shop's admin and of the invoicing
program's panel, as a person would; nothing here looks into the app's tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests

from dev.browser import Browser, Lost, Row
from dev.house import House

T = TypeVar("T")
WORDS = (
    "À espera",
    "Por emitir",
    "A emitir",
    "Emitido",
    "A confirmar",
    "Por decidir",
    "Bloqueado",
    "Sem efeito",
)
_KEYS = {"entity": "entidade", "nif": "nif", "key": "chave-integracao", "code": "codigo-seguranca"}


def until(seen: Callable[[], T | None], what: str, seconds: float = 100) -> T:
    """What `seen` gives once it gives something; Lost when it does not within the seconds."""
    end = time.monotonic() + seconds
    while True:
        found = seen()
        if found:
            return found
        if time.monotonic() > end:
            raise Lost(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)


class Merchant:
    """The owner of one sandbox shop and of one entity of the invoicing program."""

    def __init__(self, house: House, shop: str = "olariadosado", entity: str = "40321") -> None:
        self.house, self.shop, self.entity = house, shop, entity
        self.browser = Browser()

    # setting up

    def set_up(self, **choices: str) -> None:
        """The app is installed, connected, and issues from now on."""
        self.install()
        self.connect()
        self.choose(**choices)

    def install(self) -> None:
        """The app is authorised from the shop's admin, through the consent page."""
        self.browser.open(f"{self.house.admin_url}/admin/{self.shop}/apps")
        if not any(
            "Abrir Quick Invoice" in words for _, words in self.browser.open(f"{self.house.app_url}/").links
        ):
            # the app knows him already: he asks to authorise anew
            self.browser.open(f"{self.house.app_url}/authorise")
        self.browser.follow("Abrir Quick Invoice")
        if "Yes, Authorize" in self.browser.text:
            self.browser.send("Yes, Authorize", press="Yes, Authorize")
        if self.browser.status != 200 or "/welcome" not in self.browser.url:
            raise Lost(f"not installed: {self.browser.url} {self.browser.status} {self.browser.text[:300]}")

    def keys(self) -> dict[str, str]:
        """The four values that the panel shows once the integration is active there."""
        panel = Browser().open(f"{self.house.igest_url}/panel/{self.entity}/integracoes")
        if "Ativar Jumpseller" in panel.text:
            panel.send("Ativar Jumpseller", press="Ativar Jumpseller")
        page = panel.body.decode()
        found = {name: re.search(rf'id="{mark}"[^>]*>\s*([^<\s]+)', page) for name, mark in _KEYS.items()}
        return {name: match.group(1) for name, match in found.items() if match}

    def connect(self, **instead: str) -> None:
        """The keys are pasted into the form and accepted."""
        self.browser.open(f"{self.house.app_url}/setup/keys/igest")
        self.browser.send("key", **{**self.keys(), **instead})
        if self.browser.status != 200 or "/setup/choices" not in self.browser.url:
            raise Lost(
                f"keys not accepted: {self.browser.url} {self.browser.status} {self.browser.text[:600]}"
            )

    def choose(self, **choices: str) -> None:
        """The fiscal choices are saved as the form proposes them, but for these."""
        self.browser.open(f"{self.house.app_url}/setup/choices").send("kind", **choices)
        if "/setup/check" not in self.browser.url:
            raise Lost(
                f"choices not kept: {self.browser.url} {self.browser.status} {self.browser.text[:800]}"
            )

    # the shop

    def order(self, **spec: Any) -> dict[str, Any]:
        """An order placed in the shop, as its API shows it; `pay=True` pays it at once."""
        return self._shop("orders", spec)

    def act(self, number: int, act: str, **how: Any) -> dict[str, Any]:
        """The order after pay, cancel, ship, or `hook` (sends its hook again)."""
        return self._shop(f"orders/{number}/{act}", how)

    def orders(self) -> list[dict[str, Any]]:
        """All orders of the shop with their documents and history, newest first."""
        found: list[dict[str, Any]] = requests.get(self._address("orders"), timeout=30).json()
        return found

    def _shop(self, path: str, sent: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(self._address(path), json=sent, timeout=30)
        if answer.status_code >= 400:
            raise Lost(f"{path}: {answer.status_code} {answer.text[:300]}")
        content: dict[str, Any] = answer.json()
        inner: dict[str, Any] = content.get("order", content)
        return inner

    def _address(self, path: str) -> str:
        return f"{self.house.admin_url}/sandbox/shops/{self.shop}/{path}"

    # the invoicing program

    def switch(self, name: str, position: str) -> None:
        """The shop's platform behaves so from now on."""
        answer = requests.post(f"{self.house.admin_url}/sandbox/switches", json={name: position}, timeout=30)
        answer.raise_for_status()

    def fault(self, **fault: Any) -> None:
        """The invoicing program misbehaves so in its next call."""
        fault = {"method": "novo_documento", "times": 1, **fault}
        answer = requests.post(f"{self.house.igest_url}/sandbox/faults", json=fault, timeout=30)
        answer.raise_for_status()

    def sold(self) -> list[dict[str, Any]]:
        """The entity's issued documents, from the program's own ledger."""
        rows = requests.get(
            f"{self.house.igest_url}/sandbox/ledger", params={"kind": "document"}, timeout=30
        ).json()
        return [row for row in rows if row["entity"] == self.entity]

    # the app

    def page(self, number: int) -> Browser:
        """The page of that order's document."""
        row = self._row(number)
        if row is None:
            raise Lost(f"#{number} is not listed: {self.browser.text[:400]}")
        return self.browser.open(row.links[0][0])

    def state(self, number: int) -> str:
        """The word that the listing shows for the order; empty while it has no row."""
        row = self._row(number)
        return next((word for word in WORDS if row and word in row.text), "")

    def listed(self, number: int) -> str:
        """All words of the order's row in the listing."""
        row = self._row(number)
        return row.text if row else ""

    def resend(self, number: int) -> None:
        """A blocked or waiting document is tried again by its button."""
        self.page(number).send("retry")

    def correct_nif(self, number: int, nif: str) -> None:
        """The right NIF is typed into the blocked document's page."""
        self.page(number).send("nif", nif=nif)

    def settle(self, number: int) -> str:
        """The number that he found in his invoicing program for a document in doubt, or ''; told on its page."""
        page = self.page(number)
        reference = re.search(r"QI-\d+-[\w-]+", page.text)
        sold = Browser().open(
            f"{self.house.igest_url}/panel/{self.entity}/vendas?q={reference.group(0) if reference else '?'}"
        )
        found = next((row for row in sold.rows if reference and reference.group(0) in row.text), None)
        match = found and re.search(r"(F[RST] \d{4}F[RST]/\d+).*?(\d+[,.]\d\d)", found.text)
        if not match:
            page.send("sure", sure="yes")
            return ""
        page.send("number", number=match.group(1), total=match.group(2))
        return match.group(1)

    def credit(
        self, number: int, quantities: Mapping[str, str] | None = None, amount: str = "", reason: str = ""
    ) -> None:
        """A credit note of the order's document: of so many of each article, of an amount, or of the whole."""
        way = "lines" if quantities or amount else "all"
        page = self.invoice(number)
        page.open(f"{page.url}/credit?what={way}")
        if way == "lines":
            page.send("seen", "Rever", amount=amount, **self._chosen(quantities or {}))
        self._confirm(page, "Emitir nota de crédito", {"why": reason} if reason else {})

    def credit_and_reissue(self, number: int, **corrected: str) -> None:
        """The whole credited, and the order issued again with another `tax_id` or `name`."""
        page = self.invoice(number)
        self._confirm(page.open(f"{page.url}/credit?what=again"), "Creditar e emitir de novo", corrected)

    def _chosen(self, quantities: Mapping[str, str]) -> dict[str, str]:
        """The fields for these quantities, found by what stands beside them."""
        named = re.findall(
            r'name="(quantity-[^"]+)"[^>]*aria-label="Quantidade de ([^"]+)"', self.browser.body.decode()
        )
        fields = {name: field for field, name in named}
        if missing := quantities.keys() - fields.keys():
            raise Lost(f"not offered: {missing}; offered: {sorted(fields)}")
        return {fields[name]: quantity for name, quantity in quantities.items()}

    def _confirm(self, page: Browser, button: str, typed: dict[str, str]) -> None:
        page.send("seen", button, **typed)
        if page.status != 200 or "/credit" in page.url:
            raise Lost(f"not credited: {page.url} {page.status} {page.text[:800]}")

    def invoice(self, number: int) -> Browser:
        """The page of the order's invoice, the last one where it was issued again."""
        for row in self.rows(number):
            address, number_on_it = row.links[0]
            if re.match(r"F[RST] \d", number_on_it):
                return self.browser.open(address)
        raise Lost(f"#{number} has no invoice: {self.browser.text[:400]}")

    def rows(self, number: int) -> list[Row]:
        """The rows that the listing has of the order, the newest first."""
        self.browser.open(f"{self.house.app_url}/documents?q={number}&p=all")
        return [row for row in self.browser.rows if f"#{number}" in row.text]

    def wait_for_kinds(self, number: int, *kinds: str, seconds: float = 30) -> None:
        """Nothing, once the order has issued documents of exactly these kinds, in this order."""

        def issued() -> bool:
            rows = self.rows(number)[::-1]
            return all("Emitido" in row.text for row in rows) and kinds == tuple(
                match.group(1) for row in rows if (match := re.search(r"\b(F[RST]|NC) \d", row.text))
            )

        until(issued, f"#{number} {kinds}", seconds)

    def wait(self, number: int, *states: str, seconds: float = 30) -> str:
        """The order's word once it is one of these."""
        return until(
            lambda: found if (found := self.state(number)) in states else "", f"#{number} {states}", seconds
        )

    def _row(self, number: int) -> Row | None:
        return next(iter(self.rows(number)), None)
