"""The iGEST adapter against every possible answer: any answer that is not an expected one is uncertain."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.errors import (
    AppError,
    CredentialsError,
    RefusedError,
    SettingsError,
    ThrottledError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.fiscal.document import Issued
from shopapp.http_client import HttpResponse
from shopapp.providers.igest import IGest
from tests.unit.providers.igest.test_wire import UNREADABLE
from tests.unit.providers.igest.xml_messages import (
    CODE,
    ENTITY,
    GOOD,
    KEY,
    URL,
    make_draft,
    ok,
    open_adapter,
    output,
    refusal,
    success,
)

PDF = Issued("7", "FR 2026FR/12", pdf_url="https://igest.example/7.pdf")


def issue(*answers: HttpResponse | Exception, **changes: Any) -> Issued:
    provider, _ = open_adapter(*answers)
    return provider.issue(make_draft(**changes), "QI-1")


# --- issue ----------------------------------------------------------------------------------------------


def test_a_document_is_issued_by_a_single_call() -> None:
    provider, wire = open_adapter(success(GOOD))
    assert provider.issue(make_draft(), "QI-1").number == "FR 2026FR/12"
    ((verb, url, content),) = wire.calls
    assert (verb, url) == ("write", URL)
    assert content["headers"] == {"Content-Type": "text/xml;charset=ISO-8859-1"}
    sent = ElementTree.fromstring(content["data"])
    assert sent.findtext("metodo") == "novo_documento"
    assert sent.findtext("documento/observacoes") == "Ref. QI-1"


def test_a_document_with_another_total_is_issued_all_the_same() -> None:
    assert issue(success(GOOD.replace("24.60", "24.61"))).total == Decimal("24.61")


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_answer_is_uncertain(body: bytes) -> None:
    with pytest.raises(UncertainError):
        issue(ok(body))


CONTRADICTORY = {
    "success without a number": success("<id_documento>7</id_documento>"),
    "success without anything": success(),
    "success with an empty number": success(GOOD.replace("FR 2026FR/12", "")),
    "an error with an id": refusal("Erro", "<id_documento>7</id_documento>"),
    "an error with a number": refusal("Erro", "<numero_documento>FR 2026FR/12</numero_documento>"),
    "an error with a PDF address": refusal("Erro", "<url_pdf>https://igest.example/7.pdf</url_pdf>"),
    "an error with a code": refusal("Erro", "<atcud>ABCD-12</atcud>"),
    "another status": ok(output("pendente", GOOD)),
    "a status in English": ok(output("success", GOOD)),
    "a status in capitals": ok(output("ERRO")),
    "an empty status": ok(output("", GOOD)),
    "an accepted status with a document": ok(output("sucesso", GOOD), 202),
    "a refusal that is not 200": ok(output("erro", "", "Série desconhecida"), 400),
    "a page that is not there": ok(b"<html>404</html>", 404),
    "a gone page": ok(output("erro", "", "x"), 410),
    "no content": ok(b"", 204),
    "a broken server": ok(output("erro", "", "x"), 500),
    "a redirect": ok(b"", 302),
}


@pytest.mark.parametrize("reply", CONTRADICTORY.values(), ids=CONTRADICTORY)
def test_an_unexpected_answer_is_uncertain(reply: HttpResponse) -> None:
    with pytest.raises(UncertainError) as raised:
        issue(reply)
    assert raised.value.code == "outcome-unknown"


def test_an_uncertain_outcome_keeps_the_number_in_the_answer() -> None:
    with pytest.raises(UncertainError) as raised:
        issue(success("<id_documento>7</id_documento>"))
    assert raised.value.detail == {"how": "no-number", "id": "7"}
    with pytest.raises(UncertainError) as raised:
        issue(refusal("Erro", "<numero_documento>FR 2026FR/12</numero_documento>"))
    assert raised.value.detail == {"how": "contradictory", "number": "FR 2026FR/12"}


def test_refused_content_keeps_the_providers_sentence() -> None:
    provider, wire = open_adapter(refusal("Série desconhecida: 2026FR"), success(ENTITY))
    with pytest.raises(RefusedError) as raised:
        provider.issue(make_draft(), "QI-1")
    assert (raised.value.code, raised.value.detail) == (
        "provider-refused",
        {"answer": "Série desconhecida: 2026FR"},
    )
    assert [verb for verb, _, _ in wire.calls] == ["write", "read"]


@pytest.mark.parametrize(
    "words", ["Código de segurança inválido.", "Demasiados pedidos", "Timeout", "", "ok"]
)
def test_the_words_of_a_refusal_decide_nothing(words: str) -> None:
    with pytest.raises(RefusedError):
        issue(refusal(words), success(ENTITY))


def test_a_refusal_with_credentials_that_fail_now_blames_the_credentials() -> None:
    with pytest.raises(CredentialsError) as raised:
        issue(refusal("Não autorizado."), refusal("Integração inativa."))
    assert raised.value.detail == {"answer": "Integração inativa.", "field": "", "kind": "inactive"}


@pytest.mark.parametrize(
    "after",
    [
        UnreachableError("unreachable"),
        ThrottledError("throttled"),
        ok(b"<html>"),
        ok(b"", 500),
        KeyError("x"),
    ],
)
def test_a_refusal_stays_a_refusal_when_the_credentials_cannot_be_checked(
    after: HttpResponse | Exception,
) -> None:
    with pytest.raises(RefusedError):
        issue(refusal("Não."), after)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_caller_has_issued_nothing(status: int) -> None:
    with pytest.raises(CredentialsError) as raised:
        issue(ok(b"", status))
    assert raised.value.detail == {"answer": "", "field": "", "kind": "other", "status": status}


@pytest.mark.parametrize(
    "error",
    [UnreachableError("unreachable"), ThrottledError("throttled", 7.0), UncertainError("outcome-unknown")],
)
def test_an_error_that_the_http_client_classified_stays_as_it_is(error: AppError) -> None:
    with pytest.raises(type(error)) as raised:
        issue(error)
    assert raised.value is error


@pytest.mark.parametrize("bug", [KeyError("x"), ValueError("x"), RecursionError("x"), AssertionError("x")])
def test_a_bug_of_ours_while_reading_the_answer_is_uncertain(
    bug: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise bug

    monkeypatch.setattr("shopapp.providers.igest.adapter.issued_from", broken)
    with pytest.raises(UncertainError) as raised:
        issue(success(GOOD))
    assert raised.value.detail == {"how": "internal"}


def test_a_bug_of_ours_before_anything_is_sent_is_not_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    provider, wire = open_adapter()
    with pytest.raises(TransientError) as raised:
        provider.issue(make_draft(lines=(None,)), "QI-1")
    assert (raised.value.code, wire.calls) == ("internal", [])


def test_a_missing_choice_is_reported_before_anything_is_sent() -> None:
    provider, wire = open_adapter()
    with pytest.raises(SettingsError):
        provider.issue(make_draft(series=""), "QI-1")
    assert wire.calls == []


@given(st.binary(max_size=400))
def test_no_answer_makes_issuing_raise_an_unclassified_error(noise: bytes) -> None:
    for body in (noise, output("sucesso", GOOD)[:-20] + noise, output("erro").replace(b"erro", noise[:20])):
        try:
            issue(ok(body), success(ENTITY))
        except (UncertainError, RefusedError):
            continue


# --- check ---------------------------------------------------------------------------------------------


def test_valid_credentials_say_whose_account_it_is() -> None:
    provider, wire = open_adapter(success(ENTITY))
    facts = provider.check()
    assert (facts.name, facts.nif, facts.region) == ("Olaria do Sado, Lda.", "509999999", "PT")
    assert (facts.warehouses, facts.stock_moves_on_issue) == (True, None)
    assert wire.calls[0][0] == "read"


def test_the_fingerprint_is_the_entitys_and_not_the_keys() -> None:
    def fingerprint(**credentials: str) -> str:
        return open_adapter(success(ENTITY), **credentials)[0].check().fingerprint

    assert fingerprint() == fingerprint(key="0" * 40, code="1" * 40)
    assert len({fingerprint(), fingerprint(entity="40322"), fingerprint(nif="509999998")}) == 3


@pytest.mark.parametrize(
    ("words", "kind", "field"),
    [
        ("Código de integração inválido.", "wrong-key", "key"),
        ("O código de integração não pertence a esta entidade.", "wrong-key", "key"),
        ("Código de segurança inválido.", "wrong-code", "code"),
        ("O NIF não corresponde à entidade.", "nif-mismatch", "nif"),
        ("Entidade inexistente.", "entity-unknown", "entity"),
        ("Integração inativa.", "inactive", ""),
        ("Pedido fora do prazo: verifique a hora.", "clock", ""),
        ("Algo correu mal.", "other", ""),
        ("", "other", ""),
    ],
)
def test_refused_credentials_mark_the_field_that_the_sentence_names(
    words: str, kind: str, field: str
) -> None:
    with pytest.raises(CredentialsError) as raised:
        open_adapter(refusal(words))[0].check()
    assert (raised.value.code, raised.value.detail) == (
        "keys-refused",
        {"answer": words, "field": field, "kind": kind},
    )


def test_a_field_that_is_no_longer_asked_for_is_not_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(field for field in IGest.credential_fields if field.name != "entity")
    monkeypatch.setattr(IGest, "credential_fields", left)
    provider, wire = open_adapter(refusal("Entidade inexistente."), entity="")
    with pytest.raises(CredentialsError) as raised:
        provider.check()
    assert raised.value.detail["field"] == ""
    assert b"id_entidade" not in wire.bodies[0]


NOT_IGEST = {
    **{name: ok(body) for name, body in UNREADABLE.items()},
    "another status": ok(output("pendente")),
    "a page that is not there": ok(b"<html>404</html>", 404),
    "an error that is not 200": ok(output("erro", "", "x"), 400),
}


@pytest.mark.parametrize("reply", NOT_IGEST.values(), ids=NOT_IGEST)
def test_an_answer_in_another_form_is_not_igest(reply: HttpResponse) -> None:
    with pytest.raises(UnreachableError) as raised:
        open_adapter(reply)[0].check()
    assert raised.value.code == "not-igest"


@pytest.mark.parametrize("status", [408, 500, 503, 302])
def test_a_check_that_fails_on_the_network_does_not_blame_the_credentials(status: int) -> None:
    with pytest.raises(UnreachableError):
        open_adapter(ok(b"", status))[0].check()


def test_blanks_around_a_pasted_key_do_not_count() -> None:
    spaced, plain = (
        open_adapter(success(ENTITY), key=f" {KEY}\n", nif=" 509999999"),
        open_adapter(success(ENTITY)),
    )
    spaced[0].check(), plain[0].check()
    assert spaced[1].bodies == plain[1].bodies


# --- lists ---------------------------------------------------------------------------------------------

SERIES = """<series><serie><codigo>2026FR</codigo><tipo_documento>FR</tipo_documento><ativa>sim</ativa></serie>
<serie><codigo>2025FT</codigo><tipo_documento>FT</tipo_documento><ativa>nao</ativa></serie>
<serie><codigo>2026GT</codigo><tipo_documento>GT</tipo_documento><ativa>sim</ativa></serie>
<serie><codigo></codigo><tipo_documento>FT</tipo_documento></serie></series>"""
REASONS = """<isencoes><isencao><codigo>M07</codigo><descricao>Isento artigo 9.º do CIVA</descricao></isencao>
<isencao><codigo>M05</codigo><descricao>Exportação</descricao></isencao>
<isencao><codigo>X99</codigo><descricao>?</descricao></isencao></isencoes>"""
RATES = """<taxas><taxa><valor>0</valor></taxa><taxa><valor>6</valor></taxa><taxa><valor>23.00</valor></taxa>
<taxa><valor>muito</valor></taxa></taxas>"""
KEPT = (
    success("<artigos/>"),
    success("<stocks/><seguinte/><marca>41</marca>"),
    success("<stocks/><seguinte/><marca>42</marca>"),
)
"""Answers of an account that has articles and lists stock changes."""
PLACES = """<armazens><armazem><codigo>SET</codigo><nome>Setúbal</nome><principal>sim</principal></armazem>
<armazem><codigo>EST</codigo><nome></nome><principal>nao</principal></armazem></armazens>"""


def test_the_choices_are_those_of_the_account() -> None:
    lists = (success(ENTITY), success(SERIES), success(REASONS), success(RATES), success(PLACES))
    found = open_adapter(*lists, *KEPT)[0].choices()
    assert found.kinds == ("FR",)
    assert [(one.code, one.kind, one.open) for one in found.series] == [
        ("2026FR", "FR", True),
        ("2025FT", "FT", False),
    ]
    assert [one.code for one in found.exemptions] == ["M07"], "M05 is given by the rules, X99 by nobody"
    assert [(one.code, one.label, one.default) for one in found.warehouses] == [
        ("SET", "Setúbal", True),
        ("EST", "EST", False),
    ]
    assert found.rates == (Decimal(23), Decimal(6))


def test_an_entity_without_warehouses_is_not_asked_for_them() -> None:
    entity = success(ENTITY.replace("sim", "nao"))
    provider, wire = open_adapter(entity, success(SERIES), success(REASONS), success(RATES), *KEPT)
    assert provider.choices().warehouses == ()
    assert not any(b"listar_armazens" in body for body in wire.bodies)


def test_a_list_that_igest_lacks_is_the_legal_one_or_empty() -> None:
    missing = refusal("Método desconhecido")
    found = open_adapter(success(ENTITY), missing, missing, missing, missing, missing, missing)[0].choices()
    assert (found.series, found.warehouses) == ((), ())
    assert (found.articles, found.stock_changes) == (False, False)
    assert found.kinds == ("FT", "FR", "FS", "NC")
    assert {"M01", "M07", "M10", "M99"} <= {one.code for one in found.exemptions}
    assert found.rates == (Decimal(23), Decimal(13), Decimal(6))


def test_refused_credentials_are_not_taken_for_missing_lists() -> None:
    with pytest.raises(CredentialsError):
        open_adapter(refusal("Integração inativa."))[0].choices()


def test_an_unanswered_list_is_not_treated_as_empty() -> None:
    with pytest.raises(UnreachableError):
        open_adapter(success(ENTITY), UnreachableError("unreachable"))[0].choices()


# --- the PDF --------------------------------------------------------------------------------------------


def test_the_pdf_is_fetched_from_its_address() -> None:
    provider, wire = open_adapter(ok(b"%PDF-1.7 ..."))
    assert provider.pdf(PDF) == b"%PDF-1.7 ..."
    assert wire.calls == [("read", "https://igest.example/7.pdf", {"max_bytes": 10 * 1024 * 1024})]


@pytest.mark.parametrize(
    "reply",
    [ok(b"<html>entrar</html>"), ok(b""), ok(b" %PDF-1.7"), ok(b"%PDF-1.7", 404), ok(b"", 403), ok(b"", 401)],
)
def test_an_address_without_a_pdf_is_not_ready(reply: HttpResponse) -> None:
    with pytest.raises(TransientError) as raised:
        open_adapter(reply)[0].pdf(PDF)
    assert raised.value.code == "pdf-not-ready"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/7.pdf", "https://igest.example@evil.example/7.pdf", "https://igest.example:8443/7.pdf",
     "http://igest.example/7.pdf", "https://198.51.100.7/7.pdf", "//igest.example/7.pdf", "file:///etc/passwd"],
)  # fmt: skip
def test_a_pdf_is_not_fetched_from_an_address_that_only_the_answer_names(address: str) -> None:
    provider, wire = open_adapter(ok(b"%PDF-1.7 ..."))
    with pytest.raises(TransientError) as raised:
        provider.pdf(Issued("7", "FR 2026FR/12", pdf_url=address))
    assert (raised.value.detail["how"], wire.calls) == ("address-refused", [])


def test_a_document_without_a_pdf_address_is_not_ready() -> None:
    provider, wire = open_adapter()
    with pytest.raises(TransientError) as raised:
        provider.pdf(Issued("7", "FR 2026FR/12"))
    assert (raised.value.code, wire.calls) == ("pdf-not-ready", [])


# --- secrets ----------------------------------------------------------------------------------------------


def test_no_refusal_repeats_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    proof = "0123456789abcdef0123456789abcdef01234567"
    words = f"Chave {KEY} / {CODE.upper()} / {proof} errada"
    for answers in ([refusal(words), success(ENTITY)], [refusal(words), refusal(words)]):
        with pytest.raises(AppError) as raised:
            issue(*answers)
        text = f"{raised.value} {raised.value.detail} {caplog.text}".lower()
        assert not any(secret in text for secret in (KEY, CODE, proof))
        assert raised.value.detail["answer"] == "Chave *** / *** / *** errada"


def test_an_endless_sentence_is_cut_and_kept_on_one_line() -> None:
    with pytest.raises(RefusedError) as raised:
        issue(refusal("a\n b " + "x" * 2000), success(ENTITY))
    answer = raised.value.detail["answer"]
    assert answer.startswith("a b x")
    assert len(answer) == 500


def test_each_call_has_the_time_at_which_it_is_made() -> None:
    times = [datetime.fromisoformat(f"2026-11-20T10:00:0{second}+00:00") for second in (1, 2)]
    provider, wire = open_adapter(success(ENTITY), success(ENTITY), now=lambda: times.pop(0))
    provider.check(), provider.check()
    assert [ElementTree.fromstring(body).findtext("autenticacao/data") for body in wire.bodies] == [
        "2026-11-20 10:00:01",
        "2026-11-20 10:00:02",
    ]
