"""The business rules of the iGEST stand-in: each refusal with its sentence, and the switch that controls it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.igest_client import ATLANTICO, BUYER, QUINTA, IgestClient, document, line, open_client

COMPANY = {"nif_cliente": "599970340", "nome_cliente": "Quinta da Serra"}
FS: dict[str, str] = {"tipo_documento": "FS"}
AZORES = document(line(taxa="16", regiao="PT-AC"))


def test_numbers_run_by_series_and_a_refusal_leaves_no_gap(igest: IgestClient) -> None:
    numbers = [igest.issue()["numero_documento"]]
    assert igest.issue(document(nif_cliente="299990009")).error == "NIF do cliente inválido."
    numbers += [
        igest.issue()["numero_documento"],
        igest.issue(document(tipo_documento="FT"))["numero_documento"],
    ]
    assert numbers == ["FR 2026FR/1", "FR 2026FR/2", "FT 2026FT/1"]
    igest.http.post("/sandbox/clock", json={"today": "2027-01-01"})
    new = igest.issue(document(serie="2027FR", data_documento="2027-01-01"))
    assert new["numero_documento"] == "FR 2027FR/1"


REFUSED: list[tuple[dict[str, Any], str]] = [
    (document(data_documento="2026-11-21"), "Data futura não permitida."),
    (document(data_documento="20-11-2026"), "Data inválida: 20-11-2026"),
    (document(data_documento="2026-02-30"), "Data inválida: 2026-02-30"),
    (document(data_documento="20261120"), "Data inválida: 20261120"),
    (document(line(taxa="0")), "Linha a 0% sem código de isenção."),
    (document(line(taxa="0", codigo_isencao="M03")), "Código de isenção desconhecido: M03"),
    (document(line(taxa="21")), "Taxa desconhecida: 21"),
    (document(line(taxa="23", regiao="ES")), "Taxa desconhecida: 23 (ES)"),
    (document(line(regiao="US")), "Região desconhecida"),
    (document(line(preco="813.02"), **FS), "Fatura simplificada acima do limite (1000"),
    (document(line(referencia="OFI-001", preco="90"), **FS), "Fatura simplificada acima do limite (100 "),
    (document(line(preco="90"), **FS, **COMPANY), "Fatura simplificada acima do limite (100 "),
    (document(line(taxa="0", codigo_isencao="M05"), **FS), "Fatura simplificada não permitida"),
    (document(line(taxa="21", regiao="ES"), **FS), "Fatura simplificada não permitida"),
    (document(modo_pagamento=""), "Modo de pagamento em falta."),
    (document(modo_pagamento="ZZ"), "Modo de pagamento desconhecido: ZZ"),
    *[
        (document(nif_cliente=nif), "NIF do cliente inválido.")
        for nif in ("123456780", "12345678", "000000000")
    ],
    (document(nif_cliente=""), "Campo obrigatório em falta: nif_cliente"),
    (document(nif_cliente=BUYER, nome_cliente=""), "Nome do cliente em falta."),
    (document(line(armazem="XYZ")), "Armazém desconhecido: XYZ"),
    (document(serie="1999FR"), "Série desconhecida: 1999FR"),
    (document(serie="2025FR"), "Série inativa: 2025FR"),
    (document(serie="2026FT"), "A série 2026FT não é do tipo FR."),
    (document() | {"linhas": []}, "Documento sem linhas."),
    *[(document(line(quantidade=text)), "") for text in ("0", "-1", "um", "")],
    *[(document(line(preco=text)), "Valor inválido") for text in ("-1", "1,5", "1e3", "1.1234567", "NaN")],
    (document(line(desconto="100.01")), "Desconto inválido."),
    (document(line(descricao="")), "Campo obrigatório em falta: descricao"),
    (document(line(taxa="")), "Campo obrigatório em falta: taxa"),
    (document(tipo_documento="XX"), "Tipo de documento desconhecido"),
    (document(serie=""), "Campo obrigatório em falta: serie"),
    (document(atualiza_stock="talvez"), "Valor inválido em atualiza_stock"),
]


@pytest.mark.parametrize(("wanted", "sentence"), REFUSED)
def test_a_document_that_breaks_a_rule_is_refused_with_a_sentence(
    igest: IgestClient, wanted: dict[str, Any], sentence: str
) -> None:
    assert igest.issue(wanted).error.startswith(sentence)
    assert igest.issued == []


ACCEPTED = {
    "the highest simplified invoice": document(line(preco="813.008130"), **FS),
    "the highest of a company": document(line(preco="80"), **FS, **COMPANY),
    "any of an exempt merchant": document(line(taxa="0", codigo_isencao="M10", preco="5000"), **FS),
    "a one-stop-shop sale": document(line(taxa="21", regiao="ES")),
    "a foreign buyer": document(nif_cliente="ESB00000000", pais_cliente="ES", nome_cliente="Cerámica S.L."),
    "a consumer without a name": document(nome_cliente=""),
    "another warehouse": document(line(armazem="EST")),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_document_that_breaks_no_rule_is_issued(igest: IgestClient, name: str) -> None:
    assert igest.issue(ACCEPTED[name]).ok


SWITCHED = [
    (
        "code-on-taxed-line",
        "ignored",
        document(line(codigo_isencao="M07")),
        "Código de isenção numa linha com IVA.",
    ),
    ("other-regions", "accepted", AZORES, "Taxa desconhecida: 16 (PT-AC)"),
    ("unknown-elements", "ignored", document(line(cor="azul"), hora="12:00"), "Elemento desconhecido: hora"),
]


@pytest.mark.parametrize(("switch", "position", "wanted", "sentence"), SWITCHED)
def test_a_switch_lifts_a_rule(
    igest: IgestClient, switch: str, position: str, wanted: dict[str, Any], sentence: str
) -> None:
    assert igest.issue(wanted).error.startswith(sentence)
    igest.switch(**{switch: position})
    assert igest.issue(wanted).ok
    assert igest.issued[0]["lines"][0]["exemption"] == ""


def test_a_region_has_its_own_rates_whatever_the_switch_says(igest: IgestClient, tmp_path: Path) -> None:
    igest.switch(other_regions="accepted")
    assert igest.issue(document(line(taxa="23", regiao="PT-AC"))).error
    with open_client(tmp_path / "azores", ATLANTICO) as atlantico:
        assert atlantico.issue(document(line(taxa="16", regiao=""))).ok
        assert atlantico.issued[0]["lines"][0]["region"] == "PT-AC"
        assert atlantico.issue(document(line(taxa="23", regiao=""))).error


def test_dates_never_go_back_within_a_series(igest: IgestClient) -> None:
    igest.issue()
    assert "Data anterior" in igest.issue(document(data_documento="2026-11-19")).error
    assert igest.issue(document(tipo_documento="FT", data_documento="2026-11-19")).ok


def test_an_exemption_prints_the_callers_reason(igest: IgestClient) -> None:
    igest.issue(document(line(taxa="0", codigo_isencao="M07", motivo_isencao="Isento")))
    assert igest.issued[0]["lines"][0]["mention"] == "Isento"


def test_an_invoice_receipt_is_paid_and_an_invoice_waits_for_its_receipt(igest: IgestClient) -> None:
    igest.switch(document_state="on")

    def state(identity: str) -> str:
        return igest.call("estado_documento", f"<id_documento>{identity}</id_documento>")["estado"]

    paid, unpaid = igest.issue()["id_documento"], igest.issue(document(tipo_documento="FT"))["id_documento"]
    assert (state(paid), state(unpaid)) == ("Pago", "Por pagar")
    receipts = [igest.http.post(f"/sandbox/documents/{unpaid}/receipt").status_code for _ in range(2)]
    assert (receipts, state(unpaid)) == ([200, 422], "Pago")


def test_an_unknown_article_is_created_once_or_refused(igest: IgestClient) -> None:
    new = document(line(referencia="NOVO-1", descricao="Prato novo"))
    igest.switch(unknown_article="refused")
    assert igest.issue(new).error == "Artigo desconhecido: NOVO-1"
    assert igest.issue(document(line(referencia="", descricao="Portes"))).ok
    igest.switch(unknown_article="created")
    assert igest.issue(new).ok and igest.issue(new).ok
    made = [entry["ref"] for entry in igest.program.ledger.entries if entry["kind"] == "article"]
    assert made == ["NOVO-1"]


def test_an_entity_without_warehouses_takes_none(tmp_path: Path) -> None:
    with open_client(tmp_path, QUINTA) as quinta:
        assert "não gere" in quinta.issue(document(line(armazem="EST"))).error


@pytest.mark.parametrize(("position", "numbers"), [("accepted", [1, 2]), ("refused", [1]), ("same", [1, 1])])
def test_a_repeated_reference_is_accepted_refused_or_the_same_document(
    igest: IgestClient, position: str, numbers: list[int]
) -> None:
    igest.switch(repeated_reference=position)
    answers = [igest.issue() for _ in range(2)]
    assert [answer["numero_documento"] for answer in answers if answer.ok] == [
        f"FR 2026FR/{n}" for n in numbers
    ]
    assert position != "refused" or answers[1].error == "Documento já existe."
    assert igest.issue(document(observacoes="Ref. QI-12")).ok


def test_a_forbidden_type_a_forbidden_series_and_a_closed_series_are_refused(igest: IgestClient) -> None:
    rights = {"forbidden": ["FS", "2026FT"], "closed": ["2026FR"]}
    igest.http.post(f"/sandbox/entities/{igest.number}", json=rights)
    assert igest.issue(document(tipo_documento="FT")).error == "Sem permissão para a série 2026FT."
    assert igest.issue(document(tipo_documento="FS")).error.startswith("Sem permissão para o tipo")
    assert igest.issue().error == "Série inativa: 2026FR"
    assert igest.call("novo_documento").error == "Pedido sem documento."
