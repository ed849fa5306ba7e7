"""The account at iGEST's stand-in that the contract suites open."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask

from sandbox.igest import inventory
from sandbox.igest.app import create_app
from sandbox.igest.panel import INTEGRATION_ACTIONS
from shopapp.fiscal.document import DocumentKind
from shopapp.http_client import HttpClient
from shopapp.providers.base import Provider
from shopapp.providers.igest import IGest
from tests.contract.provider_account import NOW, TODAY, ProviderAccount


class IGestAccount(ProviderAccount):
    """The first entity of the stand-in, with warehouses."""

    name = "igest"
    kinds: ClassVar[Mapping[DocumentKind, str]] = {
        "FR": "2026FR",
        "FT": "2026FT",
        "FS": "2026FS",
        "NC": "2026NC",
    }
    refused_keys: ClassVar[Mapping[str, str]] = {
        "wrong-key": "key",
        "wrong-code": "code",
        "nif-mismatch": "nif",
        "entity-unknown": "entity",
        "inactive": "",
        "clock": "",
    }
    uncertain_scenes: ClassVar[Mapping[str, int]] = {
        "garbage-after": 1,
        "truncated-after": 1,
        "php-warning-after": 1,
        "wrong-encoding-after": 1,
        "error500-after": 1,
        "error500-before": 0,
        "no-number": 1,
        "html": 0,
        "404-html": 0,
        "redirect": 0,
        "drop-after": 1,
        "drop-before": 0,
        "cut-after": 1,
    }
    series_unknown = "2026XX"
    stock_places = ("SET", "EST")
    feature_scenes: ClassVar[Mapping[str, tuple[bool, bool]]] = {
        "everything": (True, True),
        "no-articles": (False, True),
        "no-stock": (True, False),
        "no-changes": (True, False),
    }
    _switches_off: ClassVar[Mapping[str, str]] = {
        "no-articles": "article-search",
        "no-stock": "stock-list",
        "no-changes": "stock-changes",
    }

    cassette_url = "https://igest.test"
    entity = "40321"
    cassette_keys: ClassVar[Mapping[str, str]] = {
        "entity": entity,
        "nif": "599980125",
        "key": "1" * 40,
        "code": "2" * 40,
    }
    _wrong_keys: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "wrong-key": {"key": "3" * 40},
        "wrong-code": {"code": "4" * 40},
        "nif-mismatch": {"nif": "599970340"},
        "entity-unknown": {"entity": "49999"},
    }

    def _stand_in(self, folder: Path) -> Flask:
        return create_app(folder, today=TODAY)

    def _connect(self, url: str) -> None:
        self._base = self._program.public = url
        self._program.clock.set_time(NOW)
        entity = self._program.entities[self.entity]
        INTEGRATION_ACTIONS["activate"](self._program, entity)
        key, code = entity.keys(self._program.seed)
        self._keys |= {"key": key, "code": code}

    def provider(self, scene: str = "") -> Provider:
        if self.is_live:
            self._arrange(scene)
        keys = self._keys | self._wrong_keys.get(scene, {})
        moment = NOW - timedelta(hours=1) if scene == "clock" else NOW
        http = HttpClient(5, allow_plain=True, session=self._session)
        return IGest(keys, http, url=f"{self._base}/webservice.php", now=lambda: moment)

    def _arrange(self, scene: str) -> None:
        program = self._program
        if scene == "inactive":
            INTEGRATION_ACTIONS["deactivate"](program, program.entities[self.entity])
        elif scene == "without-lists":
            for switch in ("exemption-list", "warehouse-list"):
                program.switches.set(switch, "off")
        elif scene == "another-service":
            program.faults.schedule({"kind": "html", "method": "*", "times": 9})
        elif scene in self.feature_scenes:
            if scene in self._switches_off:
                program.switches.set(self._switches_off[scene], "off")
        elif scene and scene not in self._wrong_keys and scene != "clock":
            program.faults.schedule({"kind": scene})

    def secrets(self) -> tuple[str, ...]:
        stamp = "2026-11-20 10:00:00"
        proofs = [
            hashlib.sha1(f"{code}{stamp}".encode()).hexdigest() for code in (self._keys["code"], "4" * 40)
        ]
        return (self._keys["key"], self._keys["code"], "3" * 40, "4" * 40, *proofs)

    def _scrub(self, text: str) -> str:
        for stamp in ("2026-11-20 10:00:00", "2026-11-20 09:00:00"):
            real, ours = (
                hashlib.sha1(f"{code}{stamp}".encode()).hexdigest()
                for code in (self._keys["code"], self.cassette_keys["code"])
            )
            text = text.replace(real, ours)
        for name in ("key", "code"):
            text = text.replace(self._keys[name], self.cassette_keys[name])
        return text.replace(self._base, self.cassette_url).replace(
            self._base.removeprefix("http://"), "igest.test"
        )

    def documents(self) -> list[dict[str, Any]]:
        return self._entries("document")

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self._program.ledger.entries if entry["kind"] == kind]

    def edit_by_hand(self, code: str, **edit: Any) -> None:
        entity = self._program.entities[self.entity]
        article = self._program.index.active_article(self.entity, code)
        if "level" in edit:
            inventory.set_stock(self._program, entity, article, edit["warehouse"], Decimal(edit["level"]))
        elif "to" in edit:
            inventory.rename_article(self._program, entity, article, edit["to"], "")
        else:
            inventory.withdraw_article(self._program, entity, article)

    def plan_fault(self, verb: str, scene: str) -> None:
        method = {"create_article": "novo_artigo", "move_stock": "movimentar_stock"}[verb]
        self._program.faults.schedule({"kind": scene, "method": method})

    def created_articles(self) -> list[str]:
        return [entry["ref"] for entry in self._entries("article") if entry["who"] == "wire"]

    def stock_movements(self) -> list[tuple[str, str, Decimal]]:
        found = [entry for entry in self._entries("stock") if entry["who"] == "wire"]
        return [(entry["ref"], entry["warehouse"], Decimal(entry["qty"])) for entry in found]
