"""Every fault of the iGEST stand-in over a real socket: what the caller gets, and what was issued."""

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


class Live:
    """The stand-in on a port of its own."""

    def __init__(self, caller: IgestClient, running: RunningServer) -> None:
        self.caller = caller
        self.url = running.url + "/webservice.php"

    def post(self, method: str = "novo_documento", content: str = "") -> requests.Response:
        body = self.caller.body(method, content or document_xml(document()))
        return requests.post(self.url, data=body, headers=HEADERS, timeout=20, allow_redirects=False)

    @property
    def issued(self) -> int:
        return len(self.caller.issued)


class Door(Flask):
    """One served app for the whole file, behind which each test has a stand-in of its own."""

    behind: Flask

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        return self.behind(environ, start_response)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Door, RunningServer]]:
    door = Door("door")
    running = start(door)
    yield door, running
    running.stop()


@pytest.fixture
def igest(tmp_path: Path, served: tuple[Door, RunningServer]) -> Iterator[Live]:
    door, running = served
    with open_client(tmp_path) as caller:
        door.behind = caller.http.application
        yield Live(caller, running)


def output(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 200
    return {field.tag: field.text or "" for field in ElementTree.fromstring(response.content)}


@pytest.mark.parametrize(("kind", "issued"), [("drop-before", 0), ("drop-after", 1)])
def test_a_dropped_connection_gives_no_answer_at_all(igest: Live, kind: str, issued: int) -> None:
    igest.caller.fault(kind)
    with pytest.raises(requests.ConnectionError):
        igest.post()
    assert igest.issued == issued
    assert output(igest.post())["status"] == "sucesso"


def test_a_cut_connection_ends_in_the_middle_of_the_answer(igest: Live) -> None:
    igest.caller.fault("cut-after")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        igest.post()
    assert igest.issued == 1


@pytest.mark.parametrize(("kind", "issued"), [("error500-before", 0), ("error500-after", 1)])
def test_an_error_500_may_come_before_or_after_issuing(igest: Live, kind: str, issued: int) -> None:
    igest.caller.fault(kind)
    assert igest.post().status_code == 500
    assert igest.issued == issued


@pytest.mark.parametrize(
    "kind", ["garbage-after", "truncated-after", "php-warning-after", "wrong-encoding-after"]
)
def test_a_spoilt_answer_cannot_be_read_though_a_document_was_issued(igest: Live, kind: str) -> None:
    igest.caller.fault(kind)
    answer = igest.post()
    assert answer.status_code == 200
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(answer.content)
    assert igest.issued == 1


def test_a_warning_stands_before_a_whole_answer(igest: Live) -> None:
    igest.caller.fault("php-warning-after")
    warning, _, answer = igest.post().content.partition(b"<?xml")
    assert b"Warning" in warning
    assert ElementTree.fromstring(b"<?xml" + answer).findtext("numero_documento") == "FR 2026FR/1"


def test_a_login_page_comes_with_status_200_and_nothing_is_issued(igest: Live) -> None:
    igest.caller.fault("html")
    answer = igest.post()
    assert (answer.status_code, "Palavra-passe" in answer.text) == (200, True)
    assert igest.issued == 0


def test_a_missing_page_and_a_redirect_issue_nothing(igest: Live) -> None:
    igest.caller.fault("404-html")
    igest.caller.fault("redirect", text="http://127.0.0.1:9/outro")
    missing, moved = igest.post(), igest.post()
    assert (missing.status_code, "Not Found" in missing.text) == (404, True)
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://127.0.0.1:9/outro")
    assert igest.issued == 0


def test_a_refusal_says_what_the_test_wants(igest: Live) -> None:
    igest.caller.fault("refused", text="Artigo bloqueado.")
    assert output(igest.post()) == {"status": "erro", "mensagem_erro": "Artigo bloqueado."}
    assert igest.issued == 0


def test_an_error_may_be_told_although_a_document_was_issued(igest: Live) -> None:
    igest.caller.fault("erro-although-issued")
    assert set(output(igest.post())) == {"status", "mensagem_erro"}
    assert igest.issued == 1


def test_an_integration_may_be_off_for_a_while(igest: Live) -> None:
    igest.caller.fault("off", method="*", times=2)
    assert output(igest.post())["mensagem_erro"] == "Integração inativa."
    assert output(igest.post("verificar", "<x/>"))["mensagem_erro"] == "Integração inativa."
    assert output(igest.post("verificar", "<x/>"))["status"] == "sucesso"
    assert igest.issued == 0


def test_a_total_may_differ_by_one_cent_in_the_answer_alone(igest: Live) -> None:
    igest.caller.fault("total-differs")
    assert output(igest.post())["total_documento"] == "12.31"
    assert igest.caller.issued[0]["totals"]["gross"] == "12.30"


def test_a_number_may_be_missing(igest: Live) -> None:
    igest.caller.fault("no-number")
    fields = output(igest.post())
    assert (fields["status"], "numero_documento" in fields) == ("sucesso", False)
    assert igest.issued == 1


def test_a_bomb_is_ten_mebibytes_of_well_formed_answer(igest: Live) -> None:
    igest.caller.fault("bomb")
    answer = igest.post()
    assert len(answer.content) > 10 * 1024 * 1024
    assert output(answer)["numero_documento"] == "FR 2026FR/1"


def test_a_dripping_answer_arrives_byte_by_byte(igest: Live) -> None:
    igest.caller.fault("drip", seconds=0.0001)
    answer = igest.post()
    assert "Content-Length" not in answer.headers
    assert output(answer)["numero_documento"] == "FR 2026FR/1"


class Waiting:
    """A call that is under way in a thread of its own; `answer` waits for its end."""

    def __init__(self, igest: Live) -> None:
        self._answers: list[requests.Response] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(igest.post()))
        self._thread.start()
        arrived(igest)

    def answer(self) -> requests.Response:
        self._thread.join(20)
        return self._answers[0]


def arrived(igest: Live) -> None:
    """Nothing; returns when a call sleeps in the stand-in."""
    turn = threading.Event()
    for _ in range(4000):
        if igest.caller.http.get("/sandbox/faults").get_json()["waiting"]:
            return
        turn.wait(0.005)
    raise AssertionError("no call arrived")


def test_a_slow_answer_comes_late_though_the_document_was_issued_at_once(igest: Live) -> None:
    igest.caller.fault("slow", seconds=60)
    waiting = Waiting(igest)
    assert igest.issued == 1
    igest.caller.http.post("/sandbox/faults/release")
    assert output(waiting.answer())["status"] == "sucesso"


def test_a_slow_commit_issues_late(igest: Live) -> None:
    igest.caller.fault("slow-commit", seconds=60)
    waiting = Waiting(igest)
    assert igest.issued == 0
    igest.caller.http.delete("/sandbox/faults")
    assert output(waiting.answer())["status"] == "sucesso"
    assert igest.issued == 1


def test_a_slow_commit_issues_even_when_the_caller_hung_up(igest: Live) -> None:
    igest.caller.fault("slow-commit", seconds=60)
    body = igest.caller.body("novo_documento", document_xml(document()))
    with pytest.raises(requests.ReadTimeout):
        requests.post(igest.url, data=body, headers=HEADERS, timeout=0.2)
    arrived(igest)
    assert igest.issued == 0
    igest.caller.office.faults.release()
    turn = threading.Event()
    for _ in range(4000):
        if igest.issued:
            break
        turn.wait(0.005)
    assert igest.issued == 1


def test_others_are_served_while_one_call_is_slow(igest: Live) -> None:
    igest.caller.fault("slow-commit", seconds=60)
    waiting = Waiting(igest)
    assert output(igest.post())["numero_documento"] == "FR 2026FR/1"
    igest.caller.office.faults.release()
    assert output(waiting.answer())["numero_documento"] == "FR 2026FR/2"


def test_calls_at_the_same_time_get_numbers_without_gap_or_double(igest: Live) -> None:
    bodies = [igest.caller.body("novo_documento", document_xml(document())) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda body: requests.post(igest.url, data=body, headers=HEADERS, timeout=20), bodies)
        )
    numbers = [output(answer)["numero_documento"] for answer in answers]
    assert sorted(int(number.split("/")[1]) for number in numbers) == list(range(1, 41))
    assert [entry["running"] for entry in igest.caller.issued] == list(range(1, 41))
    assert len({entry["id"] for entry in igest.caller.issued}) == 40


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
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
        assert requests.get(f"{url}/sandbox/health", timeout=20).status_code == 200
        keys = requests.post(f"{url}/sandbox/entities/40321/activate", timeout=20).json()
        assert keys["active"]
        running.terminate()
        assert running.wait(20) == 0
    with open_client(tmp_path) as caller:
        assert (caller.code, caller.secret) == (keys["integration_key"], keys["security_code"])


# --- when a fault strikes ---------------------------------------------------------------------------------


def test_a_fault_strikes_so_many_times_after_so_many_calls(igest: Live) -> None:
    caller = igest.caller
    caller.fault("refused", times=2, after=1)
    assert [caller.issue().ok for _ in range(4)] == [True, False, False, True]


def test_a_fault_strikes_only_its_method_and_what_mentions_its_words(igest: Live) -> None:
    caller = igest.caller
    caller.fault("refused", match="qi-7")
    assert caller.issue().ok
    assert not caller.issue(document(observacoes="Ref. QI-7")).ok
    assert caller.issue(document(observacoes="Ref. QI-7")).ok
    caller.fault("refused", match="Ana")
    assert not caller.issue(document(nome_cliente="Ana Exemplo")).ok
    caller.fault("refused", method="listar_series")
    assert caller.issue().ok
    assert not caller.call("listar_series").ok


def test_faults_are_listed_until_used_up_and_cleared_on_demand(igest: Live) -> None:
    http = igest.caller.http
    igest.caller.fault("refused", times=2)
    igest.caller.issue()
    (left,) = http.get("/sandbox/faults").get_json()["faults"]
    assert (left["kind"], left["times"], left["taken"]) == ("refused", 1, 1)
    igest.caller.issue()
    assert http.get("/sandbox/faults").get_json()["faults"] == []
    http.post("/sandbox/faults", json=[{"kind": "html"}, {"kind": "off"}])
    assert http.delete("/sandbox/faults").get_json()["faults"] == []
    assert igest.caller.issue().ok


@pytest.mark.parametrize(
    "wanted", [{"kind": "flood"}, {}, {"kind": "slow", "colour": "red"}, {"kind": "slow", "times": "x"}]
)
def test_a_fault_that_cannot_be_is_refused(igest: Live, wanted: dict[str, str]) -> None:
    assert igest.caller.http.post("/sandbox/faults", json=wanted).status_code == 422


def test_faults_survive_a_restart(tmp_path: Path) -> None:
    with open_client(tmp_path) as caller:
        caller.fault("refused", times=2, text="Um")
        caller.fault("refused", text="Dois")
        caller.issue()
    with open_client(tmp_path) as caller:
        assert [caller.issue()["mensagem_erro"] for _ in range(3)] == ["Um", "Dois", ""]


def test_each_kind_is_tried_by_a_test_of_this_file() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in tried] == []
