"""What the contract suites need of an account at any provider: opened live at its stand-in, or from a cassette."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import requests
from flask import Flask

from sandbox.core import server
from shopapp.fiscal.document import DocumentKind
from shopapp.providers.base import Provider
from tests.contract import cassette as cassettes
from tests.contract.broken_transport import break_session

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


class ProviderAccount(ABC):
    """An account at one provider, in use inside `opened`.

    A scene is a state of the other side ("wrong-key", "html"), named the same for every provider that can arrange it.
    """

    name: ClassVar[str]
    kinds: ClassVar[Mapping[DocumentKind, str]]
    """The kinds that can be issued, each with its series."""
    refused_keys: ClassVar[Mapping[str, str]]
    """Scenes in which the credentials are refused, with the field that the form marks ('' for none)."""
    uncertain_scenes: ClassVar[Mapping[str, int]]
    """Scenes that lose or spoil the answer to the issuing call, with the number of documents issued all the same."""
    resolves_at_once: ClassVar[bool] = False
    """Whether the adapter looks at once after a lost answer and trusts what it sees when that is definite."""
    series_unknown: ClassVar[str]
    """A series that the account does not have."""
    empty_login_means_refused: ClassVar[bool] = False
    """Whether an empty answer to a log-in is how refused credentials look."""
    stock_places: ClassVar[tuple[str, ...]] = ()
    """Its warehouses, the main one first; the articles of `drafts` lie there and that of `drafts.exempt` is a service.

    Empty where these suites do not test its articles.
    """
    has_warehouses: ClassVar[bool] = True
    """Whether its lists name warehouses."""
    feature_scenes: ClassVar[Mapping[str, tuple[bool, bool]]] = {}
    """Scenes of what the account may do: look articles up, list changed stock levels."""
    names_articles_always: ClassVar[bool] = True
    """False where a line that names an article moves its stock, so that a line that must not move it names none."""
    cassette_url: ClassVar[str]
    """The address in cassettes."""
    cassette_keys: ClassVar[Mapping[str, str]]
    """The credentials in cassettes."""
    _session: requests.Session
    _program: Any = None
    """The stand-in's state; None while a cassette answers, or nobody."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    @contextmanager
    def opened(self, mode: str, cassette: str, folder: Path) -> Iterator[None]:
        """Make the account ready: `replayed`, `live`, `recorded`, or `unplugged` with nobody at the other end."""
        self._program = None
        self._session, self._base, self._keys = self.session(), self.cassette_url, dict(self.cassette_keys)
        if mode == "unplugged":
            yield
            return
        if mode == "replayed":
            with cassettes.replayed(self._session, self.name, cassette):
                yield
            return
        app = self._stand_in(folder)
        running = server.start(app)
        self._program = app.extensions["program"]
        try:
            self._connect(running.url)
            if mode == "recorded":
                with cassettes.recorded(self._session, self.name, cassette, self._scrub):
                    yield
            else:
                yield
        finally:
            running.stop()
            self._program.close()

    @property
    def is_live(self) -> bool:
        """Return whether there is a stand-in whose own record can be read."""
        return self._program is not None

    @abstractmethod
    def _stand_in(self, folder: Path) -> Flask:
        """Return the stand-in, its files in that folder."""

    @abstractmethod
    def _connect(self, url: str) -> None:
        """Set the stand-in's address and take the credentials that it gives."""

    @abstractmethod
    def _scrub(self, text: str) -> str:
        """Replace the stand-in's credentials and address with those of cassettes."""

    @abstractmethod
    def provider(self, scene: str = "") -> Provider:
        """Open the provider as the application does, the other side in that scene."""

    @contextmanager
    def failing(
        self, outcome: Exception | int, headers: dict[str, str] | None, folder: Path
    ) -> Iterator[Provider]:
        """Open the provider on a transport on which the call that issues has that outcome."""
        with self.opened("unplugged", "", folder):
            provider = self.provider()
            break_session(self._session, outcome, headers)
            yield provider

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Return what must appear in no address, log line or error."""

    @abstractmethod
    def documents(self) -> list[dict[str, Any]]:
        """Return the issued documents, by the stand-in's own record."""

    def edit_by_hand(self, code: str, **edit: Any) -> None:
        """Edit an article as its owner would: rename it (`to`), withdraw it (`withdrawn`) or count it (`level`,
        `warehouse`).
        """
        raise NotImplementedError

    def plan_fault(self, verb: str, scene: str) -> None:
        """Put the next call that creates an article, or moves stock, in that scene."""
        raise NotImplementedError

    def created_articles(self) -> list[str]:
        """Return the references of the articles that calls created, by the stand-in's own record."""
        raise NotImplementedError

    def stock_movements(self) -> list[tuple[str, str, Decimal]]:
        """Return (reference, warehouse, quantity) of each movement that a call made, by the stand-in's own record."""
        raise NotImplementedError

    def session(self) -> requests.Session:
        """Return a session that records each address it calls."""
        session = requests.Session()
        session.hooks["response"].append(lambda reply, **more: self.urls.append(reply.request.url))
        return session
