"""PHC GO's wire format: the requests sent, and that no received bytes raise an unclassified error."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.errors import AppError, CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.document import Issued
from shopapp.http_client import HttpResponse
from shopapp.providers.answers import UnreadableAnswer
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.documents import gross_price
from shopapp.providers.phcgo.records import FT, is_draft, issued_from, printed_number, record_total
from shopapp.providers.phcgo.session import SESSIONS, SessionCache
from shopapp.providers.phcgo.wire_format import build_query, parse_envelope, to_json
from tests.contract.drafts import PERSON, draft, line
from tests.unit.providers.igest.xml_messages import ScriptedWire

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIGNED = {
    "ftstamp": "a1b-2c",
    "ndoc": 47,
    "fno": 7,
    "ftano": 2026,
    "nmdoc": "Fatura",
    "etotal": 12.3,
    "obs": "QI-1",
}


def answer(rows: list[Any], *messages: dict[str, Any], status: int = 200, **headers: str) -> HttpResponse:
    body = json.dumps({"result": rows, "messages": list(messages)}).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


LOGIN = answer(
    [{"username": "loja"}], set_cookie="ASP.NET_SessionId=abc123; path=/; HttpOnly", engine_auth="cHJvb2Y="
)


def opened(*answers: HttpResponse | Exception, **keys: str) -> tuple[PhcGo, ScriptedWire]:
    """Open the adapter on scripted answers, the log-in first."""
    SESSIONS.clear()
    wire = ScriptedWire(LOGIN, *answers)
    typed = {
        "url": "https://sis05.phcgo.net/abc",
        "user": "loja",
        "password": "p&=ã",
        "token": "a+b/c=",
        "company": "",
    }
    return PhcGo(typed | keys, wire, lambda: NOW, (".phcgo.net",)), wire


# --- requests ----------------------------------------------------------------------------------------------


def test_numbers_go_out_with_the_digits_that_they_have() -> None:
    value = {
        "a": Decimal("12.300000"),
        "b": [Decimal("1E+2"), Decimal("0.045"), 3, True, None],
        "c": '«ã"\\\n',
    }
    text = to_json(value)
    assert text == '{"a":12.300000,"b":[100,0.045,3,true,null],"c":"«ã\\"\\\\\\n"}'
    assert json.loads(text, parse_float=Decimal) == {**value, "b": [100, Decimal("0.045"), 3, True, None]}


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=6),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4), max_leaves=12,
))  # fmt: skip
def test_everything_sent_is_json_in_utf_8(value: Any) -> None:
    json.loads(to_json(value).encode("utf-8").decode())


def test_a_session_is_proved_by_cookie_and_engine_auth() -> None:
    provider, wire = opened(answer([]))
    with pytest.raises(RefusedError):
        provider.read_document("x")
    (_, address, login), (_, _, asked) = wire.calls
    assert address == "https://sis05.phcgo.net/abc/PHCWS/REST/UserLoginWS/userLoginCompany"
    assert login["data"] == {
        "userCode": b"loja", "password": "p&=ã".encode(), "applicationType": b"a+b/c=", "company": b"",
    }  # fmt: skip
    assert asked["headers"] == {"Cookie": "ASP.NET_SessionId=abc123", "Engine-Auth": "cHJvb2Y="}
    assert all(isinstance(value, bytes) for value in asked["data"].values())


def test_conditions_are_joined_as_public_clients_join_them() -> None:
    items = build_query("Ft", ("ndoc", 1), ("obs", "x"))["filterItems"]
    assert [(item["filterItem"], item["groupItem"], item["comparison"]) for item in items] == [
        ("ndoc", 1, 0), ("obs", 0, 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["x.pdf", "../../secret", "https://evil.test/x.pdf", "//evil.test/x", "a&b=c#d?e", "a b/c\\d", "ç@evil.test",
     "%2e%2e"],
)  # fmt: skip
def test_the_name_of_a_printed_file_leads_nowhere_else(name: str) -> None:
    provider, wire = opened(
        answer([SIGNED]), answer([{"repstamp": "r", "enabled": True}]), answer([{"phcString": name}]),
        HttpResponse(200, {}, b"%PDF-1.7"),
    )  # fmt: skip
    assert provider.pdf(Issued("a1b-2c", "x")) == b"%PDF-1.7"
    start, _, rest = wire.calls[-1][1].partition("fileName=")
    assert start == "https://sis05.phcgo.net/abc/PHCWS/cfile.aspx?"
    assert not set(rest) & set("/\\?#&@: ")


def test_a_price_with_vat_is_the_shops_own_where_it_results_in_the_lines_gross() -> None:
    for price, quantity, discount, expected in (
        ("8.121951", "3", "0", "9.99"),
        ("8.130081", "1", "0", "10.00"),
        ("10", "1", "12.5", "12.297143"),
        ("0.045", "1", "0", "0.060000"),
    ):
        one = line(price, quantity=quantity, discount=discount)
        found = gross_price(one)
        assert found == Decimal(expected)
        worth = found * one.quantity * (1 - one.discount_percent / 100)
        assert abs(worth - one.gross) < Decimal("0.0005")


# --- answers ----------------------------------------------------------------------------------------------

NO = {"messageType": 1, "messageCodeLocale": "Não."}


@pytest.mark.parametrize(
    ("rows", "messages", "error"),
    [
        ([{"a": 1}], [], None),
        ([], [], None),
        ([], [NO], "Não."),
        ([], [{**NO, "messageType": "Error"}], "Não."),
        ([], [{**NO, "messageType": "1"}], "Não."),
        ([{"a": 1}], [{"messageType": 3, "messageCodeLocale": "Email enviado com sucesso"}], None),
        ([], [{"messageType": 3, "messageCodeLocale": "Email enviado com sucesso"}], None),
        ([], [{"messageType": 2, "messageCodeLocale": "Erro! Error! Falhou!"}], None),
        ([{"a": 1}], [{"messageCodeLocale": "Erro"}], None),
        ([], [{"messageCodeLocale": "Email enviado com sucesso"}], "Email enviado com sucesso"),
        ([], [{"messageType": 2, "messageCodeLocale": "x"}, NO], "Não."),
        ([], [{"messageType": 1, "messageCodeLocale": " ", "messageCode": "messages.X"}], "messages.X"),
        ([], [{"messageType": 1}], ""),
    ],
)  # fmt: skip
def test_only_the_type_of_a_message_makes_it_an_error(
    rows: list[Any], messages: list[Any], error: str | None
) -> None:
    assert parse_envelope(answer(rows, *messages)).error == error


UNREADABLE = {
    "nothing": b"",
    "blanks": b" \n",
    "a page": b"<!DOCTYPE html><html><body>Login</body></html>",
    "half": b'{"result": [{"ftstamp": "x"',
    "another": b'{"code": 0, "message": "ok"}',
    "a list": b"[]",
    "a word": b"true",
    "rows that are none": b'{"result": ["x"], "messages": []}',
    "messages that are none": b'{"result": [], "messages": "x"}',
    "no rows": b'{"result": null, "messages": []}',
    "infinite": b'{"result": [{"etotal": Infinity}], "messages": []}',
    "deep": b'{"result": ' + b"[" * 100_000,
    "latin": '{"result": [{"a": "ção"}], "messages": []}'.encode("latin-1"),
    "php": b"<br/>Warning: x" + json.dumps({"result": [], "messages": []}).encode(),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_is_not_one_whole_envelope_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_envelope(HttpResponse(200, {}, body))
    provider, _ = opened(HttpResponse(200, {}, body), LOGIN, answer([]))
    with pytest.raises(UncertainError):
        provider.finalise("a1b-2c")


@pytest.mark.parametrize("status", [201, 204, 400, 404, 409, 410, 422])
def test_a_whole_envelope_with_another_status_is_unreadable(status: int) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_envelope(answer([SIGNED], status=status))


def test_an_error_beside_a_document_is_uncertain_and_its_state_is_asked() -> None:
    provider, _ = opened(answer([SIGNED], NO), answer([SIGNED]))
    assert provider.finalise("a1b-2c").number == "Fatura 2026/7"
    provider, _ = opened(answer([SIGNED], NO), answer([{**SIGNED, "fno": -3, "draftRecord": True}]))
    with pytest.raises(UncertainError):
        provider.finalise("a1b-2c")


def test_a_refusal_that_cannot_be_verified_is_uncertain() -> None:
    alive = answer([{"nomecomp": "x"}])
    provider, _ = opened(answer([], NO), alive, UnreachableError("unreachable"))
    with pytest.raises(UncertainError) as raised:
        provider.finalise("a1b-2c")
    assert raised.value.detail == {"how": "refused-unseen"}


def test_the_answer_about_another_document_is_not_taken_for_this_one() -> None:
    draft_of_ours = {**SIGNED, "ftstamp": "a1b-2c", "fno": -3, "draftRecord": True}
    provider, _ = opened(
        answer([{**SIGNED, "ftstamp": "other"}]), answer([{**SIGNED, "ftstamp": "other"}, draft_of_ours])
    )
    with pytest.raises(UncertainError):
        provider.finalise("a1b-2c")


@given(st.binary(max_size=300))
def test_no_bytes_make_the_adapter_raise_an_unclassified_error(noise: bytes) -> None:
    good = answer([SIGNED]).body
    for body in (noise, good[:-20] + noise, good.replace(b"7", noise[:6])):
        for verb in VERBS:
            provider, _ = opened(*[HttpResponse(200, {}, body)] * 12)
            try:
                verb(provider)
            except AppError:
                continue
            except IndexError:
                # the adapter would have asked for another page
                continue


VERBS: list[Callable[[PhcGo], Any]] = [
    lambda provider: provider.check(),
    lambda provider: provider.choices(),
    lambda provider: provider.open_draft(draft(series="47"), "QI-1"),
    lambda provider: provider.issue(draft(series="47"), "QI-1"),
    lambda provider: provider.finalise("a1b-2c"),
    lambda provider: provider.drop_draft("a1b-2c"),
    lambda provider: provider.drop_drafts("QI-1"),
    lambda provider: provider.find_by_reference("QI-1", draft(series="47")),
    lambda provider: provider.read_document("a1b-2c"),
    lambda provider: provider.pdf(Issued("a1b-2c", "x")),
    lambda provider: provider.email("a1b-2c", "ana@example.pt"),
]


def test_the_least_recently_used_session_is_dropped() -> None:
    sessions = SessionCache(size=2)
    first, second = sessions.get("first"), sessions.get("second")
    assert sessions.get("first") is first
    sessions.get("third")
    assert sessions.get("first") is first
    assert sessions.get("second") is not second


def test_a_refused_log_in_is_reported_without_what_was_typed() -> None:
    SESSIONS.clear()
    wire = ScriptedWire(answer([], {**NO, "messageCodeLocale": "A password p&=ã de loja está errada."}))
    typed = {"url": "https://sis05.phcgo.net/abc", "user": "loja", "password": "p&=ã", "token": "a+b/c="}
    with pytest.raises(CredentialsError) as raised:
        PhcGo(typed, wire, lambda: NOW, (".phcgo.net",)).check()
    assert raised.value.detail == {
        "answer": "A password *** de loja está errada.", "field": "password", "kind": "wrong-password",
    }  # fmt: skip


OTHERS = [
    {"no": 1, "ncont": "299900028", "estab": 0},
    {"no": 2, "ncont": " 299900010 ", "estab": 3},
    {"no": 3, "ncont": "299900010", "estab": 0, "inactivo": True},
    {"no": 4, "ncont": "299900010", "estab": 0},
    {"no": 5, "ncont": "2999000100", "estab": 0},
]


@pytest.mark.parametrize(("rows", "number"), [(OTHERS, 4), (OTHERS[:3], 2), (OTHERS[:1], None), ([], None)])
def test_a_customer_is_matched_by_exactly_their_tax_id(
    rows: list[dict[str, Any]], number: int | None
) -> None:
    blank = answer([{"no": 6}])
    saved = answer([{"no": 6, "ncont": PERSON.tax_id}])
    asked = [answer([]), answer(rows)] + ([] if number else [blank, saved])
    provider, wire = opened(*asked, answer([]), answer([{"ndoc": 47}]), answer([], NO), *[answer([], NO)] * 9)
    with pytest.raises((AppError, IndexError)):
        provider.open_draft(draft(series="47", customer=PERSON), "QI-1")
    acted = next(content for _, url, content in wire.calls if url.endswith("/FtWS/actEntity"))
    assert json.loads(acted["data"]["entity"])["no"] == (number or 6)


def test_the_generic_customer_is_the_one_marked_as_such() -> None:
    rows = [
        {"no": 1},
        {"no": 2, "clivd": False},
        {"no": 3, "clivd": True, "inactivo": 1},
        {"no": 4, "clivd": 1},
    ]
    provider, wire = opened(answer(rows), answer([]), answer([{"ndoc": 47}]), *[answer([], NO)] * 9)
    with pytest.raises((AppError, IndexError)):
        provider.open_draft(draft(series="47"), "QI-1")
    acted = next(content for _, url, content in wire.calls if url.endswith("/FtWS/actEntity"))
    assert json.loads(acted["data"]["entity"])["no"] == 4


# --- records -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "drafted"),
    [
        ({}, False),
        ({"draftRecord": False}, False),
        ({"draftRecord": 0}, False),
        ({"draftRecord": True}, True),
        ({"draftRecord": 1}, True),
        ({"draftRecord": "true"}, True),
        ({"fno": -7}, True),
        ({"fno": -7, "draftRecord": False}, True),
        ({"fno": 0}, True),
        ({"fno": None}, True),
        ({"fno": "x"}, True),
    ],
)
def test_a_record_is_a_document_only_when_every_field_says_so(changes: dict[str, Any], drafted: bool) -> None:
    row = {**SIGNED, **changes}
    assert is_draft(FT, row) is drafted
    assert (issued_from(FT, row) is None) is drafted


def test_the_legal_number_is_the_providers_own_where_it_gives_one() -> None:
    assert printed_number(FT, {**SIGNED, "uniqueID": "FT 2026S12/7"}) == "FT 2026S12/7"
    assert printed_number(FT, SIGNED) == "Fatura 2026/7"


def test_the_authoritys_code_of_a_transport_guide_is_read_where_it_is_told() -> None:
    issued = issued_from(FT, {**SIGNED, "atdoccodeid": "81230000007"})
    assert issued is not None and issued.at_code == "81230000007"
    plain = issued_from(FT, SIGNED)
    assert plain is not None and plain.at_code == ""


def test_a_total_loses_floating_point_noise_and_nothing_else() -> None:
    assert record_total({"etotal": Decimal("27.139999999999997")}) == Decimal("27.14")
    assert record_total({"etotal": Decimal("27.1349")}) == Decimal("27.1349")
    assert record_total({"etotal": Decimal("-12.30")}) == Decimal("12.30")
    assert record_total({"etotal": "x"}) is None


def test_an_answer_has_no_character_that_a_database_cannot_store() -> None:
    body = b'{"result": [{"no": 1, "nome": "A\\u0000B\\ud800C \\ud83d\\ude00"}], "messages": []}'
    assert parse_envelope(HttpResponse(200, {}, body)).first == {"no": 1, "nome": "AB\ufffdC 😀"}
