"""Stock movements and credit notes of the iGEST stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.igest_client import BUYER, QUINTA, IgestClient, credit, document, line, open_client


def stock(igest: IgestClient, reference: str = "AZU-014") -> dict[str, str]:
    rows = igest.http.get(f"/sandbox/entities/{igest.number}/stock").get_json()
    return next(row["stock"] for row in rows if row["ref"] == reference)


@pytest.mark.parametrize(
    ("position", "asked", "left"),
    [
        ("as-asked", "nao", {"SET": "100", "EST": "0"}),
        ("as-asked", "sim", {"SET": "98", "EST": "-5"}),
        ("always", "nao", {"SET": "98", "EST": "-5"}),
        ("never", "sim", {"SET": "100", "EST": "0"}),
    ],
)
def test_stock_moves_as_the_document_requests_or_always_or_never(
    igest: IgestClient, position: str, asked: str, left: dict[str, str]
) -> None:
    igest.switch(stock_on_issue=position)
    igest.issue(document(line(quantidade="2"), line(quantidade="5", armazem="EST"), atualiza_stock=asked))
    assert stock(igest) == left


def test_services_and_free_lines_move_no_stock(igest: IgestClient) -> None:
    igest.issue(document(line(referencia="OFI-001"), line(referencia=""), atualiza_stock="sim"))
    assert igest.issued[0]["stock"] == []


def test_an_entity_without_warehouses_has_one_stock(tmp_path: Path) -> None:
    with open_client(tmp_path, QUINTA) as quinta:
        quinta.issue(document(line(referencia="MEL-500", quantidade="4"), atualiza_stock="sim"))
        assert stock(quinta, "MEL-500") == {"": "96"}


def test_a_credit_note_puts_stock_back_or_not(igest: IgestClient) -> None:
    number = igest.issue(document(line(quantidade="4"), atualiza_stock="sim"))["numero_documento"]
    igest.issue(credit(number, line(quantidade="1"), atualiza_stock="sim"))
    assert stock(igest)["SET"] == "97"
    igest.switch(credit_restores_stock="off")
    igest.issue(credit(number, line(quantidade="1"), atualiza_stock="sim"))
    assert stock(igest)["SET"] == "97"


def test_a_credit_note_needs_an_issued_original_of_the_same_customer(igest: IgestClient) -> None:
    number = igest.issue(document(nif_cliente=BUYER, nome_cliente="Ana Exemplo"))["numero_documento"]
    assert "desconhecido: FR 2026FR/9" in igest.issue(credit("FR 2026FR/9")).error
    assert igest.issue(credit(number)).error == "O cliente não é o do documento de origem."
    assert igest.issue(credit(number, nif_cliente=BUYER, nome_cliente="Ana Exemplo")).ok


def test_a_credit_note_needs_a_reason_of_fifty_characters_at_most(igest: IgestClient) -> None:
    number = igest.issue()["numero_documento"]
    assert "Motivo" in igest.issue(credit(number, motivo="")).error
    assert "Motivo" in igest.issue(credit(number, motivo="x" * 51)).error
    assert igest.issue(credit(number, motivo="x" * 50)).ok


def test_a_credit_note_may_not_exceed_the_uncredited_remainder(igest: IgestClient) -> None:
    number = igest.issue(document(line(quantidade="3")))["numero_documento"]
    assert igest.issue(credit(number, line(quantidade="2"))).ok
    assert "Quantidade superior" in igest.issue(credit(number, line(quantidade="2"))).error
    assert "Valor superior" in igest.issue(credit(number, line(quantidade="1", preco="10.01"))).error
    assert "Valor superior" in igest.issue(credit(number, line(quantidade="1", taxa="6"))).error
    assert igest.issue(credit(number, line(quantidade="1"))).ok
    assert not igest.issue(credit(number, line(referencia="", quantidade="1", preco="0.01"))).ok


def test_a_credit_note_of_a_credit_note_is_refused(igest: IgestClient) -> None:
    note = igest.issue(credit(igest.issue()["numero_documento"]))["numero_documento"]
    assert igest.issue(credit(note)).error == "Não é possível creditar uma nota de crédito."


def test_an_annulled_document_cannot_be_credited(igest: IgestClient) -> None:
    answer = igest.issue()
    igest.http.post(f"/sandbox/documents/{answer['id_documento']}/annul", json={"reason": "Engano"})
    assert igest.issue(credit(answer["numero_documento"])).error == "O documento de origem está anulado."


def test_a_document_with_a_credit_note_cannot_be_annulled_before_the_note_is(igest: IgestClient) -> None:
    answer = igest.issue(document(line(quantidade="2"), atualiza_stock="sim"))
    note = igest.issue(credit(answer["numero_documento"], line()))
    annul = f"/sandbox/documents/{answer['id_documento']}/annul"
    assert igest.http.post(annul).status_code == 422
    assert igest.http.post(f"/sandbox/documents/{note['id_documento']}/annul").status_code == 200
    assert igest.http.post(annul).status_code == 200
    assert igest.http.post(annul).status_code == 422
    assert stock(igest)["SET"] == "100"


def test_only_credit_notes_name_an_original(igest: IgestClient) -> None:
    number = igest.issue()["numero_documento"]
    assert not igest.issue(document(documento_origem=number)).ok
