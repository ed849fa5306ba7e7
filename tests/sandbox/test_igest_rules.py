"""The business rules of the iGEST stand-in, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.igest_client import ATLANTICO, BUYER, QUINTA, IgestClient, document, line, open_client


@pytest.fixture
def igest(tmp_path: Path) -> Iterator[IgestClient]:
    with open_client(tmp_path) as caller:
        yield caller


def test_a_document_gets_the_next_number_of_its_series(igest: IgestClient) -> None:
    numbers = [igest.issue()["numero_documento"] for _ in range(3)]
    assert numbers == ["FR 2026FR/1", "FR 2026FR/2", "FR 2026FR/3"]
    assert igest.issue(document(tipo_documento="FT"))["numero_documento"] == "FT 2026FT/1"


def test_each_entity_counts_for_itself(igest: IgestClient, tmp_path: Path) -> None:
    igest.issue()
    with open_client(tmp_path / "other", QUINTA) as quinta:
        assert quinta.issue()["numero_documento"] == "FR 2026FR/1"


def test_a_refused_document_leaves_no_gap_in_the_numbers(igest: IgestClient) -> None:
    igest.issue()
    assert igest.issue(document(nif_cliente="299990009")).error == "NIF do cliente inválido."
    assert igest.issue()["numero_documento"] == "FR 2026FR/2"


def test_the_answer_tells_what_the_ledger_holds(igest: IgestClient) -> None:
    answer = igest.issue(document(line(quantidade="3"), line(taxa="6", preco="1.5", referencia="TAC-002")))
    (entry,) = igest.issued
    assert answer["id_documento"] == str(entry["id"])
    assert answer["numero_documento"] == entry["number"]
    assert answer["data_documento"] == entry["date"] == "2026-11-20"
    assert answer["total_documento"] == entry["totals"]["gross"] == "38.49"
    assert answer["total_iva"] == entry["totals"]["vat"] == "6.99"
    assert answer["atcud"] == entry["atcud"]
    assert answer["hash_at"] == entry["hash"]
    assert entry["reference"] == "QI-1"
    assert entry["request"] == igest.program.requests[-1]["request"]
    assert [row["net"] for row in entry["lines"]] == ["30.00", "1.50"]


def test_the_date_may_not_lie_before_the_last_of_the_series(igest: IgestClient) -> None:
    igest.issue()
    assert "Data anterior" in igest.issue(document(data_documento="2026-11-19")).error
    assert igest.issue(document(tipo_documento="FT", data_documento="2026-11-19")).ok


def test_the_date_may_not_lie_in_the_future(igest: IgestClient) -> None:
    assert igest.issue(document(data_documento="2026-11-21")).error == "Data futura não permitida."


@pytest.mark.parametrize("written", ["20-11-2026", "2026-02-30", "20261120"])
def test_a_date_that_is_none_is_refused(igest: IgestClient, written: str) -> None:
    assert igest.issue(document(data_documento=written)).error == f"Data inválida: {written}"


def test_a_line_at_zero_needs_a_known_exemption_code(igest: IgestClient) -> None:
    assert igest.issue(document(line(taxa="0"))).error == "Linha a 0% sem código de isenção."
    assert "desconhecido: M03" in igest.issue(document(line(taxa="0", codigo_isencao="M03"))).error
    assert igest.issue(document(line(taxa="0", codigo_isencao="M07", motivo_isencao="Isento"))).ok
    assert igest.issued[0]["lines"][0]["mention"] == "Isento"


def test_an_exemption_code_on_a_taxed_line_is_refused_or_ignored(igest: IgestClient) -> None:
    taxed = document(line(codigo_isencao="M07"))
    assert igest.issue(taxed).error == "Código de isenção numa linha com IVA."
    igest.switch(code_on_taxed_line="ignored")
    assert igest.issue(taxed).ok
    assert igest.issued[0]["lines"][0]["exemption"] == ""


def test_a_rate_must_be_in_the_table_of_the_entity(igest: IgestClient) -> None:
    assert igest.issue(document(line(taxa="21"))).error.startswith("Taxa desconhecida: 21")
    assert "Taxa desconhecida: 16" in igest.issue(document(line(taxa="16", regiao="PT-AC"))).error
    assert "Região desconhecida" in igest.issue(document(line(regiao="US"))).error


def test_rates_of_another_portuguese_region_are_refused_or_accepted(igest: IgestClient) -> None:
    azores = document(line(taxa="16", regiao="PT-AC"))
    assert not igest.issue(azores).ok
    igest.switch(other_regions="accepted")
    assert igest.issue(azores).ok
    assert not igest.issue(document(line(taxa="23", regiao="PT-AC"))).ok


def test_an_azorean_entity_has_its_own_rates(tmp_path: Path) -> None:
    with open_client(tmp_path, ATLANTICO) as atlantico:
        assert atlantico.issue(document(line(taxa="16", regiao=""))).ok
        assert atlantico.issued[0]["lines"][0]["region"] == "PT-AC"
        assert not atlantico.issue(document(line(taxa="23", regiao=""))).ok


def test_a_sale_through_the_one_stop_shop_has_the_rate_of_its_country(igest: IgestClient) -> None:
    assert igest.issue(document(line(taxa="21", regiao="ES"))).ok
    assert igest.issue(document(line(taxa="23", regiao="ES"))).error == "Taxa desconhecida: 23 (ES)"


def test_a_simplified_invoice_has_a_cap_for_goods(igest: IgestClient) -> None:
    assert igest.issue(document(line(preco="813.008130"), tipo_documento="FS")).ok
    assert "acima do limite (1000" in igest.issue(document(line(preco="813.02"), tipo_documento="FS")).error


def test_a_simplified_invoice_has_a_lower_cap_for_services_and_businesses(igest: IgestClient) -> None:
    service = document(line(referencia="OFI-001", preco="90"), tipo_documento="FS")
    assert "acima do limite (100" in igest.issue(service).error
    company = {"nif_cliente": "599970340", "nome_cliente": "Quinta da Serra"}
    assert "(100" in igest.issue(document(line(preco="90"), tipo_documento="FS", **company)).error
    assert igest.issue(document(line(preco="80"), tipo_documento="FS", **company)).ok


def test_a_simplified_invoice_of_an_exempt_merchant_has_no_cap(igest: IgestClient) -> None:
    exempt = line(taxa="0", codigo_isencao="M10", preco="5000")
    assert igest.issue(document(exempt, tipo_documento="FS")).ok


def test_a_simplified_invoice_is_not_for_exports_nor_for_other_countries(igest: IgestClient) -> None:
    export = line(taxa="0", codigo_isencao="M05", preco="5")
    assert "território" in igest.issue(document(export, tipo_documento="FS")).error
    assert "território" in igest.issue(document(line(taxa="21", regiao="ES"), tipo_documento="FS")).error


def test_an_invoice_receipt_is_paid_and_an_invoice_waits_for_its_receipt(igest: IgestClient) -> None:
    igest.switch(document_state="on")
    paid, open_ = igest.issue(), igest.issue(document(tipo_documento="FT"))

    def state(answer_id: str) -> str:
        return igest.call("estado_documento", f"<id_documento>{answer_id}</id_documento>")["estado"]

    assert state(paid["id_documento"]) == "Pago"
    assert state(open_["id_documento"]) == "Por pagar"
    assert igest.http.post(f"/sandbox/documents/{open_['id_documento']}/receipt").status_code == 200
    assert state(open_["id_documento"]) == "Pago"
    assert igest.http.post(f"/sandbox/documents/{open_['id_documento']}/receipt").status_code == 422


def test_an_invoice_receipt_needs_a_known_means_of_payment(igest: IgestClient) -> None:
    assert igest.issue(document(modo_pagamento="")).error == "Modo de pagamento em falta."
    assert igest.issue(document(modo_pagamento="ZZ")).error == "Modo de pagamento desconhecido: ZZ"


@pytest.mark.parametrize("nif", ["123456780", "12345678", "", "000000000"])
def test_a_portuguese_number_with_a_wrong_check_digit_is_refused(igest: IgestClient, nif: str) -> None:
    assert not igest.issue(document(nif_cliente=nif)).ok


def test_a_good_number_a_foreign_one_and_none_at_all_are_accepted(igest: IgestClient) -> None:
    assert igest.issue(document(nif_cliente=BUYER, nome_cliente="Ana Exemplo")).ok
    assert igest.issue(
        document(nif_cliente="ESB00000000", pais_cliente="ES", nome_cliente="Cerámica S.L.")
    ).ok
    assert igest.issue(document(nif_cliente="999999990", nome_cliente="")).ok


def test_a_buyer_with_a_number_needs_a_name(igest: IgestClient) -> None:
    assert igest.issue(document(nif_cliente=BUYER, nome_cliente="")).error == "Nome do cliente em falta."


def test_an_unknown_article_is_made_or_refused(igest: IgestClient) -> None:
    new = document(line(referencia="NOVO-1", descricao="Prato novo"))
    igest.switch(unknown_article="refused")
    assert igest.issue(new).error == "Artigo desconhecido: NOVO-1"
    igest.switch(unknown_article="created")
    assert igest.issue(new).ok
    assert igest.issue(new).ok
    made = [entry["ref"] for entry in igest.program.ledger.entries if entry["kind"] == "article"]
    assert made == ["NOVO-1"]


def test_a_line_without_reference_makes_no_article(igest: IgestClient) -> None:
    igest.switch(unknown_article="refused")
    assert igest.issue(document(line(referencia="", descricao="Portes"))).ok


def test_a_warehouse_must_be_one_of_the_entity(igest: IgestClient, tmp_path: Path) -> None:
    assert igest.issue(document(line(armazem="EST"))).ok
    assert igest.issue(document(line(armazem="XYZ"))).error == "Armazém desconhecido: XYZ"
    with open_client(tmp_path / "other", QUINTA) as quinta:
        assert "não gere" in quinta.issue(document(line(armazem="EST"))).error


def test_a_repeated_reference_makes_a_second_document_by_default(igest: IgestClient) -> None:
    assert igest.issue().ok
    assert igest.issue().ok
    assert [entry["reference"] for entry in igest.issued] == ["QI-1", "QI-1"]


def test_a_repeated_reference_is_refused_where_the_switch_says_so(igest: IgestClient) -> None:
    igest.switch(repeated_reference="refused")
    assert igest.issue().ok
    assert igest.issue().error == "Documento já existe."
    assert igest.issue(document(observacoes="Ref. QI-12")).ok


def test_a_repeated_reference_gives_the_same_document_where_the_switch_says_so(igest: IgestClient) -> None:
    igest.switch(repeated_reference="same")
    assert igest.issue()["numero_documento"] == igest.issue()["numero_documento"]
    assert len(igest.issued) == 1


def test_a_key_may_lack_the_right_to_a_type_or_a_series(igest: IgestClient) -> None:
    igest.http.post(f"/sandbox/entities/{igest.number}", json={"forbidden": ["FS", "2026FT"]})
    assert igest.issue(document(tipo_documento="FT")).error == "Sem permissão para a série 2026FT."
    assert igest.issue(document(tipo_documento="FS")).error.startswith("Sem permissão para o tipo")
    assert igest.issue().ok


def test_a_series_must_exist_be_open_and_of_the_type(igest: IgestClient) -> None:
    assert igest.issue(document(serie="1999FR")).error == "Série desconhecida: 1999FR"
    assert igest.issue(document(serie="2025FR")).error == "Série inativa: 2025FR"
    assert igest.issue(document(serie="2026FT")).error == "A série 2026FT não é do tipo FR."
    igest.http.post(f"/sandbox/entities/{igest.number}", json={"closed": ["2026FR"]})
    assert igest.issue().error == "Série inativa: 2026FR"


def test_the_next_year_opens_its_own_series(igest: IgestClient) -> None:
    igest.issue()
    igest.http.post("/sandbox/clock", json={"today": "2027-01-01"})
    new = igest.issue(document(serie="2027FR", data_documento="2027-01-01"))
    assert new["numero_documento"] == "FR 2027FR/1"


@pytest.mark.parametrize(
    "changes",
    [
        {"quantidade": "0"},
        {"quantidade": "-1"},
        {"quantidade": "um"},
        {"quantidade": ""},
        {"preco": "-1"},
        {"preco": "1,5"},
        {"preco": "1e3"},
        {"preco": "1.1234567"},
        {"preco": "NaN"},
        {"desconto": "100.01"},
        {"descricao": ""},
        {"taxa": ""},
        {"cor": "azul"},
    ],
)
def test_a_line_that_makes_no_sense_is_refused(igest: IgestClient, changes: dict[str, str]) -> None:
    assert igest.issue(document(line(**changes))).error
    assert igest.issued == []


@pytest.mark.parametrize(
    "changes",
    [{"tipo_documento": "XX"}, {"serie": ""}, {"atualiza_stock": "talvez"}, {"hora": "12:00"}],
)
def test_a_head_that_makes_no_sense_is_refused(igest: IgestClient, changes: dict[str, str]) -> None:
    assert igest.issue(document(**changes)).error
    assert igest.issued == []


def test_a_document_without_lines_is_refused(igest: IgestClient) -> None:
    assert igest.issue(document() | {"linhas": []}).error == "Documento sem linhas."
    assert igest.call("novo_documento").error == "Pedido sem documento."


def test_elements_that_the_wire_does_not_name_are_refused_or_ignored(igest: IgestClient) -> None:
    strange = document(line(cor="azul"), hora="12:00")
    assert igest.issue(strange).error == "Elemento desconhecido: hora"
    igest.switch(unknown_elements="ignored")
    assert igest.issue(strange).ok
