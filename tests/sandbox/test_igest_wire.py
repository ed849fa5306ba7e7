"""The wire format of the iGEST stand-in: authentication, the XML read and written, and the methods."""

from __future__ import annotations

import pytest

from tests.sandbox.igest_client import QUINTA, IgestClient, document, line

# --- who may call -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("position", "told"), [("as-asked", ""), ("always", "sim"), ("never", "nao")])
def test_the_keys_check_says_whether_issuing_moves_stock(
    igest: IgestClient, position: str, told: str
) -> None:
    igest.switch(stock_on_issue=position)
    assert igest.call("verificar").output.findtext("entidade/movimenta_stock") == told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"entity": "1"}, "Entidade inexistente."),
        ({"entity": QUINTA}, "Integração inativa."),
        ({"code": "0" * 40}, "Código de integração inválido."),
        ({"code": ""}, "Código de integração inválido."),
        ({"code": "\xe9"}, "Código de integração inválido."),
        ({"nif": "599970340"}, "O NIF não corresponde à entidade."),
        ({"digest": "0" * 40}, "Código de segurança inválido."),
        ({"stamp": "ontem"}, "Data do pedido inválida."),
    ],
)
def test_each_wrong_key_is_refused_by_its_own_sentence(
    igest: IgestClient, changes: dict[str, str], sentence: str
) -> None:
    assert igest.call("verificar", **changes).error == sentence


def test_the_key_of_another_entity_is_recognised(igest: IgestClient) -> None:
    other = igest.http.post(f"/sandbox/entities/{QUINTA}/activate").get_json()
    refused = igest.call("verificar", code=other["integration_key"])
    assert refused.error == "O código de integração não pertence a esta entidade."


def test_rotated_keys_replace_the_old_ones(igest: IgestClient) -> None:
    fresh = igest.http.post(f"/sandbox/entities/{igest.number}/rotate").get_json()
    assert igest.call("verificar").error == "Código de integração inválido."
    igest.code, igest.secret = fresh["integration_key"], fresh["security_code"]
    assert igest.call("verificar").ok


def test_the_two_keys_can_be_swapped(igest: IgestClient) -> None:
    igest.switch(keys="swapped")
    assert igest.call("verificar").error == "Código de integração inválido."
    igest.code, igest.secret = igest.secret, igest.code
    assert igest.call("verificar").ok
    igest.switch(keys="as-shown")
    assert not igest.call("verificar").ok


def test_a_request_ten_minutes_off_is_refused_unless_the_time_is_not_checked(igest: IgestClient) -> None:
    late, early = "2026-11-20 11:45:00", "2026-11-20 12:15:00"
    for stamp in (late, early):
        assert igest.call("verificar", stamp=stamp).error == "Pedido fora do prazo: verifique a hora."
    assert igest.call("verificar", stamp="2026-11-20 11:55:00").ok
    igest.switch(time_window="off")
    assert igest.call("verificar", stamp=late).ok


def test_the_hour_that_comes_twice_in_october_is_read_either_way(igest: IgestClient) -> None:
    for hour in ("00:30:00+00:00", "01:30:00+00:00"):
        igest.http.post("/sandbox/clock", json={"now": f"2026-10-25T{hour}"})
        assert igest.call("verificar", stamp="2026-10-25 01:30:00").ok


def test_a_minute_across_the_skipped_hour_in_march_is_one_minute(igest: IgestClient) -> None:
    igest.http.post("/sandbox/clock", json={"now": "2026-03-29T01:00:30+00:00"})
    assert igest.call("verificar", stamp="2026-03-29 00:59:30").ok
    assert igest.call("verificar", stamp="2026-03-29 02:00:30").ok


# --- the XML ----------------------------------------------------------------------------------------------


def test_an_answer_is_latin_1_xml_with_its_declaration(igest: IgestClient) -> None:
    answer = igest.call("verificar", nif="1")
    assert answer.response.headers["Content-Type"] == "text/xml;charset=ISO-8859-1"
    assert answer.response.get_data().startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert "O NIF não corresponde".encode("iso-8859-1") in answer.response.get_data()


def test_characters_outside_latin_1_are_sent_as_character_references(igest: IgestClient) -> None:
    igest.switch(search_by_reference="on")
    igest.issue(document(line(descricao="Taça < 5 € & 'azul' 🏺"), observacoes="Ref. QI-9 Łódź €"))
    assert igest.issued[0]["lines"][0]["description"] == "Taça < 5 € & 'azul' 🏺"
    found = igest.call("procurar_documento", "<referencia>QI-9</referencia>")
    assert found.output.findtext("documentos/documento/observacoes") == "Ref. QI-9 Łódź €"
    assert b"&#321;" in found.response.get_data()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<input/>",
        b'<?xml version="1.0" encoding="ISO-8859-1"?><input>',
        b'<?xml version="1.0" encoding="UTF-8"?><input/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><output/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE input><input/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE input [<!ENTITY a "b">]><input>&a;</input>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><input>\x01</input>',
    ],
)
def test_a_body_that_is_not_a_request_is_refused(igest: IgestClient, body: bytes) -> None:
    assert igest.post(body).error.startswith("Pedido inválido")


def test_a_declaration_in_single_quotes_is_accepted(igest: IgestClient) -> None:
    assert igest.post(igest.body("verificar").replace(b'"', b"'").replace(b"ISO", b"iso")).ok


def test_another_content_type_is_refused(igest: IgestClient) -> None:
    body = igest.body("verificar")
    assert igest.post(body, "text/xml; charset=iso-8859-1").ok
    for kind in ("text/xml", "text/xml;charset=UTF-8", "application/json"):
        assert igest.post(body, kind).error.startswith("Pedido inválido")


def test_a_body_over_two_mebibytes_is_refused(igest: IgestClient) -> None:
    fits = igest.body("verificar", "<x>" + "a" * (2 * 1024 * 1024 - 1000) + "</x>")
    assert igest.post(fits).ok
    assert igest.post(fits + b" " * 1000).error == "Pedido demasiado grande."


def enveloped(body: bytes) -> bytes:
    declaration, bare = body.split(b"?>", 1)
    space = b"http://schemas.xmlsoap.org/soap/envelope/"
    return declaration + b'?><s:Envelope xmlns:s="' + space + b'"><s:Body>' + bare + b"</s:Body></s:Envelope>"


@pytest.mark.parametrize(
    ("position", "bare", "soap"), [("bare", True, False), ("soap", False, True), ("both", True, True)]
)
def test_bare_xml_a_soap_envelope_or_both_are_read(
    igest: IgestClient, position: str, bare: bool, soap: bool
) -> None:
    igest.switch(soap=position)
    body = igest.body("verificar")
    assert igest.post(body).ok is bare
    wrapped = igest.post(enveloped(body))
    assert wrapped.ok is soap
    assert (b"Envelope" in wrapped.response.get_data()) is soap
