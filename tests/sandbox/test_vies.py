"""The VIES stand-in: its verdicts, and each of its failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from dev.merchant import wait_until
from sandbox.core import server
from sandbox.vies import VatRegister, create_app


@pytest.fixture
def register(tmp_path: Path) -> Iterator[VatRegister]:
    made = VatRegister(tmp_path)
    yield made
    made.storage.close()


@pytest.fixture
def browser(register: VatRegister) -> FlaskClient:
    return create_app(register).test_client()


def ask(browser: FlaskClient, number: str, **more: Any) -> Any:
    asked = {"countryCode": number[:2], "vatNumber": number[2:], **more}
    return browser.post("/rest-api/check-vat-number", json=asked)


def code(answer: Any) -> str:
    assert answer.json["actionSucceed"] is False
    return str(answer.json["errorWrappers"][0]["error"])


def test_some_states_give_no_name_and_a_switch_withholds_all_names(browser: FlaskClient) -> None:
    assert ask(browser, "DE136695976").json["name"] == "---"
    browser.post("/sandbox/switches", json={"names": "withheld"})
    answer = ask(browser, "FR40303265045").json
    assert (answer["name"], answer["valid"]) == ("---", True)


def test_without_a_verdict_a_number_is_valid_unless_it_repeats_one_digit(browser: FlaskClient) -> None:
    numbers = ("FR00000000000", "NL123456782B90")
    assert [ask(browser, number).json["valid"] for number in numbers] == [False, True]


def test_the_verdict_for_a_number_comes_before_that_for_its_state(browser: FlaskClient) -> None:
    told = {"ES": "unavailable", "ESB12345674": "invalid", "NL123456782B90": "busy"}
    assert browser.post("/sandbox/numbers", json=told).json == told
    assert code(ask(browser, "ESX1234567L")) == "MS_UNAVAILABLE"
    assert ask(browser, "ESB12345674").json["valid"] is False
    assert code(ask(browser, "NL123456782B90")) == "MS_MAX_CONCURRENT_REQ"
    assert browser.post("/sandbox/numbers", json={"ESB12345674": "maybe"}).status_code == 422


def test_verdicts_survive_a_restart(browser: FlaskClient, tmp_path: Path) -> None:
    browser.post("/sandbox/numbers", json={"FR40303265045": "invalid"})
    again = VatRegister(tmp_path)
    assert again.verdict("FR", "40303265045") == "invalid"
    again.storage.close()
    browser.post("/sandbox/reset")
    assert ask(browser, "FR40303265045").json["valid"] is True


def test_a_malformed_query_is_refused(browser: FlaskClient) -> None:
    missing = browser.post("/rest-api/check-vat-number", json={"countryCode": "FR"})
    assert (missing.status_code, code(missing)) == (400, "VOW-ERR-11")
    pattern = ask(browser, "FR40 303")
    assert (pattern.status_code, code(pattern)) == (400, "VOW-ERR-2600")
    assert code(ask(browser, "GB123456789")) == "INVALID_INPUT"
    no_json = browser.post("/rest-api/check-vat-number", data="x")
    assert (no_json.status_code, code(no_json)) == (500, "VOW-ERR-1")


@pytest.mark.parametrize(
    ("position", "status", "says"),
    [
        ("up", 200, '"valid":true'),
        ("unavailable", 200, "SERVICE_UNAVAILABLE"),
        ("busy", 200, "GLOBAL_MAX_CONCURRENT_REQ"),
        ("error-500", 500, "VOW-ERR-1"),
        ("error-503", 503, "503"),
        ("429", 429, "429"),
        ("html", 200, "<html>"),
        ("garbage", 200, '"val'),
    ],
)
def test_the_whole_service_can_fail(browser: FlaskClient, position: str, status: int, says: str) -> None:
    browser.post("/sandbox/switches", json={"vies": position})
    answer = ask(browser, "FR40303265045")
    assert (answer.status_code, says in answer.text.replace('": ', '":')) == (status, True)


def test_an_answer_can_be_late_or_missing(register: VatRegister) -> None:
    running = server.start(create_app(register))
    address = f"{running.url}/rest-api/check-vat-number"
    asked = {"countryCode": "FR", "vatNumber": "40303265045"}
    try:
        register.switches.set("vies", "drop")
        with pytest.raises(requests.ConnectionError):
            requests.post(address, json=asked, timeout=10)
        register.switches.set("vies", "slow")
        with pytest.raises(requests.Timeout):
            requests.post(address, json=asked, timeout=0.2)
        register.switches.set("vies", "up")
        assert requests.post(address, json=asked, timeout=10).json()["valid"] is True
        # The one that its caller gave up may be served last.
        wait_until(lambda: len(register.requests) >= 3, "all three were received")
        assert len(requests.get(f"{running.url}/sandbox/asked", timeout=10).json()) == 3
    finally:
        running.stop()
