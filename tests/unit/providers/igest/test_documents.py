"""A draft written as iGEST's XML, and iGEST's XML read as an issued document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.errors import SettingsError
from shopapp.fiscal.document import Customer, Draft, Issued, PaymentMeans, Reference
from shopapp.fiscal.party import Address
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from shopapp.providers.igest.documents import (
    document_elements,
    format_decimal,
    issued_from,
    series_from_number,
)
from shopapp.providers.igest.wire_format import parse_answer
from tests.unit.providers.igest.xml_messages import GOOD, credit, make_draft, make_line, output


def document(draft: Draft, reference: str = "QI-1") -> dict[str, Any]:
    ((name, fields),) = document_elements(draft, reference)
    assert name == "documento"
    return dict(fields)  # type: ignore[arg-type]


def lines(draft: Draft) -> list[dict[str, str]]:
    return [dict(fields) for _, fields in document(draft)["linhas"]]


def test_an_invoice_receipt_is_written_whole_and_in_order() -> None:
    ((_, fields),) = document_elements(make_draft(notes=("Pago em 19/11/2026.",)), "QI-abc")
    assert fields == (
        ("tipo_documento", "FR"),
        ("serie", "2026FR"),
        ("data_documento", "2026-11-20"),
        ("nif_cliente", "509999999"),
        ("nome_cliente", "Ana Sá"),
        ("morada_cliente", "Rua A 1"),
        ("codigo_postal_cliente", "2900-001"),
        ("localidade_cliente", "Setúbal"),
        ("pais_cliente", "PT"),
        ("modo_pagamento", "MB"),
        ("observacoes", "Ref. QI-abc\nPago em 19/11/2026."),
        ("atualiza_stock", "nao"),
        (
            "linhas",
            (
                (
                    "linha",
                    (
                        ("referencia", "TAC-002"),
                        ("descricao", "Taça"),
                        ("unidade", "UN"),
                        ("quantidade", "2"),
                        ("preco", "10"),
                        ("desconto", "0"),
                        ("taxa", "23"),
                        ("regiao", "PT"),
                    ),
                ),
            ),
        ),
    )


def test_the_same_draft_gives_the_same_words_after_a_freeze() -> None:
    draft = make_draft(notes=("a", "b"))
    assert document_elements(Draft.from_bytes(draft.to_bytes()), "QI-1") == document_elements(draft, "QI-1")


@pytest.mark.parametrize("kind", ["FT", "FS", "NC"])
def test_only_an_invoice_receipt_says_how_it_was_paid(kind: str) -> None:
    assert "modo_pagamento" not in document(credit(kind=kind))


def test_of_several_means_the_largest_is_named_and_the_notes_have_all() -> None:
    several = (
        PaymentMeans("CO", Decimal(5)),
        PaymentMeans("CC", Decimal(20)),
        PaymentMeans("MB", Decimal(3)),
    )
    found = document(make_draft(payments=several))
    assert found["modo_pagamento"] == "CC"
    assert "Pagamento: CO 5 EUR, CC 20 EUR, MB 3 EUR" in found["observacoes"].split("\n")


def test_an_unknown_payment_means_is_other() -> None:
    assert document(make_draft(payments=()))["modo_pagamento"] == "OU"


def test_a_buyer_without_tax_id_or_name_is_the_final_consumer() -> None:
    found = document(make_draft(customer=Customer(FINAL_CONSUMER, "")))
    assert (found["nif_cliente"], found["nome_cliente"], found["pais_cliente"]) == (
        FINAL_CONSUMER,
        "Consumidor final",
        "PT",
    )
    assert "morada_cliente" not in found


def test_a_buyer_without_tax_id_keeps_their_name() -> None:
    assert document(make_draft(customer=Customer(FINAL_CONSUMER, "Ana Sá")))["nome_cliente"] == "Ana Sá"


def test_a_business_without_a_name_is_not_called_a_consumer() -> None:
    assert "nome_cliente" not in document(make_draft(customer=Customer("509999999", "")))


@pytest.mark.parametrize(("country", "written"), [("ES", "ES"), ("EL", "GR"), ("GR", "GR"), ("XI", "GB")])
def test_a_foreign_buyer_keeps_their_country(country: str, written: str) -> None:
    found = document(make_draft(customer=Customer("B12345674", "Cerámica SL", True, country)))
    assert (found["nif_cliente"], found["pais_cliente"]) == ("B12345674", written)


def test_names_and_addresses_are_one_line_each() -> None:
    buyer = Customer(
        "509999999", " Ana\r\nSá \t<&> ", address=Address("Rua A,\n 1.º", " 2900-001 ", "Setúbal")
    )
    found = document(make_draft(customer=buyer))
    assert (found["nome_cliente"], found["morada_cliente"], found["codigo_postal_cliente"]) == (
        "Ana Sá <&>",
        "Rua A, 1.º",
        "2900-001",
    )


def test_a_note_cannot_pass_for_a_second_reference_line() -> None:
    found = document(make_draft(notes=("um\nRef. QI-2", "dois")))
    assert found["observacoes"].split("\n") == ["Ref. QI-1", "um Ref. QI-2", "dois"]


def test_a_credit_note_names_its_original_and_why() -> None:
    found = document(credit(references=(Reference("FT 2026FT/9", "x" * 60),)))
    assert (found["documento_origem"], found["motivo"]) == ("FT 2026FT/9", "x" * 50)


def test_only_a_credit_note_names_an_original_document() -> None:
    assert not {"documento_origem", "motivo"} & set(document(credit(kind="FR")))


def test_a_line_at_zero_carries_its_reason() -> None:
    exempt = make_line(
        vat_rate=Decimal("0"),
        tax_code="ISE",
        exemption_code="M07",
        exemption_mention="Isento artigo 9.º do CIVA",
    )
    (found,) = lines(make_draft(lines=(exempt,)))
    assert (found["taxa"], found["codigo_isencao"], found["motivo_isencao"]) == (
        "0",
        "M07",
        "Isento artigo 9.º do CIVA",
    )


def test_a_taxed_line_carries_no_reason() -> None:
    (found,) = lines(make_draft(lines=(make_line(exemption_code="M07"),)))
    assert "codigo_isencao" not in found


def test_only_product_lines_name_the_warehouse_and_only_if_there_is_one() -> None:
    both = (make_line(), make_line(kind="shipping", sku=""), make_line(kind="service"))
    assert ["armazem" in line for line in lines(make_draft(lines=both, warehouse="EST"))] == [
        True,
        False,
        False,
    ]
    assert not any("armazem" in line for line in lines(make_draft(lines=both)))


def test_stock_is_moved_only_when_the_draft_says_so() -> None:
    assert document(make_draft(moves_stock=True))["atualiza_stock"] == "sim"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("23.000000", "23"),
        ("4.9", "4.9"),
        ("0.000001", "0.000001"),
        ("1E+3", "1000"),
        ("1E-6", "0.000001"),
        ("100", "100"),
        ("-0.00", "0"),
        ("0", "0"),
        ("12.340000", "12.34"),
    ],
)
def test_a_number_has_a_point_no_exponent_and_no_trailing_zeros(number: str, text: str) -> None:
    assert format_decimal(Decimal(number)) == text


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_a_number_means_the_same_when_written(number: Decimal) -> None:
    assert Decimal(format_decimal(number)) == number
    assert "E" not in format_decimal(number)


@pytest.mark.parametrize("kind", ["GT", "PF", "NE", "ND"])
def test_an_unsupported_kind_is_refused_before_it_is_sent(kind: str) -> None:
    with pytest.raises(SettingsError) as raised:
        document_elements(make_draft(kind=kind), "QI-1")
    assert (raised.value.code, raised.value.detail) == ("kind-unsupported", {"kind": kind})


def test_a_missing_series_is_refused_before_it_is_sent() -> None:
    with pytest.raises(SettingsError) as raised:
        document_elements(make_draft(series=""), "QI-1")
    assert raised.value.code == "series-missing"


def test_a_credit_note_of_nothing_is_refused_before_it_is_sent() -> None:
    with pytest.raises(SettingsError):
        document_elements(credit(references=()), "QI-1")


# --- answers --------------------------------------------------------------------------------------


def test_an_issued_document_is_read_whole() -> None:
    found = issued_from(parse_answer(output("sucesso", GOOD)))
    assert found is not None
    assert (found.provider_id, found.number, found.series) == ("7", "FR 2026FR/12", "2026FR")
    assert (found.date, found.total, found.vat) == (date(2026, 11, 20), Decimal("24.60"), Decimal("4.60"))
    assert (found.atcud, found.pdf_url) == ("ABCD1234-12", "https://igest.example/7.pdf")


@pytest.mark.parametrize("number", ["", "   ", "x" * 61, "a\nb", "FR&#133;1"])
def test_an_implausible_document_number_is_none(number: str) -> None:
    inside = GOOD.replace("FR 2026FR/12", number)
    assert issued_from(parse_answer(output("sucesso", inside))) is None


def test_optional_parts_of_an_answer_may_be_missing() -> None:
    found = issued_from(parse_answer(output("sucesso", "<numero_documento>12</numero_documento>")))
    assert found == Issued("12", "12")


@pytest.mark.parametrize(
    "total", ["24,60", "vinte", "NaN", "Infinity", "1e3", "", "٣", "24.60 EUR", "9" * 40]
)
def test_a_total_that_is_not_a_plain_amount_is_none(total: str) -> None:
    found = issued_from(parse_answer(output("sucesso", GOOD.replace("24.60", total))))
    assert found is not None
    assert found.total is None


@pytest.mark.parametrize(
    ("number", "series"),
    [("FR 2026FR/12", "2026FR"), ("FT A/B/3", "A/B"), ("2026FT/70", ""), ("12", ""), ("FT 2026/x", "")],
)
def test_the_series_is_read_from_the_number(number: str, series: str) -> None:
    assert series_from_number(number) == series
