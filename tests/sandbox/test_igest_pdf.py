"""The PDFs of the iGEST stand-in: their content, and who may open their address."""

from __future__ import annotations

import io

import pypdf

from tests.sandbox.igest_client import BUYER, IgestClient, credit, document, line

# --- the printed document ----------------------------------------------------------------------------------


def pdf_text(igest: IgestClient, url: str) -> str:
    answer = igest.http.get(url.removeprefix("http://127.0.0.1:1"))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    pages = pypdf.PdfReader(io.BytesIO(answer.get_data())).pages
    assert len(pages) == 1
    return pages[0].extract_text()


def test_the_pdf_of_a_document_has_every_legally_required_field(igest: IgestClient) -> None:
    url = igest.issue(
        document(line(), line(taxa="0", codigo_isencao="M07"), nif_cliente=BUYER, nome_cliente="Łucja & Ana")
    )["url_pdf"]
    text = pdf_text(igest, url)
    for part in (
        "FR 2026FR/1",
        "2026-11-20",
        "ATCUD:",
        "NIF do cliente: 299990001",
        "& Ana",
        "22.30",
        "Isento artigo 9.º",
        "Ref. QI-1",
    ):
        assert part in text


def test_the_pdf_omits_a_consumers_nif_and_shows_annulment_and_credited_original(igest: IgestClient) -> None:
    answer = igest.issue()
    assert "999999990" not in pdf_text(igest, answer["url_pdf"])
    igest.http.post(f"/sandbox/documents/{answer['id_documento']}/annul")
    assert "ANULADO" in pdf_text(igest, answer["url_pdf"])
    note = igest.issue(credit(igest.issue()["numero_documento"]))
    assert "Documento de origem: FR 2026FR/2. Motivo: Devolução" in pdf_text(igest, note["url_pdf"])
    assert igest.http.get("/documentos/500009.pdf").status_code == 404


def opens(igest: IgestClient, url: str) -> int:
    return igest.http.get(url.removeprefix("http://127.0.0.1:1")).status_code


def test_a_public_address_opens_for_anyone(igest: IgestClient) -> None:
    url = igest.issue()["url_pdf"]
    assert url == "http://127.0.0.1:1/documentos/500001.pdf"
    assert opens(igest, url) == 200


def test_a_signed_address_opens_with_its_signature_only(igest: IgestClient) -> None:
    igest.switch(pdf_url="signed")
    url, other = igest.issue()["url_pdf"], igest.issue()["url_pdf"]
    assert opens(igest, url) == 200
    assert opens(igest, url.split("?")[0]) == 403
    assert opens(igest, url.split("?")[0] + "?" + other.split("?")[1]) == 403


def test_an_address_that_expires_opens_for_ten_minutes(igest: IgestClient) -> None:
    igest.switch(pdf_url="expires")
    url = igest.issue()["url_pdf"]
    assert opens(igest, url) == 200
    assert opens(igest, url.replace("ate=1", "ate=2")) == 403
    igest.http.post("/sandbox/clock", json={"now": "2026-11-20 12:11:00"})
    assert opens(igest, url) == 403
