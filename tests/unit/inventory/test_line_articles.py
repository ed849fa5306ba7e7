"""The article of a document line: found by SKU, followed when renamed, created once and only when missing."""

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
from shopapp.connections import send_window
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
from shopapp.models import Article, Decision, Document, db, now, set_clock
from shopapp.models.decision import MERCHANT
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
    """Return the lines, numbered, and the total of an order of them."""
    return {
        "lines": tuple(replace(one, ref=str(at)) for at, one in enumerate(made, 1)),
        "total": sum((one.unit_price * one.quantity - one.discount for one in made), Decimal(0)),
    }


DRAFT_LINE = DraftLine(
    "1", "Caneca", Decimal(1), Decimal(10), Decimal(0), "PT", Decimal(23), "NOR", Decimal(10), Decimal("2.30"),
    Decimal("12.30"), sku="CAN-1",
)  # fmt: skip


@pytest.fixture
def world(world: World) -> Iterator[World]:
    """Return a world whose account has articles, and whose time passes only by `advance`."""
    at = now()
    world.enable_articles()
    set_clock(lambda: at + timedelta(seconds=SECONDS_PASSED[0]))
    SECONDS_PASSED[0] = 0.0
    yield world
    set_clock(None)


SECONDS_PASSED = [0.0]


def advance(seconds: float) -> None:
    db.session.commit()
    SECONDS_PASSED[0] += seconds


def issued_draft(world: World, number: str = "1001") -> Draft:
    """Return the draft that the order was issued with."""
    row = world.document(number)
    assert (row.state, row.reason) == ("issued", ""), row.detail
    assert row.draft is not None
    assert [draft for reference, draft in world.provider.ledger if reference == row.reference] == [row.draft]
    return row.draft


def issue_order(world: World, number: str = "1001", *made: OrderLine, **changes: Any) -> Draft:
    """Pay an order of these lines, and return the draft that it was issued with."""
    world.pay_order(number, **lines(*(made or (line(),))), **changes)
    world.run_due_work()
    return issued_draft(world, number)


def state_of(world: World, number: str = "1001") -> tuple[str, str]:
    row = world.document(number)
    return row.state, row.reason


def article_codes(draft: Draft) -> list[str]:
    assert draft.matched
    return [draft.article_code_of(one) for one in draft.lines]


def article_row(world: World, sku: str = "CAN-1") -> Article:
    db.session.rollback()
    return Article.find_by_sku(world.account.id, [sku])[sku]


# Found and remembered


def test_a_sku_is_looked_up_exactly_and_case_counts(world: World) -> None:
    for code in ("can-1", "CAN-1", "CAN-10", "CAN"):
        world.provider.add_article(code)
    assert article_codes(issue_order(world, "1001", line("CAN-1"))) == ["CAN-1"]
    assert world.provider.article_lookups == [("CAN-1",)]
    assert world.provider.created_articles == []


def test_an_answer_with_a_similar_code_is_another_article(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = ProviderArticle("st-9", "can-1", "Outra")
    monkeypatch.setattr(FakeProvider, "articles_by_code", lambda self, codes: dict.fromkeys(codes, like))
    assert article_codes(issue_order(world)) == ["CAN-1"]
    assert [new.code for new in world.provider.created_articles] == ["CAN-1"]


def test_a_found_article_is_not_looked_up_again_within_a_minute(world: World) -> None:
    world.provider.add_article("CAN-1")
    issue_order(world, "1001")
    issue_order(world, "1002")
    assert len(world.provider.article_lookups) == 1
    advance(61)
    issue_order(world, "1003")
    assert len(world.provider.article_lookups) == 2


@pytest.mark.parametrize("moves", [True, False])
def test_a_document_that_names_no_article_looks_known_ones_up_once_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    monkeypatch.setattr(
        FakeProvider,
        "capabilities",
        replace(FakeProvider.capabilities, names_articles_only_when_moving_stock=True),
    )
    world.enable_articles(moves_stock=moves)
    world.provider.add_article("CAN-1")
    issue_order(world, "1001")
    advance(3600)
    issue_order(world, "1002", line(), line("LIV-1"))
    assert world.provider.article_lookups == [("CAN-1",), ("CAN-1", "LIV-1") if moves else ("LIV-1",)]
    assert [new.code for new in world.provider.created_articles] == ["LIV-1"], (
        "a missing article is created all the same"
    )
    advance(86_400)
    issue_order(world, "1003")
    assert world.provider.article_lookups[2:] == [("CAN-1",)]


def test_forty_skus_are_one_look_up_and_a_repeated_sku_is_asked_once(world: World) -> None:
    many = [line(f"SKU-{at}") for at in range(40)]
    for one in many:
        world.provider.add_article(one.sku)
    draft = issue_order(world, "1001", *many, line("SKU-0", description="Outra vez"))
    assert article_codes(draft) == [f"SKU-{at}" for at in range(40)] + ["SKU-0"]
    assert len(world.provider.article_lookups) == 1 and len(world.provider.article_lookups[0]) == 40


def test_more_than_fifty_skus_are_looked_up_in_several_calls(world: World) -> None:
    many = [line(f"SKU-{at}") for at in range(60)]
    for one in many:
        world.provider.add_article(one.sku)
    assert len(set(article_codes(issue_order(world, "1001", *many)))) == 60
    assert [len(codes) for codes in world.provider.article_lookups] == [50, 10]


def test_shipping_has_no_article_and_is_not_looked_up(world: World) -> None:
    world.provider.add_article("CAN-1")
    draft = issue_order(world, "1001", line(), line("", kind="shipping", description="Portes"))
    assert article_codes(draft) == ["CAN-1", ""]
    assert draft.warnings == ()


def test_a_provider_or_account_without_articles_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.account.choices = {"articles": False}
    draft = issue_order(world, "1001")
    assert not draft.matched and draft.article_code_of(draft.lines[0]) == "CAN-1"
    world.enable_articles()
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeInvoicing)
    assert not issue_order(world, "1002").matched
    assert world.provider.article_lookups == [] and world.provider.created_articles == []


# Failed look-ups


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnreachableError("unreachable"), "unreachable"),
        (UncertainError("outcome-unknown"), "articles-unread"),
        (RefusedError("provider-refused", answer="Não"), "articles-unread"),
    ],
)
def test_a_failed_look_up_creates_nothing_and_the_document_waits(
    world: World, error: AppError, reason: str
) -> None:
    world.provider.errors["articles"] = [error]
    world.pay_order()
    world.run_due_work()
    assert state_of(world) == ("pending", reason)
    assert Article.find_by_sku(world.account.id, ["CAN-1"]) == {}
    assert world.provider.created_articles == [] and world.provider.ledger == []
    world.provider.add_article("CAN-1")
    advance(60)
    world.run_due_work()
    assert article_codes(issued_draft(world)) == ["CAN-1"]


def test_a_failed_look_up_leaves_the_known_article_as_it_was(world: World) -> None:
    world.provider.add_article("CAN-1")
    issue_order(world)
    advance(61)
    world.provider.errors["articles"] = [UnreachableError("unreachable")]
    world.pay_order("1002")
    world.run_due_work()
    assert state_of(world, "1002") == ("pending", "unreachable")
    assert article_row(world).state == "found" and article_row(world).code == "CAN-1"


def test_a_provider_that_does_not_answer_look_ups_is_paused_after_four(world: World) -> None:
    world.provider.errors["articles"] = [UnreachableError("unreachable")] * 9
    for number in range(1001, 1010):
        world.pay_order(str(number))
    world.run_due_work()
    assert len(world.provider.article_lookups) == 4
    db.session.refresh(world.account)
    assert world.account.pauses == 1


def test_credentials_refused_at_a_look_up_stop_the_account(world: World) -> None:
    world.provider.errors["articles"] = [CredentialsError("keys-refused")]
    world.pay_order("1001")
    world.pay_order("1002")
    world.run_due_work()
    assert state_of(world) == ("blocked", "keys-refused")
    assert state_of(world, "1002")[0] == "pending"
    assert len(world.provider.article_lookups) == 1
    db.session.refresh(world.account)
    assert world.account.refused_at is not None


def test_a_paused_provider_is_not_asked(world: World) -> None:
    world.pay_order()
    webhooks.process_next_webhook()
    document = world.document()
    world.account.paused_until = now() + timedelta(seconds=60)
    db.session.commit()
    drafted = Draft("FR", now().date(), Customer("999999990", "Ana"), (), (), *[Decimal(0)] * 3)
    with pytest.raises(TransientError) as why:
        line_articles.attach_articles(replace(drafted, lines=(DRAFT_LINE,)), world.account, document)
    assert why.value.code == "unreachable" and world.provider.article_lookups == []


# Renamed and deleted articles


def test_a_renamed_article_is_found_by_its_id_and_nothing_is_created(world: World) -> None:
    known = world.provider.add_article("CAN-1")
    issue_order(world)
    world.provider.articles[known.article_id] = replace(known, code="CANECA-AZUL")
    advance(61)
    assert article_codes(issue_order(world, "1002")) == ["CANECA-AZUL"]
    assert world.provider.article_lookups[1:] == [("CAN-1",), (known.article_id,)]
    advance(61)
    # The new code is known from now on.
    assert article_codes(issue_order(world, "1003")) == ["CANECA-AZUL"]
    assert world.provider.article_lookups[3:] == [("CAN-1", "CANECA-AZUL")]
    assert world.provider.created_articles == []
    assert article_row(world).state == "found"


def test_an_article_that_got_the_former_code_of_another_is_not_taken_for_it(world: World) -> None:
    known = world.provider.add_article("CAN-1")
    issue_order(world)
    world.provider.articles[known.article_id] = replace(known, code="B")
    advance(61)
    issue_order(world, "1002")
    world.provider.articles[known.article_id] = replace(known, code="C")
    world.provider.add_article("B", "Outra coisa")
    advance(61)
    assert article_codes(issue_order(world, "1003")) == ["C"]


def test_an_article_whose_code_is_the_sku_goes_before_the_renamed_one(world: World) -> None:
    known = world.provider.add_article("CAN-1")
    issue_order(world)
    world.provider.articles[known.article_id] = replace(known, code="ANTIGA")
    advance(61)
    assert article_codes(issue_order(world, "1002")) == ["ANTIGA"]
    world.provider.add_article("CAN-1", "A nova")
    advance(61)
    assert article_codes(issue_order(world, "1003")) == ["CAN-1"]
    assert article_row(world).article_id != known.article_id


def test_a_deleted_article_is_created_again(world: World) -> None:
    known = world.provider.add_article("CAN-1")
    issue_order(world)
    del world.provider.articles[known.article_id]
    advance(61)
    assert article_codes(issue_order(world, "1002")) == ["CAN-1"]
    assert [new.code for new in world.provider.created_articles] == ["CAN-1"]
    assert article_row(world).state == "made"


def test_a_refused_document_looks_its_articles_up_again_when_it_is_sent_again(world: World) -> None:
    known = world.provider.add_article("CAN-1")
    issue_order(world)
    world.provider.articles[known.article_id] = replace(known, code="NOVA")
    world.provider.planned_issues.append(_refuse)
    world.pay_order("1002")
    world.run_due_work()
    assert state_of(world, "1002") == ("blocked", "provider-refused")
    merchant_actions.request_issue(world.document("1002"))
    world.run_due_work()
    assert article_codes(issued_draft(world, "1002")) == ["NOVA"]


def _refuse(draft: Draft, reference: str) -> None:
    raise RefusedError("provider-refused", answer="Artigo desconhecido")


# Created articles


def test_a_missing_article_is_created_with_name_unit_and_rate(world: World) -> None:
    assert article_codes(issue_order(world, "1001", line(description="Caneca azul"))) == ["CAN-1"]
    assert world.provider.created_articles == [
        NewArticle("CAN-1", "Caneca azul", Decimal(23), "PT", "", True, "UN")
    ]
    assert article_row(world).state == "made" and article_row(world).article_id == "st-1"
    issue_order(world, "1002")
    assert len(world.provider.created_articles) == 1


def test_an_article_is_looked_up_again_right_before_it_is_created(world: World) -> None:
    line_articles.look_up_articles(world.account, ["CAN-1"])
    assert article_row(world).state == "absent"
    world.provider.add_article("CAN-1")
    assert article_codes(issue_order(world)) == ["CAN-1"]
    assert world.provider.created_articles == []


def test_two_lines_of_one_new_sku_create_one_article(world: World) -> None:
    draft = issue_order(world, "1001", line(description="Primeira"), line(description="Segunda"))
    assert article_codes(draft) == ["CAN-1", "CAN-1"]
    assert [new.name for new in world.provider.created_articles] == ["Primeira"]


def test_an_existing_article_is_neither_created_again_nor_renamed_nor_repriced(world: World) -> None:
    known = world.provider.add_article("CAN-1", "Nome do comerciante")
    issue_order(world, "1001", line(description="Nome da loja", charged=Decimal(6)))
    assert world.provider.articles == {known.article_id: known}


def test_a_line_at_zero_has_its_exemption_and_a_service_keeps_no_stock(world: World) -> None:
    world.enable_articles()
    Decision.record(world.account.id, "product-tax", "CURSO", "M07", MERCHANT)
    issue_order(world, "1001", line("CURSO", kind="service", charged=None))
    assert world.provider.created_articles == [
        NewArticle("CURSO", "Caneca", Decimal(0), "PT", "M07", False, "UN")
    ]


SPAIN = Address("Calle Ejemplo 1", "28001", "Madrid", "ES")
AMERICA = Address("Example Street 1", "10001", "New York", "US")


@pytest.mark.parametrize(("to", "charged"), [(SPAIN, Decimal(21)), (AMERICA, None)])
def test_an_article_first_sold_abroad_has_the_domestic_rate(
    world: World, to: Address, charged: Decimal | None
) -> None:
    world.enable_articles(ship_from="PT-MA", oss_registered=True, threshold_exceeded=True)
    draft = issue_order(world, "1001", line(charged=charged), ship_to=to, buyer=Party("Ana", address=to))
    assert draft.lines[0].vat_rate == (charged or 0)
    assert world.provider.created_articles == [
        NewArticle("CAN-1", "Caneca", Decimal(22), "PT-MA", "", True, "UN")
    ]


def test_a_sku_that_the_provider_refuses_goes_without_article(world: World) -> None:
    world.provider.add_article("B-2")
    world.provider.errors["create_article"] = [RefusedError("article-refused", answer="Referência inválida")]
    draft = issue_order(world, "1001", line("Ç" * 30), line("B-2"))
    assert article_codes(draft) == ["", "B-2"]
    assert draft.warnings == ("article-none",)
    row = article_row(world, "Ç" * 30)
    assert (row.state, row.reason, row.detail) == (
        "refused", "article-refused", {"answer": "Referência inválida"},
    )  # fmt: skip
    # The creation is not tried again, but the article is used as soon as somebody creates it at the provider.
    advance(61)
    assert article_codes(issue_order(world, "1002", line("Ç" * 30))) == [""]
    assert article_row(world, "Ç" * 30).detail == {"answer": "Referência inválida"}
    world.provider.add_article("Ç" * 30)
    advance(61)
    assert article_codes(issue_order(world, "1003", line("Ç" * 30))) == ["Ç" * 30]
    assert world.provider.created_articles == []


@pytest.mark.parametrize("sku", ["X" * 81, "X" * 500, "X\0Y"])
def test_a_sku_that_no_provider_can_have_is_not_looked_up(world: World, sku: str) -> None:
    draft = issue_order(world, "1001", line(sku))
    assert article_codes(draft) == [""] and draft.warnings == ("article-none",)
    assert world.provider.article_lookups == [] and world.provider.created_articles == []


def test_a_creation_that_never_arrived_is_tried_again(world: World) -> None:
    world.provider.errors["create_article"] = [UnreachableError("unreachable")] * 4
    world.pay_order()
    for _ in range(4):
        world.run_due_work()
        assert state_of(world) == ("pending", "unreachable")
        assert (article_row(world).state, article_row(world).detail) == ("absent", {"sent": 0})
        advance(2000)
    world.run_due_work()
    assert article_codes(issued_draft(world)) == ["CAN-1"]
    assert len(world.provider.created_articles) == 1


# Creations whose answer was lost


def _lose_answer(new: NewArticle) -> None:
    raise UncertainError("outcome-unknown", how="time-out")


def test_after_a_lost_answer_the_article_is_looked_up_and_not_created_again(
    world: World,
) -> None:
    world.provider.planned_articles.append(_lose_answer)
    world.pay_order()
    world.run_due_work()
    assert state_of(world) == ("pending", "article-unsure")
    assert article_row(world).state == "making"
    advance(60)
    world.run_due_work()
    assert article_codes(issued_draft(world)) == ["CAN-1"]
    assert len(world.provider.created_articles) == 1
    assert article_row(world).state == "made"


def test_an_article_is_created_again_only_once_the_lost_call_can_no_longer_arrive(
    world: World,
) -> None:
    world.provider.planned_articles.append(_nothing_created(world))
    world.pay_order()
    world.run_due_work()
    for _ in range(9):
        advance(30)
        world.run_due_work()
        assert state_of(world) == ("pending", "article-unsure")
        assert len(world.provider.created_articles) == 1
    advance(600)
    world.run_due_work()
    assert article_codes(issued_draft(world)) == ["CAN-1"]
    assert len(world.provider.created_articles) == 2


def _nothing_created(world: World) -> Callable[[NewArticle], None]:
    """Create nothing, and lose the answer."""

    def answer(new: NewArticle) -> None:
        world.provider.articles.clear()
        _lose_answer(new)

    return answer


def test_a_sku_goes_without_article_after_three_creations_without_answer(world: World) -> None:
    world.provider.planned_articles += [_nothing_created(world)] * 9
    world.pay_order()
    for _ in range(12):
        world.run_due_work()
        advance(600)
    assert article_codes(issued_draft(world)) == [""]
    assert len(world.provider.created_articles) == 3
    assert (article_row(world).state, article_row(world).reason) == ("refused", "article-unsure")


class Killed(BaseException):
    """Raised where a worker is killed; a BaseException, so that none of our handlers catches it."""


@pytest.mark.parametrize("point", ["article_after_claim", "article_after_send"])
@pytest.mark.parametrize("act", ["kill", "sleep", "sleep long"])
def test_a_worker_that_dies_or_freezes_while_creating_leaves_one_article(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str, act: str
) -> None:
    met = []

    def hit_failpoint(name: str) -> None:
        if name != point or met:
            return
        met.append(name)
        if act == "kill":
            raise Killed
        for seconds in (30, 100, 500)[: 3 if act == "sleep long" else 1]:
            advance(seconds)
            run_another_worker(world)

    monkeypatch.setattr(failpoints, "hit", hit_failpoint)
    clock = SimpleNamespace(monotonic=lambda: SECONDS_PASSED[0])
    for module in (articles, send_window):
        monkeypatch.setattr(module, "time", clock)
    world.pay_order()
    world.pay_order("1002")
    with pytest.raises(Killed) if act == "kill" else nullcontext():
        world.run_due_work()
    db.session.rollback()
    for _ in range(12):
        advance(61)
        world.run_due_work()
    assert met
    assert article_codes(issued_draft(world)) == article_codes(issued_draft(world, "1002")) == ["CAN-1"]
    assert [new.code for new in world.provider.created_articles] == ["CAN-1"]
    assert article_row(world).state == "made"


# Two workers with one SKU


def let_another_worker_run_beside(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, late: bool = True
) -> None:
    """Let another worker do the due work during our next call of that method, after or before it takes effect."""
    verb = getattr(FakeProvider, name)
    turns = [lambda: run_another_worker(world)]

    def beside(self: FakeProvider, *given: Any) -> Any:
        if turns and not late:
            turns.pop()()
        answer = verb(self, *given)
        if turns:
            turns.pop()()
        return answer

    monkeypatch.setattr(FakeProvider, name, beside)


def run_another_worker(world: World) -> None:
    """Do all due work in another session, as another worker would."""
    mine = db.session.registry()
    db.session.registry.clear()
    try:
        world.run_due_work()
    finally:
        db.session.remove()
        db.session.registry.set(mine)


def test_of_two_workers_that_both_found_no_article_one_creates_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other worker looks up, creates and issues between our look-up and our claim.
    world.pay_order("1001")
    world.pay_order("1002")
    let_another_worker_run_beside(world, monkeypatch, "articles_by_code")
    world.run_due_work()
    advance(10)
    world.run_due_work()
    assert (
        article_codes(issued_draft(world, "1001")) == article_codes(issued_draft(world, "1002")) == ["CAN-1"]
    )
    assert len(world.provider.created_articles) == 1


def test_six_workers_that_all_found_no_article_create_one(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [str(number) for number in range(1001, 1007)]
    for number in numbers:
        world.pay_order(number, **lines(line(), line("B-2")))
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
        advance(10)
        world.run_due_work()
    assert sorted(new.code for new in world.provider.created_articles) == ["B-2", "CAN-1"]
    assert [article_codes(issued_draft(world, number)) for number in numbers] == [["CAN-1", "B-2"]] * len(
        numbers
    )


def test_while_one_worker_creates_the_article_another_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    world.pay_order("1002")
    let_another_worker_run_beside(world, monkeypatch, "create_article", late=False)
    world.run_due_work()
    assert len(world.provider.created_articles) == 1
    states = {number: state_of(world, number) for number in ("1001", "1002")}
    assert sorted(states.values()) == [("issued", ""), ("pending", "articles-pending")]
    advance(10)
    world.run_due_work()
    assert (
        article_codes(issued_draft(world, "1001")) == article_codes(issued_draft(world, "1002")) == ["CAN-1"]
    )
    assert len(world.provider.created_articles) == 1


def test_an_article_found_before_its_creator_got_the_answer_is_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    world.pay_order("1002")
    let_another_worker_run_beside(world, monkeypatch, "create_article")
    world.run_due_work()
    assert (
        article_codes(issued_draft(world, "1001")) == article_codes(issued_draft(world, "1002")) == ["CAN-1"]
    )
    assert len(world.provider.created_articles) == 1 and article_row(world).state == "made"


def test_an_answer_from_before_the_creation_does_not_overwrite_the_new_article(world: World) -> None:
    account = world.account
    client = articles.ArticleClient(account)
    line_articles.look_up_articles(account, ["CAN-1"])
    former = articles.load_articles(account, ["CAN-1"])["CAN-1"]
    line_articles.ensure_article(account, "CAN-1", "Caneca", "normal", "", True)
    assert not Article.record_if_unchanged(account.id, "CAN-1", former, "absent")
    db.session.commit()
    assert article_row(world).state == "made"
    with pytest.raises(TransientError):
        articles.create_article(client, former, NewArticle("CAN-1", "Caneca", Decimal(23), "PT"))
    assert len(world.provider.created_articles) == 1


def test_a_worker_that_was_frozen_after_the_claim_creates_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(0, 6).__next__)
    for module in (articles, send_window):
        monkeypatch.setattr(module, "time", clock)
    world.pay_order()
    world.run_due_work()
    assert world.provider.created_articles == []
    assert (state_of(world), article_row(world).state) == (("pending", "articles-pending"), "absent")


# Many articles at once


def test_many_new_articles_are_created_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [0.0]
    clock = SimpleNamespace(monotonic=lambda: slow[0])
    for module in (articles, send_window):
        monkeypatch.setattr(module, "time", clock)
    make = FakeProvider.create_article

    def slowly(self: FakeProvider, new: NewArticle) -> ProviderArticle:
        slow[0] += 6
        return make(self, new)

    monkeypatch.setattr(FakeProvider, "create_article", slowly)
    world.pay_order(**lines(*(line(f"SKU-{at}") for at in range(40))))
    made = []
    for _ in range(10):
        world.run_due_work()
        made.append(len(world.provider.created_articles))
        row = world.document()
        assert row.state == "issued" or (row.reason, row.tries) == ("articles-pending", 0)
        advance(2)
    # A third of the minute of TAKE_SECONDS, at six seconds for each article.
    assert made == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert article_codes(issued_draft(world)) == [f"SKU-{at}" for at in range(40)]
    assert len({new.code for new in world.provider.created_articles}) == 40


def test_each_attempt_creates_at_least_one_article_however_slow_the_look_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, look = [0.0], FakeProvider.articles_by_code
    clock = SimpleNamespace(monotonic=lambda: slow[0])
    for module in (articles, send_window):
        monkeypatch.setattr(module, "time", clock)

    def slowly(self: FakeProvider, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        slow[0] += 40
        return look(self, codes)

    monkeypatch.setattr(FakeProvider, "articles_by_code", slowly)
    world.pay_order(**lines(*(line(f"SKU-{at}") for at in range(3))))
    made = []
    for _ in range(3):
        world.run_due_work()
        made.append(len(world.provider.created_articles))
        advance(2)
    assert made == [1, 2, 3]
    assert article_codes(issued_draft(world)) == ["SKU-0", "SKU-1", "SKU-2"]


# Products without SKU


def test_a_line_without_sku_has_no_article_by_default(world: World) -> None:
    world.provider.add_article("CAN-1")
    draft = issue_order(world, "1001", line(), line(""))
    assert article_codes(draft) == ["CAN-1", ""] and draft.warnings == ()


def test_a_line_without_sku_has_the_generic_article_that_the_merchant_chose(world: World) -> None:
    world.enable_articles(no_sku="generic", generic_article=" DIV ")
    world.provider.add_article("DIV")
    world.provider.add_article("CAN-1")
    draft = issue_order(world, "1001", line(), line(""), line("", kind="shipping", description="Portes"))
    assert article_codes(draft) == ["CAN-1", "DIV", ""]
    assert draft.warnings == ()


def test_the_generic_article_may_be_sold_under_its_own_sku_too(world: World) -> None:
    world.enable_articles(no_sku="generic", generic_article="DIV")
    assert article_codes(issue_order(world, "1001", line(""), line("DIV"))) == ["DIV", "DIV"]
    assert [new.code for new in world.provider.created_articles] == ["DIV"]
    assert world.provider.article_lookups == [("DIV",)]


def test_a_missing_generic_article_is_a_warning_and_is_not_created(world: World) -> None:
    world.enable_articles(no_sku="generic", generic_article="DIV")
    draft = issue_order(world, "1001", line(""))
    assert article_codes(draft) == [""] and draft.warnings == ("article-generic-missing",)
    assert world.provider.created_articles == []


def test_a_line_without_sku_stops_the_order_where_the_merchant_wants_that(world: World) -> None:
    world.enable_articles(no_sku="block")
    world.pay_order(**lines(line(), line("", description="Jarra")))
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason, row.detail) == ("blocked", "sku-missing", {"line": "Jarra"})
    assert world.provider.article_lookups == [] and world.provider.created_articles == []
    world.enable_articles(no_sku="")
    merchant_actions.request_issue(row)
    world.run_due_work()
    assert article_codes(issued_draft(world)) == ["CAN-1", ""]


def test_each_warning_has_its_sentence() -> None:
    assert {line_articles.WARN_NO_ARTICLE, line_articles.WARN_NO_GENERIC_ARTICLE} <= set(errors.WARNINGS)


# Cases in which nothing is created


@pytest.mark.parametrize("status", ["open", "cancelled"])
def test_an_order_that_is_not_invoiced_looks_nothing_up(world: World, status: str) -> None:
    world.pay_order(status=status)
    world.run_due_work()
    assert state_of(world)[0] in ("waiting", "void")
    assert world.provider.article_lookups == [] and world.provider.created_articles == []


def test_a_preview_looks_nothing_up_and_creates_nothing(world: World) -> None:
    world.account.settings = {**world.account.settings, "automatic": False}
    world.pay_order()
    world.run_due_work()
    seen = preview_document(world.document(), world.account)
    assert seen.draft is not None and seen.draft.gross == Decimal("12.30")
    assert world.provider.article_lookups == [] and world.provider.created_articles == []


def test_a_credit_note_looks_its_articles_up_and_creates_none(world: World) -> None:
    world.enable_articles(series={"FR": "2026FR", "NC": "2026NC"})
    draft = issue_order(world, "1001", line(), line("B-2"))
    assert article_codes(draft) == ["CAN-1", "B-2"]
    del world.provider.articles["st-2"]
    advance(61)
    merchant_actions.credit_document(world.document(), 1, {"lines": [], "amount": None, "reason": ""})
    world.run_due_work()
    note = Document.find(world.store.id, "1001", "credit:1")
    assert note is not None and note.state == "issued" and note.draft is not None
    assert article_codes(note.draft) == ["CAN-1", ""]
    assert note.draft.warnings == ()
    assert len(world.provider.created_articles) == 2


# The merchant's choices


def test_the_article_that_the_merchant_chose_goes_before_the_one_found(world: World) -> None:
    world.provider.add_article("CAN-1")
    chosen = world.provider.add_article("CANECA")
    line_articles.link_article(world.account, "CAN-1", " CANECA ")
    assert article_codes(issue_order(world, "1001")) == ["CANECA"]
    advance(61)
    assert article_codes(issue_order(world, "1002")) == ["CANECA"]
    assert article_row(world).state == "bound"
    world.provider.articles[chosen.article_id] = replace(chosen, code="RENOMEADA")
    advance(61)
    assert article_codes(issue_order(world, "1003")) == ["RENOMEADA"]
    line_articles.unlink_article(world.account, "CAN-1")
    assert article_codes(issue_order(world, "1004")) == ["CAN-1"]
    assert article_row(world).state == "found"


def test_when_the_chosen_article_is_deleted_the_sku_is_looked_up(world: World) -> None:
    chosen = world.provider.add_article("CANECA")
    line_articles.link_article(world.account, "CAN-1", "CANECA")
    del world.provider.articles[chosen.article_id]
    world.provider.add_article("CAN-1")
    advance(61)
    assert article_codes(issue_order(world, "1001")) == ["CAN-1"]
    assert article_row(world).state == "found"


@pytest.mark.parametrize("code", ["NADA", "caneca", " "])
def test_a_sku_is_linked_only_to_an_existing_article(world: World, code: str) -> None:
    world.provider.add_article("CANECA")
    with pytest.raises(NotAllowedError) as why:
        line_articles.link_article(world.account, "CAN-1", code)
    assert (why.value.code, why.value.detail) == ("article-unknown", {"article": code.strip()})
    assert Article.find_by_sku(world.account.id, ["CAN-1"]) == {}


def test_an_article_chosen_while_one_is_being_created_stays_chosen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.provider.add_article("CANECA")
    account = world.account
    world.provider.planned_articles.append(lambda new: line_articles.link_article(account, "CAN-1", "CANECA"))
    issue_order(world, "1001")
    assert (article_row(world).state, article_row(world).code) == ("bound", "CANECA")


def test_a_missing_article_is_created_with_the_tax_that_the_merchant_chose(world: World) -> None:
    world.enable_articles(ship_from="PT-AC")
    line_articles.ensure_article(world.account, "LIV-1", "Livro", "reduced", "", True)
    line_articles.ensure_article(world.account, "AULA", "Aula", "normal", "M07", False)
    assert world.provider.created_articles == [
        NewArticle("LIV-1", "Livro", Decimal(4), "PT-AC", "", True),
        NewArticle("AULA", "Aula", Decimal(0), "PT-AC", "M07", False),
    ]
    assert {article_row(world, sku).state for sku in ("LIV-1", "AULA")} == {"made"}


def test_an_article_that_the_merchant_wants_created_is_looked_up_first(world: World) -> None:
    world.provider.add_article("LIV-1")
    line_articles.ensure_article(world.account, "LIV-1", "Livro", "reduced", "", True)
    assert world.provider.created_articles == [] and article_row(world, "LIV-1").state == "found"


def test_the_merchant_may_try_a_refused_sku_again_and_reads_the_refusal(world: World) -> None:
    world.provider.errors["create_article"] = [
        RefusedError("article-refused", answer=f"Não {n}") for n in (1, 2)
    ]
    issue_order(world)
    with pytest.raises(RefusedError) as why:
        line_articles.ensure_article(world.account, "CAN-1", "Caneca", "normal", "", True)
    assert why.value.detail == {"answer": "Não 2"}
    line_articles.ensure_article(world.account, "CAN-1", "Caneca", "normal", "", True)
    assert article_row(world).state == "made" and len(world.provider.created_articles) == 1


def test_an_exemption_that_is_not_in_force_creates_no_article(world: World) -> None:
    with pytest.raises(SettingsError):
        line_articles.ensure_article(world.account, "LIV-1", "Livro", "normal", "M26", True)
    assert world.provider.created_articles == []


def test_a_look_up_for_the_catalogue_creates_nothing_and_asks_fifty_at_a_time(world: World) -> None:
    known = [world.provider.add_article(f"SKU-{at}") for at in range(70)]
    skus = [f"SKU-{at}" for at in range(120)]
    line_articles.look_up_articles(world.account, [*skus, *skus, "", "X" * 300])
    assert [len(codes) for codes in world.provider.article_lookups] == [50, 50, 20]
    db.session.rollback()
    rows = Article.find_by_sku(world.account.id, skus)
    assert [rows[sku].state for sku in skus] == ["found"] * 70 + ["absent"] * 50
    assert rows["SKU-3"].article_id == known[3].article_id
    assert world.provider.created_articles == []


def test_credentials_refused_in_background_work_stop_the_account_too(world: World) -> None:
    world.provider.errors["articles"] = [CredentialsError("keys-refused")]
    with pytest.raises(CredentialsError):
        line_articles.look_up_articles(world.account, ["CAN-1"])
    db.session.refresh(world.account)
    assert world.account.refused_code == "keys-refused"
    with pytest.raises(CredentialsError):
        line_articles.link_article(world.account, "CAN-1", "CANECA")
    assert len(world.provider.article_lookups) == 1


def test_a_look_up_that_fails_half_way_keeps_the_answers_so_far(world: World) -> None:
    skus = [f"SKU-{at}" for at in range(120)]
    world.provider.errors["articles"] = []
    count = [0]

    class Third(list[Exception]):
        def __bool__(self) -> bool:
            count[0] += 1
            return count[0] == 3

        def pop(self, at: Any = -1) -> Exception:
            return UnreachableError("unreachable")

    world.provider.errors["articles"] = Third()
    with pytest.raises(TransientError):
        line_articles.look_up_articles(world.account, skus)
    db.session.rollback()
    assert len(Article.find_by_sku(world.account.id, skus)) == 100
