"""PHC GO's articles and stock against the stand-in; a missing row never means "does not exist".

The stand-in's own rows are the judge.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.phcgo.faults import RANDOM_KINDS
from shopapp.errors import AppError, RefusedError, TransientError, UncertainError, UnreachableError
from shopapp.providers.articles import NewArticle
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from shopapp.providers.stock import StockLevel, SupportsStock, SupportsStockMovements
from tests.contract.drafts import line
from tests.unit.providers.phcgo.stand_in import INSTALLATION, RunningStandIn, invoice_draft, issue_draft

JUG = NewArticle("JARRO-1", "Jarro de barro", Decimal(23), "PT")
MANY = [f"SKU-{at:03}" for at in range(60)]


def levels_by_place(found: tuple[StockLevel, ...]) -> dict[tuple[str, str], Decimal]:
    levels = {(one.code, one.warehouse): one.quantity for one in found}
    assert len(levels) == len(found)
    return levels


def reading(provider: PhcGo) -> tuple[StockLevel, ...]:
    """Read all levels, page by page."""
    page = provider.changed_stock_levels()
    found = page.levels
    while page.after:
        page = provider.changed_stock_levels("", page.after)
        found += page.levels
    return found


# --- calls ------------------------------------------------------------------------------------------


def test_articles_that_are_all_there_cost_one_call(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    provider.check(), program.calls()
    assert set(provider.articles_by_code(["AZU-014", "TAC-002"])) == {"AZU-014", "TAC-002"}
    assert program.calls() == ["query"]


def test_a_missing_article_costs_the_proof_of_multi_queries_once_an_hour(
    program: RunningStandIn,
) -> None:
    program.load(*MANY)
    provider = program.open_adapter()
    provider.check(), program.calls()
    provider.articles_by_code(["SKU-001", "NADA"])
    # The look-up itself, then two queries that prove it: a list of articles, and two of them in one query.
    assert program.calls() == ["query"] * 3
    provider.articles_by_code(["NADA", "NEM ISTO"]), provider.articles_by_code(["NADA"])
    assert program.calls() == ["query"] * 2
    program.moment += timedelta(hours=2)
    provider.articles_by_code(["NADA", "NEM ISTO"])
    assert program.calls() == ["login", "query", "query", "query"]


def test_fifty_articles_cost_one_call_once_a_long_answer_was_seen(
    program: RunningStandIn,
) -> None:
    program.load(*MANY)
    provider = program.open_adapter()
    provider.check(), program.calls()
    for calls in (3, 1, 1):
        found = provider.articles_by_code([*MANY[:40], *(f"NADA-{at}" for at in range(10))])
        assert sorted(found) == MANY[:40]
        assert program.calls() == ["query"] * calls


def test_an_answer_that_may_be_cut_is_read_further(program: RunningStandIn) -> None:
    program.load(*MANY[:7])
    provider = program.open_adapter()
    provider.check(), program.calls()
    # An answer might be limited to ten rows.
    all_there = [row["ref"] for row in program.rows("St")]
    assert len(provider.articles_by_code([*all_there, "NADA"])) == 10
    assert program.calls() == ["query"] * 4


@pytest.mark.parametrize("there", [0, 1])
def test_an_account_without_articles_is_not_asked_for_each(program: RunningStandIn, there: int) -> None:
    for ref in ("AZU-014", "TAC-002", "OFI-001")[there:]:
        program.edit_article(ref, removed=True)
    provider = program.open_adapter()
    assert set(provider.articles_by_code([*MANY, "AZU-014"])) == set(["AZU-014"][:there])
    assert program.calls()[1:] == ["query"] * (3 + there)


def test_a_new_article_costs_three_calls(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    provider.choices(), program.calls()
    made = provider.create_article(JUG)
    assert program.calls() == ["getNewInstance", "actEntity", "Save"]
    provider.article_by_id(made.article_id)
    assert program.calls() == ["query"]


def test_levels_cost_one_call_once_a_longer_answer_was_seen(program: RunningStandIn) -> None:
    program.load(*MANY)
    provider = program.open_adapter()
    provider.check(), program.calls()
    provider.stock_levels(["AZU-014"])
    assert program.calls() == ["query", "query"]
    reading(provider), program.calls()
    provider.stock_levels(MANY[:50])
    assert program.calls() == ["query"]


def test_all_levels_cost_a_call_for_each_five_hundred(program: RunningStandIn) -> None:
    program.load(*(f"MUITO-{at:04}" for at in range(800)))
    provider = program.open_adapter()
    provider.check(), program.calls()
    assert len(reading(provider)) == 1604
    assert program.calls() == ["query"] * 4


def test_a_document_whose_articles_were_looked_up_costs_no_further_call(program: RunningStandIn) -> None:
    issue_draft(program.open_adapter(), invoice_draft()), program.calls()
    matched = invoice_draft(line("10", article="TAC-002"), matched=True, moves_stock=True)
    issue_draft(program.open_adapter(), matched, "QI-2")
    assert program.calls() == ["getNewInstance", "actEntity", "Save", "signDocument"]


# --- look-up under each plausible behaviour --------------------------------------------------------------

ASKED = ["SKU-007", "NADA-1", "SKU-003", "TAC-002", "NADA-2", "SKU-059", "OFI-001", "NADA-3", "tac-002"]
THERE = {"SKU-007", "SKU-003", "TAC-002", "SKU-059", "OFI-001"}


@pytest.mark.parametrize("most", ["any", "100", "2"])
@pytest.mark.parametrize("any_of", ["one", "all", "last"])
@pytest.mark.parametrize("offset", ["skips", "ignored"])
def test_what_exists_is_found_however_the_provider_understands_the_query(
    program: RunningStandIn, most: str, any_of: str, offset: str
) -> None:
    program.load(*MANY)
    for name, position in (("query-most", most), ("any-of", any_of), ("query-offset", offset)):
        program.switch(name, position)
    provider = program.open_adapter()
    for codes in (ASKED, ASKED[:2], ["NADA-1", "NADA-2", "NADA-3"], ["SKU-001", "NADA"], MANY[:50]):
        assert set(provider.articles_by_code(codes)) == set(codes) & (THERE | set(MANY))


def test_an_ignored_query_condition_never_means_that_nothing_exists(program: RunningStandIn) -> None:
    program.load(*MANY)
    program.switch("any-of", "none")
    for look in (lambda one: one.articles_by_code(ASKED), lambda one: one.stock_levels(ASKED)):
        with pytest.raises(UnreachableError):
            look(program.open_adapter())
    assert set(program.open_adapter().articles_by_code(["TAC-002"])) == {"TAC-002"}


@pytest.mark.parametrize("most", ["any", "100", "2"])
@pytest.mark.parametrize("any_of", ["one", "all", "last"])
def test_no_level_is_missed_however_the_provider_understands_the_query(
    program: RunningStandIn, most: str, any_of: str
) -> None:
    program.load(*MANY, stock=7)
    program.switch("query-most", most)
    program.switch("any-of", any_of)
    found = levels_by_place(
        program.open_adapter().stock_levels(["SKU-007", "OFI-001", "NADA", "TAC-002", "sku-008"])
    )
    assert found == {("SKU-007", "1"): 7, ("SKU-007", "2"): 0, ("TAC-002", "1"): 50, ("TAC-002", "2"): 0}


def test_a_list_that_cannot_be_paged_is_not_taken_for_complete(program: RunningStandIn) -> None:
    program.load(*MANY)
    program.switch("query-most", "2")
    program.switch("query-offset", "ignored")
    provider = program.open_adapter()
    first = provider.changed_stock_levels()
    assert first.after
    for look in (
        lambda: provider.changed_stock_levels("", first.after),
        lambda: provider.stock_levels(MANY[:5]),
    ):
        with pytest.raises(UnreachableError):
            look()


@pytest.mark.parametrize("order", ["orders", "ignored"])
@pytest.mark.parametrize("most", ["any", "100"])
def test_a_full_reading_has_every_level_once(program: RunningStandIn, most: str, order: str) -> None:
    program.load(*(f"MUITO-{at:04}" for at in range(600)), stock=3)
    program.switch("query-most", most)
    program.switch("query-order", order)
    found = levels_by_place(reading(program.open_adapter()))
    assert found == {
        (row["ref"], str(row["armazem"])): Decimal(str(row["stock"])) for row in program.rows("Sa")
    }


def test_a_paged_reading_continues_in_another_process(program: RunningStandIn) -> None:
    program.load(*(f"MUITO-{at:04}" for at in range(600)))
    page, found = program.open_adapter().changed_stock_levels(), ()
    found += page.levels
    while page.after:
        SESSIONS.clear()
        page = program.open_adapter().changed_stock_levels("", page.after)
        found += page.levels
    assert len(levels_by_place(found)) == 1204


def test_levels_lose_floating_point_noise(program: RunningStandIn) -> None:
    program.load("METRO-1")
    program.company.save("Sa", program.company.find_indexed("Sa", "METRO-1")[0] | {"stock": 2.5})
    program.switch("figures", "noisy")
    assert levels_by_place(program.open_adapter().stock_levels(["METRO-1"]))["METRO-1", "1"] == Decimal("2.5")


@pytest.mark.parametrize("stock", ["", None, "muito", True])
def test_a_stock_level_that_is_no_number_is_not_read_as_zero(program: RunningStandIn, stock: Any) -> None:
    program.company.save("Sa", program.company.find_indexed("Sa", "TAC-002")[0] | {"stock": stock})
    for look in (lambda one: one.stock_levels(["TAC-002"]), lambda one: one.changed_stock_levels()):
        with pytest.raises(UnreachableError):
            look(program.open_adapter())


def test_an_article_out_of_use_is_not_there_and_stays_as_it_is(program: RunningStandIn) -> None:
    program.edit_article("TAC-002", inactivo=True)
    provider, before = program.open_adapter(), program.company.find("St", ref="TAC-002")
    assert before
    assert provider.articles_by_code(["TAC-002", "AZU-014"]).keys() == {"AZU-014"}
    assert provider.article_by_id(before["ststamp"]) is None
    with pytest.raises(RefusedError) as raised:
        provider.create_article(replace(JUG, code="TAC-002"))
    assert raised.value.code == "article-refused"
    assert program.company.find("St", ref="TAC-002") == before


@pytest.mark.parametrize("any_of", ["one", "last"])
def test_references_that_differ_only_in_case_are_all_found(program: RunningStandIn, any_of: str) -> None:
    program.switch("ref-case", "accepted")
    program.switch("any-of", any_of)
    program.load("tac-002")
    provider, twins = program.open_adapter(), ["AZU-014", "tac-002", "TAC-002"]
    assert set(provider.articles_by_code(twins)) == set(twins)
    assert {code for code, _ in levels_by_place(provider.stock_levels(twins))} == set(twins)


# --- creation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["23", "13", "6", "22", "16", "4"])
def test_an_article_has_its_name_its_unit_its_rate_and_no_price(program: RunningStandIn, rate: str) -> None:
    made = program.open_adapter().create_article(
        replace(JUG, vat_rate=Decimal(rate), name=" Jarro\n de barro " * 9)
    )
    row = program.company.find("St", ref="JARRO-1")
    assert row and row["ststamp"] == made.article_id
    assert (row["unidade"], row["iva"], row["epv1"], row["stns"]) == ("UN", int(rate), 0, False)
    assert row["design"] == made.name == ("Jarro de barro " * 9)[:60].strip()


def test_an_article_at_zero_bears_its_exemption_and_no_other_does(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    lesson = NewArticle("AULA-1", "Aula", Decimal(0), "PT", exemption_code="M07", goods=False)
    assert provider.create_article(lesson).goods is False
    provider.create_article(replace(JUG, exemption_code="M07"))
    rows = [program.company.find("St", ref=ref) for ref in ("AULA-1", "JARRO-1")]
    assert [(row["codmotiseimp"], row["iva"], row["stns"]) for row in rows if row] == [
        ("M07", 0, True), ("", 23, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("stamp-made", "Save"), ("operation-1", "refused"), ("unknown-fields", "refused"),
        ("unknown-fields", "dropped"), ("level-rows", "zero"), ("ref-length", "accepted"), ("message-type", "absent"),
        ("message-type", "text"), ("harmless-messages", "silent"), ("query-page", "10"), ("figures", "noisy"),
        ("engine-auth", "body"), ("rest-path", "REST"),
    ],
)  # fmt: skip
def test_under_each_plausible_behaviour_an_article_is_created_once(
    program: RunningStandIn, name: str, position: str
) -> None:
    program.switch(name, position)
    provider = program.open_adapter()
    made = provider.create_article(JUG)
    assert provider.articles_by_code(["JARRO-1", "NADA"]) == {"JARRO-1": made}
    assert provider.create_article(JUG) == made
    assert program.created_articles() == ["JARRO-1"]
    assert set(levels_by_place(provider.stock_levels(["JARRO-1"])).values()) <= {0}


def test_an_article_that_would_get_another_rate_is_not_created(program: RunningStandIn) -> None:
    program.switch("article-rate", "own")
    provider = program.open_adapter()
    with pytest.raises(RefusedError) as raised:
        provider.create_article(replace(JUG, vat_rate=Decimal(6)))
    assert (raised.value.code, raised.value.detail["how"]) == ("article-refused", "rate")
    assert program.created_articles() == []
    provider.create_article(JUG)


def test_a_reference_that_differs_in_case_only_is_another(program: RunningStandIn) -> None:
    provider, other = program.open_adapter(), replace(JUG, code="tac-002")
    assert provider.articles_by_code(["tac-002"]) == {}
    with pytest.raises(RefusedError) as raised:
        provider.create_article(other)
    assert raised.value.detail["answer"]
    program.switch("ref-case", "accepted")
    made = provider.create_article(other)
    assert {code: one.article_id for code, one in provider.articles_by_code(["tac-002", "TAC-002"]).items()} == {
        "tac-002": made.article_id, "TAC-002": program.company.find_indexed("St", "TAC-002")[0]["ststamp"],
    }  # fmt: skip


def test_a_reference_that_is_too_long_reports_its_length_and_the_limit(program: RunningStandIn) -> None:
    with pytest.raises(RefusedError) as raised:
        program.open_adapter().create_article(replace(JUG, code="x" * 19))
    detail = raised.value.detail
    assert (raised.value.code, detail["length"], detail["limit"]) == ("article-too-long", 19, 18)
    assert program.calls() == []


@pytest.mark.parametrize("code", ["", " TAC", "DUAS  VEZES", "A\tB", "A\x00B"])
def test_a_reference_that_would_be_changed_is_refused_without_a_call(
    program: RunningStandIn, code: str
) -> None:
    with pytest.raises(RefusedError) as raised:
        program.open_adapter().create_article(replace(JUG, code=code))
    assert (raised.value.code, raised.value.detail["how"]) == ("article-refused", "reference")
    assert program.calls() == []


@pytest.mark.parametrize("step", ["getNewInstance", "actEntity", "Save", "query", "login"])
@pytest.mark.parametrize("kind", RANDOM_KINDS)
def test_whatever_fails_an_article_is_created_once_and_reported_truly(
    program: RunningStandIn, kind: str, step: str
) -> None:
    program.plan_fault(kind, step, seconds=0.01)
    try:
        made = program.open_adapter().create_article(JUG)
    except (RefusedError, TransientError):
        assert program.created_articles() == []
    except UncertainError:
        assert len(program.created_articles()) < 2
    except AppError as error:
        assert step == "login" and error.code == "keys-refused"
        assert program.created_articles() == []
    else:
        assert [row["ststamp"] for row in program.company.find_indexed("St", JUG.code)] == [made.article_id]
    # A caller who looks it up first creates it once.
    provider = program.open_adapter()
    for _ in range(2):
        if not provider.articles_by_code([JUG.code, "NADA"]):
            with suppress(UncertainError):
                provider.create_article(JUG)
    assert program.created_articles() == [JUG.code]


@pytest.mark.parametrize("kind", ["error-although-done", "no-result", "drop-after"])
def test_what_cannot_be_verified_is_uncertain(program: RunningStandIn, kind: str) -> None:
    program.plan_fault(kind, "Save")
    program.plan_fault("503", "query", match='"entityName":"St"', times=9)
    with pytest.raises(UncertainError):
        program.open_adapter().create_article(JUG)
    assert program.created_articles() == [JUG.code]


# --- on a document ------------------------------------------------------------------------------------------


def test_a_document_names_the_articles_that_were_looked_up(program: RunningStandIn) -> None:
    program.edit_article("TAC-002", to="TACA-2")
    lines = (line("10", sku="TAC-002", article="TACA-2"), line("5", sku="AZU-014"), line("3", sku="X" * 40))
    issue_draft(program.open_adapter(), invoice_draft(*lines, matched=True, moves_stock=True, warehouse="2"))
    (entry,) = program.documents()
    assert [one["ref"] for one in entry["lines"]] == ["TACA-2", "", ""]
    moved = [(one["ref"], one["warehouse"], one["qty"]) for one in program.state.inventory_ledger.entries[1:]]
    assert moved == [("TACA-2", "2", "-1")]


def test_a_document_that_moves_no_stock_names_no_article(program: RunningStandIn) -> None:
    issue_draft(program.open_adapter(), invoice_draft(line("10", article="TAC-002"), matched=True))
    assert [one["ref"] for one in program.documents()[0]["lines"]] == [""]
    assert program.state.inventory_ledger.entries == []


def test_an_article_deleted_since_its_look_up_is_refused_or_free_text(
    program: RunningStandIn,
) -> None:
    gone = invoice_draft(line("10", article="FOI-SE"), matched=True, moves_stock=True)
    issue_draft(program.open_adapter(), gone)
    program.switch("unknown-article", "refused")
    with pytest.raises(RefusedError):
        program.open_adapter().open_draft(gone, "QI-2")
    assert len(program.documents()) == 1 and program.state.inventory_ledger.entries == []


# --- what the account allows -------------------------------------------------------------------------------


def test_whether_articles_can_be_asked_for_is_learned_at_set_up(program: RunningStandIn) -> None:
    found = program.open_adapter().choices()
    assert (found.articles, found.stock_changes) == (True, False)
    program.plan_fault("refused", "query", match='"entityName":"St"', times=2)
    assert program.open_adapter().choices().articles is False
    assert PhcGo.capabilities.metered
    assert issubclass(PhcGo, SupportsStock) and not issubclass(PhcGo, SupportsStockMovements)
    assert program.state.installations[INSTALLATION]["allowance"]
