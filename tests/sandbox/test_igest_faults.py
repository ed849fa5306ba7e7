"""Every fault of the iGEST stand-in over a real socket: the caller's answer, and the documents issued."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from flask import Flask

from sandbox.core.server import RunningServer, start
from sandbox.igest.faults import KINDS
from tests.sandbox.igest_client import IgestClient, document, document_xml, open_client

HEADERS = {"Content-Type": "text/xml;charset=ISO-8859-1"}


class ServedIgest:
    """The stand-in behind a port."""

    def __init__(self, caller: IgestClient, running: RunningServer) -> None:
        self.caller = caller
        self.url = running.url + "/webservice.php"

    def post(
        self, method: str = "novo_documento", content: str = "", timeout: float = 20
    ) -> requests.Response:
        body = self.caller.body(method, content or document_xml(document()))
        return requests.post(self.url, data=body, headers=HEADERS, timeout=timeout, allow_redirects=False)

    @property
    def issued(self) -> int:
        return len(self.caller.issued)


class SwitchableApp(Flask):
    """One served app for the whole file, to which each test connects its own stand-in."""

    behind: Flask

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        return self.behind(environ, start_response)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[SwitchableApp, RunningServer]]:
    app = SwitchableApp("switchable")
    running = start(app)
    yield app, running
    running.stop()


@pytest.fixture
def igest(tmp_path: Path, served: tuple[SwitchableApp, RunningServer]) -> Iterator[ServedIgest]:
    app, running = served
    with open_client(tmp_path) as caller:
        app.behind = caller.http.application
        yield ServedIgest(caller, running)


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[IgestClient]:
    with open_client(tmp_path) as caller:
        yield caller


def output(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 200
    return {field.tag: field.text or "" for field in ElementTree.fromstring(response.content)}


def outcome(igest: ServedIgest) -> str:
    """Describe the answer as far as a caller can see it."""
    try:
        answer = igest.post()
    except requests.exceptions.ChunkedEncodingError:
        return "half an answer"
    except requests.ConnectionError:
        return "no answer"
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    try:
        found = output(answer)
    except ElementTree.ParseError:
        return "unreadable"
    if found["status"] == "erro":
        assert set(found) == {"status", "mensagem_erro"}
        return f"erro: {found['mensagem_erro']}"
    large = "large " if len(answer.content) > 10 * 1024 * 1024 else ""
    whole = "" if "Content-Length" in answer.headers else "chunked "
    return f"{large}{whole}{found.get('numero_documento', 'no number')} {found['total_documento']}"


NORMAL = "FR 2026FR/1 12.30"
OUTCOMES = {
    "slow": NORMAL, "slow-commit": NORMAL, "drop-before": "no answer", "drop-after": "no answer",
    "error500-before": "HTTP 500", "error500-after": "HTTP 500", "garbage-after": "unreadable",
    "truncated-after": "unreadable", "cut-after": "half an answer", "html": "unreadable",
    "php-warning-after": "unreadable", "wrong-encoding-after": "unreadable", "refused": "erro: Bloqueado.",
    "erro-although-issued": "erro: Bloqueado.", "off": "erro: Bloqueado.", "total-differs": "FR 2026FR/1 12.31",
    "no-number": "no number 12.30", "404-html": "HTTP 404", "drip": f"chunked {NORMAL}", "bomb": f"large {NORMAL}",
    "redirect": "HTTP 302",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_answers_and_issues_as_documented(igest: ServedIgest, kind: str) -> None:
    igest.caller.fault(kind, text="Bloqueado.", seconds=0.0001)
    assert outcome(igest) == OUTCOMES[kind]
    assert igest.issued == int(KINDS[kind].is_executed)
    assert all(entry["totals"]["gross"] == "12.30" for entry in igest.caller.issued)
    assert outcome(igest) == f"FR 2026FR/{igest.issued} 12.30"


def test_a_spoiled_answer_is_the_one_that_a_real_server_would_send(igest: ServedIgest) -> None:
    for kind in ("php-warning-after", "html", "404-html"):
        igest.caller.fault(kind)
    igest.caller.fault("redirect", text="http://127.0.0.1:9/outro")
    warning, _, answer = igest.post().content.partition(b"<?xml")
    assert b"Warning" in warning
    assert ElementTree.fromstring(b"<?xml" + answer).findtext("numero_documento") == "FR 2026FR/1"
    assert "Palavra-passe" in igest.post().text and "Not Found" in igest.post().text
    assert igest.post().headers["Location"] == "http://127.0.0.1:9/outro"


class WaitingCall:
    """A call that is paused in another thread."""

    def __init__(self, igest: ServedIgest) -> None:
        self._answers: list[requests.Response] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(igest.post()))
        self._thread.start()
        wait_until(lambda: igest.caller.program.faults.waiting)

    def answer(self) -> requests.Response:
        self._thread.join(20)
        return self._answers[0]


def wait_until(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(4000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it never happened")


@pytest.mark.parametrize(("kind", "issued"), [("slow", 1), ("slow-commit", 0)])
def test_a_paused_call_has_issued_or_not_and_others_are_served(
    igest: ServedIgest, kind: str, issued: int
) -> None:
    igest.caller.fault(kind, seconds=60)
    waiting = WaitingCall(igest)
    assert igest.issued == issued
    assert output(igest.post())["numero_documento"] == f"FR 2026FR/{issued + 1}"
    igest.caller.http.post("/sandbox/faults/release")
    assert output(waiting.answer())["numero_documento"] == f"FR 2026FR/{2 - issued}"


def test_a_slow_commit_issues_even_when_the_caller_hung_up(igest: ServedIgest) -> None:
    igest.caller.fault("slow-commit", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        igest.post(timeout=0.1)
    wait_until(lambda: igest.caller.program.faults.waiting)
    assert igest.issued == 0
    igest.caller.http.delete("/sandbox/faults")
    wait_until(lambda: igest.issued)


def test_concurrent_calls_get_consecutive_numbers(igest: ServedIgest) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: igest.post(), range(24)))
    numbers = [output(answer)["numero_documento"] for answer in answers]
    assert sorted(int(number.split("/")[1]) for number in numbers) == list(range(1, 25))
    assert [entry["running"] for entry in igest.caller.issued] == list(range(1, 25))


def test_the_command_serves_until_a_signal_stops_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox.igest",
        "--port",
        "0",
        "--data",
        str(tmp_path),
        "--public",
        "http://x",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        url = running.stdout.readline().split()[-1]
        keys = requests.post(f"{url}/sandbox/entities/40321/activate", timeout=20).json()
        running.terminate()
        assert running.wait(20) == 0
    with open_client(tmp_path) as caller:
        assert (caller.code, caller.secret) == (keys["integration_key"], keys["security_code"])


# --- the calls that a fault applies to ----------------------------------------------------------------------


def test_a_fault_occurs_the_given_number_of_times_after_the_given_number_of_calls(
    caller: IgestClient,
) -> None:
    caller.fault("refused", times=2, after=1)
    assert [caller.issue().ok for _ in range(4)] == [True, False, False, True]


def test_a_fault_applies_only_to_its_method_and_to_calls_that_mention_its_text(caller: IgestClient) -> None:
    caller.fault("refused", match="qi-7")
    references = ("QI-1", "QI-7", "QI-7")
    answers = [caller.issue(document(observacoes=f"Ref. {reference}")).ok for reference in references]
    assert answers == [True, False, True]
    caller.fault("off", method="*", match="Ana")
    assert caller.issue(document(nome_cliente="Ana Exemplo")).error == "Integração inativa."
    caller.fault("refused", method="listar_series")
    assert caller.issue().ok and not caller.call("listar_series").ok


def test_faults_are_listed_until_used_up_and_cleared_on_demand(caller: IgestClient) -> None:
    caller.fault("refused", times=2)
    caller.issue()
    (left,) = caller.http.get("/sandbox/faults").get_json()["faults"]
    assert (left["kind"], left["times"], left["taken"]) == ("refused", 1, 1)
    caller.http.post("/sandbox/faults", json=[{"kind": "html"}, {"kind": "off"}])
    assert caller.http.delete("/sandbox/faults").get_json()["faults"] == []
    assert caller.issue().ok


@pytest.mark.parametrize(
    "wanted", [{"kind": "flood"}, {}, {"kind": "slow", "colour": "red"}, {"kind": "slow", "times": "x"}]
)
def test_an_invalid_fault_is_refused(caller: IgestClient, wanted: dict[str, str]) -> None:
    assert caller.http.post("/sandbox/faults", json=wanted).status_code == 422


def test_faults_survive_a_restart(tmp_path: Path) -> None:
    with open_client(tmp_path) as caller:
        caller.fault("refused", times=2, text="Um")
        caller.fault("refused", text="Dois")
        caller.issue()
    with open_client(tmp_path) as caller:
        assert [caller.issue()["mensagem_erro"] for _ in range(3)] == ["Um", "Dois", ""]
