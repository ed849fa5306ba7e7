"""One account at each provider, as the suite for all of them needs it: opened live at its stand-in, or from cassettes.

A further provider adds a class here and one line to `ACCOUNTS`; the tests stay as they are. Each names the scenes
that it can arrange: a scene is a state of the outside, not a way of this provider.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote_plus

import requests
from flask import Flask

from sandbox.core import server
from sandbox.igest import inventory
from sandbox.igest.app import create_app as igest_app
from sandbox.igest.panel import INTEGRATION_ACTIONS
from sandbox.phcgo import manual_actions
from sandbox.phcgo.app import create_app as phcgo_app
from sandbox.phcgo.program_state import PASSWORD
from shopapp.fiscal.document import DocumentKind
from shopapp.http_client import HttpClient
from shopapp.providers.base import AccountFeatures, Provider, Series
from shopapp.providers.igest import IGest
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from tests.contract import cassette as contract_cassette
from tests.contract.broken_transport import BrokenForPath, BrokenTransport, break_session

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


class ProviderAccount(ABC):
    """An account at one provider. In use between `opened` and its end."""

    name: ClassVar[str]
    kinds: ClassVar[Mapping[DocumentKind, str]]
    """The kinds that can be issued, each with its series."""
    refused_keys: ClassVar[Mapping[str, str]]
    """Scenes in which the keys are refused, with the field that the form marks ('' for none)."""
    uncertain_scenes: ClassVar[Mapping[str, int]]
    """Scenes in which the answer to the call that issues is lost or spoilt, with how many documents there are then."""
    resolves_at_once: ClassVar[bool] = False
    """True where it settles a doubt by looking at once, when what it sees is definite."""
    series_unknown: ClassVar[str]
    """A series that the account does not have."""
    empty_login_means_refused: ClassVar[bool] = False
    """True where an empty answer to a log-in is how refused keys look."""
    live_only_scenes: ClassVar[frozenset[str]] = frozenset()
    """Scenes that no cassette can hold: there is no answer to keep."""
    stock_places: ClassVar[tuple[str, ...]] = ()
    """Its warehouses, the main one first; the articles of `drafts` lie there and `drafts.exempt` is a service.

    Empty where the stand-in's articles are not told in this suite.
    """
    has_warehouses: ClassVar[bool] = True
    """Whether its lists name warehouses."""
    feature_scenes: ClassVar[Mapping[str, tuple[bool, bool]]] = {}
    """Scenes of what the account may do: look articles up, tell what changed in stock."""
    names_articles_always: ClassVar[bool] = True
    """False where a line that names an article moves its stock, so that one that must not goes without."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    cassette_url: ClassVar[str]
    """The address that stands in cassettes."""
    cassette_keys: ClassVar[Mapping[str, str]]
    """The keys that stand in cassettes."""

    @contextmanager
    def opened(self, mode: str, cassette: str, folder: Path) -> Iterator[None]:
        """The account ready for use, `replayed`, `live`, `recorded`, or `unplugged` with nobody at the other end."""
        self._program: Any = None
        self._session, self._base, self._keys = self.session(), self.cassette_url, dict(self.cassette_keys)
        if mode == "unplugged":
            yield
            return
        if mode == "replayed":
            with contract_cassette.replayed(self._session, self.name, cassette):
                yield
            return
        app = self._stand_in(folder)
        running = server.start(app)
        self._program = app.extensions["program"]
        try:
            self._connect(running.url)
            if mode == "recorded":
                with contract_cassette.recorded(self._session, self.name, cassette, self._scrub):
                    yield
            else:
                yield
        finally:
            running.stop()
            self._program.close()

    @abstractmethod
    def _stand_in(self, folder: Path) -> Flask:
        """The stand-in, its files in that folder."""

    @abstractmethod
    def _connect(self, url: str) -> None:
        """Nothing; the stand-in serves there, and the keys are those that it gives."""

    @abstractmethod
    def _scrub(self, text: str) -> str:
        """The text with the stand-in's keys and address replaced by those that a replay is opened with."""

    @abstractmethod
    def provider(self, scene: str = "") -> Provider:
        """The provider as the application opens it, the outside being in that scene."""

    @contextmanager
    def failing(
        self, outcome: Exception | int, headers: dict[str, str] | None, folder: Path
    ) -> Iterator[Provider]:
        """The provider on a wire on which the call that issues has that outcome."""
        with self.opened("unplugged", "", folder):
            provider = self.provider()
            break_session(self._session, outcome, headers)
            yield provider

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What must appear in no address, log line or error."""

    @abstractmethod
    def documents(self) -> list[dict[str, Any]] | None:
        """What stands over there as issued, by the stand-in's own record; None where only a cassette speaks."""

    def edit_by_hand(self, code: str, **deed: Any) -> None:
        """Nothing; somebody over there renamed the article (`to`), withdrew it (`withdrawn`) or counted it (`level`,
        `warehouse`). On a cassette it was done then.
        """
        raise NotImplementedError

    def plan_fault(self, verb: str, scene: str) -> None:
        """Nothing; the next call that makes an article, or moves stock, meets that scene."""
        raise NotImplementedError

    def created_articles(self) -> list[str] | None:
        """The references of the articles that calls made, by the stand-in's own record; None on a cassette."""
        raise NotImplementedError

    def stock_movements(self) -> list[tuple[str, str, Decimal]] | None:
        """(reference, warehouse, quantity) of each movement that a call made, by the stand-in's own record."""
        raise NotImplementedError

    _session: requests.Session

    def session(self) -> requests.Session:
        """A session that remembers each address it called."""
        session = requests.Session()
        session.hooks["response"].append(lambda reply, **more: self.urls.append(reply.request.url))
        return session


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
    live_only_scenes = frozenset({"drop-after", "drop-before", "cut-after"})
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
        return igest_app(folder, today=TODAY)

    def _connect(self, url: str) -> None:
        self._base = self._program.public = url
        self._program.clock.set_time(NOW)
        entity = self._program.entities[self.entity]
        INTEGRATION_ACTIONS["activate"](self._program, entity)
        key, code = entity.keys(self._program.seed)
        self._keys |= {"key": key, "code": code}

    def provider(self, scene: str = "") -> Provider:
        if self._program is not None:
            self._arrange(scene)
        keys = self._keys | self._wrong_keys.get(scene, {})
        moment = NOW - timedelta(hours=1) if scene == "clock" else NOW
        wire = HttpClient(5, allow_plain=True, session=self._session)
        return IGest(keys, wire, url=f"{self._base}/webservice.php", now=lambda: moment)

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
        """The text with the stand-in's keys and address replaced by those that a replay is opened with."""
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

    def documents(self) -> list[dict[str, Any]] | None:
        if self._program is None:
            return None
        return self._entries("document")

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self._program.ledger.entries if entry["kind"] == kind]

    def edit_by_hand(self, code: str, **deed: Any) -> None:
        if self._program is None:
            return
        entity = self._program.entities[self.entity]
        article = self._program.index.active_article(self.entity, code)
        if "level" in deed:
            inventory.set_stock(self._program, entity, article, deed["warehouse"], Decimal(deed["level"]))
        elif "to" in deed:
            inventory.rename_article(self._program, entity, article, deed["to"], "")
        else:
            inventory.withdraw_article(self._program, entity, article)

    def plan_fault(self, verb: str, scene: str) -> None:
        if self._program is not None:
            method = {"create_article": "novo_artigo", "move_stock": "movimentar_stock"}[verb]
            self._program.faults.schedule({"kind": scene, "method": method})

    def created_articles(self) -> list[str] | None:
        if self._program is None:
            return None
        return [entry["ref"] for entry in self._entries("article") if entry["who"] == "wire"]

    def stock_movements(self) -> list[tuple[str, str, Decimal]] | None:
        if self._program is None:
            return None
        found = [entry for entry in self._entries("stock") if entry["who"] == "wire"]
        return [(entry["ref"], entry["warehouse"], Decimal(entry["qty"])) for entry in found]


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
    live_only_scenes = frozenset({"drop-after", "drop-before"})
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
        return phcgo_app(folder, today=TODAY)

    def _connect(self, url: str) -> None:
        self._base = self._program.public = url
        self._program.clock.set_time(NOW)
        self._keys |= {"password": PASSWORD, "token": self._program.token(self.installation)}

    def provider(self, scene: str = "") -> Provider:
        if self._program is not None:
            self._arrange(scene)
        keys = {
            "url": f"{self._base}/{self.installation}/html",
            **self._keys,
            **self._wrong_keys.get(scene, {}),
        }
        wire = HttpClient(5, allow_plain=True, session=self._session)
        inside = self._base.removeprefix("http://")
        found = PhcGo(keys, wire, now=lambda: NOW, hosts=(".phcgo.test",), loopback=inside)
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
        """The text with the stand-in's keys and address replaced by those that a replay is opened with."""
        for name in ("password", "token"):
            for written in (str, quote_plus):
                text = text.replace(written(self._keys[name]), written(self.cassette_keys[name]))
        # a session is a secret while it lasts, and another one in each recording
        text = re.sub(r"(ASP\.NET_SessionId=)[0-9a-f]{24}", rf"\g<1>{'0' * 24}", text)
        text = re.sub(r"(?<![\w+/])[A-Za-z0-9+/]{43}=", "A" * 43 + "=", text)
        return text.replace(self._base, self.cassette_url).replace(
            self._base.removeprefix("http://"), self.cassette_url.removeprefix("https://")
        )

    def documents(self) -> list[dict[str, Any]] | None:
        if self._program is None:
            return None
        base = self._program.find_database(self.installation, "")
        found = [self._document_of_entry(base, entry) for entry in self._program.ledger.entries]
        return found + [
            {"observacoes": row["obs"], "number": f"{row['nmdos']} {row['dataobra'][:4]}/{row['obrano']}",
             "totals": {"gross": str(row["etotal"])}}
            for row in base.rows("Bo") if not row["draftRecord"]
        ]  # fmt: skip

    def _document_of_entry(self, base: Any, entry: dict[str, Any]) -> dict[str, Any]:
        """An entry of the ledger in the suite's words."""
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
            # a record without a country is of the company's own
            "customer": customer | {"country": customer["country"] or "PT"},
        }  # fmt: skip

    def edit_by_hand(self, code: str, **deed: Any) -> None:
        if self._program is None:
            return
        base = self._program.find_database(self.installation, "")
        if "level" in deed:
            manual_actions.edit_stock(
                self._program, base, {"ref": code, "warehouse": deed["warehouse"], "to": deed["level"]}
            )
        else:
            changes = {"to": deed["to"]} if "to" in deed else {"inactivo": True}
            manual_actions.edit_article(self._program, base, {"ref": code, **changes})

    def plan_fault(self, verb: str, scene: str) -> None:
        if self._program is not None:
            self._program.faults.schedule({"kind": scene, "step": "Save"})

    def created_articles(self) -> list[str] | None:
        if self._program is None:
            return None
        made = [entry for entry in self._program.inventory_ledger.entries if entry["kind"] == "article"]
        return [entry["ref"] for entry in made if entry["who"] == "wire"]

    @staticmethod
    def _stock_before(row: dict[str, Any]) -> float:
        return 50.0 if row["armazem"] == 1 else 0.0


ACCOUNTS: dict[str, type[ProviderAccount]] = {
    "igest": IGestAccount,
    "phcgo": PhcGoAccount,
}
