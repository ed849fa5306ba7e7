"""The faults of the PHC GO stand-in over real sockets: the caller's answer, and whether the call was executed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.core.server import RunningServer, start
from sandbox.core.storage import JsonStorage
from sandbox.phcgo.app import create_app
from sandbox.phcgo.faults import KINDS, RANDOM_KINDS, STEPS, Faults
from sandbox.phcgo.wire import Call
from sandbox.readme_tables import fill_tables
from tests.sandbox.phcgo_client import OLARIA, PhcGoClient

README = Path(__file__).parents[2] / "sandbox" / "README.md"


class Line:
    """The stand-in behind a socket, with a session and a draft to sign."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = create_app(folder)
        self.running: RunningServer = start(self.app)
        self.inside = PhcGoClient(self.app)
        self.inside.login()
        self.headers = {"Engine-Auth": self.inside.session_headers, "Cookie": "; ".join(
            f"{cookie.key}={cookie.value}" for cookie in self.inside.client._cookies.values())}  # fmt: skip

    def order(self, **fault: Any) -> requests.Response:
        return requests.post(f"{self.running.url}/sandbox/faults", json=fault, timeout=10)

    def post(self, ws: str, method: str, **form: Any) -> requests.Response:
        data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
        return requests.post(
            f"{self.running.url}/{OLARIA}/PHCWS/REST/{ws}/{method}",
            data=data, headers=self.headers, timeout=10, allow_redirects=False,
        )  # fmt: skip

    def signed(self) -> int:
        return len((self.folder / "ledger.jsonl").read_text().splitlines())


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.running.stop()
    made.app.extensions["program"].close()


def outcome(wire: Line, stamp: str) -> str:
    """Sign the draft and describe the answer as far as a caller can see it."""
    try:
        answer = wire.post("FtWS", "signDocument", ftstamp=stamp)
    except requests.RequestException:
        return "no answer"
    if answer.status_code != 200 or "json" not in answer.headers.get("Content-Type", ""):
        return f"{answer.status_code} {answer.headers.get('Content-Type', '').partition(';')[0]}"
    try:
        body = answer.json()
    except ValueError:
        return "broken"
    kinds = [message["messageType"] for message in body["messages"]]
    if body["result"]:
        return f"result {kinds}"
    return f"messages {kinds}"


SEEN = {
    "slow": "result []", "slow-commit": "no answer", "drop-before": "no answer", "drop-after": "no answer",
    "500-before": "500 text/html", "500-after": "500 text/html", "garbage-after": "broken", "cut-after": "broken",
    "empty-after": "broken", "wrong-type-after": "200 text/html", "html": "200 text/html",
    "redirect": "302 text/html", "redirect-inside": "302 text/html", "503": "503 text/html", "429": "429 text/html",
    "408": "408 text/html", "session-lost": "messages [1]", "maintenance": "no answer", "refused": "messages [1]",
    "error-although-done": "messages [1]", "warning-added": "result [2]", "no-result": "messages []",
    "total-differs": "result []",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_has_its_documented_effect(wire: Line, kind: str) -> None:
    stamp = wire.inside.draft()["ftstamp"]
    assert wire.order(kind=kind, step="signDocument", seconds=0.01).status_code == 200
    assert outcome(wire, stamp) == SEEN[kind]
    if kind == "slow-commit":
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join(10)
    assert wire.signed() == int(KINDS[kind].is_executed)


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_acts_on_its_step_and_no_other(wire: Line, step: str) -> None:
    wire.order(kind="500-before", step=step)
    caller = wire.inside
    calls = {
        "login": lambda: caller.login(),
        "getNewInstance": lambda: caller.post("FtWS", "getNewInstance", ndos="12"),
        "actEntity": lambda: caller.post("FtWS", "actEntity", entity={}),
        "Save": lambda: caller.post("FtWS", "Save", itemVO={}),
        "signDocument": lambda: caller.post("FtWS", "signDocument", ftstamp=""),
        "query": lambda: caller.post("SearchWS", "QueryAsEntities", itemQuery={"entityName": "Cl"}),
        "layouts": lambda: caller.post("reportws", "getReportsForPrint", entityname="ft", numdoc="12"),
        "print": lambda: caller.post("reportws", "print", options={}),
        "email": lambda: caller.post("reportws", "sendReportEmail", reportEmailVO={}),
        "pdf": lambda: caller.client.get(f"/{OLARIA}/PHCWS/cfile.aspx"),
    }
    assert [name for name, call in calls.items() if call().status_code == 500] == [step]


def test_a_fault_waits_for_its_turn_and_may_be_limited_to_one_service(wire: Line) -> None:
    wire.order(kind="503", step="ClWS/Save", times=2)
    wire.order(kind="429", step="query", after=1, match="Td")
    caller = wire.inside

    def query(entity: str) -> int:
        return caller.post("SearchWS", "QueryAsEntities", itemQuery={"entityName": entity}).status_code

    assert [query(name) for name in ("Cl", "Td", "Td", "Td")] == [200, 200, 429, 200]
    assert caller.post("FtWS", "Save", itemVO={}).status_code == 200
    assert [caller.post("ClWS", "Save", itemVO={}).status_code for _ in range(3)] == [503, 503, 200]


def test_an_invalid_fault_request_is_refused(wire: Line) -> None:
    assert wire.order(kind="nada").status_code == 422
    assert wire.order(kind="slow", color="red").status_code == 422
    assert wire.order(share=0.5, kinds=["nada"]).status_code == 422
    assert wire.order(share=0.5, steps=["nada"]).status_code == 422
    assert wire.order(kind="slow", step="pdf").status_code == 200
    cleared = requests.delete(f"{wire.running.url}/sandbox/faults", timeout=10).json()
    assert (cleared["faults"], cleared["share"]) == ([], 0.0)


def test_a_slow_answer_can_be_released(wire: Line) -> None:
    stamp = wire.inside.draft()["ftstamp"]
    wire.order(kind="slow", step="signDocument", seconds=600)
    outcomes: list[str] = []
    asking = threading.Thread(target=lambda: outcomes.append(outcome(wire, stamp)))
    asking.start()
    faults: Faults = wire.app.extensions["program"].faults
    while not faults.waiting:
        asking.join(0.01)
    assert wire.signed() == 1
    requests.post(f"{wire.running.url}/sandbox/faults/release", timeout=10)
    asking.join(10)
    assert outcomes == ["result []"]


def call(method: str = "Save") -> Call:
    return Call(OLARIA, "FtWS", method, {})


def drawn(seed: str, **wanted: Any) -> list[str]:
    faults = Faults(JsonStorage(None))
    faults.schedule({"share": 0.5, "seed": seed} | wanted)
    return [fault.kind if (fault := faults.take_fault(call())) else "" for _ in range(100)]


def test_random_faults_follow_the_seed_and_include_every_kind() -> None:
    assert drawn("7") == drawn("7") != drawn("8")
    assert set(drawn("7")) == {"", *RANDOM_KINDS}
    assert set(drawn("7", kinds=["drop-after"])) == {"", "drop-after"}
    assert set(drawn("7", steps=["query"])) == {""}
    assert 30 < sum(map(bool, drawn("7"))) < 70


def test_scheduled_faults_survive_a_restart_and_random_ones_do_not(tmp_path: Path) -> None:
    faults_storage = JsonStorage(tmp_path)
    first = Faults(faults_storage)
    first.schedule({"kind": "slow"})
    first.schedule({"share": 1})
    faults_storage.close()
    second = Faults(JsonStorage(tmp_path))
    taken = second.take_fault(call())
    assert taken and taken.kind == "slow" and second.take_fault(call()) is None


def test_the_page_names_every_kind_and_step() -> None:
    text = README.read_text(encoding="utf-8")
    assert fill_tables(text) == text
    assert fill_tables(text.replace("| `maintenance` |", "| `older` |")) == text
    assert all(f"`{step}`" in text for step in STEPS)
