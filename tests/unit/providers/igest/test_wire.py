"""The XML of iGEST, byte for byte."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.providers.answers import UnreadableAnswer
from shopapp.providers.igest import wire_format
from shopapp.providers.igest.wire_format import Keys, build_request, parse_answer, printable
from tests.unit.providers.igest.xml_messages import CODE, KEY, output

KEYS = Keys("40321", "509999999", KEY, CODE)
SUMMER = datetime(2026, 7, 31, 23, 15, 7, tzinfo=UTC)
WINTER = datetime(2026, 12, 31, 23, 15, 7, tzinfo=UTC)


def sent(
    fields: wire_format.XmlElements, keys: Keys = KEYS, moment: datetime = WINTER
) -> ElementTree.Element:
    return ElementTree.fromstring(build_request(keys, "novo_documento", fields, moment))


def test_a_request_is_written_as_the_one_public_client_writes_it() -> None:
    stamp = "2026-12-31 23:15:07"
    proof = hashlib.sha1((CODE + stamp).encode()).hexdigest()
    assert build_request(KEYS, "verificar", (), WINTER) == (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        "<input><id_entidade>40321</id_entidade><metodo>verificar</metodo>"
        f"<autenticacao><nif>509999999</nif><codigo>{KEY}</codigo><chave>{proof}</chave>"
        f"<data>{stamp}</data></autenticacao></input>"
    ).encode("ascii")


@pytest.mark.parametrize(
    ("moment", "stamp"), [(SUMMER, "2026-08-01 00:15:07"), (WINTER, "2026-12-31 23:15:07")]
)
def test_the_time_of_a_request_is_that_of_lisbon(moment: datetime, stamp: str) -> None:
    assert sent((), moment=moment).findtext("autenticacao/data") == stamp


def test_the_security_code_itself_is_never_sent() -> None:
    assert CODE.encode() not in build_request(KEYS, "verificar", (), WINTER)


def test_the_credentials_do_not_show_in_a_traceback() -> None:
    assert KEY not in repr(KEYS)
    assert CODE not in repr(KEYS)


def test_an_entity_number_that_is_no_longer_asked_for_is_no_longer_sent() -> None:
    assert sent((), Keys("", "509999999", KEY, CODE)).find("id_entidade") is None


@pytest.mark.parametrize("text", ["ação", "€ 5", "Łódź", "Иван", "😀", "<b>&amp;\"'</b>", "]]>", "a\nb\tc"])
def test_any_text_arrives_as_it_was_written(text: str) -> None:
    assert sent((("nome", text),)).findtext("nome") == text


def test_what_latin_1_lacks_goes_as_a_character_reference() -> None:
    body = build_request(KEYS, "verificar", (("nome", "€ ã"),), WINTER)
    assert b"<nome>&#8364; \xe3</nome>" in body


@pytest.mark.parametrize(
    "text", ["a\0b", "a\x0bb", "a\x1bb", "a\rb", "a\x80b", "a\x9fb", "a\x7fb", "a\ud800b", "a\ufffeb"]
)
def test_characters_that_xml_cannot_carry_are_dropped(text: str) -> None:
    assert sent((("nome", text),)).findtext("nome") == "ab"


@given(st.text())
def test_every_text_can_be_sent_and_is_read_back(text: str) -> None:
    found = sent((("nome", text),)).findtext("nome")
    assert found == printable(text)


def test_an_answer_is_read_with_its_accents() -> None:
    found = parse_answer(output("erro", "<a><b>1</b><b> 2 </b></a>", "Série inválida €"))
    assert (found.status, found.message) == ("erro", "Série inválida €")
    assert [row.text for row in found.rows("a/b")] == ["1", " 2 "]
    assert found.text("nada") == ""


WHOLE = output("sucesso", "<nome>São</nome>")
DTD = b'<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
UNREADABLE = {
    "nothing": b"",
    "blanks": b" \r\n ",
    "half of it": WHOLE[: len(WHOLE) // 2],
    "all but the last byte": WHOLE[:-1],
    "a warning before it": b"<b>Warning</b>: Undefined key\n" + WHOLE,
    "a word before it": b"OK" + WHOLE,
    "a blank line before its declaration": b"\n" + WHOLE,
    "a word after it": WHOLE + b"OK",
    "two answers": WHOLE + WHOLE,
    "a page": b"<!DOCTYPE html><html><body>iGEST</body></html>",
    "a page that is good XML": b"<html><body>iGEST</body></html>",
    "another element": b"<input><status>erro</status></input>",
    "an envelope": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
    "no status": b"<output><mensagem_erro>x</mensagem_erro></output>",
    "two states": b"<output><status>erro</status><status>sucesso</status></output>",
    "two messages": output("erro", "<mensagem_erro>b</mensagem_erro>", "a"),
    "Latin-1 that calls itself UTF-8": WHOLE.replace(b"ISO-8859-1", b"UTF-8"),
    "UTF-8 that calls itself Latin-1": WHOLE.replace(b"S\xe3o", "São".encode()),
    "an encoding nobody knows": WHOLE.replace(b"ISO-8859-1", b"KLINGON-1"),
    "a type definition": DTD + b"<output><status>&b;</status></output>",
    "an outside entity": b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><output><status>&x;</status></output>',
    "an unknown entity": b"<output><status>&nbsp;</status></output>",
    "a control character": output("erro", "", "a").replace(b">a<", b">a\x00<"),
    "noise": bytes(range(256)),
    "JSON": b'{"status": "sucesso"}',
    "more than a mebibyte": output("sucesso", "<a>" + "x" * wire_format.MAX_ANSWER_BYTES + "</a>"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_is_not_one_whole_output_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_answer(body)


@given(st.integers(0, len(WHOLE) - 1))
def test_an_answer_cut_anywhere_is_unreadable(at: int) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_answer(WHOLE[:at])


@given(st.one_of(st.binary(), st.binary().map(lambda noise: WHOLE[:60] + noise + WHOLE[60:])))
def test_no_bytes_raise_anything_but_unreadable_answer(body: bytes) -> None:
    try:
        assert parse_answer(body).root.tag == "output"
    except UnreadableAnswer as error:
        assert str(error) in {"empty", "html", "not-xml", "not-output", "mis-encoded"}


def test_endless_nesting_is_unreadable() -> None:
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    assert parse_answer(b"<output><status>erro</status>" + deep + b"</output>").status == "erro"
