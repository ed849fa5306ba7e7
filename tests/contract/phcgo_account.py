"""The account at PHC GO's stand-in that the contract suites open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote_plus

from flask import Flask

from sandbox.phcgo import manual_actions
from sandbox.phcgo.app import create_app
from sandbox.phcgo.program_state import PASSWORD
from shopapp.fiscal.document import DocumentKind
from shopapp.http_client import HttpClient
from shopapp.providers.base import AccountFeatures, Provider, Series
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from tests.contract.broken_transport import BrokenForPath, BrokenTransport
from tests.contract.provider_account import NOW, TODAY, ProviderAccount


class PhcGoAccount(ProviderAccount):
    """The first installation of the stand-in, its first company, with series that keep drafts."""

    name = "phcgo"
    kinds: ClassVar[Mapping[DocumentKind, str]] = {
        "FR": "47", "FT": "12", "FS": "31", "NC": "58", "ND": "59", "GT": "63", "PF": "71", "NE": "4",
    }  # fmt: skip
    refused_keys: ClassVar[Mapping[str, str]] = {
        "wrong-user": "user",
        "wrong-password": "password",
        "wrong-token": "token",
        "wrong-company": "company",
    }
    uncertain_scenes: ClassVar[Mapping[str, int]] = {
        "garbage-after": 1,
        "cut-after": 1,
        "empty-after": 1,
        "500-after": 1,
        "500-before": 0,
        "503": 0,
        "408": 0,
        "html": 0,
        "redirect": 0,
        "no-result": 1,
        "error-although-done": 1,
        "drop-after": 1,
        "drop-before": 0,
    }
    resolves_at_once = True
    empty_login_means_refused: ClassVar[bool] = True
    series_unknown = "999"
    stock_places = ("1", "2")
    feature_scenes: ClassVar[Mapping[str, tuple[bool, bool]]] = {
        "everything": (True, False), "no-articles": (False, False)
    }  # fmt: skip
    names_articles_always = False

    cassette_url = "https://sandbox.phcgo.test"
    installation = "a3f91c07"
    cassette_keys: ClassVar[Mapping[str, str]] = {
        "user": "loja",
        "password": "password-of-nobody",
        "token": "b3Blbn+vdGhpbmc/of+nobody==",
        "company": "",
    }
    _wrong_keys: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "wrong-user": {"user": "outra"},
        "wrong-password": {"password": "another-password"},
        "wrong-token": {"token": "YW5v+dGhlci/b2tlbg=="},
        "wrong-company": {"company": "NENHUMA"},
    }

    def opened(self, mode: str, cassette: str, folder: Path) -> AbstractContextManager[None]:
        SESSIONS.clear()
        return super().opened(mode, cassette, folder)

    def _stand_in(self, folder: Path) -> Flask:
        return create_app(folder, today=TODAY)

    def _connect(self, url: str) -> None:
        self._base = self._program.public = url
        self._program.clock.set_time(NOW)
        self._keys |= {"password": PASSWORD, "token": self._program.token(self.installation)}

    def provider(self, scene: str = "") -> Provider:
        if self.is_live:
            self._arrange(scene)
        keys = {
            "url": f"{self._base}/{self.installation}/html",
            **self._keys,
            **self._wrong_keys.get(scene, {}),
        }
        http = HttpClient(5, allow_plain=True, session=self._session)
        loopback = self._base.removeprefix("http://")
        found = PhcGo(keys, http, now=lambda: NOW, hosts=(".phcgo.test",), loopback=loopback)
        if scene not in self._wrong_keys and scene != "another-service":
            series = {kind: Series(code, kind, drafts=True) for kind, code in self.kinds.items()}
            found.features = AccountFeatures(series)
        return found

    def _arrange(self, scene: str) -> None:
        faults = self._program.faults
        if scene == "without-lists":
            faults.schedule({"kind": "refused", "step": "query", "match": '"Sz"', "times": 2})
        elif scene == "another-service":
            faults.schedule({"kind": "html", "times": 9})
        elif scene == "no-articles":
            faults.schedule({"kind": "refused", "step": "query", "match": '"entityName":"St"', "times": 2})
        elif scene == "total-differs" or scene in self.uncertain_scenes:
            faults.schedule({"kind": scene, "step": "signDocument"})

    @contextmanager
    def failing(
        self, outcome: Exception | int, headers: dict[str, str] | None, folder: Path
    ) -> Iterator[Provider]:
        with self.opened("live", "", folder):
            provider = self.provider()
            for scheme in ("http://", "https://"):
                usual = self._session.get_adapter(f"{scheme}x")
                self._session.mount(
                    scheme, BrokenForPath("/signDocument", usual, BrokenTransport(outcome, headers))
                )
            yield provider

    def secrets(self) -> tuple[str, ...]:
        wrong = (self._wrong_keys["wrong-password"]["password"], self._wrong_keys["wrong-token"]["token"])
        return (self._keys["password"], self._keys["token"], *wrong)

    def _scrub(self, text: str) -> str:
        for name in ("password", "token"):
            for written in (str, quote_plus):
                text = text.replace(written(self._keys[name]), written(self.cassette_keys[name]))
        # A session is a secret while it is valid, and differs in each recording.
        text = re.sub(r"(ASP\.NET_SessionId=)[0-9a-f]{24}", rf"\g<1>{'0' * 24}", text)
        text = re.sub(r"(?<![\w+/])[A-Za-z0-9+/]{43}=", "A" * 43 + "=", text)
        return text.replace(self._base, self.cassette_url).replace(
            self._base.removeprefix("http://"), self.cassette_url.removeprefix("https://")
        )

    def documents(self) -> list[dict[str, Any]]:
        base = self._program.find_database(self.installation, "")
        found = [self._document_of_entry(base, entry) for entry in self._program.ledger.entries]
        return found + [
            {"observacoes": row["obs"], "number": f"{row['nmdos']} {row['dataobra'][:4]}/{row['obrano']}",
             "totals": {"gross": str(row["etotal"])}}
            for row in base.rows("Bo") if not row["draftRecord"]
        ]  # fmt: skip

    def _document_of_entry(self, base: Any, entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry of the ledger under the names that the suites use."""
        record = base.get("Ft", entry["id"])
        stock = [
            {"ref": row["ref"], "warehouse": str(row["armazem"]), "qty": f"{moved:g}"}
            for row in base.rows("Sa")
            if (moved := float(row["stock"]) - self._stock_before(row))
        ]
        lines = [
            line | {"mention": known["motiseimp"], "warehouse": str(line["warehouse"])}
            for line, known in zip(entry["lines"], record["fis"], strict=True)
        ]
        customer = entry["customer"]
        return entry | {
            "observacoes": entry["obs"], "origin": next(iter(entry["origins"]), ""), "lines": lines, "stock": stock,
            # A record without a country is in the company's own country.
            "customer": customer | {"country": customer["country"] or "PT"},
        }  # fmt: skip

    def edit_by_hand(self, code: str, **edit: Any) -> None:
        base = self._program.find_database(self.installation, "")
        if "level" in edit:
            manual_actions.edit_stock(
                self._program, base, {"ref": code, "warehouse": edit["warehouse"], "to": edit["level"]}
            )
        else:
            changes = {"to": edit["to"]} if "to" in edit else {"inactivo": True}
            manual_actions.edit_article(self._program, base, {"ref": code, **changes})

    def plan_fault(self, verb: str, scene: str) -> None:
        self._program.faults.schedule({"kind": scene, "step": "Save"})

    def created_articles(self) -> list[str]:
        made = [entry for entry in self._program.inventory_ledger.entries if entry["kind"] == "article"]
        return [entry["ref"] for entry in made if entry["who"] == "wire"]

    @staticmethod
    def _stock_before(row: dict[str, Any]) -> float:
        return 50.0 if row["armazem"] == 1 else 0.0
