"""The methods of the iGEST stand-in, its rate limit and its log of requests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.sandbox.igest_client import ATLANTICO, QUINTA, IgestClient, document, open_client

# --- the methods ------------------------------------------------------------------------------------------


def rows(igest: IgestClient, method: str, path: str) -> list[dict[str, str]]:
    answer = igest.call(method)
    assert answer.ok
    return [{field.tag: field.text or "" for field in row} for row in answer.output.findall(path)]


def test_exemption_reasons_are_listed_without_the_withdrawn_ones(igest: IgestClient) -> None:
    listed = {row["codigo"]: row["descricao"] for row in rows(igest, "listar_isencoes", "isencoes/isencao")}
    assert listed["M07"] == "Isento artigo 9.º do CIVA"
    assert "M35" in listed
    assert not {"M00", "M03", "M08"} & set(listed)


def test_rates_are_those_of_the_entity_or_of_all_regions(igest: IgestClient, tmp_path: Path) -> None:
    mainland = rows(igest, "listar_taxas", "taxas/taxa")
    assert [(row["valor"], row["tipo"]) for row in mainland] == [
        ("23", "NOR"),
        ("13", "INT"),
        ("6", "RED"),
        ("0", "ISE"),
    ]
    with open_client(tmp_path / "azores", ATLANTICO) as atlantico:
        assert [row["valor"] for row in rows(atlantico, "listar_taxas", "taxas/taxa")] == [
            "16",
            "9",
            "4",
            "0",
        ]
    igest.switch(other_regions="accepted")
    assert {row["regiao"] for row in rows(igest, "listar_taxas", "taxas/taxa")} == {"PT", "PT-MA", "PT-AC"}


@pytest.mark.parametrize(
    ("method", "switch"),
    [
        ("procurar_artigos", "article-search"),
        ("novo_artigo", "article-creation"),
        ("listar_stock", "stock-list"),
        ("movimentar_stock", "stock-movements"),
        ("listar_movimentos", "movement-search"),
        ("listar_armazens", "warehouse-list"),
        ("listar_isencoes", "exemption-list"),
        ("estado_documento", "document-state"),
        ("procurar_documento", "search-by-reference"),
    ],
)
def test_a_method_can_be_made_unknown_by_its_switch(igest: IgestClient, method: str, switch: str) -> None:
    igest.switch(**{switch: "off"})
    assert igest.call(method).error == f"Método desconhecido: {method}"
    igest.switch(**{switch: "on"})
    assert igest.call(method)["mensagem_erro"] != f"Método desconhecido: {method}"


@pytest.mark.parametrize("method", ["", "apagar_documento", "NOVO_DOCUMENTO"])
def test_an_unknown_method_is_refused(igest: IgestClient, method: str) -> None:
    assert igest.call(method).error == f"Método desconhecido: {method}"


def test_a_search_finds_every_document_that_contains_the_words(igest: IgestClient) -> None:
    igest.switch(search_by_reference="on")
    for reference in ("QI-1", "QI-12", "QI-2"):
        igest.issue(document(observacoes=f"Ref. {reference}"))
    found = igest.call("procurar_documento", "<referencia>QI-1</referencia>").output
    assert [row.findtext("numero_documento") for row in found.iter("documento")] == [
        "FR 2026FR/2",
        "FR 2026FR/1",
    ]
    none = igest.call("procurar_documento", "<referencia>QI-7</referencia>")
    assert none.ok
    assert list(none.output.iter("documento")) == []


def test_the_state_of_a_document_follows_an_annulment(igest: IgestClient) -> None:
    igest.switch(document_state="on")
    identity = igest.issue()["id_documento"]
    content = f"<id_documento>{identity}</id_documento>"
    assert igest.call("estado_documento", content)["estado"] == "Pago"
    igest.http.post(f"/sandbox/documents/{identity}/annul", json={"reason": "Engano"})
    assert igest.call("estado_documento", content)["estado"] == "Anulado"


def test_a_document_of_another_entity_is_unknown(igest: IgestClient, tmp_path: Path) -> None:
    igest.switch(document_state="on")
    identity = igest.issue()["id_documento"]
    quinta = igest.http.post(f"/sandbox/entities/{QUINTA}/activate").get_json()
    stamp = igest.program.clock.now().strftime("%Y-%m-%d %H:%M:%S")
    refused = igest.call(
        "estado_documento",
        f"<id_documento>{identity}</id_documento>",
        entity=QUINTA,
        nif=quinta["nif"],
        code=quinta["integration_key"],
        stamp=stamp,
        digest=hashlib.sha1((quinta["security_code"] + stamp).encode()).hexdigest(),
    )
    assert refused.error == f"Documento desconhecido: {identity}"


def test_a_mail_is_recorded_and_a_failing_address_refused(igest: IgestClient) -> None:
    identity = igest.issue()["id_documento"]

    def send(to: str) -> bool:
        return igest.call(
            "enviar_documento", f"<id_documento>{identity}</id_documento><email>{to}</email>"
        ).ok

    assert send("ana@exemplo.example")
    for bad in ("falha@exemplo.example", "nobody@exemplo.example", "sem-arroba", ""):
        assert not send(bad)
    outbox = igest.http.get("/sandbox/outbox").get_json()
    assert [(mail["to"], mail["number"]) for mail in outbox] == [("ana@exemplo.example", "FR 2026FR/1")]


# --- the limit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", ["http-429", "erro"])
def test_over_two_hundred_calls_a_minute_are_followed_by_two_minutes_of_refusals(
    igest: IgestClient, position: str
) -> None:
    igest.switch(rate_limit=position)

    def admitted() -> bool:
        answer = igest.call("verificar")
        return answer.response.status_code == 200 and answer.ok

    assert all(admitted() for _ in range(200))
    refused = igest.call("verificar")
    if position == "http-429":
        assert (refused.response.status_code, refused.response.headers["Retry-After"]) == (429, "120")
    else:
        assert refused.error.startswith("Demasiados pedidos")
    igest.http.post("/sandbox/clock", json={"now": "2026-11-20 12:01:50"})
    assert not admitted()
    igest.http.post("/sandbox/clock", json={"now": "2026-11-20 12:02:30"})
    assert admitted()


def test_without_the_limit_every_call_is_admitted(igest: IgestClient) -> None:
    assert all(igest.call("verificar").ok for _ in range(210))


# --- the log ----------------------------------------------------------------------------------------------


def test_the_log_of_requests_holds_no_secret_part(igest: IgestClient) -> None:
    igest.issue()
    igest.post(igest.body("verificar").replace(b"<codigo>", b"<codigo nota='x'>"))
    igest.post(b"<oops>" + igest.code.encode() + igest.secret.encode())
    kept = (igest.program.folder / "requests.jsonl").read_text()
    digest_of_first = igest.body("x").decode("iso-8859-1").split("<chave>")[1][:40]
    for secret in (igest.code, igest.secret, digest_of_first):
        assert secret not in kept
    log = igest.http.get("/sandbox/requests").get_json()
    assert [(line["method"], line["status"]) for line in log] == [
        ("novo_documento", "sucesso"),
        ("verificar", "sucesso"),
        ("", "erro"),
    ]
    assert "<codigo>***</codigo><chave>***</chave>" in log[0]["body"]
    assert "AZU-014" in log[0]["body"]
