"""Documents of the PHC GO stand-in: filled in, saved, signed and refused; each switch in each position."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.switches import BASES
from sandbox.phcgo.switches import SWITCHES
from tests.sandbox.phcgo_client import FR, FS, FT, GT, PhcGoClient, line

HERE = Path(__file__).parent


def test_every_switch_is_tried() -> None:
    text = "".join(file.read_text() for file in HERE.glob("test_phcgo*.py"))
    for name in (switch.name.replace("-", "_") for switch in SWITCHES):
        assert f"{name}=" in text or f'"{name}":' in text, name
    assert {one.basis for one in SWITCHES} <= set(BASES)


def begun(caller: PhcGoClient, *lines: dict[str, Any], series: int = FT, **head: Any) -> dict[str, Any]:
    row = caller.call("FtWS", "getNewInstance", ndos=str(series))[0]
    return row | {"no": 1, "fis": list(lines) or [line()]} | head


# --- filling in


def test_acting_fills_in_customer_article_rates_and_the_customers_discounts(caller: PhcGoClient) -> None:
    row = caller.act("Ft", begun(caller, {"ref": "AZU-014", "qtt": 2}, no=2))
    one = row["fis"][0]
    assert (row["nome"], row["ncont"], row["fin"]) == ("Casa das Louças, Lda.", "510000010", 3)
    assert (one["design"], one["epv"], one["iva"], one["tabiva"]) == (
        "Azulejo pintado à mão 14×14",
        10.0,
        23,
        2,
    )
    assert one["desconto"] == 10 and one["fistamp"] and row["fdata"].startswith("2026-11-20")
    assert (row["etotal"], row["efinv"], row["edescc"]) == (21.48, 0.66, 2)


def test_removed_discounts_stay_removed_when_the_record_is_acted_upon_again(caller: PhcGoClient) -> None:
    row = caller.document(line(qtt=2), customer=2)
    assert (row["etotal"], row["efinv"], row["edescc"]) == (24.6, 0, 0)
    # A financial discount has two fields, and both count.
    row |= {"efinv": 1}
    assert caller.act("Ft", row)["etotal"] == 23.6
    caller.switch(act_customer="each-time")
    assert caller.act("Ft", row)["fis"][0]["desconto"] == 10


def test_the_company_may_give_new_customers_discounts(caller: PhcGoClient) -> None:
    told = {}
    for position in ("some", "none"):
        caller.switch(customer_defaults=position)
        told[position] = caller.call("ClWS", "getNewInstance", ndos="0")[0]["desconto"]
    assert told == {"some": 5, "none": 0}


def test_rate_and_table_index_are_made_to_agree(caller: PhcGoClient) -> None:
    row = caller.act("Ft", begun(caller, line(iva=6), line(iva=0, tabiva=4), line(iva=6, tabiva=2)))
    assert [(one["iva"], one["tabiva"]) for one in row["fis"]] == [(6, 1), (0, 4), (23, 2)]
    caller.switch(rate_from="iva")
    row = caller.act("Ft", begun(caller, line(iva=6, tabiva=2)))
    assert (row["fis"][0]["iva"], row["fis"][0]["tabiva"]) == (6, 1)
    code = caller.refused("FtWS", "actEntity", entity=begun(caller, line(iva=7)))
    assert code == "messages.Business.Vat.UnknownRate"


@pytest.mark.parametrize("position", ["warned", "refused", "created"])
def test_a_line_with_an_unknown_article_is_treated_as_the_switch_says(
    caller: PhcGoClient, position: str
) -> None:
    caller.switch(unknown_article=position)
    row = begun(caller, line(ref="NOVO", design="Nunca vista", iva=6))
    answer = caller.post("FtWS", "actEntity", entity=row).get_json()
    assert bool(answer["result"]) is (position != "refused")
    code = (
        "messages.Business.Stocks.RefNotFound"
        if position == "refused"
        else "messages.Business.Stocks.InvalidRefAutoCreate"
    )
    assert [message["messageCode"] for message in answer["messages"]] == [code]
    assert bool(caller.query("St", ("ref", "NOVO"))) is (position == "created")


def test_a_line_without_reference_is_treated_as_the_switch_says(caller: PhcGoClient) -> None:
    row = begun(caller, line(ref="", design="Texto livre"))
    assert caller.act("Ft", row)["fis"][0]["design"] == "Texto livre"
    caller.switch(line_without_ref="refused")
    assert caller.refused("FtWS", "actEntity", entity=row) == "messages.Business.Stocks.RefRequired"


def test_unknown_fields_are_kept_dropped_or_refused(caller: PhcGoClient) -> None:
    row = begun(caller, nuncaVisto="x")
    assert caller.act("Ft", row)["nuncaVisto"] == "x"
    caller.switch(unknown_fields="dropped")
    assert "nuncaVisto" not in caller.act("Ft", row)
    caller.switch(unknown_fields="refused")
    assert caller.refused("FtWS", "actEntity", entity=row) == "messages.Rest.UnknownField"


# --- saving


def test_a_record_that_was_never_acted_upon_is_not_saved(caller: PhcGoClient) -> None:
    row = begun(caller)
    assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Data.Incomplete"
    caller.switch(save_completes="completes")
    assert caller.save("Ft", row)["etotal"] == 12.3


def test_the_stamp_is_made_at_the_start_or_when_it_is_saved(caller: PhcGoClient) -> None:
    row = caller.document()
    assert row["ftstamp"] and caller.save("Ft", row)["ftstamp"] == row["ftstamp"]
    assert caller.save("Ft", row)["fno"] == -1, "the same record again, no second one"
    caller.switch(stamp_made="Save")
    row = caller.document()
    assert row["ftstamp"] == ""
    assert caller.save("Ft", row)["ftstamp"] != caller.save("Ft", row)["ftstamp"]
    assert len(caller.base.rows("Ft")) == 3


def test_stamps_come_in_both_styles(caller: PhcGoClient) -> None:
    stamps = [caller.base.new_stamp() for _ in range(4)]
    assert {len(stamp) for stamp in stamps} == {25} and len(set(stamps)) == 4
    assert {"-" in stamp for stamp in stamps} == {True, False}


def test_an_operation_inserts_updates_or_deletes(caller: PhcGoClient) -> None:
    row = caller.draft()
    assert caller.save("Ft", row | {"Operation": 2, "obs": "outra"})["obs"] == "outra"
    assert caller.save("Ft", row | {"Operation": 1})["fno"] == row["fno"]
    caller.switch(operation_1="refused")
    assert caller.refused("FtWS", "Save", itemVO=row | {"Operation": 1}) == "messages.Data.DuplicateKey"
    for operation in (2, 3):
        gone = row | {"ftstamp": "nobodys", "Operation": operation}
        assert caller.refused("FtWS", "Save", itemVO=gone) == "messages.Data.NotFound"


def test_a_draft_can_be_deleted_and_a_document_cannot(caller: PhcGoClient) -> None:
    draft, document = caller.draft(), caller.signed()
    code = caller.refused("FtWS", "Save", itemVO=document | {"Operation": 3})
    assert code == "messages.Business.Document.Locked"
    caller.switch(draft_delete="refused")
    assert caller.refused("FtWS", "Save", itemVO=draft | {"Operation": 3}) == "messages.Security.NotAllowed"
    caller.switch(draft_delete="deletes")
    caller.save("Ft", draft | {"Operation": 3})
    assert caller.refused("FtWS", "signDocument", ftstamp=draft["ftstamp"]) == "messages.Data.NotFound"
    assert [row["ftstamp"] for row in caller.base.rows("Ft")] == [document["ftstamp"]]


@pytest.mark.parametrize(
    ("position", "generic", "other"), [("free", 1, 1), ("generic-only", 1, 0), ("fixed", 0, 0)]
)
def test_a_buyer_other_than_the_customer_is_allowed_or_refused(
    caller: PhcGoClient, position: str, generic: bool, other: bool
) -> None:
    caller.switch(buyer_on_document=position)
    for number, allowed in ((1, generic), (2, other)):
        row = caller.document(customer=number) | {"nome": "Ana Exemplo", "ncont": "299990001"}
        answer = caller.post("FtWS", "Save", itemVO=row).get_json()
        assert bool(answer["result"]) is bool(allowed), answer


def test_a_customer_gets_the_next_number_and_a_valid_nif(caller: PhcGoClient) -> None:
    def customer(**facts: Any) -> dict[str, Any]:
        row = caller.call("ClWS", "getNewInstance", ndos="0")[0]
        return caller.act("Cl", row | {"nome": "Ana", "ncont": "299990001", "pais": "Espanha"} | facts)

    first, second = customer(), customer()
    assert first["no"] == second["no"] and first["paisesstamp"]
    assert caller.save("Cl", first)["no"] + 1 == caller.save("Cl", second)["no"]
    caller.switch(repeated_nif="refused")
    assert caller.refused("ClWS", "Save", itemVO=customer()) == "messages.Business.Customer.RepeatedTaxNumber"
    wrong = customer(ncont="299990002", pais="Portugal")
    assert caller.refused("ClWS", "Save", itemVO=wrong) == "messages.Business.Customer.InvalidTaxNumber"
    caller.switch(nif_check="accepted")
    assert caller.save("Cl", wrong)["ncont"] == "299990002"


def test_the_ledger_has_the_country_of_the_document(caller: PhcGoClient) -> None:
    spain = caller.query("Country", ("nome", "Espanha"))[0]
    caller.signed()
    caller.signed(pais="Espanha", paisesstamp=spain["paisesstamp"])
    assert [one["customer"]["country"] for one in caller.ledger()] == ["PT", "ES"]


def test_a_long_article_reference_is_refused_or_accepted(caller: PhcGoClient) -> None:
    row = caller.call("StWS", "getNewInstance", ndos="0")[0] | {"ref": "R" * 19, "design": "Longa"}
    assert caller.refused("StWS", "Save", itemVO=row) == "messages.Business.Stocks.RefTooLong"
    caller.switch(ref_length="accepted")
    assert caller.save("St", row)["ref"] == "R" * 19


@pytest.mark.parametrize("position", ["Save", "sign", "never"])
def test_a_zero_rate_needs_an_exemption_reason(caller: PhcGoClient, position: str) -> None:
    caller.switch(zero_vat_check=position)
    code = "messages.Business.Vat.ExemptionRequired"
    row = caller.document(line(iva=0))
    if position == "Save":
        assert caller.refused("FtWS", "Save", itemVO=row) == code
    else:
        stamp = caller.save("Ft", row)["ftstamp"]
        if position == "sign":
            assert caller.refused("FtWS", "signDocument", ftstamp=stamp) == code
        else:
            assert caller.sign(stamp)["etotal"] == 10
    good = caller.signed(line(iva=0, codmotiseimp="M07"))
    assert good["fis"][0]["motiseimp"].startswith("Isento artigo 9")
    bad = begun(caller, line(iva=0, codmotiseimp="M98"))
    assert caller.refused("FtWS", "actEntity", entity=bad) == "messages.Business.Vat.UnknownExemption"


@pytest.mark.parametrize("position", ["off", "sign", "Save", "warned"])
def test_too_little_stock_is_refused_warned_about_or_ignored(caller: PhcGoClient, position: str) -> None:
    caller.switch(stock_check=position)
    row = caller.document(line(qtt=51))
    answer = caller.post("FtWS", "Save", itemVO=row).get_json()
    codes = [message["messageCode"] for message in answer["messages"]]
    assert codes == (["messages.Business.Stocks.NotEnough"] if position in ("Save", "warned") else [])
    assert bool(answer["result"]) is (position != "Save")
    if position == "sign":
        code = caller.refused("FtWS", "signDocument", ftstamp=row["ftstamp"])
        assert code == "messages.Business.Stocks.NotEnough"
    elif position != "Save":
        caller.sign(row["ftstamp"])
        assert caller.base.stock("AZU-014", 1) == -1
    # a service has no stock
    assert caller.signed(line(ref="OFI-001", qtt=999))["fno"]


def test_stock_falls_in_its_warehouse_when_signed(caller: PhcGoClient) -> None:
    draft = caller.draft(line(qtt=3), line(qtt=2, armazem=2))
    assert (caller.base.stock("AZU-014", 1), caller.base.stock("AZU-014", 2)) == (50, 0)
    caller.sign(draft["ftstamp"])
    assert (caller.base.stock("AZU-014", 1), caller.base.stock("AZU-014", 2)) == (47, -2)
    assert caller.query("St", ("ref", "AZU-014"))[0]["stock"] == 45
    assert caller.query("Sa", ("ref", "AZU-014"), ("armazem", 1))[0]["stock"] == 47


# --- signing


def test_a_document_is_signed_once(caller: PhcGoClient) -> None:
    row = caller.signed()
    code = caller.refused("FtWS", "signDocument", ftstamp=row["ftstamp"])
    assert code == "messages.Business.Document.AlreadySigned"
    caller.switch(sign_twice="same")
    assert caller.sign(row["ftstamp"])["fno"] == row["fno"]
    assert len(caller.ledger()) == 1


def test_after_signing_only_the_observations_change(caller: PhcGoClient) -> None:
    row = caller.signed()
    assert caller.save("Ft", row | {"obs": "paga"})["obs"] == "paga"
    for changed in ({"nome": "Outro"}, {"fis": [row["fis"][0] | {"qtt": 2}]}, {"etotal": 1}):
        code = caller.refused("FtWS", "Save", itemVO=row | changed)
        assert code == "messages.Business.Document.Locked"


def test_dates_never_go_back_nor_beyond_today(caller: PhcGoClient) -> None:
    yesterday = {"fdata": "2026-11-19 00:00:00Z"}
    assert caller.signed(**yesterday)["fdata"].startswith("2026-11-19")
    caller.signed()
    stamp = caller.draft(**yesterday)["ftstamp"]
    assert (
        caller.refused("FtWS", "signDocument", ftstamp=stamp) == "messages.Business.Document.DateBeforeLast"
    )
    assert caller.signed(series=FR, **yesterday)["fno"] == 1
    ahead = caller.draft(fdata="2026-11-21 00:00:00Z")["ftstamp"]
    assert caller.refused("FtWS", "signDocument", ftstamp=ahead) == "messages.Business.Document.FutureDate"
    caller.switch(date_on_sign="today")
    assert caller.sign(stamp)["fdata"].startswith("2026-11-20")


def test_a_series_without_validation_code_is_treated_as_the_switch_says(caller: PhcGoClient) -> None:
    row = caller.draft(series=83)
    code = caller.refused("FtWS", "signDocument", ftstamp=row["ftstamp"])
    assert code == "messages.Business.Series.NoValidationCode"
    caller.switch(no_validation_code="signed")
    assert caller.sign(row["ftstamp"])["atcud"] == ""


def test_a_simplified_invoice_has_a_limit_and_an_import_series_needs_a_number(caller: PhcGoClient) -> None:
    stamp = caller.draft(line(qtt=100), series=FS)["ftstamp"]
    assert (
        caller.refused("FtWS", "signDocument", ftstamp=stamp) == "messages.Business.Document.SimplifiedLimit"
    )
    row = caller.document(series=81)
    assert caller.refused("FtWS", "Save", itemVO=row) == "messages.Business.Document.ImportOnly"
    assert caller.signed(series=81, impuniqueID="FT VELHA/9")["uniqueID"] == "FT VELHA/9"
    assert caller.refused("FtWS", "getNewInstance", ndos="82") == "messages.Business.Series.Inactive"


def test_a_transport_guide_is_reported_to_the_authority_with_its_loading(caller: PhcGoClient) -> None:
    caller.switch(transport_required="yes")
    row = caller.draft(series=GT)
    code = caller.refused("FtWS", "signDocument", ftstamp=row["ftstamp"])
    assert code == "messages.Business.Transport.Incomplete"
    loading = {"carga": "Rua das Olarias 14, Setúbal", "cdata": "2026-11-20 00:00:00Z", "chora": "15:00"}
    caller.save("Ft", row | loading | {"moradato": "Rua B 2", "localto": "Évora"})
    body = caller.post("FtWS", "signDocument", ftstamp=row["ftstamp"]).get_json()
    assert [(one["messageType"], one["messageCode"]) for one in body["messages"]] == [
        (3, "messages.saft.export.dt.webservice.successful")
    ]
    assert caller.ledger()[0]["transport"] == loading | {"moradato": "Rua B 2", "localto": "Évora"}
    caller.switch(transport_required="no")
    assert caller.signed(series=GT)["fno"] == 2
    caller.switch(transport_code="told")
    told = caller.signed(series=GT)["atdoccodeid"]
    assert told.isdigit() and caller.ledger()[-1]["at_code"] == told


def test_the_next_year_begins_at_one(caller: PhcGoClient) -> None:
    assert caller.signed()["fno"] == 1
    caller.program.clock.set_day(date(2027, 1, 1))
    caller.login()
    row = caller.signed()
    assert (row["fno"], row["ftano"], row["uniqueID"]) == (1, 2027, "FT 2027S12/1")


# --- totals


def test_amounts_are_rounded_where_the_switch_says(caller: PhcGoClient) -> None:
    lines = [line(epv=0.333, iva=23), line(epv=0.333, iva=23), line(epv=0.338, iva=6)]
    totals = {}
    for position in ("rate-group", "line", "document"):
        caller.switch(rounding=position)
        row = caller.act("Ft", begun(caller, *lines))
        totals[position] = (row["ettiliq"], row["ettiva"], row["etotal"])
    # by rate: 0.666 and 0.819, 0.338 and 0.358; by line: 0.33 + 0.08 twice, 0.34 + 0.02; once: 1.004 and 1.177
    assert totals == {"rate-group": (1.01, 0.17, 1.18), "line": (1, 0.18, 1.18), "document": (1, 0.18, 1.18)}


def test_prices_with_vat_keep_their_cents(caller: PhcGoClient) -> None:
    row = caller.act(
        "Ft", begun(caller, line(epv=12.3, ivaincl=True, qtt=3), line(epv=5, ivaincl=True, iva=6))
    )
    assert (row["ettiliq"], row["ettiva"], row["etotal"]) == (34.72, 7.18, 41.9)
    assert row["fis"][0]["etiliquido"] == 36.9


def test_amounts_may_have_floating_point_noise(caller: PhcGoClient) -> None:
    caller.switch(figures="noisy")
    total = caller.document()["etotal"]
    assert total != 12.3 and round(total, 6) == 12.3
    assert caller.signed()["fno"] == 1 and caller.ledger()[0]["total"] == "12.30"
