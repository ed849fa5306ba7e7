"""The whole flow at the PHC GO stand-in: log in, new, act, save, sign, query, print.

Its ledger has the signed document.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.sandbox.phcgo_client import FR, FT, OLARIA, QUINTA, PhcGoClient, errors, line, serve_stand_in


def test_a_draft_has_a_negative_number_and_no_ledger_entry(caller: PhcGoClient) -> None:
    first, second = caller.draft(), caller.draft()
    assert (first["fno"], second["fno"], first["draftRecord"], first["uniqueID"]) == (-1, -2, True, "")
    assert caller.ledger() == []
    assert caller.base.stock("AZU-014", 1) == 50


def test_signing_gives_the_next_number_of_series_and_year(caller: PhcGoClient) -> None:
    rows = [caller.signed(series=series) for series in (FT, FR, FT)]
    assert [(row["ndoc"], row["fno"]) for row in rows] == [(FT, 1), (FR, 1), (FT, 2)]
    assert rows[2]["uniqueID"] == "FT 2026S12/2" and rows[2]["atcud"] and rows[2]["assinatura"]
    assert [(one["number"], one["total"], one["reference"]) for one in caller.ledger()] == [
        ("FT 2026S12/1", "12.30", "QI-1-1"),
        ("FR 2026S47/1", "12.30", "QI-1-1"),
        ("FT 2026S12/2", "12.30", "QI-1-1"),
    ]
    caller.program.clock.set_day(date(2027, 1, 2))
    caller.login()
    assert caller.signed(series=FT)["uniqueID"] == "FT 2027S12/1"


def test_a_series_without_drafts_signs_at_once(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app, QUINTA)
        caller.login()
        row = caller.draft(line(ref="MEL-500", iva=6), series=3)
        assert (row["draftRecord"], row["fno"], row["uniqueID"]) == (False, 1, "FR 2026S3/1")
        assert [one["number"] for one in caller.ledger()] == ["FR 2026S3/1"]


def test_both_kinds_of_form_are_accepted_and_errors_are_answered_with_200(caller: PhcGoClient) -> None:
    form = {"itemQuery": '{"entityName": "E1", "filterItems": []}'}
    many = caller.client.post(
        f"/{OLARIA}/PHCWS/REST/SearchWS/QueryAsEntities", data=form, content_type="multipart/form-data"
    )
    assert many.get_json()["result"][0]["ncont"] == "599980125"
    broken = caller.post("SearchWS", "QueryAsEntities", itemQuery="{")
    assert broken.status_code == 200 and errors(broken.get_json()) == ["messages.Rest.InvalidParameter"]
    assert caller.refused("FtWS", "getNewInstance", ndos="999") == "messages.Business.Series.NotFound"
