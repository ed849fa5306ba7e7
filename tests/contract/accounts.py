"""One account at each provider, as the suite for all of them needs it: opened live at its stand-in, or from cassettes.

A further provider adds a class here and one line to `ACCOUNTS`; the tests stay as they are. Each names the scenes
that it can arrange: a scene is a state of the outside, not a way of this provider.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import requests

from sandbox import web
from sandbox.igest.app import create_app
from sandbox.igest.panel import INTEGRATION
from shopapp.fiscal.document import Kind
from shopapp.http import Wire
from shopapp.providers.base import Provider
from shopapp.providers.igest import IGest
from tests.contract import tape

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


class Account(ABC):
    """An account at one provider. In use between `opened` and its end."""

    name: ClassVar[str]
    kinds: ClassVar[Mapping[Kind, str]]
    """The kinds that can be issued, each with its series."""
    refused_keys: ClassVar[Mapping[str, str]]
    """Scenes in which the keys are refused, with the field that the form marks ('' for none)."""
    doubts: ClassVar[tuple[str, ...]]
    """Scenes in which a call that issues leaves a doubt."""
    only_live: ClassVar[frozenset[str]] = frozenset()
    """Scenes that no cassette can hold: there is no answer to keep."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    @abstractmethod
    @contextmanager
    def opened(self, mode: str, cassette: str, folder: Path) -> Iterator[None]:
        """The account ready for use, `replayed`, `live`, `recorded`, or `unplugged` with nobody at the other end."""

    @abstractmethod
    def provider(self, scene: str = "") -> Provider:
        """The provider as the application opens it, the outside being in that scene."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What must appear in no address, log line or error."""

    @abstractmethod
    def documents(self) -> list[dict[str, Any]] | None:
        """What stands over there as issued, by the stand-in's own record; None where only a cassette speaks."""

    def session(self) -> requests.Session:
        """A session that remembers each address it called."""
        session = requests.Session()
        session.hooks["response"].append(lambda reply, **more: self.urls.append(reply.request.url))
        return session


class IGestAccount(Account):
    """The first entity of the stand-in, with warehouses."""

    name = "igest"
    kinds: ClassVar[Mapping[Kind, str]] = {"FR": "2026FR", "FT": "2026FT", "FS": "2026FS", "NC": "2026NC"}
    refused_keys: ClassVar[Mapping[str, str]] = {
        "wrong-key": "key",
        "wrong-code": "code",
        "nif-mismatch": "nif",
        "entity-unknown": "entity",
        "inactive": "",
        "clock": "",
    }
    doubts = (
        "garbage-after",
        "truncated-after",
        "php-warning-after",
        "wrong-encoding-after",
        "error500-after",
        "error500-before",
        "no-number",
        "html",
        "404-html",
        "redirect",
        "drop-after",
        "drop-before",
        "cut-after",
    )
    only_live = frozenset({"drop-after", "drop-before", "cut-after"})

    base = "https://igest.test"
    entity = "40321"
    stand_ins: ClassVar[Mapping[str, str]] = {
        "entity": entity,
        "nif": "599980125",
        "key": "1" * 40,
        "code": "2" * 40,
    }
    _wrong: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "wrong-key": {"key": "3" * 40},
        "wrong-code": {"code": "4" * 40},
        "nif-mismatch": {"nif": "599970340"},
        "entity-unknown": {"entity": "49999"},
    }

    @contextmanager
    def opened(self, mode: str, cassette: str, folder: Path) -> Iterator[None]:
        self._office: Any = None
        self._session, self._base, self._keys = self.session(), self.base, dict(self.stand_ins)
        if mode == "unplugged":
            yield
            return
        if mode == "replayed":
            with tape.replayed(self._session, self.name, cassette):
                yield
            return
        app = create_app(folder, today=TODAY)
        running = web.start(app)
        self._office = app.extensions["office"]
        try:
            self._begin(running.url)
            if mode == "recorded":
                with tape.recorded(self._session, self.name, cassette, self._scrub):
                    yield
            else:
                yield
        finally:
            running.stop()
            self._office.close()

    def _begin(self, url: str) -> None:
        self._base = self._office.public = url
        self._office.clock.put_at(NOW)
        entity = self._office.entities[self.entity]
        INTEGRATION["activate"](self._office, entity)
        key, code = entity.keys(self._office.seed)
        self._keys |= {"key": key, "code": code}

    def provider(self, scene: str = "") -> Provider:
        if self._office is not None:
            self._arrange(scene)
        keys = self._keys | self._wrong.get(scene, {})
        moment = NOW - timedelta(hours=1) if scene == "clock" else NOW
        wire = Wire(5, allow_plain=True, session=self._session)
        return IGest(keys, wire, url=f"{self._base}/webservice.php", now=lambda: moment)

    def _arrange(self, scene: str) -> None:
        office = self._office
        if scene == "inactive":
            INTEGRATION["deactivate"](office, office.entities[self.entity])
        elif scene == "without-lists":
            for switch in ("exemption-list", "warehouse-list"):
                office.switches.set(switch, "off")
        elif scene == "another-service":
            office.faults.order({"kind": "html", "method": "*", "times": 9})
        elif scene and scene not in self._wrong and scene != "clock":
            office.faults.order({"kind": scene})

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
                for code in (self._keys["code"], self.stand_ins["code"])
            )
            text = text.replace(real, ours)
        for name in ("key", "code"):
            text = text.replace(self._keys[name], self.stand_ins[name])
        return text.replace(self._base, self.base).replace(self._base.removeprefix("http://"), "igest.test")

    def documents(self) -> list[dict[str, Any]] | None:
        if self._office is None:
            return None
        return [entry for entry in self._office.ledger.entries if entry["kind"] == "document"]


ACCOUNTS: dict[str, type[Account]] = {
    "igest": IGestAccount,
}
