"""The plain provider: it keeps only the chosen guarantee, its faults are real, its ledger has every document."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.merchant import wait_until
from sandbox.core.server import RunningServer, start
from sandbox.plain.app import create_app
from sandbox.plain.faults import WRITE_FAULTS, Faults

CONTENT = {"reference": "QI-1-12", "kind": "FR", "total": "12.30"}
HEADERS = {"Plain-Entity": "1", "Plain-Key": "key-of-1"}


class Program:
    """The served provider and its ledger file."""

    def __init__(self, folder: Path, promise: str) -> None:
        self.app = create_app(folder, promise)
        self.running: RunningServer = start(self.app)
        self.file = folder / "ledger.jsonl"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = HEADERS | more.pop("headers", {})
        return requests.request(
            method, f"{self.running.url}{path}", headers=headers, timeout=10, allow_redirects=False, **more
        )

    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Program(tmp_path, request.param)
    yield made
    made.running.stop()


@pytest.mark.parametrize("program", ["by_search", "by_person"], indirect=True)
def test_two_calls_make_two_documents(program: Program) -> None:
    for _ in range(2):
        program.call("POST", "/v1/documents", json=CONTENT, headers={"Idempotency-Key": "k"})
    assert [one["reference"] for one in program.ledger()] == ["QI-1-12"] * 2


@pytest.mark.parametrize("program", ["by_search", "by_draft"], indirect=True)
def test_the_ledger_route_shows_an_entity_its_own_documents(program: Program) -> None:
    program.app.extensions["document_ledger"].issue("1", CONTENT)
    program.app.extensions["document_ledger"].issue("2", CONTENT)
    assert [one["number"] for one in program.call("GET", "/v1/ledger").json()["documents"]] == ["FR 2026P/1"]
    assert program.call("GET", f"/v1/ledger?since={time.time() + 60}").json() == {"documents": []}


@pytest.mark.parametrize("program", ["by_person"], indirect=True)
def test_a_provider_without_search_has_no_ledger_route(program: Program) -> None:
    assert program.call("GET", "/v1/ledger").status_code == 404


@pytest.mark.parametrize("program", ["by_key"], indirect=True)
def test_a_repeated_idempotency_key_returns_the_same_document(program: Program) -> None:
    answers = [
        program.call("POST", "/v1/documents", json=CONTENT, headers={"Idempotency-Key": key}).json()
        for key in ("k", "k", "other")
    ]
    assert answers[0] == answers[1] != answers[2]
    assert len(program.ledger()) == 2


@pytest.mark.parametrize("program", ["by_draft"], indirect=True)
def test_a_draft_is_no_document_and_becomes_one_once(program: Program) -> None:
    spare = program.call("POST", "/v1/drafts", json=CONTENT).json()["draft"]
    draft = program.call("POST", "/v1/drafts", json=CONTENT).json()["draft"]
    assert program.ledger() == []
    made = [program.call("POST", f"/v1/drafts/{draft}/finalise", json={}).json()["number"] for _ in range(2)]
    assert made[0] == made[1] == program.ledger()[0]["number"]
    assert program.call("GET", "/v1/drafts?reference=QI-1-12").json() == {"drafts": [spare]}
    assert program.call("DELETE", f"/v1/drafts/{draft}").json() == {"dropped": False}
    assert program.call("DELETE", f"/v1/drafts/{spare}").json() == {"dropped": True}
    assert program.call("POST", "/v1/documents", json=CONTENT).status_code == 404


@pytest.mark.parametrize("program", ["by_search"], indirect=True)
def test_a_search_finds_only_the_exact_reference_and_may_lag(program: Program) -> None:
    program.call("POST", "/v1/documents", json=CONTENT)
    program.call("POST", "/v1/documents", json={**CONTENT, "reference": "QI-1-120"})
    found = program.call("GET", "/v1/documents?reference=QI-1-12").json()["documents"]
    assert [one["reference"] for one in found] == ["QI-1-12"]
    program.call("POST", "/sandbox/switches", json={"search-lag": "5"})
    assert program.call("GET", "/v1/documents?reference=QI-1-12").json() == {"documents": []}


@pytest.mark.parametrize("program", ["by_search"], indirect=True)
@pytest.mark.parametrize("kind", WRITE_FAULTS)
def test_a_fault_issues_a_document_only_if_its_name_says_so(program: Program, kind: str) -> None:
    program.call("POST", "/sandbox/faults", json={"share": 1, "latest": 0.2, "writes": [kind], "seed": "1"})
    status = 0
    try:
        status = program.call("POST", "/v1/documents", json=CONTENT).status_code
    except requests.RequestException:
        assert kind in ("drop-before", "drop-after", "slow-commit")
    issues = kind.endswith("-after") or kind in ("slow", "slow-commit")
    if issues:
        wait_until(program.ledger, "it is issued")
    assert len(program.ledger()) == int(issues), status
    assert program.call("GET", "/sandbox/faults").json() == {"calls": 1, "kinds": {kind: 1}}


def test_every_kind_of_fault_occurs() -> None:
    faults = Faults()
    faults.configure({"share": 1, "seed": "7"})
    for _ in range(len(WRITE_FAULTS) * 5):
        faults.draw(changes=True)
    assert set(faults.counts.values()) == {5}
