"""Which article a line is: found by its SKU and remembered, followed when renamed, made once and only when missing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from shopapp import failpoints
from shopapp.documents import issue, merchant_actions
from shopapp.documents.preview import preview_document
from shopapp.errors import (
    AppError,
    CredentialsError,
    NotAllowedError,
    RefusedError,
    SettingsError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.fiscal.document import Customer, Draft, DraftLine
from shopapp.fiscal.order import OrderLine
from shopapp.fiscal.party import Address, Party
from shopapp.inventory import articles, line_articles
from shopapp.messages import errors
from shopapp.models import Article, Document, db, now, set_clock
from shopapp.orders import webhooks
from shopapp.providers import PROVIDERS
from shopapp.providers.articles import NewArticle, ProviderArticle
from tests.failure_table.concurrency import run_concurrently
from tests.fakes import FakeInvoicing, FakeProvider, World


def line(sku: str = "CAN-1", **changes: Any) -> OrderLine:
    made = OrderLine(ref=sku, description="Caneca", quantity=Decimal(1), unit_price=Decimal("12.30"), sku=sku,
                charged=Decimal(23))  # fmt: skip
    return replace(made, **changes)


def lines(*made: OrderLine) -> dict[str, Any]:
    """An order's lines, each with a number of its own, and their total."""
    return {
        "lines": tuple(replace(one, ref=str(at)) for at, one in enumerate(made, 1)),
        "total": sum((one.unit_price * one.quantity - one.discount for one in made), Decimal(0)),
    }


DRAFTED = DraftLine(
    "1", "Caneca", Decimal(1), Decimal(10), Decimal(0), "PT", Decimal(23), "NOR", Decimal(10), Decimal("2.30"),
    Decimal("12.30"), sku="CAN-1",
)  # fmt: skip


@pytest.fixture
def office(world: World) -> Iterator[World]:
    """A world whose account looks articles up, and whose time is ours."""
    at = now()
    world.enable_articles()
    set_clock(lambda: at + timedelta(seconds=PASSED[0]))
    PASSED[0] = 0.0
    yield world
    set_clock(None)


PASSED = [0.0]


def later(seconds: float) -> None:
    db.session.commit()
    PASSED[0] += seconds


def issued(world: World, number: str = "1001") -> Draft:
    """What was issued for the order."""
    row = world.document(number)
    assert (row.state, row.reason) == ("issued", ""), row.detail
    assert row.draft is not None
    assert [draft for reference, draft in world.provider.ledger if reference == row.reference] == [row.draft]
    return row.draft


def sold(world: World, number: str = "1001", *made: OrderLine, **changes: Any) -> Draft:
    """The draft that an order of these lines was issued with."""
    world.pay_order(number, **lines(*(made or (line(),))), **changes)
    world.run_due_work()
    return issued(world, number)


def stuck(world: World, number: str = "1001") -> tuple[str, str]:
    row = world.document(number)
    return row.state, row.reason


def articles_of(draft: Draft) -> list[str]:
    assert draft.matched
    return [draft.article_code_of(one) for one in draft.lines]


def row_of(world: World, sku: str = "CAN-1") -> Article:
    db.session.rollback()
    return Article.find_by_sku(world.account.id, [sku])[sku]


# found and remembered


def test_a_sku_is_looked_up_exactly_and_case_counts(office: World) -> None:
    for code in ("can-1", "CAN-1", "CAN-10", "CAN"):
        office.provider.add_article(code)
    assert articles_of(sold(office, "1001", line("CAN-1"))) == ["CAN-1"]
    assert office.provider.article_lookups == [("CAN-1",)]
    assert office.provider.created_articles == []


def test_an_answer_that_is_merely_like_the_sku_is_another_article(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = ProviderArticle("st-9", "can-1", "Outra")
    monkeypatch.setattr(FakeProvider, "articles_by_code", lambda self, codes: dict.fromkeys(codes, like))
    assert articles_of(sold(office)) == ["CAN-1"]
    assert [new.code for new in office.provider.created_articles] == ["CAN-1"]


def test_what_was_found_is_not_asked_for_again_within_a_minute(office: World) -> None:
    office.provider.add_article("CAN-1")
    sold(office, "1001")
    sold(office, "1002")
    assert len(office.provider.article_lookups) == 1
    later(61)
    sold(office, "1003")
    assert len(office.provider.article_lookups) == 2


@pytest.mark.parametrize("moves", [True, False])
def test_a_document_that_names_no_article_has_known_ones_looked_up_once_a_day(
    office: World, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    monkeypatch.setattr(
        FakeProvider,
        "capabilities",
        replace(FakeProvider.capabilities, names_articles_only_when_moving_stock=True),
    )
    office.enable_articles(moves_stock=moves)
    office.provider.add_article("CAN-1")
    sold(office, "1001")
    later(3600)
    sold(office, "1002", line(), line("LIV-1"))
    assert office.provider.article_lookups == [("CAN-1",), ("CAN-1", "LIV-1") if moves else ("LIV-1",)]
    assert [new.code for new in office.provider.created_articles] == ["LIV-1"], (
        "what is missing is made all the same"
    )
    later(86_400)
    sold(office, "1003")
    assert office.provider.article_lookups[2:] == [("CAN-1",)]


def test_two_lines_of_one_sku_and_forty_skus_are_one_look_up(office: World) -> None:
    many = [line(f"SKU-{at}") for at in range(40)]
    for one in many:
        office.provider.add_article(one.sku)
    draft = sold(office, "1001", *many, line("SKU-0", description="Outra vez"))
    assert articles_of(draft) == [f"SKU-{at}" for at in range(40)] + ["SKU-0"]
    assert len(office.provider.article_lookups) == 1 and len(office.provider.article_lookups[0]) == 40


def test_more_skus_than_one_look_up_takes_are_asked_in_several(office: World) -> None:
    many = [line(f"SKU-{at}") for at in range(60)]
    for one in many:
        office.provider.add_article(one.sku)
    assert len(set(articles_of(sold(office, "1001", *many)))) == 60
    assert [len(codes) for codes in office.provider.article_lookups] == [50, 10]


def test_shipping_names_no_article_and_is_not_asked_for(office: World) -> None:
    office.provider.add_article("CAN-1")
    draft = sold(office, "1001", line(), line("", kind="shipping", description="Portes"))
    assert articles_of(draft) == ["CAN-1", ""]
    assert draft.warnings == ()


def test_a_program_without_articles_or_an_account_that_may_not_see_them_is_not_asked(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.account.choices = {"articles": False}
    draft = sold(office, "1001")
    assert not draft.matched and draft.article_code_of(draft.lines[0]) == "CAN-1"
    office.enable_articles()
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeInvoicing)
    assert not sold(office, "1002").matched
    assert office.provider.article_lookups == [] and office.provider.created_articles == []


# a look-up that failed


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnreachableError("unreachable"), "unreachable"),
        (UncertainError("outcome-unknown"), "articles-unread"),
        (RefusedError("provider-refused", answer="Não"), "articles-unread"),
    ],
)
def test_a_failed_look_up_makes_nothing_and_the_document_waits(
    office: World, error: AppError, reason: str
) -> None:
    office.provider.errors["articles"] = [error]
    office.pay_order()
    office.run_due_work()
    assert stuck(office) == ("pending", reason)
    assert Article.find_by_sku(office.account.id, ["CAN-1"]) == {}
    assert office.provider.created_articles == [] and office.provider.ledger == []
    office.provider.add_article("CAN-1")
    later(60)
    office.run_due_work()
    assert articles_of(issued(office)) == ["CAN-1"]


def test_a_failed_look_up_leaves_what_was_known_as_it_was(office: World) -> None:
    office.provider.add_article("CAN-1")
    sold(office)
    later(61)
    office.provider.errors["articles"] = [UnreachableError("unreachable")]
    office.pay_order("1002")
    office.run_due_work()
    assert stuck(office, "1002") == ("pending", "unreachable")
    assert row_of(office).state == "found" and row_of(office).code == "CAN-1"


def test_a_program_that_does_not_answer_look_ups_is_left_in_peace_after_a_few(office: World) -> None:
    office.provider.errors["articles"] = [UnreachableError("unreachable")] * 9
    for number in range(1001, 1010):
        office.pay_order(str(number))
    office.run_due_work()
    assert len(office.provider.article_lookups) == 4
    db.session.refresh(office.account)
    assert office.account.pauses == 1


def test_keys_that_are_refused_at_a_look_up_stop_the_account(office: World) -> None:
    office.provider.errors["articles"] = [CredentialsError("keys-refused")]
    office.pay_order("1001")
    office.pay_order("1002")
    office.run_due_work()
    assert stuck(office) == ("blocked", "keys-refused")
    assert stuck(office, "1002")[0] == "pending"
    assert len(office.provider.article_lookups) == 1
    db.session.refresh(office.account)
    assert office.account.refused_at is not None


def test_a_program_that_is_known_not_to_answer_is_not_asked(office: World) -> None:
    office.pay_order()
    webhooks.process_next_webhook()
    document = office.document()
    office.account.paused_until = now() + timedelta(seconds=60)
    db.session.commit()
    drafted = Draft("FR", now().date(), Customer("999999990", "Ana"), (), (), *[Decimal(0)] * 3)
    with pytest.raises(TransientError) as why:
        line_articles.attach_articles(replace(drafted, lines=(DRAFTED,)), office.account, document)
    assert why.value.code == "unreachable" and office.provider.article_lookups == []


# renamed, gone


def test_a_renamed_article_is_followed_by_its_id_and_nothing_is_made(office: World) -> None:
    known = office.provider.add_article("CAN-1")
    sold(office)
    office.provider.articles[known.article_id] = replace(known, code="CANECA-AZUL")
    later(61)
    assert articles_of(sold(office, "1002")) == ["CANECA-AZUL"]
    assert office.provider.article_lookups[1:] == [("CAN-1",), (known.article_id,)]
    later(61)
    # from now on its name is known
    assert articles_of(sold(office, "1003")) == ["CANECA-AZUL"]
    assert office.provider.article_lookups[3:] == [("CAN-1", "CANECA-AZUL")]
    assert office.provider.created_articles == []
    assert row_of(office).state == "found"


def test_an_article_that_took_the_former_name_of_a_renamed_one_is_not_taken_for_it(office: World) -> None:
    known = office.provider.add_article("CAN-1")
    sold(office)
    office.provider.articles[known.article_id] = replace(known, code="B")
    later(61)
    sold(office, "1002")
    office.provider.articles[known.article_id] = replace(known, code="C")
    office.provider.add_article("B", "Outra coisa")
    later(61)
    assert articles_of(sold(office, "1003")) == ["C"]


def test_an_article_of_the_very_sku_goes_before_the_one_that_was_renamed(office: World) -> None:
    known = office.provider.add_article("CAN-1")
    sold(office)
    office.provider.articles[known.article_id] = replace(known, code="ANTIGA")
    later(61)
    assert articles_of(sold(office, "1002")) == ["ANTIGA"]
    office.provider.add_article("CAN-1", "A nova")
    later(61)
    assert articles_of(sold(office, "1003")) == ["CAN-1"]
    assert row_of(office).article_id != known.article_id


def test_an_article_that_is_gone_is_made_anew(office: World) -> None:
    known = office.provider.add_article("CAN-1")
    sold(office)
    del office.provider.articles[known.article_id]
    later(61)
    assert articles_of(sold(office, "1002")) == ["CAN-1"]
    assert [new.code for new in office.provider.created_articles] == ["CAN-1"]
    assert row_of(office).state == "made"


def test_a_refused_document_has_its_articles_looked_up_again_when_it_is_resent(office: World) -> None:
    known = office.provider.add_article("CAN-1")
    sold(office)
    office.provider.articles[known.article_id] = replace(known, code="NOVA")
    office.provider.planned_issues.append(_refuses)
    office.pay_order("1002")
    office.run_due_work()
    assert stuck(office, "1002") == ("blocked", "provider-refused")
    merchant_actions.request_issue(office.document("1002"))
    office.run_due_work()
    assert articles_of(issued(office, "1002")) == ["NOVA"]


def _refuses(draft: Draft, reference: str) -> None:
    raise RefusedError("provider-refused", answer="Artigo desconhecido")


# made


def test_a_sku_that_is_not_there_is_made_with_name_unit_rate_and_the_document_names_it(office: World) -> None:
    assert articles_of(sold(office, "1001", line(description="Caneca azul"))) == ["CAN-1"]
    assert office.provider.created_articles == [
        NewArticle("CAN-1", "Caneca azul", Decimal(23), "PT", "", True, "UN")
    ]
    assert row_of(office).state == "made" and row_of(office).article_id == "st-1"
    sold(office, "1002")
    assert len(office.provider.created_articles) == 1


def test_nothing_is_made_on_the_word_of_an_old_answer(office: World) -> None:
    line_articles.look_up_articles(office.account, ["CAN-1"])
    assert row_of(office).state == "absent"
    office.provider.add_article("CAN-1")
    assert articles_of(sold(office)) == ["CAN-1"]
    assert office.provider.created_articles == []


def test_two_lines_of_one_new_sku_make_it_once(office: World) -> None:
    draft = sold(office, "1001", line(description="Primeira"), line(description="Segunda"))
    assert articles_of(draft) == ["CAN-1", "CAN-1"]
    assert [new.name for new in office.provider.created_articles] == ["Primeira"]


def test_what_is_there_already_is_neither_made_nor_named_nor_priced_anew(office: World) -> None:
    known = office.provider.add_article("CAN-1", "Nome do comerciante")
    sold(office, "1001", line(description="Nome da loja", charged=Decimal(6)))
    assert office.provider.articles == {known.article_id: known}


def test_a_line_at_zero_gives_its_reason_and_a_service_keeps_no_stock(office: World) -> None:
    office.enable_articles(exemption="M07")
    sold(office, "1001", line("CURSO", kind="service", charged=None))
    assert office.provider.created_articles == [
        NewArticle("CURSO", "Caneca", Decimal(0), "PT", "M07", False, "UN")
    ]


SPAIN = Address("Calle Ejemplo 1", "28001", "Madrid", "ES")
AMERICA = Address("Example Street 1", "10001", "New York", "US")


@pytest.mark.parametrize(("to", "charged"), [(SPAIN, Decimal(21)), (AMERICA, None)])
def test_an_article_first_sold_abroad_has_the_rate_of_the_place_that_the_merchant_ships_from(
    office: World, to: Address, charged: Decimal | None
) -> None:
    office.enable_articles(ship_from="PT-MA", oss_registered=True, threshold_exceeded=True)
    draft = sold(office, "1001", line(charged=charged), ship_to=to, buyer=Party("Ana", address=to))
    assert draft.lines[0].vat_rate == (charged or 0)
    assert office.provider.created_articles == [
        NewArticle("CAN-1", "Caneca", Decimal(22), "PT-MA", "", True, "UN")
    ]


def test_a_sku_that_the_program_will_not_take_goes_without_article_and_stops_nothing(office: World) -> None:
    office.provider.add_article("B-2")
    office.provider.errors["create_article"] = [RefusedError("article-refused", answer="Referência inválida")]
    draft = sold(office, "1001", line("Ç" * 30), line("B-2"))
    assert articles_of(draft) == ["", "B-2"]
    assert draft.warnings == ("article-none",)
    row = row_of(office, "Ç" * 30)
    assert (row.state, row.reason, row.detail) == (
        "refused", "article-refused", {"answer": "Referência inválida"},
    )  # fmt: skip
    # it is not tried again, but taken as soon as somebody makes it over there
    later(61)
    assert articles_of(sold(office, "1002", line("Ç" * 30))) == [""]
    assert row_of(office, "Ç" * 30).detail == {"answer": "Referência inválida"}
    office.provider.add_article("Ç" * 30)
    later(61)
    assert articles_of(sold(office, "1003", line("Ç" * 30))) == ["Ç" * 30]
    assert office.provider.created_articles == []


@pytest.mark.parametrize("sku", ["X" * 81, "X" * 500, "X\0Y"])
def test_a_sku_that_no_program_would_have_is_not_asked_for(office: World, sku: str) -> None:
    draft = sold(office, "1001", line(sku))
    assert articles_of(draft) == [""] and draft.warnings == ("article-none",)
    assert office.provider.article_lookups == [] and office.provider.created_articles == []


def test_a_creation_that_never_arrived_is_tried_again(office: World) -> None:
    office.provider.errors["create_article"] = [UnreachableError("unreachable")] * 4
    office.pay_order()
    for _ in range(4):
        office.run_due_work()
        assert stuck(office) == ("pending", "unreachable")
        assert (row_of(office).state, row_of(office).detail) == ("absent", {"sent": 0})
        later(2000)
    office.run_due_work()
    assert articles_of(issued(office)) == ["CAN-1"]
    assert len(office.provider.created_articles) == 1


# a creation whose answer was lost


def _lost(new: NewArticle) -> None:
    raise UncertainError("outcome-unknown", how="time-out")


def test_an_article_whose_creation_was_answered_by_nothing_is_looked_up_and_not_made_again(
    office: World,
) -> None:
    office.provider.planned_articles.append(_lost)
    office.pay_order()
    office.run_due_work()
    assert stuck(office) == ("pending", "article-unsure")
    assert row_of(office).state == "making"
    later(60)
    office.run_due_work()
    assert articles_of(issued(office)) == ["CAN-1"]
    assert len(office.provider.created_articles) == 1
    assert row_of(office).state == "made"


def test_what_is_not_there_yet_is_made_again_only_when_the_lost_call_can_no_longer_be_at_work(
    office: World,
) -> None:
    office.provider.planned_articles.append(_vanishes(office))
    office.pay_order()
    office.run_due_work()
    for _ in range(9):
        later(30)
        office.run_due_work()
        assert stuck(office) == ("pending", "article-unsure")
        assert len(office.provider.created_articles) == 1
    later(600)
    office.run_due_work()
    assert articles_of(issued(office)) == ["CAN-1"]
    assert len(office.provider.created_articles) == 2


def _vanishes(world: World) -> Callable[[NewArticle], None]:
    """Nothing came of the call, and nothing was answered."""

    def answer(new: NewArticle) -> None:
        world.provider.articles.clear()
        _lost(new)

    return answer


def test_a_sku_whose_creation_never_answers_goes_without_article_after_three(office: World) -> None:
    office.provider.planned_articles += [_vanishes(office)] * 9
    office.pay_order()
    for _ in range(12):
        office.run_due_work()
        later(600)
    assert articles_of(issued(office)) == [""]
    assert len(office.provider.created_articles) == 3
    assert (row_of(office).state, row_of(office).reason) == ("refused", "article-unsure")


class Killed(BaseException):
    """The worker is gone: nothing more of it happens."""


@pytest.mark.parametrize("point", ["article_after_claim", "article_after_send"])
@pytest.mark.parametrize("act", ["kill", "sleep", "sleep long"])
def test_a_worker_that_dies_or_sleeps_over_a_creation_leaves_one_article(
    office: World, monkeypatch: pytest.MonkeyPatch, point: str, act: str
) -> None:
    met = []

    def befalls(name: str) -> None:
        if name != point or met:
            return
        met.append(name)
        if act == "kill":
            raise Killed
        for seconds in (30, 100, 500)[: 3 if act == "sleep long" else 1]:
            later(seconds)
            _other_works(office)

    monkeypatch.setattr(failpoints, "hit", befalls)
    monkeypatch.setattr(articles, "time", SimpleNamespace(monotonic=lambda: PASSED[0]))
    office.pay_order()
    office.pay_order("1002")
    with pytest.raises(Killed) if act == "kill" else nullcontext():
        office.run_due_work()
    db.session.rollback()
    for _ in range(12):
        later(61)
        office.run_due_work()
    assert met
    assert articles_of(issued(office)) == articles_of(issued(office, "1002")) == ["CAN-1"]
    assert [new.code for new in office.provider.created_articles] == ["CAN-1"]
    assert row_of(office).state == "made"


# two workers at one SKU


def _rival(world: World, monkeypatch: pytest.MonkeyPatch, name: str, late: bool = True) -> None:
    """Another worker does what is due, once, while we wait for that verb: after it was done, or before."""
    verb = getattr(FakeProvider, name)
    turns = [lambda: _other_works(world)]

    def beside(self: FakeProvider, *given: Any) -> Any:
        if turns and not late:
            turns.pop()()
        answer = verb(self, *given)
        if turns:
            turns.pop()()
        return answer

    monkeypatch.setattr(FakeProvider, name, beside)


def _other_works(world: World) -> None:
    """Another worker does what is due, with a session of his own."""
    mine = db.session.registry()
    db.session.registry.clear()
    try:
        world.run_due_work()
    finally:
        db.session.remove()
        db.session.registry.set(mine)


def test_of_two_workers_who_both_saw_that_it_is_not_there_one_makes_it(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one looked up, made and issued between our look-up and our claim."""
    office.pay_order("1001")
    office.pay_order("1002")
    _rival(office, monkeypatch, "articles_by_code")
    office.run_due_work()
    later(10)
    office.run_due_work()
    assert articles_of(issued(office, "1001")) == articles_of(issued(office, "1002")) == ["CAN-1"]
    assert len(office.provider.created_articles) == 1


def test_six_workers_who_all_saw_that_it_is_not_there_make_it_once(
    app: Flask, office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [str(number) for number in range(1001, 1007)]
    for number in numbers:
        office.pay_order(number, **lines(line(), line("B-2")))
        webhooks.process_next_webhook()
    seen, look = threading.Barrier(len(numbers)), FakeProvider.articles_by_code

    def together(self: FakeProvider, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        answer = look(self, codes)
        seen.wait(30)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(FakeProvider, "articles_by_code", together)
        run_concurrently(app, len(numbers), issue.issue_next_document)
    for _ in range(3):
        later(10)
        office.run_due_work()
    assert sorted(new.code for new in office.provider.created_articles) == ["B-2", "CAN-1"]
    assert [articles_of(issued(office, number)) for number in numbers] == [["CAN-1", "B-2"]] * len(numbers)


def test_while_one_makes_it_the_other_waits(office: World, monkeypatch: pytest.MonkeyPatch) -> None:
    office.pay_order("1001")
    office.pay_order("1002")
    _rival(office, monkeypatch, "create_article", late=False)
    office.run_due_work()
    assert len(office.provider.created_articles) == 1
    states = {number: stuck(office, number) for number in ("1001", "1002")}
    assert sorted(states.values()) == [("issued", ""), ("pending", "articles-pending")]
    later(10)
    office.run_due_work()
    assert articles_of(issued(office, "1001")) == articles_of(issued(office, "1002")) == ["CAN-1"]
    assert len(office.provider.created_articles) == 1


def test_an_article_that_is_seen_before_its_maker_is_answered_is_used(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.pay_order("1001")
    office.pay_order("1002")
    _rival(office, monkeypatch, "create_article")
    office.run_due_work()
    assert articles_of(issued(office, "1001")) == articles_of(issued(office, "1002")) == ["CAN-1"]
    assert len(office.provider.created_articles) == 1 and row_of(office).state == "made"


def test_an_answer_older_than_an_article_just_made_does_not_make_it_forgotten(office: World) -> None:
    """The very row: what was read before the look-up must still be so."""
    account = office.account
    books = articles.ArticleClient(account)
    line_articles.look_up_articles(account, ["CAN-1"])
    former = articles.load_articles(account, ["CAN-1"])["CAN-1"]
    line_articles.ensure_article(account, "CAN-1", "Caneca", "normal", "", True)
    assert not Article.record_if_unchanged(account.id, "CAN-1", former, "absent")
    db.session.commit()
    assert row_of(office).state == "made"
    with pytest.raises(TransientError):
        articles.create_article(books, former, NewArticle("CAN-1", "Caneca", Decimal(23), "PT"))
    assert len(office.provider.created_articles) == 1


def test_a_worker_that_slept_after_the_claim_makes_nothing(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(articles, "time", SimpleNamespace(monotonic=itertools.count(0, 6).__next__))
    office.pay_order()
    office.run_due_work()
    assert office.provider.created_articles == []
    assert (stuck(office), row_of(office).state) == (("pending", "articles-pending"), "absent")


# many at once


def test_many_new_skus_are_made_some_at_a_time_and_the_document_goes_on_where_it_stopped(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = [0.0]
    monkeypatch.setattr(articles, "time", SimpleNamespace(monotonic=lambda: slow[0]))
    make = FakeProvider.create_article

    def slowly(self: FakeProvider, new: NewArticle) -> ProviderArticle:
        slow[0] += 6
        return make(self, new)

    monkeypatch.setattr(FakeProvider, "create_article", slowly)
    office.pay_order(**lines(*(line(f"SKU-{at}") for at in range(40))))
    made = []
    for _ in range(10):
        office.run_due_work()
        made.append(len(office.provider.created_articles))
        row = office.document()
        assert row.state == "issued" or (row.reason, row.tries) == ("articles-pending", 0)
        later(2)
    # a third of the take's minute, of which each costs six seconds
    assert made == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert articles_of(issued(office)) == [f"SKU-{at}" for at in range(40)]
    assert len({new.code for new in office.provider.created_articles}) == 40


def test_however_slow_the_look_up_is_each_try_makes_one_at_least(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, look = [0.0], FakeProvider.articles_by_code
    monkeypatch.setattr(articles, "time", SimpleNamespace(monotonic=lambda: slow[0]))

    def slowly(self: FakeProvider, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        slow[0] += 40
        return look(self, codes)

    monkeypatch.setattr(FakeProvider, "articles_by_code", slowly)
    office.pay_order(**lines(*(line(f"SKU-{at}") for at in range(3))))
    made = []
    for _ in range(3):
        office.run_due_work()
        made.append(len(office.provider.created_articles))
        later(2)
    assert made == [1, 2, 3]
    assert articles_of(issued(office)) == ["SKU-0", "SKU-1", "SKU-2"]


# products without SKU


def test_a_line_without_sku_goes_without_article_by_itself(office: World) -> None:
    office.provider.add_article("CAN-1")
    draft = sold(office, "1001", line(), line(""))
    assert articles_of(draft) == ["CAN-1", ""] and draft.warnings == ()


def test_a_line_without_sku_is_the_article_that_the_merchant_chose(office: World) -> None:
    office.enable_articles(no_sku="generic", generic_article=" DIV ")
    office.provider.add_article("DIV")
    office.provider.add_article("CAN-1")
    draft = sold(office, "1001", line(), line(""), line("", kind="shipping", description="Portes"))
    assert articles_of(draft) == ["CAN-1", "DIV", ""]
    assert draft.warnings == ()


def test_the_article_for_lines_without_sku_may_be_sold_under_its_own_sku_too(office: World) -> None:
    office.enable_articles(no_sku="generic", generic_article="DIV")
    assert articles_of(sold(office, "1001", line(""), line("DIV"))) == ["DIV", "DIV"]
    assert [new.code for new in office.provider.created_articles] == ["DIV"]
    assert office.provider.article_lookups == [("DIV",)]


def test_an_article_for_lines_without_sku_that_is_not_there_is_told_and_not_made(office: World) -> None:
    office.enable_articles(no_sku="generic", generic_article="DIV")
    draft = sold(office, "1001", line(""))
    assert articles_of(draft) == [""] and draft.warnings == ("article-generic-missing",)
    assert office.provider.created_articles == []


def test_a_line_without_sku_stops_the_order_where_the_merchant_wants_that(office: World) -> None:
    office.enable_articles(no_sku="block")
    office.pay_order(**lines(line(), line("", description="Jarra")))
    office.run_due_work()
    row = office.document()
    assert (row.state, row.reason, row.detail) == ("blocked", "sku-missing", {"line": "Jarra"})
    assert office.provider.article_lookups == [] and office.provider.created_articles == []
    office.enable_articles(no_sku="")
    merchant_actions.request_issue(row)
    office.run_due_work()
    assert articles_of(issued(office)) == ["CAN-1", ""]


def test_what_a_draft_warns_of_has_its_sentence() -> None:
    assert {line_articles.WARN_NO_ARTICLE, line_articles.WARN_NO_GENERIC_ARTICLE} <= set(errors.WARNINGS)


# what makes nothing


@pytest.mark.parametrize("status", ["open", "cancelled"])
def test_an_order_that_is_not_to_be_invoiced_asks_for_no_article(office: World, status: str) -> None:
    office.pay_order(status=status)
    office.run_due_work()
    assert stuck(office)[0] in ("waiting", "void")
    assert office.provider.article_lookups == [] and office.provider.created_articles == []


def test_a_preview_asks_for_no_article_and_makes_none(office: World) -> None:
    office.account.settings = {**office.account.settings, "automatic": False}
    office.pay_order()
    office.run_due_work()
    seen = preview_document(office.document(), office.account)
    assert seen.draft is not None and seen.draft.gross == Decimal("12.30")
    assert office.provider.article_lookups == [] and office.provider.created_articles == []


def test_a_credit_note_looks_its_articles_up_and_makes_none(office: World) -> None:
    office.enable_articles(series={"FR": "2026FR", "NC": "2026NC"})
    draft = sold(office, "1001", line(), line("B-2"))
    assert articles_of(draft) == ["CAN-1", "B-2"]
    del office.provider.articles["st-2"]
    later(61)
    merchant_actions.credit_document(office.document(), 1, {"lines": [], "amount": None, "reason": ""})
    office.run_due_work()
    note = Document.find(office.store.id, "1001", "credit:1")
    assert note is not None and note.state == "issued" and note.draft is not None
    assert articles_of(note.draft) == ["CAN-1", ""]
    assert note.draft.warnings == ()
    assert len(office.provider.created_articles) == 2


# by hand


def test_what_the_merchant_bound_goes_before_what_a_look_up_finds(office: World) -> None:
    office.provider.add_article("CAN-1")
    chosen = office.provider.add_article("CANECA")
    line_articles.link_article(office.account, "CAN-1", " CANECA ")
    assert articles_of(sold(office, "1001")) == ["CANECA"]
    later(61)
    assert articles_of(sold(office, "1002")) == ["CANECA"]
    assert row_of(office).state == "bound"
    office.provider.articles[chosen.article_id] = replace(chosen, code="RENOMEADA")
    later(61)
    assert articles_of(sold(office, "1003")) == ["RENOMEADA"]
    line_articles.unlink_article(office.account, "CAN-1")
    assert articles_of(sold(office, "1004")) == ["CAN-1"]
    assert row_of(office).state == "found"


def test_a_bound_article_that_is_gone_leaves_the_sku_to_the_look_up(office: World) -> None:
    chosen = office.provider.add_article("CANECA")
    line_articles.link_article(office.account, "CAN-1", "CANECA")
    del office.provider.articles[chosen.article_id]
    office.provider.add_article("CAN-1")
    later(61)
    assert articles_of(sold(office, "1001")) == ["CAN-1"]
    assert row_of(office).state == "found"


@pytest.mark.parametrize("code", ["NADA", "caneca", " "])
def test_a_sku_is_bound_only_to_an_article_that_is_there(office: World, code: str) -> None:
    office.provider.add_article("CANECA")
    with pytest.raises(NotAllowedError) as why:
        line_articles.link_article(office.account, "CAN-1", code)
    assert (why.value.code, why.value.detail) == ("article-unknown", {"article": code.strip()})
    assert Article.find_by_sku(office.account.id, ["CAN-1"]) == {}


def test_what_the_merchant_binds_while_it_is_being_made_stays_bound(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.provider.add_article("CANECA")
    account = office.account
    office.provider.planned_articles.append(
        lambda new: line_articles.link_article(account, "CAN-1", "CANECA")
    )
    sold(office, "1001")
    assert (row_of(office).state, row_of(office).code) == ("bound", "CANECA")


def test_a_missing_sku_is_made_as_the_merchant_said(office: World) -> None:
    office.enable_articles(ship_from="PT-AC")
    line_articles.ensure_article(office.account, "LIV-1", "Livro", "reduced", "", True)
    line_articles.ensure_article(office.account, "AULA", "Aula", "normal", "M07", False)
    assert office.provider.created_articles == [
        NewArticle("LIV-1", "Livro", Decimal(4), "PT-AC", "", True),
        NewArticle("AULA", "Aula", Decimal(0), "PT-AC", "M07", False),
    ]
    assert {row_of(office, sku).state for sku in ("LIV-1", "AULA")} == {"made"}


def test_what_the_merchant_asks_to_be_made_is_looked_up_first(office: World) -> None:
    office.provider.add_article("LIV-1")
    line_articles.ensure_article(office.account, "LIV-1", "Livro", "reduced", "", True)
    assert office.provider.created_articles == [] and row_of(office, "LIV-1").state == "found"


def test_a_refused_sku_can_be_tried_again_by_hand_and_the_merchant_reads_why_not(office: World) -> None:
    office.provider.errors["create_article"] = [
        RefusedError("article-refused", answer=f"Não {n}") for n in (1, 2)
    ]
    sold(office)
    with pytest.raises(RefusedError) as why:
        line_articles.ensure_article(office.account, "CAN-1", "Caneca", "normal", "", True)
    assert why.value.detail == {"answer": "Não 2"}
    line_articles.ensure_article(office.account, "CAN-1", "Caneca", "normal", "", True)
    assert row_of(office).state == "made" and len(office.provider.created_articles) == 1


def test_a_reason_for_no_tax_that_is_not_in_force_makes_no_article(office: World) -> None:
    with pytest.raises(SettingsError):
        line_articles.ensure_article(office.account, "LIV-1", "Livro", "normal", "M26", True)
    assert office.provider.created_articles == []


def test_a_look_up_for_the_catalogue_makes_nothing_and_asks_fifty_at_a_time(office: World) -> None:
    known = [office.provider.add_article(f"SKU-{at}") for at in range(70)]
    skus = [f"SKU-{at}" for at in range(120)]
    line_articles.look_up_articles(office.account, [*skus, *skus, "", "X" * 300])
    assert [len(codes) for codes in office.provider.article_lookups] == [50, 50, 20]
    db.session.rollback()
    rows = Article.find_by_sku(office.account.id, skus)
    assert [rows[sku].state for sku in skus] == ["found"] * 70 + ["absent"] * 50
    assert rows["SKU-3"].article_id == known[3].article_id
    assert office.provider.created_articles == []


def test_keys_that_are_refused_while_nobody_waits_stop_the_account_too(office: World) -> None:
    office.provider.errors["articles"] = [CredentialsError("keys-refused")]
    with pytest.raises(CredentialsError):
        line_articles.look_up_articles(office.account, ["CAN-1"])
    db.session.refresh(office.account)
    assert office.account.refused_code == "keys-refused"
    with pytest.raises(CredentialsError):
        line_articles.link_article(office.account, "CAN-1", "CANECA")
    assert len(office.provider.article_lookups) == 1


def test_a_look_up_that_breaks_off_keeps_what_was_told_by_then(office: World) -> None:
    skus = [f"SKU-{at}" for at in range(120)]
    office.provider.errors["articles"] = []
    count = [0]

    class Third(list[Exception]):
        def __bool__(self) -> bool:
            count[0] += 1
            return count[0] == 3

        def pop(self, at: Any = -1) -> Exception:
            return UnreachableError("unreachable")

    office.provider.errors["articles"] = Third()
    with pytest.raises(TransientError):
        line_articles.look_up_articles(office.account, skus)
    db.session.rollback()
    assert len(Article.find_by_sku(office.account.id, skus)) == 100
