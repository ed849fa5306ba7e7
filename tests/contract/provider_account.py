"""The interface through which the contract suites use a provider account, live or from a cassette."""

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

    A scene is a state of the external system ("wrong-key", "html"). Every provider that can arrange it uses the
    same name.
    """

    name: ClassVar[str]
    kinds: ClassVar[Mapping[DocumentKind, str]]
    """The document kinds that can be issued, each with its series."""
    refused_keys: ClassVar[Mapping[str, str]]
    """Scenes in which the credentials are refused, with the field that the form marks ('' for none)."""
    uncertain_scenes: ClassVar[Mapping[str, int]]
    """Scenes that lose or spoil the answer to the issuing call, with the number of documents issued in spite of
    it.
    """
    resolves_at_once: ClassVar[bool] = False
    """Whether the adapter looks the document up immediately after a lost answer, and relies on a definite result."""
    series_unknown: ClassVar[str]
    """A series that the account does not have."""
    empty_login_means_refused: ClassVar[bool] = False
    """Whether an empty answer to a log-in means that the credentials are refused."""
    stock_places: ClassVar[tuple[str, ...]] = ()
    """Its warehouses, the main one first. They hold the articles of `drafts`; that of `drafts.exempt` is a
    service.

    Empty where these suites do not test its articles.
    """
    has_warehouses: ClassVar[bool] = True
    """Whether its lists name warehouses."""
    feature_scenes: ClassVar[Mapping[str, tuple[bool, bool]]] = {}
    """Scenes in which the account may or may not look articles up and list changed stock levels."""
    names_articles_always: ClassVar[bool] = True
    """Whether every line names its article. Otherwise naming it moves its stock, and a line that must not move
    stock names none.
    """
    cassette_url: ClassVar[str]
    """The address in cassettes."""
    cassette_keys: ClassVar[Mapping[str, str]]
    """The credentials in cassettes."""
    _session: requests.Session
    _program: Any = None
    """The stand-in's state; None while a cassette answers, or nothing does."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    @contextmanager
    def opened(self, mode: str, cassette: str, folder: Path) -> Iterator[None]:
        """Make the account ready: `replayed`, `live`, `recorded`, or `unplugged` when nothing answers."""
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
        """Return whether there is a stand-in whose own records can be read."""
        return self._program is not None

    @abstractmethod
    def _stand_in(self, folder: Path) -> Flask:
        """Start the stand-in, with its files in that folder, and return it."""

    @abstractmethod
    def _connect(self, url: str) -> None:
        """Set the stand-in's address and use the credentials that it gives."""

    @abstractmethod
    def _scrub(self, text: str) -> str:
        """Replace the stand-in's credentials and address with those of cassettes."""

    @abstractmethod
    def provider(self, scene: str = "") -> Provider:
        """Open the provider as the application does, with the external system in that scene."""

    @contextmanager
    def failing(
        self, outcome: Exception | int, headers: dict[str, str] | None, folder: Path
    ) -> Iterator[Provider]:
        """Open the provider on a transport where the issuing call has that outcome."""
        with self.opened("unplugged", "", folder):
            provider = self.provider()
            break_session(self._session, outcome, headers)
            yield provider

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that no address, log line or error may contain."""

    @abstractmethod
    def documents(self) -> list[dict[str, Any]]:
        """Return the issued documents, according to the stand-in's own records."""

    def edit_by_hand(self, code: str, **edit: Any) -> None:
        """Edit an article as a person would.

        Rename it (`to`), withdraw it (`withdrawn`) or count it (`level`, `warehouse`).
        """
        raise NotImplementedError

    def plan_fault(self, verb: str, scene: str) -> None:
        """Put the next call that creates an article, or moves stock, into that scene."""
        raise NotImplementedError

    def created_articles(self) -> list[str]:
        """Return the references of the articles that calls created, according to the stand-in's own records."""
        raise NotImplementedError

    def stock_movements(self) -> list[tuple[str, str, Decimal]]:
        """Return (reference, warehouse, quantity) of each movement that a call made, as the stand-in recorded it."""
        raise NotImplementedError

    def session(self) -> requests.Session:
        """Return a session that records each address it calls."""
        session = requests.Session()
        session.hooks["response"].append(lambda reply, **more: self.urls.append(reply.request.url))
        return session
