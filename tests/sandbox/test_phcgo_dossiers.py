"""Dossiers, invoices made from them, and credit notes in the PHC GO stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sandbox.phcgo_client import FR, FT, NC, QUINTA, PhcGoClient, line, serve_stand_in

REASON = "Devolução"
Row = dict[str, Any]


def dossier(caller: PhcGoClient, series: int = 4, qtt: int = 2) -> Row:
    row = caller.call("BoWS", "getNewInstance", ndos=str(series))[0]
    lines = [{"ref": "AZU-014", "qtt": qtt, "edebito": 10, "ivaincl": False, "iva": 23}]
    return caller.save("Bo", caller.act("Bo", row | {"no": 1, "bis": lines}) | {"obs": "Ref. QI-1-1"})


def invoice_from(caller: PhcGoClient, source: Row, origin: str = "BO", series: int = FT) -> Row:
    stamp = source["bostamp" if origin == "BO" else "ftstamp"]
    asked = [
        {"key": "origin", "value": origin},
        {"key": "originstamp", "value": stamp},
        {"key": "docid", "value": str(series)},
    ]
    return caller.call("FtWS", "getNewInstanceFromReference", parameters=asked)[0]


def refused_from(caller: PhcGoClient, source: Row, origin: str = "BO", series: int = FT) -> str:
    stamp = source["bostamp" if origin == "BO" else "ftstamp"]
    asked = [
        {"key": "origin", "value": origin},
        {"key": "originstamp", "value": stamp},
        {"key": "docid", "value": str(series)},
    ]
    return caller.refused("FtWS", "getNewInstanceFromReference", parameters=asked)


def test_a_dossier_is_numbered_or_a_draft_and_no_document(caller: PhcGoClient) -> None:
    plain, draft = dossier(caller, 9), dossier(caller)
    assert (plain["obrano"], plain["draftRecord"]) == (1, False)
    assert (draft["obrano"], draft["draftRecord"]) == (-1, True)
    assert (plain["etotal"], plain["nome"]) == (24.6, "Consumidor final")
    assert caller.ledger() == [] and caller.base.stock("AZU-014", 1) == 50


def test_a_small_plan_has_no_dossiers(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app, QUINTA)
        caller.login()
        assert caller.query("Ts") == [] and caller.query("Bo") == []
        assert caller.refused("BoWS", "getNewInstance", ndos="1") == "messages.Licence.NoDossiers"


def test_a_dossier_becomes_an_invoice_with_its_lines(caller: PhcGoClient) -> None:
    source = dossier(caller, 9)
    row = invoice_from(caller, source)
    assert [(one["ref"], one["qtt"], one["bistamp"]) for one in row["fis"]] == [
        ("AZU-014", 2, source["bis"][0]["bistamp"])
    ]
    caller.sign(caller.save("Ft", row)["ftstamp"])
    assert caller.ledger()[0]["dossiers"] == [source["bostamp"]]
    assert caller.query("Bo", ("bostamp", source["bostamp"]))[0]["fechada"] is True
    assert refused_from(caller, source) == "messages.Business.Document.NothingLeft"
    assert caller.refused("BoWS", "Save", itemVO=source) == "messages.Business.Document.Locked"
    assert (
        caller.refused("BoWS", "Save", itemVO=source | {"Operation": 3})
        == "messages.Business.Document.Locked"
    )


def test_a_used_up_dossier_is_detected_at_the_step_that_the_switch_says(caller: PhcGoClient) -> None:
    def second_draft(position: str) -> list[str]:
        caller.switch(dossier_used_up=position)
        source = dossier(caller, 9)
        first, second = invoice_from(caller, source), invoice_from(caller, source)
        said = []
        for row in (first, second):
            body = caller.post("FtWS", "Save", itemVO=row).get_json()
            signed = caller.post("FtWS", "signDocument", ftstamp=row["ftstamp"]).get_json()
            said.append("".join(message["messageCode"] for message in body["messages"] + signed["messages"]))
        return said

    assert second_draft("sign") == ["", "messages.Business.Dossier.UsedUp"]
    assert second_draft("never") == ["", ""]
    caller.switch(dossier_used_up="Save")
    source = dossier(caller, 9)
    draft = caller.save("Ft", invoice_from(caller, source))
    assert refused_from(caller, source) == "messages.Business.Document.NothingLeft"
    caller.save("Ft", draft | {"Operation": 3})
    assert invoice_from(caller, source)["fis"][0]["qtt"] == 2


def test_an_invoice_from_a_draft_dossier_is_treated_as_the_switch_says(caller: PhcGoClient) -> None:
    source = dossier(caller)
    assert invoice_from(caller, source)["fis"]
    caller.switch(draft_dossier="refused")
    assert refused_from(caller, source) == "messages.Business.Dossier.IsDraft"


def test_a_draft_of_a_dossier_gets_its_number_when_signed(caller: PhcGoClient) -> None:
    source = dossier(caller)
    assert caller.call("BoWS", "signDocument", bostamp=source["bostamp"])[0]["obrano"] == 1
    caller.switch(dossier_sign="missing")
    assert caller.post("BoWS", "signDocument", bostamp=source["bostamp"]).status_code == 404


def test_a_dossier_is_changed_line_by_line_and_deleted(caller: PhcGoClient) -> None:
    row = caller.call("BoWS", "getNewInstance", ndos="9")[0]
    stamp = row["bostamp"]
    caller.call("BoWS", "addNewBIsByRef", IdBoStamp=stamp, refsIds=["AZU-014", "TAC-002"], biStampEditing="")
    row = caller.call("BoWS", "ActBo", IdBoStamp=stamp, codigo="no", newValue=[1, 0])[0]
    first = row["bis"][0]["bistamp"]
    row = caller.call(
        "BoWS", "ActBi", IdBoStamp=stamp, IdBiStamp=first, codigo="qtt", newValue="3", autoCreation="false"
    )[0]
    assert (row["nome"], [one["qtt"] for one in row["bis"]]) == ("Consumidor final", [3, 1])
    row = caller.save("Bo", row)
    assert caller.call("BoWS", "getAllRecords")[0]["bostamp"] == stamp
    caller.save("Bo", row | {"Operation": 3})
    assert caller.base.rows("Bo") == []


def test_lines_are_added_by_reference(caller: PhcGoClient) -> None:
    row = caller.call("FtWS", "getNewInstance", ndos=str(FT))[0]
    row = caller.call(
        "FtWS", "addNewFIsByRef", IdFtStamp=row["ftstamp"], refsIds=["TAC-002"], fiStampEditing=""
    )[0]
    assert (row["fis"][0]["design"], row["etotal"]) == ("Taça de barro vidrado", 22.76)


# --- credit notes


def test_a_credit_note_takes_back_lines_and_stock(caller: PhcGoClient) -> None:
    source = caller.signed(line(qtt=3), series=FR)
    row = invoice_from(caller, source, "FT", NC)
    assert row["fis"][0]["maxQttRefund"] == 3 and row["fis"][0]["ofistamp"] == source["fis"][0]["fistamp"]
    row["fis"][0]["qtt"] = 2
    note = caller.sign(caller.save("Ft", row | {"rectificationReason": REASON})["ftstamp"])
    entry = caller.ledger()[1]
    assert (entry["type"], entry["origins"], entry["reason"]) == ("NC", [source["uniqueID"]], REASON)
    assert note["etotal"] == 24.6
    assert caller.base.stock("AZU-014", 1) == 49
    assert caller.query("Ft", ("ftstamp", source["ftstamp"]))[0]["fis"][0]["maxQttRefund"] == 1


def test_no_more_is_credited_than_was_sold(caller: PhcGoClient) -> None:
    source = caller.signed(line(qtt=3))
    row = invoice_from(caller, source, "FT", NC) | {"rectificationReason": REASON}
    row["fis"][0]["qtt"] = 4
    assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Business.Credit.TooMuch"
    row["fis"][0]["qtt"] = 3
    first = caller.save("Ft", row)
    again = caller.save("Ft", row | {"ftstamp": ""})
    caller.sign(first["ftstamp"])
    assert (
        caller.refused("FtWS", "signDocument", ftstamp=again["ftstamp"]) == "messages.Business.Credit.TooMuch"
    )
    assert refused_from(caller, source, "FT", NC) == "messages.Business.Document.NothingLeft"


def test_a_credit_note_names_the_lines_of_a_document_and_never_of_a_draft(caller: PhcGoClient) -> None:
    draft = caller.draft()
    origin = {"oftstamp": draft["ftstamp"], "ofistamp": draft["fis"][0]["fistamp"]}
    for given in ({}, origin):
        row = caller.document(line(**given), series=NC, rectificationReason=REASON)
        assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Business.Credit.NoOrigin"
    caller.sign(draft["ftstamp"])
    sentence = {"ref": "", "design": "Nota", "qtt": 0, "epv": 0, "iva": 23}
    row = caller.document(line(**origin), sentence, series=NC, rectificationReason=REASON)
    assert caller.sign(caller.save("Ft", row)["ftstamp"])["uniqueID"] == "NC 2026S58/1"


def test_a_price_reduction_names_the_document_alone_and_takes_no_piece(caller: PhcGoClient) -> None:
    source = caller.signed(line(qtt=2))
    reduction = line(ref="", design="Redução de preço", qtt=1, epv=3, oftstamp=source["ftstamp"])
    row = caller.document(reduction, series=NC, rectificationReason=REASON)
    caller.sign(caller.save("Ft", row)["ftstamp"])
    assert caller.query("Ft", ("ftstamp", source["ftstamp"]))[0]["fis"][0]["maxQttRefund"] == 2
    row = invoice_from(caller, source, "FT", NC) | {"rectificationReason": REASON}
    assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Business.Credit.TooMuch"
    caller.switch(credit_of_value="refused")
    row = caller.document(reduction, series=NC, rectificationReason=REASON)
    assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Business.Credit.NoOrigin"


def test_a_credit_note_has_its_reason_in_the_field_that_the_switch_says(caller: PhcGoClient) -> None:
    source = caller.signed(line(qtt=9))
    code = "messages.Business.Credit.ReasonRequired"

    def note(**head: str) -> Row:
        row = invoice_from(caller, source, "FT", NC) | {"obs": ""} | head
        row["fis"][0]["qtt"] = 1
        return row

    assert caller.refused("FtWS", "Save", itemVO=note(obs="x")) == code
    caller.switch(credit_reason="obs")
    assert caller.refused("FtWS", "Save", itemVO=note(rectificationReason="x")) == code
    caller.save("Ft", note(obs="x"))
    caller.switch(credit_reason="nowhere")
    caller.save("Ft", note())


def test_creating_a_credit_note_from_its_document_may_be_unsupported(caller: PhcGoClient) -> None:
    source = caller.signed()
    caller.switch(credit_from_origin="missing")
    assert refused_from(caller, source, "FT", NC) == "messages.Rest.InvalidParameter"
