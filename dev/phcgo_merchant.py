"""A scripted merchant whose invoicing system is PHC GO: the pages of `dev.merchant` and the stand-in's panel."""

from __future__ import annotations

import re
from typing import Any

import requests

from dev.browser import Browser, StepFailed
from dev.local_stack import LocalStack
from dev.merchant import Merchant

OLARIA, QUINTA, ATLANTICO = "a3f91c07/OLARIA", "5d20be84/QUINTA", "0c77e1aa/ATLANTICO"
_KEYS = ("url", "user", "password", "token", "company")


class PhcGoMerchant(Merchant):
    """The owner of one sandbox shop and of one company (`installation/company`) of PHC GO."""

    def __init__(self, stack: LocalStack, shop: str = "olariadosado", entity: str = OLARIA) -> None:
        super().__init__(stack, shop, entity)

    def keys(self) -> dict[str, str]:
        """Return the five values that the panel shows."""
        page = Browser().open(f"{self.stack.phcgo_url}/panel/{self.entity}/series").body.decode()
        found = {name: re.search(rf'id="{name}">([^<]+)<', page) for name in _KEYS}
        return {name: match.group(1) for name, match in found.items() if match}

    def connect(self, **instead: str) -> None:
        """Paste the keys into the form and check that they are accepted."""
        self.browser.open(f"{self.stack.app_url}/setup/keys/phcgo")
        self.browser.send("token", **{**self.keys(), **instead})
        if self.browser.status != 200 or "/setup/choices" not in self.browser.url:
            raise StepFailed(
                f"keys not accepted: {self.browser.url} {self.browser.status} {self.browser.text[:600]}"
            )

    def inject_fault(self, **fault: Any) -> None:
        """Make the next call of that step fail in this way."""
        self._post_control("faults", {"step": "signDocument", **fault})

    def set_switches(self, **positions: str) -> None:
        """Set the stand-in's switches; underscores stand for hyphens."""
        self._post_control(
            "switches", {name.replace("_", "-"): position for name, position in positions.items()}
        )

    def _post_control(self, what: str, wanted: dict[str, Any]) -> None:
        requests.post(f"{self.stack.phcgo_url}/sandbox/{what}", json=wanted, timeout=30).raise_for_status()

    def issued_documents(self) -> list[dict[str, Any]]:
        """Return the company's signed documents from the stand-in's ledger."""
        return [
            row
            for row in self.stand_in_rows("ledger")
            if f"{row['installation']}/{row['entity']}" == self.entity
        ]

    def stand_in_rows(self, what: str) -> list[dict[str, Any]]:
        """Return the stand-in's `ledger`, `drafts`, `dossiers`, `documents`, `outbox` or `requests`."""
        found: list[dict[str, Any]] = self.get_control(what)
        return found

    def get_control(self, what: str) -> Any:
        """Return the answer of one of the stand-in's control routes."""
        return requests.get(f"{self.stack.phcgo_url}/sandbox/{what}", timeout=30).json()

    def rows_of_order(self, what: str, number: int) -> list[dict[str, Any]]:
        """Return those of these rows that belong to the order, oldest first."""
        company = self.entity.partition("/")[2]
        ours = re.compile(rf"QI-\d+-{number}(-.*)?")
        return [
            row
            for row in self.stand_in_rows(what)
            if company == row.get("company", row.get("entity"))
            and ours.fullmatch(row.get("reference", row.get("obs", "")))
        ]

    def calls_this_month(self) -> int:
        """Return the number of calls that the installation counted this month."""
        path = self.entity.partition("/")[0]
        return next(int(one["used"]) for one in self.get_control("installations") if one["path"] == path)

    def act_by_hand(self, act: str, stamp: str) -> None:
        """Act on that record as a person in PHC GO: `sign`, `annul`, `delete`, `receipt`."""
        self._post_control(f"companies/{self.entity}/records/{stamp}/{act}", {})

    def end_sessions(self) -> None:
        """End every session at the stand-in."""
        requests.delete(f"{self.stack.phcgo_url}/sandbox/sessions", timeout=30).raise_for_status()

    # The shop

    def webhook_events(self) -> set[str]:
        """Return the events to which the shop's webhooks are subscribed."""
        shop = requests.get(self._shop_url("").rstrip("/"), timeout=30).json()
        return {hook["event"] for hook in shop["hooks"]}
