"""Articles, stock levels and movements of the iGEST stand-in: by API, by hand, in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.sandbox.igest_client import (
    OLARIA,
    QUINTA,
    Answer,
    IgestClient,
    credit,
    document,
    line,
    open_client,
)


def element(name: str, **fields: str) -> str:
    inside = "".join(f"<{field}>{escape(text)}</{field}>" for field, text in fields.items())
    return f"<{name}>{inside}</{name}>"


def named(*codes: str) -> str:
    inside = "".join(f"<referencia>{escape(code)}</referencia>" for code in codes)
    return f"<referencias>{inside}</referencias>"


def rows(answer: Answer, one: str) -> list[dict[str, str]]:
    assert answer.ok, answer.error
    return [{field.tag: field.text or "" for field in row} for row in answer.output.iter(one)]


def made(igest: IgestClient, **changes: str) -> Answer:
    plain = {"referencia": "NOVO-1", "descricao": "Prato", "unidade": "UN", "tipo": "P", "taxa": "23"}
    return igest.call("novo_artigo", element("artigo", **(plain | changes)))


def moved(igest: IgestClient, quantity: str, reference: str = "QI-S1", **changes: str) -> Answer:
    plain = {"referencia": "AZU-014", "quantidade": quantity, "observacoes": f"Ref. {reference}\nVenda 7"}
    return igest.call("movimentar_stock", element("movimento", **(plain | changes)))


def levels(answer: Answer) -> dict[tuple[str, str], str]:
    return {(row["referencia"], row["armazem"]): row["quantidade"] for row in rows(answer, "stock")}


def entries(igest: IgestClient, *kinds: str) -> list[dict[str, Any]]:
    return [entry for entry in igest.program.ledger.entries if entry["kind"] in kinds]


# --- look-up and creation -----------------------------------------------------------------------------------


def test_at_most_fifty_references_are_asked_for_at_once(igest: IgestClient) -> None:
    assert igest.call("procurar_artigos", named(*(f"A{n}" for n in range(50)))).ok
    assert "50" in igest.call("procurar_artigos", named(*(f"A{n}" for n in range(51)))).error
    for nothing in ("", "<referencias/>", named("A", " ")):
        assert "referencia" in igest.call("procurar_artigos", nothing).error


@pytest.mark.parametrize(
    "changes",
    [
        {"referencia": ""},
        {"referencia": "X" * 61},
        {"descricao": ""},
        {"descricao": "x" * 201},
        {"tipo": "Z"},
        {"taxa": ""},
        {"taxa": "22"},
        {"taxa": "0"},
        {"taxa": "0", "codigo_isencao": "M03"},
        {"codigo_isencao": "M07"},
    ],
    ids=str,
)
def test_an_invalid_article_is_refused(igest: IgestClient, changes: dict[str, str]) -> None:
    assert made(igest, **changes).error
    assert entries(igest, "article") == []
    assert made(igest, referencia="X" * 60, descricao="x" * 200, taxa="0", codigo_isencao="M07").ok


def test_the_ledger_says_which_articles_a_document_created(igest: IgestClient) -> None:
    igest.issue(document(line(referencia="NOVO-2"), atualiza_stock="sim"))
    (entry,) = entries(igest, "article")
    assert (entry["who"], entry["rate"]) == ("document", "23")
    assert levels(igest.call("listar_stock", named("NOVO-2"))) == {
        ("NOVO-2", "SET"): "-1",
        ("NOVO-2", "EST"): "0",
    }


# --- renamed and withdrawn by hand ------------------------------------------------------------------------


def by_hand(igest: IgestClient, **wanted: Any) -> int:
    return igest.http.post(f"/sandbox/entities/{igest.number}/articles", json=wanted).status_code


def test_a_renamed_article_keeps_its_id_and_its_stock(igest: IgestClient) -> None:
    (before,) = rows(igest.call("procurar_artigos", named("TAC-002")), "artigo")
    assert by_hand(igest, ref="TAC-002", to="TACA-2", description="Taça grande") == 200
    assert rows(igest.call("procurar_artigos", named("TAC-002")), "artigo") == []
    (after,) = rows(igest.call("procurar_artigos", f"<id_artigo>{before['id_artigo']}</id_artigo>"), "artigo")
    assert after == before | {"referencia": "TACA-2", "descricao": "Taça grande"}
    assert levels(igest.call("listar_stock", named("TACA-2")))["TACA-2", "SET"] == "100"
    (entry,) = entries(igest, "article-renamed")
    assert (entry["former"], entry["ref"], entry["who"]) == ("TAC-002", "TACA-2", "hand")
    assert by_hand(igest, ref="TAC-002", to="X") == 404
    assert by_hand(igest, ref="TACA-2", to="AZU-014") == 422
    assert by_hand(igest, ref="TACA-2", to="TACA-2") == 200
    assert len(entries(igest, "article-renamed")) == 1


def test_a_credit_returns_the_stock_of_an_article_renamed_since(igest: IgestClient) -> None:
    answer = igest.issue(document(line(quantidade="4"), atualiza_stock="sim"))
    by_hand(igest, ref="AZU-014", to="AZULEJO")
    igest.http.post(f"/sandbox/documents/{answer['id_documento']}/annul")
    assert levels(igest.call("listar_stock", named("AZULEJO")))["AZULEJO", "SET"] == "100"
    assert entries(igest, "annulment")[0]["stock"] == [{"ref": "AZULEJO", "warehouse": "SET", "qty": "4"}]


def test_a_withdrawn_article_is_inactive_and_its_reference_stays_taken(igest: IgestClient) -> None:
    assert by_hand(igest, ref="AZU-014", withdrawn=True) == 200
    (row,) = rows(igest.call("procurar_artigos", named("AZU-014")), "artigo")
    assert row["ativo"] == "nao"
    assert "Já existe" in made(igest, referencia="AZU-014").error
    assert igest.issue().error == "Artigo inativo: AZU-014"
    assert "desconhecido" in moved(igest, "1").error
    assert levels(igest.call("listar_stock", named("AZU-014"))) == {}
    assert [entry["ref"] for entry in entries(igest, "article-withdrawn")] == ["AZU-014"]


# --- levels -----------------------------------------------------------------------------------------------


def test_where_changes_cannot_be_asked_for_the_mark_is_refused_or_ignored(igest: IgestClient) -> None:
    igest.switch(stock_changes="off")
    assert igest.call("listar_stock")["marca"] == ""
    assert igest.call("listar_stock", "<desde>0</desde>").error == "Elemento desconhecido: desde"
    igest.switch(unknown_elements="ignored")
    assert len(levels(igest.call("listar_stock", "<desde>0</desde>"))) == 4


def test_a_long_list_is_paged_and_so_are_its_changes(igest: IgestClient) -> None:
    goods = [{"ref": f"CAT-{n:04}", "description": f"Peça {n}", "stock": {"EST": n}} for n in range(1100)]
    answer = igest.http.post("/sandbox/catalogue", json={"entity": OLARIA, "articles": goods})
    assert answer.get_json() == {"entity": OLARIA, "articles": 1100}
    for since, first in (("", 2), ("<desde>0</desde>", 0)):
        found: dict[tuple[str, str], str] = {}
        sizes, after = [], ""
        while not sizes or after:
            page = igest.call("listar_stock", since + (f"<apos>{after}</apos>" if after else ""))
            told = levels(page)
            assert not told.keys() & found.keys()
            found |= told
            sizes.append(len({code for code, _ in told}))
            after = page["seguinte"]
        assert sizes == [500, 500, 100 + first]
        assert found["CAT-0007", "EST"] == "7"


# --- movements --------------------------------------------------------------------------------------------


def test_an_invalid_movement_is_refused(igest: IgestClient, tmp_path: Path) -> None:
    assert "desconhecido: NADA" in moved(igest, "1", referencia="NADA").error
    assert "serviço" in moved(igest, "1", referencia="OFI-001").error
    assert "Armazém desconhecido" in moved(igest, "1", armazem="LUA").error
    for quantity in ("0", "", "muitos", "1e3", "٣"):
        assert "uantidade" in moved(igest, quantity).error
    with open_client(tmp_path / "other", QUINTA) as quinta:
        assert "por armazém" in moved(quinta, "1", referencia="MEL-500", armazem="SET").error
        assert moved(quinta, "1", referencia="MEL-500").ok
    assert entries(igest, "stock") == []


def test_stock_below_zero_is_allowed_or_refused_by_a_switch(igest: IgestClient) -> None:
    assert moved(igest, "-101").ok
    igest.switch(negative_stock="refused")
    assert moved(igest, "-1").error == "Stock insuficiente: AZU-014"
    assert moved(igest, "1").ok
    two = document(line(referencia="TAC-002", quantidade="60"), line(referencia="TAC-002", quantidade="41"))
    assert igest.issue(two).ok, "it moves nothing"
    assert igest.issue(two | {"atualiza_stock": "sim"}).error == "Stock insuficiente: TAC-002"
    number = igest.issue(document(line(referencia="TAC-002", quantidade="100"), atualiza_stock="sim"))
    assert igest.issue(
        credit(number["numero_documento"], line(referencia="TAC-002"), atualiza_stock="sim")
    ).ok


# --- invalid articles and movements -----------------------------------------------------------------------


# --- changes by hand, and how calls see them --------------------------------------------------------------


def test_stock_is_set_or_moved_by_control_one_or_many_at_a_time(igest: IgestClient) -> None:
    where = f"/sandbox/entities/{OLARIA}/stock"
    many = [{"ref": "AZU-014", "to": 40}, {"ref": "TAC-002", "qty": "-1.5", "warehouse": "EST"}]
    assert igest.http.post(where, json=many).status_code == 200
    assert [(entry["ref"], entry["qty"], entry["who"]) for entry in entries(igest, "stock")] == [
        ("AZU-014", "-60", "hand"),
        ("TAC-002", "-1.5", "hand"),
    ]
    assert igest.http.post(where, json={"ref": "AZU-014", "to": 40}).status_code == 200
    assert len(entries(igest, "stock")) == 2, "it was 40 already"
    for bad in (
        {"ref": "NADA", "to": 1},
        {"ref": "AZU-014", "to": "x"},
        {"ref": "AZU-014", "to": 1, "warehouse": "X"},
    ):
        assert igest.http.post(where, json=bad).status_code == 422


def test_a_person_edits_an_article_in_the_panel_and_sees_why_its_stock_moved(igest: IgestClient) -> None:
    igest.issue(document(line(quantidade="2"), atualiza_stock="sim"))
    moved(igest, "-3", armazem="EST")
    (row,) = rows(igest.call("procurar_artigos", named("AZU-014")), "artigo")
    where = f"/panel/{OLARIA}/artigos/{row['id_artigo']}"
    assert where in igest.http.get(f"/panel/{OLARIA}/artigos?q=azulejo").get_data(as_text=True)
    assert "Sem artigos" in igest.http.get(f"/panel/{OLARIA}/artigos?q=nada").get_data(as_text=True)
    form = {"referencia": "AZULEJO", "descricao": "Azulejo azul", "stock-SET": "40,5", "stock-EST": ""}
    assert igest.http.post(where, data=form).status_code == 303
    assert levels(igest.call("listar_stock", named("AZULEJO"))) == {
        ("AZULEJO", "SET"): "40.5",
        ("AZULEJO", "EST"): "-3",
    }
    shown = igest.http.get(where).get_data(as_text=True)
    for text in ("FR 2026FR/1", "Ref. QI-S1", "À mão", "-57.5", "Azulejo azul"):
        assert text in shown
    for bad in ({"stock-SET": "muitos"}, {"stock-SET": "NaN"}, {"referencia": "TAC-002"}):
        assert igest.http.post(where, data=bad).status_code == 422
    assert igest.http.post(where, data={"retirar": "1"}).status_code == 303
    assert "Inativo" in igest.http.get(where).get_data(as_text=True)
    assert igest.http.get(f"/panel/{OLARIA}/artigos/1").status_code == 404


def test_a_catalogue_is_loaded_whole_or_not_at_all(igest: IgestClient) -> None:
    def load(*articles: dict[str, Any]) -> int:
        wanted = {"entity": OLARIA, "articles": list(articles)}
        return igest.http.post("/sandbox/catalogue", json=wanted).status_code

    good = {"ref": "CAT-1", "description": "Peça", "stock": 12}
    assert load(good, {"ref": "AZU-014", "description": "Outro"}) == 422
    assert load(good, good) == 422
    assert load(good, {"ref": "CAT-2"}) == 422
    assert load(good, {"ref": "CAT-2", "description": "x", "stock": {"LUA": 1}}) == 422
    assert load(good, {"ref": "CAT-2", "description": "x", "stock": "NaN"}) == 422
    assert entries(igest, "catalogue") == []
    assert (
        load(good, {"ref": "CAT-S", "description": "Aula", "type": "S", "rate": "0", "exemption": "M07"})
        == 200
    )
    assert levels(igest.call("listar_stock", named("CAT-1", "CAT-S"))) == {
        ("CAT-1", "SET"): "12",
        ("CAT-1", "EST"): "0",
    }
    assert igest.http.post("/sandbox/catalogue", json={"entity": "9", "articles": []}).status_code == 404


def test_a_restart_finds_articles_levels_and_marks_again(tmp_path: Path) -> None:
    with open_client(tmp_path) as before:
        made(before)
        before.http.post("/sandbox/catalogue", json={"entity": OLARIA, "articles": [
            {"ref": "CAT-1", "description": "Peça", "stock": 12},
        ]})  # fmt: skip
        by_hand(before, ref="TAC-002", to="TACA-2")
        by_hand(before, ref="NOVO-1", withdrawn=True)
        mark = before.call("listar_stock")["marca"]
        moved(before, "-3")
        told = before.call("procurar_artigos", named("TACA-2", "NOVO-1", "CAT-1")).response.get_data()
        whole = levels(before.call("listar_stock"))
        wanted = {"name": "Nova, Lda.", "nif": "599950277", "number": "40001"}
        assert before.http.post("/sandbox/entities", json=wanted).status_code == 200
    with open_client(tmp_path) as after:
        assert after.call("procurar_artigos", named("TACA-2", "NOVO-1", "CAT-1")).response.get_data() == told
        assert levels(after.call("listar_stock")) == whole
        assert levels(after.call("listar_stock", f"<desde>{mark}</desde>")) == {("AZU-014", "SET"): "97"}


def test_the_busiest_minute_and_the_refusals_are_counted(igest: IgestClient) -> None:
    for _ in range(7):
        igest.call("verificar")
    igest.http.post("/sandbox/clock", json={"now": "2026-11-20 12:05:00"})
    for _ in range(3):
        igest.call("verificar")
    expected = {"calls": 10, "busiest_minute": 7, "refused": 0, "most": 200}
    assert igest.http.get("/sandbox/limits").get_json() == expected
    igest.switch(rate_limit="http-429")
    for _ in range(205):
        igest.post(b"x")
    found = igest.http.get("/sandbox/limits").get_json()
    assert (found["busiest_minute"], found["refused"]) == (208, 5)
    assert igest.http.delete("/sandbox/limits").get_json() == expected | {"calls": 0, "busiest_minute": 0}
