"""Queries, printing, files and e-mail of the PHC GO stand-in; each switch in each position."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from dev.servers import free_port
from sandbox import mailbox
from sandbox.phcgo.app import create_app
from sandbox.phcgo.database import Database
from sandbox.phcgo.program_state import ProgramState
from tests.sandbox.phcgo_client import (
    ATLANTICO,
    FR,
    FT,
    GT,
    OLARIA,
    PhcGoClient,
    errors,
    line,
    serve_stand_in,
)

Row = dict[str, Any]


def stamps(rows: list[Row]) -> list[str]:
    return [row["ftstamp"] for row in rows]


# --- queries


def test_conditions_of_group_nine_are_alternatives_and_others_must_all_hold(caller: PhcGoClient) -> None:
    for ref, design in (("A", "x"), ("B", "x"), ("C", "y")):
        caller.client.post(
            f"/sandbox/companies/{OLARIA}/OLARIA/articles", json={"ref": ref, "design": design}
        )
    either = [
        {"filterItem": "ref", "valueItem": ref, "comparison": 0, "groupItem": 9} for ref in ("A", "C", "D")
    ]
    both = {"filterItem": "design", "valueItem": "x", "comparison": 0, "groupItem": 1}

    def found(*items: Row) -> list[str]:
        asked = {"entityName": "St", "filterItems": items}
        return [row["ref"] for row in caller.call("SearchWS", "QueryAsEntities", itemQuery=asked)]

    assert found(*either) == ["A", "C"]
    assert found(*either, both) == ["A"]
    assert found(both) == ["A", "B"]


def test_a_query_of_the_entitys_own_service_pages_orders_and_selects(caller: PhcGoClient) -> None:
    asked = {"entityName": "", "filterItems": [], "SelectItems": ["ref"], "limit": 2, "offset": 1,
             "orderByItems": [{"OrderItem": "ref", "OrderType": 1}]}  # fmt: skip
    assert caller.call("StWS", "Query", itemQuery=asked) == [{"ref": "OFI-001"}, {"ref": "AZU-014"}]
    assert {row["nomeabrv"] for row in caller.call("LocalizationWS", "Query", itemQuery={})} >= {
        "PT",
        "ES",
        "XI",
    }
    assert caller.call("E1ws", "Query", itemQuery={"entityName": "", "filterItems": []})[0]["moeda"] == "EUR"


@pytest.mark.parametrize(
    "asked",
    [{"entityName": "Xx"}, {"entityName": "Cl", "filterItems": [{"filterItem": "nada", "valueItem": 1}]},
     {"entityName": "Cl", "filterItems": [{"filterItem": "no", "valueItem": 1, "comparison": 7}]}],
)  # fmt: skip
def test_an_invalid_query_is_an_error(caller: PhcGoClient, asked: Row) -> None:
    assert caller.refused("SearchWS", "QueryAsEntities", itemQuery=asked).startswith("messages.Query.Invalid")


def test_text_is_compared_as_the_database_compares(caller: PhcGoClient) -> None:
    caller.draft(obs="Ref. QI-1-7")
    assert caller.query("Ft", ("obs", "ref. qi-1-7  ")) != []
    assert caller.query("Ft", ("obs", "Ref. QI-1")) == []
    assert caller.query("Ft", ("draftRecord", "true"), ("ndoc", FT)) != []


def test_a_query_by_observations_is_answered_as_the_switch_says(caller: PhcGoClient) -> None:
    one, other = caller.draft(obs="Ref. QI-1-7\nnota"), caller.draft(obs="Ref. QI-1-8")
    whole, part = ("obs", "Ref. QI-1-8"), ("obs", "QI-1-7")
    assert stamps(caller.query("Ft", whole)) == [other["ftstamp"]] and caller.query("Ft", part) == []
    caller.switch(obs_filter="contains")
    assert stamps(caller.query("Ft", part)) == [one["ftstamp"]]
    caller.switch(obs_filter="ignored")
    assert len(caller.query("Ft", part)) == 2
    caller.switch(obs_filter="refused")
    asked = {"entityName": "Ft", "filterItems": [{"filterItem": "obs", "valueItem": "x", "comparison": 0}]}
    assert caller.refused("SearchWS", "QueryAsEntities", itemQuery=asked) == "messages.Query.InvalidField"


def test_the_observations_may_be_lost(caller: PhcGoClient) -> None:
    assert caller.draft(obs="Ref. QI-1-7")["obs"] == "Ref. QI-1-7"
    caller.switch(obs_kept="dropped")
    assert caller.draft(obs="Ref. QI-1-7")["obs"] == ""


def test_drafts_and_lines_may_be_left_out_and_pages_be_short(caller: PhcGoClient) -> None:
    for _ in range(11):
        caller.draft()
    document = caller.signed()
    assert len(caller.query("Ft")) == 12
    caller.switch(query_page="10")
    assert len(caller.query("Ft")) == 10 and len(caller.query("Ft", limit=12)) == 12
    caller.switch(query_drafts="left-out")
    found = caller.query("Ft")
    assert stamps(found) == [document["ftstamp"]] and found[0]["fis"]
    caller.switch(query_lines="left-out")
    assert caller.query("Ft")[0]["fis"] == []


@pytest.mark.parametrize("seconds", ["1", "2", "5"])
def test_a_query_may_be_seconds_behind(
    caller: PhcGoClient, seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("sandbox.phcgo.database.time.monotonic", lambda: now)
    caller.switch(query_lag=seconds)
    stamp = caller.draft()["ftstamp"]
    assert caller.query("Ft") == []
    now += float(seconds)
    assert [row["draftRecord"] for row in caller.query("Ft")] == [True]
    caller.sign(stamp)
    assert [row["draftRecord"] for row in caller.query("Ft")] == [True]
    now += float(seconds)
    assert [row["draftRecord"] for row in caller.query("Ft")] == [False]
    gone = caller.draft()
    now += float(seconds)
    caller.save("Ft", gone | {"Operation": 3})
    assert len(caller.query("Ft")) == 2
    now += float(seconds)
    assert len(caller.query("Ft")) == 1
    caller.switch(query_lag="0")
    assert len(caller.query("Cl")) == 3


def test_the_state_of_a_document_is_shown_or_absent(caller: PhcGoClient) -> None:
    caller.signed(series=FR)
    row = caller.signed()
    assert [(one["pago"], one["anulado"]) for one in caller.query("Ft")] == [(True, False), (False, False)]
    for act in ("receipt", "annul"):
        answer = caller.client.post(f"/sandbox/companies/{OLARIA}/OLARIA/records/{row['ftstamp']}/{act}")
        assert answer.status_code == 200, answer.text
    told = caller.query("Ft", ("ftstamp", row["ftstamp"]))[0]
    assert (told["pago"], told["anulado"], caller.base.stock("AZU-014", 1)) == (True, True, 49)
    caller.switch(state_fields="absent")
    assert not {"pago", "anulado"} & set(caller.query("Ft")[0])


# --- printing


def printed(caller: PhcGoClient, row: Row, **more: Any) -> TestResponse:
    layout = caller.call("reportws", "getReportsForPrint", entityname="ft", numdoc=str(row["ndoc"]))[0]
    options: Row = {
        "docId": row["ndoc"], "reportStamp": layout["repstamp"], "outputType": 0,
        "records": [{"docId": row["ndoc"], "entityType": "Ft", "stamp": row["ftstamp"]}],
    }  # fmt: skip
    return caller.post("reportws", "print", options=options | more)


def fetch(caller: PhcGoClient, name: str) -> int:
    return caller.client.get(f"/{caller.path}/PHCWS/cfile.aspx", query_string={"fileName": name}).status_code


def test_a_printed_file_is_fetched_by_those_whom_the_switch_allows(caller: PhcGoClient) -> None:
    name = printed(caller, caller.signed()).get_json()["result"][0]["phcString"]
    stranger = PhcGoClient(caller.app)
    assert fetch(stranger, name) == fetch(stranger, name) == 200
    caller.switch(pdf_link="once")
    name = printed(caller, caller.signed()).get_json()["result"][0]["phcString"]
    assert (fetch(stranger, name), fetch(stranger, name)) == (200, 404)
    caller.switch(pdf_link="session", session_answer="401")
    assert (fetch(stranger, name), fetch(caller, name)) == (401, 200)
    caller.switch(pdf_link="10-minutes")
    assert fetch(stranger, name) == 200
    caller.program.clock.set_time(caller.program.clock.now() + timedelta(minutes=11))
    assert fetch(stranger, name) == 404
    caller.switch(pdf_link="open")
    assert fetch(stranger, "outro.pdf") == 404


def test_printing_a_draft_signs_it_only_where_its_series_says_so(caller: PhcGoClient) -> None:
    plain, signing = caller.draft(), caller.draft(series=84)
    for row in (plain, signing):
        assert printed(caller, row).get_json()["result"][0]["phcString"].endswith(".pdf")
    assert [(one["type"], one["by"]) for one in caller.ledger()] == [("FR", "print")]
    assert caller.query("Ft", ("ftstamp", plain["ftstamp"]))[0]["draftRecord"] is True


def test_a_company_without_layouts_prints_nothing(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app, ATLANTICO)
        caller.login()
        assert caller.call("reportws", "getReportsForPrint", entityname="ft", numdoc="102") == []
        row = caller.signed(line(ref="QUE-010", iva=16), series=102)
        options = {"docId": 102, "reportStamp": "x", "outputType": 0, "records": [{"stamp": row["ftstamp"]}]}
        assert caller.refused("reportws", "print", options=options) == "messages.Report.NotFound"


def test_sending_an_email_is_reported_or_silent(caller: PhcGoClient) -> None:
    row = caller.signed()
    config = {"sendTo": "ana@example.pt", "subject": "A sua fatura"}
    body = printed(caller, row, outputType=2, emailConfig=config).get_json()
    assert [message["messageType"] for message in body["messages"]] == [3] and not errors(body)
    assert [(mail["to"], mail["number"]) for mail in caller.program.mails] == [
        ("ana@example.pt", row["uniqueID"])
    ]
    caller.switch(email_answer="silent")
    assert printed(caller, row, outputType=2, emailConfig=config).get_json() == {"result": [], "messages": []}
    body = printed(caller, row, outputType=2, emailConfig={}).get_json()
    assert errors(body) == ["messages.Email.NoRecipient"]


def test_sending_a_draft_by_email_may_sign_it(caller: PhcGoClient) -> None:
    layout = caller.call("reportws", "getReportsForPrint", entityname="ft", numdoc=str(FT))[0]["repstamp"]
    for wanted in (False, True):
        row = caller.draft()
        letter = {
            "repstamp": layout,
            "items": [row["ftstamp"]],
            "signDocument": wanted,
            "sendTo": "ana@example.pt",
        }
        caller.call("reportws", "sendReportEmail", reportEmailVO=letter, forceSendEmail="true")
        assert bool(caller.ledger()) is wanted
    assert [mail["draft"] for mail in caller.program.mails] == [True, False]
    row = caller.draft(series=GT)
    letter = {
        "repstamp": layout,
        "items": [row["ftstamp"]],
        "signDocument": False,
        "sendTo": "ana@example.pt",
    }
    caller.call("reportws", "sendReportEmail", reportEmailVO=letter)
    assert caller.ledger()[1]["type"] == "GT", "the series signs on print"


def test_an_email_reaches_the_mailbox_with_its_pdf(tmp_path: Path) -> None:
    letters = mailbox.Mailbox(None)
    port = free_port()
    door = mailbox.smtp_controller(letters, port)
    door.start()
    app = create_app(tmp_path, smtp=f"127.0.0.1:{port}")
    program: ProgramState = app.extensions["program"]
    try:
        caller = PhcGoClient(app)
        caller.login()
        config = {"sendTo": "ana@example.pt", "subject": "A sua fatura"}
        assert not errors(printed(caller, caller.signed(), outputType=2, emailConfig=config).get_json())
        letters.wait_for(1, 10)
        assert letters.messages[0]["to"] == ["ana@example.pt"]
        assert letters.messages[0]["attachments"][0]["type"] == "application/pdf"
        letters.switches.set("mail", "refused")
        body = printed(caller, caller.signed(), outputType=2, emailConfig=config).get_json()
        assert errors(body) == ["messages.Email.Failed"] and len(program.mails) == 1
    finally:
        door.stop()
        program.close()


def test_stamps_of_the_same_number_differ_between_companies(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        bases: list[Database] = [PhcGoClient(app, path).base for path in (OLARIA, ATLANTICO)]
        assert not set(bases[0].tables["Cl"]) & set(bases[1].tables["Cl"])
