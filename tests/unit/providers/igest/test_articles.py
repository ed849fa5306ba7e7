"""Articles and stock of iGEST: requests, answers, and how each outcome is classified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    ThrottledError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.http_client import HttpResponse
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.base import AccountFeatures
from shopapp.providers.igest import IGest
from shopapp.providers.stock import StockLevel, StockMovement
from tests.unit.providers.igest.test_adapter import KEPT, RATES, REASONS, SERIES
from tests.unit.providers.igest.test_wire import UNREADABLE
from tests.unit.providers.igest.xml_messages import ENTITY, ok, open_adapter, output, refusal, success

NEW = NewArticle("TAC-002", "Taça de barro", Decimal(23), "PT")
MOVE = StockMovement("TAC-002", "SET", Decimal(-3), "QI-S1", "Venda 1001")
MADE = "<id_artigo>7002</id_artigo><referencia>TAC-002</referencia>"
MOVED = "<id_movimento>12</id_movimento>"


def artigo(code: str, identity: str = "7002", **more: str) -> str:
    fields = {"id_artigo": identity, "referencia": code, "descricao": f"Nome de {code}", **more}
    return "<artigo>" + "".join(f"<{name}>{text}</{name}>" for name, text in fields.items()) + "</artigo>"


def stock(code: str, quantity: str, place: str = "SET") -> str:
    return (
        f"<stock><referencia>{code}</referencia><armazem>{place}</armazem>"
        f"<quantidade>{quantity}</quantidade></stock>"
    )


def levels(*rows: str, following: str = "", mark: str = "40") -> HttpResponse:
    inside = f"<stocks>{''.join(rows)}</stocks><seguinte>{following}</seguinte>"
    return success(inside + (f"<marca>{mark}</marca>" if mark else ""))


def request_content(body: bytes) -> dict[str, Any]:
    """Return the content of a request without its authentication."""
    root = ElementTree.fromstring(body)
    return {
        part.tag: [(row.tag, row.text or "") for row in part] or (part.text or "")
        for part in root
        if part.tag not in ("id_entidade", "autenticacao")
    }


def changing(*answers: HttpResponse | Exception) -> tuple[IGest, Any]:
    """Return an adapter whose account is known to list changes."""
    provider, wire = open_adapter(*answers)
    provider.features = AccountFeatures(articles=True, stock_changes=True)
    return provider, wire


# --- look-up -------------------------------------------------------------------------------------------


def test_articles_are_looked_up_by_one_call_and_matched_exactly() -> None:
    rows = artigo("TAC-002") + artigo("tac-003", "7003") + artigo("OFI-001", "7004", tipo="S")
    provider, wire = open_adapter(success(f"<artigos>{rows}</artigos>"))
    assert provider.articles_by_code(["TAC-002", "TAC-003", "OFI-001"]) == {
        "TAC-002": ProviderArticle("7002", "TAC-002", "Nome de TAC-002"),
        "OFI-001": ProviderArticle("7004", "OFI-001", "Nome de OFI-001", goods=False),
    }
    assert request_content(wire.bodies[0]) == {
        "metodo": "procurar_artigos",
        "referencias": [("referencia", code) for code in ("TAC-002", "TAC-003", "OFI-001")],
    }
    assert [verb for verb, _, _ in wire.calls] == ["read"]


def test_an_article_that_is_no_longer_in_use_is_not_there() -> None:
    gone = success(f"<artigos>{artigo('TAC-002', ativo='nao')}</artigos>")
    assert open_adapter(gone)[0].articles_by_code(["TAC-002"]) == {}
    assert open_adapter(gone)[0].article_by_id("7002") is None


def test_an_article_is_found_by_its_id_whatever_it_is_called() -> None:
    provider, wire = open_adapter(success(f"<artigos>{artigo('TAÇA-2')}</artigos>"), success("<artigos/>"))
    assert provider.article_by_id("7002") == ProviderArticle("7002", "TAÇA-2", "Nome de TAÇA-2")
    assert provider.article_by_id("7009") is None
    assert request_content(wire.bodies[0]) == {"metodo": "procurar_artigos", "id_artigo": "7002"}


@pytest.mark.parametrize("code", ["A\x01B", "A\nB", "A\tB", " A", "A\ud800", "", "A\x85"])
def test_a_reference_that_xml_would_change_is_never_asked_for(code: str) -> None:
    provider, wire = open_adapter()
    assert provider.articles_by_code([code]) == {}
    assert provider.stock_levels([code]) == ()
    for verb in (
        lambda: provider.create_article(replace(NEW, code=code)),
        lambda: provider.move_stock(replace(MOVE, code=code)),
    ):
        with pytest.raises(RefusedError):
            verb()
    assert wire.calls == []


LOOKS: dict[str, Callable[[IGest], Any]] = {
    "articles": lambda provider: provider.articles_by_code(["TAC-002"]),
    "article": lambda provider: provider.article_by_id("7002"),
    "levels": lambda provider: provider.stock_levels(["TAC-002"]),
    "changed levels": lambda provider: provider.changed_stock_levels(),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize(
    "reply",
    [
        *(ok(body) for body in UNREADABLE.values()),
        success(),
        success("<artigos/><artigos/><stocks/><stocks/>"),
        success("<artigos><artigo/></artigos><stocks><stock/></stocks>"),
        success(
            f"<artigos><artigo><id_artigo>7</id_artigo></artigo></artigos><stocks>{stock('A', '')}</stocks>"
        ),
        success(f"<artigos>{artigo('')}</artigos><stocks>{stock('A', 'muitos')}</stocks>"),
        ok(output("pendente")),
        ok(b"<html>404</html>", 404),
        ok(b"", 500),
        ok(b"", 302),
    ],
)
def test_a_look_up_without_a_whole_answer_never_means_that_nothing_exists(
    look: Callable[[IGest], Any], reply: HttpResponse
) -> None:
    with pytest.raises(UnreachableError):
        look(open_adapter(reply)[0])


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_refused_look_up_waits_or_blames_the_credentials(look: Callable[[IGest], Any]) -> None:
    with pytest.raises(TransientError):
        look(open_adapter(refusal("Método desconhecido"), success(ENTITY))[0])
    with pytest.raises(CredentialsError) as raised:
        look(open_adapter(refusal("x"), refusal("Integração inativa."))[0])
    assert raised.value.detail["kind"] == "inactive"
    with pytest.raises(ThrottledError):
        look(open_adapter(ok(b"", 429))[0])


# --- creation -----------------------------------------------------------------------------------------------


def test_an_article_is_created_by_a_single_call() -> None:
    provider, wire = open_adapter(success(MADE))
    assert provider.create_article(NEW) == ProviderArticle("7002", "TAC-002", "Taça de barro")
    assert request_content(wire.bodies[0]) == {
        "metodo": "novo_artigo",
        "artigo": [
            ("referencia", "TAC-002"), ("descricao", "Taça de barro"), ("unidade", "UN"), ("tipo", "P"), ("taxa", "23"),
        ],
    }  # fmt: skip
    assert [verb for verb, _, _ in wire.calls] == ["write"]


def test_a_service_at_zero_has_its_code() -> None:
    provider, wire = open_adapter(success(MADE))
    service = replace(NEW, vat_rate=Decimal(0), exemption_code="M07", goods=False)
    assert not provider.create_article(service).goods
    assert request_content(wire.bodies[0])["artigo"][3:] == [
        ("tipo", "S"),
        ("taxa", "0"),
        ("codigo_isencao", "M07"),
    ]


def test_a_long_name_is_shortened_and_a_missing_one_is_the_reference() -> None:
    provider, wire = open_adapter(success(MADE), success(MADE))
    provider.create_article(replace(NEW, name="Ã\n" * 300))
    provider.create_article(replace(NEW, name=" "))
    names = [dict(request_content(body)["artigo"])["descricao"] for body in wire.bodies]
    assert (len(names[0]) <= 200, names[0][:3], names[1]) == (True, "Ã Ã", "TAC-002")


# --- stock levels -----------------------------------------------------------------------------------------------


def test_levels_are_listed_for_each_warehouse() -> None:
    provider, wire = open_adapter(levels(stock("A", "3"), stock("A", "-1.5", "EST"), stock("B", "0", "")))
    assert provider.stock_levels(["A", "B"]) == (
        StockLevel("A", "SET", Decimal(3)),
        StockLevel("A", "EST", Decimal("-1.5")),
        StockLevel("B", "", Decimal(0)),
    )
    assert request_content(wire.bodies[0])["referencias"] == [("referencia", "A"), ("referencia", "B")]


def test_the_next_sync_begins_at_the_first_page_of_the_last_one() -> None:
    provider, wire = changing(
        levels(stock("A", "3"), following="7500", mark="40"),
        levels(stock("B", "5"), mark="44"),
        levels(mark="45"),
    )
    first = provider.changed_stock_levels()
    assert (first.levels, first.sync_token) == ((StockLevel("A", "SET", Decimal(3)),), "40")
    last = provider.changed_stock_levels("", first.after)
    # A level that changes on an earlier page during this reading has a token after the first page's.
    assert (last.levels, last.after, last.sync_token) == ((StockLevel("B", "SET", Decimal(5)),), "", "40")
    assert provider.changed_stock_levels(last.sync_token).sync_token == "45"
    assert [request_content(body) for body in wire.bodies] == [
        {"metodo": "listar_stock"},
        {"metodo": "listar_stock", "apos": "7500"},
        {"metodo": "listar_stock", "desde": "40"},
    ]


def test_a_reading_of_changes_keeps_its_sync_token_on_every_page() -> None:
    provider, wire = changing(levels(following="7500", mark="50"), levels(mark="51"))
    page = provider.changed_stock_levels("40")
    assert provider.changed_stock_levels("40", page.after).sync_token == "50"
    assert request_content(wire.bodies[1]) == {"metodo": "listar_stock", "desde": "40", "apos": "7500"}


def test_an_account_that_cannot_list_changes_is_read_completely() -> None:
    provider, wire = open_adapter(levels(stock("A", "3"), mark=""))
    assert provider.changed_stock_levels("40").sync_token == ""
    assert request_content(wire.bodies[0]) == {"metodo": "listar_stock"}


def test_a_sync_token_that_is_no_longer_understood_reads_all_levels() -> None:
    provider, wire = changing(
        refusal("Marca desconhecida"), success(ENTITY), levels(following="7500"), levels(stock("A", "3"))
    )
    page = provider.changed_stock_levels("99")
    assert provider.changed_stock_levels("99", page.after).levels == (StockLevel("A", "SET", Decimal(3)),)
    assert [request_content(body) for body in (wire.bodies[2], wire.bodies[3])] == [
        {"metodo": "listar_stock"},
        {"metodo": "listar_stock", "apos": "7500"},
    ]


# --- stock movements -----------------------------------------------------------------------------------------------


def test_stock_is_moved_by_one_call_under_our_reference() -> None:
    provider, wire = open_adapter(success(MOVED))
    provider.move_stock(MOVE)
    assert request_content(wire.bodies[0]) == {
        "metodo": "movimentar_stock",
        "movimento": [
            ("referencia", "TAC-002"), ("armazem", "SET"), ("quantidade", "-3"),
            ("observacoes", "Ref. QI-S1\nVenda 1001"),
        ],
    }  # fmt: skip
    assert [verb for verb, _, _ in wire.calls] == ["write"]


def test_without_warehouses_none_is_named() -> None:
    provider, wire = open_adapter(success(MOVED))
    provider.move_stock(replace(MOVE, warehouse="", reason=""))
    assert request_content(wire.bodies[0])["movimento"] == [
        ("referencia", "TAC-002"), ("quantidade", "-3"), ("observacoes", "Ref. QI-S1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("notes", "there"),
    [
        ("Ref. QI-S1", True),
        ("Ref. QI-S1\nVenda", True),
        ("Ref. QI-S12", False),
        ("Venda\nRef. QI-S1", False),
        ("", False),
    ],
)
def test_a_movement_is_found_only_by_exactly_our_reference(notes: str, there: bool) -> None:
    row = f"<movimento><id_movimento>1</id_movimento><observacoes>{notes}</observacoes></movimento>"
    provider, wire = open_adapter(success(f"<movimentos>{row}</movimentos>"))
    assert provider.has_stock_movement("QI-S1") is there
    assert request_content(wire.bodies[0]) == {"metodo": "listar_movimentos", "referencia": "QI-S1"}


def test_where_movements_cannot_be_searched_none_is_returned() -> None:
    assert (
        open_adapter(refusal("Método desconhecido"), success(ENTITY))[0].has_stock_movement("QI-S1") is None
    )
    with pytest.raises(CredentialsError):
        open_adapter(refusal("x"), refusal("Integração inativa."))[0].has_stock_movement("QI-S1")
    with pytest.raises(UnreachableError):
        open_adapter(success())[0].has_stock_movement("QI-S1")


# --- every outcome ----------------------------------------------------------------------------------------

WRITES: dict[str, tuple[Callable[[IGest], Any], str, str, str]] = {
    "article": (lambda provider: provider.create_article(NEW), MADE, "article-refused", "no-article"),
    "stock": (lambda provider: provider.move_stock(MOVE), MOVED, "stock-refused", "no-movement"),
}
each_write = pytest.mark.parametrize(("write", "made", "refused", "nothing"), WRITES.values(), ids=WRITES)


@each_write
def test_a_refusal_keeps_the_providers_sentence(
    write: Callable[[IGest], Any], made: str, refused: str, nothing: str
) -> None:
    with pytest.raises(RefusedError) as raised:
        write(open_adapter(refusal("Assim não"), success(ENTITY), success("<artigos/>"))[0])
    assert (raised.value.code, raised.value.detail) == (refused, {"answer": "Assim não"})


@each_write
def test_a_refusal_may_be_due_to_the_credentials(
    write: Callable[[IGest], Any], made: str, refused: str, nothing: str
) -> None:
    with pytest.raises(CredentialsError) as raised:
        write(open_adapter(refusal("x"), refusal("Código de segurança inválido."))[0])
    assert raised.value.detail["field"] == "code"


@each_write
def test_an_unexpected_answer_is_uncertain(
    write: Callable[[IGest], Any], made: str, refused: str, nothing: str
) -> None:
    doubts = {
        **{name: ok(body) for name, body in UNREADABLE.items()},
        nothing: success(),
        "contradictory": refusal("Erro", made),
        "status-unknown": ok(output("pendente", made)),
        "status-202": ok(output("sucesso", made), 202),
        "status-404": ok(output("erro", "", "x"), 404),
        "status-500": ok(output("erro", "", "x"), 500),
    }
    for name, reply in doubts.items():
        with pytest.raises(UncertainError) as raised:
            write(open_adapter(reply)[0])
        if name not in UNREADABLE:
            assert raised.value.detail["how"] == name


@each_write
def test_a_request_that_was_never_sent_did_not_happen(
    write: Callable[[IGest], Any], made: str, refused: str, nothing: str
) -> None:
    for error in (UnreachableError("unreachable"), ThrottledError("throttled")):
        with pytest.raises(type(error)):
            write(open_adapter(error)[0])
    with pytest.raises(AppError) as raised:
        write(open_adapter(ok(b"", 403))[0])
    assert isinstance(raised.value, CredentialsError)


def test_an_article_that_somebody_created_first_is_taken_as_it_is() -> None:
    there = success(f"<artigos>{artigo('TAC-002')}</artigos>")
    found = open_adapter(refusal("Já existe"), success(ENTITY), there)[0].create_article(NEW)
    assert found == ProviderArticle("7002", "TAC-002", "Nome de TAC-002")


@pytest.mark.parametrize("look", [ok(b"", 500), refusal("Método desconhecido")])
def test_a_refusal_stays_a_refusal_when_the_credentials_cannot_be_asked(look: HttpResponse) -> None:
    with pytest.raises(RefusedError) as raised:
        open_adapter(refusal("Assim não"), success(ENTITY), look, success(ENTITY))[0].create_article(NEW)
    assert raised.value.detail == {"answer": "Assim não"}


def test_an_article_created_under_another_reference_is_uncertain() -> None:
    with pytest.raises(UncertainError):
        open_adapter(success(MADE.replace("TAC", "tac")))[0].create_article(NEW)


# --- features found at set-up ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "articles", "changes"),
    [
        (KEPT, True, True),
        ((refusal("Método desconhecido"), *KEPT[1:]), False, True),
        ((KEPT[0], refusal("Método desconhecido")), True, False),
        ((KEPT[0], levels(mark="")), True, False),
        ((*KEPT[:2], refusal("Elemento desconhecido: desde")), True, False),
        # it ignores the sync token
        ((*KEPT[:2], levels(stock("A", "3"), mark="")), True, False),
    ],
    ids=["both", "no articles", "no levels", "no mark", "the mark is refused", "the mark is ignored"],
)
def test_the_features_of_an_account_are_found_by_trying_them(
    replies: tuple[HttpResponse, ...], articles: bool, changes: bool
) -> None:
    lists = (success(ENTITY.replace("sim", "nao")), success(SERIES), success(REASONS), success(RATES))
    found = open_adapter(*lists, *replies)[0].choices()
    assert (found.articles, found.stock_changes) == (articles, changes)


@given(st.binary(max_size=400))
def test_no_answer_makes_a_write_raise_an_unclassified_error(noise: bytes) -> None:
    for write, made, _, _ in WRITES.values():
        for body in (
            noise,
            output("sucesso", made)[:-20] + noise,
            output("erro").replace(b"erro", noise[:20]),
        ):
            try:
                write(open_adapter(ok(body), success(ENTITY), success("<artigos/>"))[0])
            except (UncertainError, RefusedError):
                continue


@given(st.binary(max_size=400))
def test_no_answer_to_a_look_up_means_that_nothing_exists(noise: bytes) -> None:
    for look in LOOKS.values():
        for body in (noise, output("sucesso", "<artigos/><stocks/>")[:-20] + noise):
            with pytest.raises(UnreachableError):
                look(open_adapter(ok(body))[0])
