"""Articles and stock of the PHC GO stand-in, and their ledger."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.phcgo_client import FR, NC, OLARIA, PhcGoClient, line, serve_stand_in

HERE = f"/sandbox/companies/{OLARIA}/OLARIA"
PANEL = f"/panel/{OLARIA}/OLARIA/artigos"
Row = dict[str, Any]


def ledger_entries(caller: PhcGoClient, *kinds: str) -> list[Row]:
    """Return the entries of the inventory ledger's file."""
    lines = (caller.program.folder / "goods.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if not kinds or entry["kind"] in kinds]


def by_hand(caller: PhcGoClient, what: str, wanted: Any, status: int = 200) -> Any:
    answer = caller.client.post(f"{HERE}/{what}", json=wanted)
    assert answer.status_code == status, answer.text
    return answer.get_json()


def new(caller: PhcGoClient, **fields: Any) -> Row:
    blank = caller.call("StWS", "getNewInstance", ndos="0")[0]
    return caller.act("St", blank | {"ref": "NOVO-1", "design": "Jarro"} | fields)


def levels(caller: PhcGoClient, ref: str) -> dict[int, float]:
    return {row["armazem"]: row["stock"] for row in caller.query("Sa", ("ref", ref))}


# --- articles


def test_an_article_created_by_a_call_is_in_the_ledger(caller: PhcGoClient) -> None:
    made = caller.save("St", new(caller, tabiva=1, stock=9))
    assert caller.query("St", ("ststamp", made["ststamp"])) == [made]
    (entry,) = ledger_entries(caller)
    assert (entry["kind"], entry["id"], entry["who"]) == ("article", made["ststamp"], "wire")
    assert (entry["ref"], entry["description"], entry["unit"], entry["rate"]) == (
        "NOVO-1",
        "Jarro",
        "UN",
        "6",
    )
    # Only movements change a level.
    assert made["stock"] == 0 and levels(caller, "NOVO-1") == {}


def test_a_reference_is_taken_once(caller: PhcGoClient) -> None:
    caller.save("St", new(caller))
    assert caller.refused("StWS", "Save", itemVO=new(caller)) == "messages.Data.DuplicateKey"
    assert caller.refused("StWS", "Save", itemVO=new(caller, ref="novo-1")) == "messages.Data.DuplicateKey"
    caller.switch(ref_case="accepted")
    assert caller.save("St", new(caller, ref="novo-1"))["ref"] == "novo-1"
    assert len(caller.query("St", ("ref", "NOVO-1"))) == 2


def test_a_new_article_has_the_rate_that_the_switch_says(caller: PhcGoClient) -> None:
    assert (new(caller, tabiva=1)["tabiva"], new(caller, tabiva=1)["iva"]) == (1, 6)
    caller.switch(article_rate="own")
    assert (new(caller, tabiva=1)["tabiva"], new(caller, tabiva=1)["iva"]) == (2, 23)


def test_a_new_article_has_stock_levels_or_not_as_the_switch_says(caller: PhcGoClient) -> None:
    caller.switch(level_rows="zero")
    caller.save("St", new(caller))
    caller.save("St", new(caller, ref="OFICINA-2", stns=True))
    assert levels(caller, "NOVO-1") == {1: 0, 2: 0} and levels(caller, "OFICINA-2") == {}


def test_an_article_renamed_in_the_panel_keeps_its_stamp_and_stock(caller: PhcGoClient) -> None:
    stamp = caller.query("St", ("ref", "AZU-014"))[0]["ststamp"]
    caller.signed(line(qtt=3), series=FR)
    by_hand(caller, "articles", {"ref": "AZU-014", "to": "AZU-14", "design": "Azulejo"})
    assert caller.query("St", ("ref", "AZU-014")) == [] and levels(caller, "AZU-014") == {}
    assert caller.query("St", ("ststamp", stamp))[0]["ref"] == "AZU-14"
    assert levels(caller, "AZU-14") == {1: 47, 2: 0}
    assert [(row["qtt"], row["cm"] > 50) for row in caller.query("Sl", ("ref", "AZU-14"))] == [(3, True)]
    (entry,) = ledger_entries(caller, "article-renamed")
    assert (entry["article"], entry["former"], entry["ref"], entry["who"]) == (
        stamp,
        "AZU-014",
        "AZU-14",
        "hand",
    )
    by_hand(caller, "articles", {"ststamp": stamp, "to": "TAC-002"}, status=422)
    by_hand(caller, "articles", {"design": "Sem referência"}, status=422)


def test_an_article_created_by_a_line_is_in_the_ledger(caller: PhcGoClient) -> None:
    caller.switch(unknown_article="created")
    caller.draft(line(ref="NUNCA-1", design="Prato"))
    assert [(one["ref"], one["who"]) for one in ledger_entries(caller, "article")] == [("NUNCA-1", "line")]


# --- stock


def test_every_movement_has_its_author_and_adds_up_to_the_level(caller: PhcGoClient) -> None:
    invoice = caller.signed(line(qtt=3, armazem=2), series=FR)
    origin = {"oftstamp": invoice["ftstamp"], "ofistamp": invoice["fis"][0]["fistamp"], "armazem": 2}
    note = caller.signed(line(qtt=1, **origin), series=NC, rectificationReason="Troca")
    by_hand(caller, "stock", [{"ref": "AZU-014", "warehouse": 2, "to": 9}, {"ref": "AZU-014", "qty": "-0.5"}])
    caller.client.post(f"{HERE}/records/{note['ftstamp']}/annul")
    found = [
        (one["warehouse"], one["before"], one["after"], one["who"], one["cause"])
        for one in ledger_entries(caller, "stock")
    ]
    assert found == [
        ("2", "0", "-3", "document", invoice["uniqueID"]),
        ("2", "-3", "-2", "document", note["uniqueID"]),
        ("2", "-2", "9", "hand", ""),
        ("1", "50", "49.5", "hand", ""),
        ("2", "9", "8", "annulment", note["uniqueID"]),
    ]
    assert levels(caller, "AZU-014") == {1: 49.5, 2: 8}
    assert caller.query("St", ("ref", "AZU-014"))[0]["stock"] == 57.5
    moves = caller.client.get(f"{HERE}/movements?ref=AZU-014").get_json()
    assert [(row["armazem"], row["qtt"], row["cm"], row["cmdesc"].split()[0]) for row in moves] == [
        (2, 3, 56, "Documento"), (2, 1, 6, "Documento"), (2, 11, 9, "Acerto"), (1, 0.5, 59, "Acerto"),
        (2, 1, 57, "Anulação"),
    ]  # fmt: skip
    assert sum((Decimal(one["qty"]) for one in ledger_entries(caller, "stock")), Decimal(50)) == Decimal(
        "57.5"
    )


def test_counting_an_unchanged_level_moves_nothing(caller: PhcGoClient) -> None:
    by_hand(caller, "stock", {"ref": "AZU-014", "to": 50})
    assert ledger_entries(caller) == [] and caller.query("Sl") == []
    for wrong in ({"ref": "NADA", "to": 1}, {"ref": "OFI-001", "to": 1}, {"ref": "AZU-014", "warehouse": 7, "to": 1},
                  {"ref": "AZU-014"}, {"ref": "AZU-014", "to": "x"}):  # fmt: skip
        by_hand(caller, "stock", wrong, status=422)
    assert ledger_entries(caller) == []


def test_a_person_edits_articles_on_the_panel(caller: PhcGoClient) -> None:
    page = caller.client.get(f"{PANEL}?q=taça").text
    assert "TAC-002" in page and "AZU-014" not in page
    stamp = caller.query("St", ("ref", "TAC-002"))[0]["ststamp"]
    form = {"ststamp": stamp, "ref": "TAC-2", "design": "Taça", "stock-1": "48", "stock-2": "2"}
    assert caller.client.post(PANEL, data=form).headers["Location"].endswith("?q=TAC-2")
    assert levels(caller, "TAC-2") == {1: 48, 2: 2}
    assert "Acerto manual" in caller.client.get(f"{PANEL}?q=TAC-2").text
    refused = caller.client.post(PANEL, data=form | {"ref": "AZU-014"})
    assert refused.status_code == 422 and 'role="alert"' in refused.text
    caller.client.post(PANEL, data={"ref": "NOVO-1", "design": "Jarro"})
    assert caller.query("St", ("ref", "NOVO-1"))[0]["design"] == "Jarro"
    assert caller.client.get(f"/panel/{OLARIA}/NADA/artigos").status_code == 404


# --- a whole catalogue


def test_a_catalogue_is_loaded_and_found_again_after_a_restart(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app)
        rows = [
            {"ref": f"SKU-{at:05}", "design": f"Artigo {at}", "stock": {"1": at, "2": 1}} for at in range(300)
        ]
        assert by_hand(caller, "catalogue", {"articles": rows}) == {"articles": 300}
        by_hand(caller, "catalogue", {"articles": [{"ref": "SKU-00007", "design": "Outra vez"}]}, status=422)
        by_hand(caller, "catalogue", {"articles": [{"ref": "SKU-X", "design": "x", "color": 1}]}, status=422)
        by_hand(caller, "stock", {"ref": "SKU-00299", "to": 3})
        (loaded,) = ledger_entries(caller, "catalogue")
        assert len(loaded["articles"]) == 300 and ["SKU-00007", "1", "7"] in loaded["stock"]
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app)
        caller.login()
        assert levels(caller, "SKU-00299") == {1: 3, 2: 1}
        assert caller.query("St", ("ref", "SKU-00299"))[0]["stock"] == 4
        stamps = [row["ststamp"] for row in caller.query("St")]
        assert len(stamps) == len(set(stamps)) == 303
        assert caller.save("St", new(caller))["ststamp"] not in stamps


# --- queries over many rows


def found(caller: PhcGoClient, *refs: str, **more: Any) -> list[str]:
    return [row["ref"] for row in caller.query("St", *(("ref", ref) for ref in refs), group=9, **more)]


def test_several_references_in_one_query_are_treated_as_the_switch_says(caller: PhcGoClient) -> None:
    refs = ("TAC-002", "azu-014 ", "NADA")
    assert found(caller, *refs) == ["TAC-002", "AZU-014"]
    caller.switch(any_of="all")
    assert found(caller, *refs) == [] and found(caller, "TAC-002") == ["TAC-002"]
    caller.switch(any_of="last")
    assert found(caller, *refs) == [] and found(caller, "NADA", "TAC-002") == ["TAC-002"]
    caller.switch(any_of="none")
    assert found(caller, *refs) == ["AZU-014", "TAC-002", "OFI-001"]


@pytest.mark.parametrize("asked", [{"limit": 500}, {"limit": 2}, {}])
def test_one_answer_has_as_many_rows_as_the_switch_allows(caller: PhcGoClient, asked: Row) -> None:
    by = [{"OrderItem": "ref"}]
    caller.switch(query_most="2")
    assert [row["ref"] for row in caller.query("St", orderByItems=by, **asked)] == ["AZU-014", "OFI-001"]
    rest = caller.query("St", orderByItems=by, offset=2, **asked)
    assert [row["ref"] for row in rest] == ["TAC-002"]
    caller.switch(query_most="100")
    assert len(caller.query("St", limit=500)) == 3 and len(caller.query("Country", limit=500)) == 16


def test_paging_and_order_of_a_list_follow_the_switches(caller: PhcGoClient) -> None:
    by = [{"OrderItem": "ref"}]
    assert [row["ref"] for row in caller.query("St", orderByItems=by, limit=1, offset=1)] == ["OFI-001"]
    caller.switch(query_offset="ignored")
    assert [row["ref"] for row in caller.query("St", orderByItems=by, limit=1, offset=1)] == ["AZU-014"]
    caller.switch(query_order="ignored")
    assert [row["ref"] for row in caller.query("St", orderByItems=by)] == ["AZU-014", "TAC-002", "OFI-001"]
