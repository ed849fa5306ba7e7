"""A merchant without hands whose invoicing program is PHC GO.

Used by the journey tests; walks the same pages as `dev.merchant`, and the panel of the PHC GO stand-in.
"""

from __future__ import annotations

import re
from typing import Any

import requests

from dev.browser import Browser, Lost
from dev.house import House
from dev.merchant import Merchant

OLARIA, QUINTA, ATLANTICO = "a3f91c07/OLARIA", "5d20be84/QUINTA", "0c77e1aa/ATLANTICO"
_KEYS = ("url", "user", "password", "token", "company")


class PhcGoMerchant(Merchant):
    """The owner of one sandbox shop and of one company (`installation/company`) of PHC GO."""

    def __init__(self, house: House, shop: str = "olariadosado", entity: str = OLARIA) -> None:
        super().__init__(house, shop, entity)

    def keys(self) -> dict[str, str]:
        """The five values that the panel shows."""
        page = Browser().open(f"{self.house.phcgo_url}/panel/{self.entity}/series").body.decode()
        found = {name: re.search(rf'id="{name}">([^<]+)<', page) for name in _KEYS}
        return {name: match.group(1) for name, match in found.items() if match}

    def connect(self, **instead: str) -> None:
        """The keys are pasted into the form and accepted."""
        self.browser.open(f"{self.house.app_url}/setup/keys/phcgo")
        self.browser.send("token", **{**self.keys(), **instead})
        if self.browser.status != 200 or "/setup/choices" not in self.browser.url:
            raise Lost(
                f"keys not accepted: {self.browser.url} {self.browser.status} {self.browser.text[:600]}"
            )

    def fault(self, **fault: Any) -> None:
        """The invoicing program misbehaves so in its next call of that step."""
        self._steer("faults", {"step": "signDocument", **fault})

    def turn(self, **positions: str) -> None:
        """The invoicing program behaves so from now on; underscores stand for hyphens."""
        self._steer("switches", {name.replace("_", "-"): position for name, position in positions.items()})

    def _steer(self, what: str, wanted: dict[str, Any]) -> None:
        requests.post(f"{self.house.phcgo_url}/sandbox/{what}", json=wanted, timeout=30).raise_for_status()

    def sold(self) -> list[dict[str, Any]]:
        """The company's signed documents, from the program's own ledger."""
        return [row for row in self.seen("ledger") if f"{row['installation']}/{row['entity']}" == self.entity]

    def seen(self, what: str) -> list[dict[str, Any]]:
        """The program's `ledger`, or its `drafts`, `dossiers`, `documents`, `outbox`, `requests` as they are now."""
        found: list[dict[str, Any]] = requests.get(
            f"{self.house.phcgo_url}/sandbox/{what}", timeout=30
        ).json()
        return found
