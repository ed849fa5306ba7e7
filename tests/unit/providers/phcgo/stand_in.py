"""The running stand-in of PHC GO and the adapter opened on it, for the adapter's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox.core import server
from sandbox.phcgo import inventory, manual_actions
from sandbox.phcgo.app import create_app
from sandbox.phcgo.database import Database
from sandbox.phcgo.program_state import PASSWORD, ProgramState
from shopapp.fiscal.document import Draft, Issued
from shopapp.http_client import HttpClient
from shopapp.providers.base import AccountFeatures, Series
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from tests.contract.drafts import draft

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
INSTALLATION, DIRECT_INSTALLATION = "a3f91c07", "5d20be84"
DRAFT_FEATURES = AccountFeatures({
    "FR": Series("47", "FR", drafts=True), "FT": Series("12", "FT", drafts=True), "NC": Series("58", "NC", drafts=True),
    "NE": Series("4", "NE", drafts=True),
})  # fmt: skip
DIRECT_FEATURES = AccountFeatures({"FT": Series("80", "FT")}, searches=True)


class RunningStandIn:
    """The running stand-in, and the adapter opened on it."""

    def __init__(self, state: ProgramState, url: str) -> None:
        self.state, self.url, self.moment = state, url, NOW

    def open_adapter(
        self, known: AccountFeatures = DRAFT_FEATURES, installation: str = INSTALLATION, **keys: str
    ) -> PhcGo:
        typed = {"url": f"{self.url}/{installation}", "user": "loja", "password": PASSWORD, "company": "",
                 "token": self.state.token(installation), **keys}  # fmt: skip
        loopback = self.url.removeprefix("http://")
        adapter = PhcGo(
            typed, HttpClient(30, allow_plain=True), lambda: self.moment, (".phcgo.net",), loopback
        )
        adapter.features = known
        return adapter

    def switch(self, name: str, position: str) -> None:
        self.state.switches.set(name, position)

    def plan_fault(self, kind: str, step: str, **more: Any) -> None:
        self.state.faults.schedule({"kind": kind, "step": step, **more})

    def calls(self) -> list[str]:
        """Return the calls since this method was last used."""
        found = [str(line["step"]) for line in self.state.requests]
        self.state.requests.clear()
        return found

    def documents(self) -> list[dict[str, Any]]:
        return list(self.state.ledger.entries)

    @property
    def company(self) -> Database:
        found = self.state.find_database(INSTALLATION, "")
        assert found
        return found

    def rows(self, entity: str) -> list[dict[str, Any]]:
        return self.company.rows(entity)

    def load(self, *refs: str, **stock: int) -> None:
        """Add these articles, each with the `stock` in the first warehouse."""
        rows = [{"ref": ref, "design": f"Artigo {ref}", "stock": stock.get("stock", 0)} for ref in refs]
        inventory.load_catalogue(self.state, self.company, rows)

    def edit_article(self, ref: str, **changes: Any) -> None:
        """Change the article as a person would at PHC GO."""
        manual_actions.edit_article(self.state, self.company, {"ref": ref, **changes})

    def created_articles(self) -> list[str]:
        """Return the references of the articles that API calls created."""
        entries = self.state.inventory_ledger.entries
        return [one["ref"] for one in entries if (one["kind"], one["who"]) == ("article", "wire")]

    def drafts(self) -> list[dict[str, Any]]:
        return [row for entity in ("Ft", "Bo") for row in self.rows(entity) if row["draftRecord"]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProgramState, str]]:
    """Start the stand-in, shared by the tests of a module."""
    app = create_app(tmp_path_factory.mktemp("phcgo"), today=date(2026, 11, 20))
    running, state = server.start(app), app.extensions["program"]
    state.public = running.url
    yield state, running.url
    running.stop()
    state.close()


@pytest.fixture
def program(started: tuple[ProgramState, str]) -> Iterator[RunningStandIn]:
    """Reset the stand-in to its initial state, without sessions of other tests."""
    state, url = started
    SESSIONS.clear()
    state.reset()
    state.clock.set_time(NOW)
    yield RunningStandIn(state, url)
    SESSIONS.clear()


def invoice_draft(*lines: Any, **changes: Any) -> Draft:
    return draft(*lines, **{"series": "47", **changes})


def ft(*lines: Any, **changes: Any) -> Draft:
    return draft(*lines, kind="FT", **{"series": "80", **changes})


def issue_draft(provider: PhcGo, content: Draft, reference: str = "QI-1") -> Issued:
    opened = provider.open_draft(content, reference)
    assert opened.total == content.gross
    return provider.finalise(opened.draft_id)
