"""The PHC GO adapter against its stand-in, under each plausible behaviour and with faults at each step.

The stand-in's own ledger is the judge: never two documents for one draft, and never an unreported document.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

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
from shopapp.fiscal.credit_note import build_credit_note
from shopapp.fiscal.creditable import OriginalDocument
from shopapp.fiscal.document import Draft, DraftLine, FiscalSettings, Issued, Transport
from shopapp.fiscal.party import Address
from shopapp.providers.base import AccountFeatures, IssueGuarantee, Series
from shopapp.providers.phcgo.session import SESSIONS
from tests.contract.drafts import COMPANY, FOREIGN_COMPANY, PERSON, credit_of, draft, exempt, line
from tests.unit.providers.phcgo.stand_in import (
    DIRECT_FEATURES,
    DIRECT_INSTALLATION,
    INSTALLATION,
    RunningStandIn,
    ft,
    invoice_draft,
    issue_draft,
)

# --- calls ------------------------------------------------------------------------------------------


def test_a_consumers_document_costs_four_calls_once_the_lists_are_known(program: RunningStandIn) -> None:
    issue_draft(program.open_adapter(), invoice_draft())
    assert program.calls() == [
        "login", "query", "query", "getNewInstance", "actEntity", "Save", "signDocument"
    ]  # fmt: skip
    issue_draft(program.open_adapter(), invoice_draft(), "QI-2")
    assert program.calls() == ["getNewInstance", "actEntity", "Save", "signDocument"]


def test_a_known_customer_costs_one_more_call_and_a_new_one_three(program: RunningStandIn) -> None:
    program.switch("customer-defaults", "none")
    issue_draft(program.open_adapter(), invoice_draft())
    program.calls()
    issue_draft(program.open_adapter(), invoice_draft(customer=PERSON), "QI-2")
    assert program.calls() == [
        "query", "query", "getNewInstance", "Save", "getNewInstance", "actEntity", "Save", "signDocument"
    ]  # fmt: skip
    issue_draft(program.open_adapter(), invoice_draft(customer=PERSON), "QI-3")
    assert program.calls() == ["query", "getNewInstance", "actEntity", "Save", "signDocument"]


def test_pdf_email_state_and_cleanup_cost_the_documented_calls(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    issued = issue_draft(provider, invoice_draft())
    program.calls()
    provider.pdf(issued)
    assert program.calls() == ["query", "layouts", "print", "pdf"]
    provider.pdf(issued)
    assert program.calls() == ["query", "print", "pdf"]
    provider.email(issued.provider_id, "ana@example.pt")
    assert program.calls() == ["query", "print"]
    provider.read_document(issued.provider_id), provider.find_by_reference("QI-1", invoice_draft())
    assert program.calls() == ["query", "query"]
    opened = provider.open_draft(invoice_draft(), "QI-2")
    program.calls()
    provider.drop_draft(opened.draft_id)
    assert program.calls() == ["query", "Save"]
    provider.choices()
    # company, series, dossiers, warehouses; the layout of the first series; two checks of searching; articles
    assert program.calls() == [*["query"] * 4, "layouts", *["query"] * 4]


def test_a_session_is_shared_until_it_has_been_idle(program: RunningStandIn) -> None:
    program.open_adapter().check()
    program.open_adapter().check()
    assert program.calls().count("login") == 1
    program.moment += timedelta(minutes=6)
    program.open_adapter().check()
    assert program.calls().count("login") == 1


# --- the content of the document ----------------------------------------------------------------------------


def test_discounts_that_the_order_does_not_have_are_taken_out(program: RunningStandIn) -> None:
    # Customer 2 has ten per cent off each line and three off the whole document.
    firm = replace(COMPANY, tax_id="510000010")
    issue_draft(program.open_adapter(), invoice_draft(customer=firm))
    (entry,) = program.documents()
    assert entry["total"] == "12.30"
    assert entry["lines"][0]["discounts"] == []
    assert entry["customer"]["no"] == 2
    assert entry["customer"]["name"] == firm.name


@pytest.mark.parametrize("how", ["once", "each-time"])
def test_discounts_are_taken_out_however_often_they_are_put_in(program: RunningStandIn, how: str) -> None:
    program.switch("act-customer", how)
    issue_draft(program.open_adapter(), invoice_draft(line("10"), exempt("5"), customer=PERSON))
    assert program.documents()[0]["total"] == "17.30"
    assert program.documents()[0]["customer"]["nif"] == PERSON.tax_id


def test_an_existing_customer_is_never_changed(program: RunningStandIn) -> None:
    before = [dict(row) for row in program.rows("Cl") if row["no"] == 2]
    buyer = replace(COMPANY, tax_id="510000010", name="Outro Nome, Lda.", email="outra@example.pt")
    issue_draft(program.open_adapter(), invoice_draft(customer=buyer))
    # Nor is a buyer taken for a customer who has the same e-mail address.
    issue_draft(
        program.open_adapter(), invoice_draft(customer=replace(PERSON, email="compras@example.pt")), "QI-2"
    )
    assert [dict(row) for row in program.rows("Cl") if row["no"] == 2] == before
    assert [entry["customer"]["no"] for entry in program.documents()] == [2, 4]


def test_a_buyer_without_tax_id_is_the_generic_customer_under_their_own_name(program: RunningStandIn) -> None:
    buyer = replace(PERSON, tax_id="999999990", print_tax_id=False)
    issue_draft(program.open_adapter(), invoice_draft(customer=buyer))
    customer = program.documents()[0]["customer"]
    assert (customer["no"], customer["name"], customer["city"]) == (1, "Ana Exemplo", "Setúbal")
    assert len(program.rows("Cl")) == 3


def test_a_foreign_buyer_keeps_their_country(program: RunningStandIn) -> None:
    issue_draft(program.open_adapter(), invoice_draft(customer=FOREIGN_COMPANY))
    assert program.documents()[0]["customer"]["country"] == "ES"


def test_an_unknown_country_is_reported_before_anything_is_saved(program: RunningStandIn) -> None:
    buyer = replace(FOREIGN_COMPANY, country="JP", address=Address("1", "1", "Tóquio", "JP"))
    with pytest.raises(SettingsError) as raised:
        program.open_adapter().open_draft(invoice_draft(customer=buyer), "QI-1")
    assert (raised.value.code, raised.value.detail) == ("country-unknown", {"country": "JP"})
    assert "Save" not in program.calls()


def test_a_missing_generic_customer_is_reported(program: RunningStandIn) -> None:
    for row in program.rows("Cl"):
        row["clivd"] = False
        program.state.find_database(INSTALLATION, "").save("Cl", row)  # type: ignore[union-attr]
    with pytest.raises(SettingsError) as raised:
        program.open_adapter().open_draft(invoice_draft(), "QI-1")
    assert raised.value.code == "consumer-missing"


def test_printed_notes_are_lines_without_amount_and_obs_is_our_reference(program: RunningStandIn) -> None:
    issue_draft(
        program.open_adapter(),
        invoice_draft(line("10"), exempt("5"), notes=("Pagamento recebido em 2026-11-19.",)),
    )
    (entry,) = program.documents()
    assert entry["obs"] == "QI-1"
    assert entry["total"] == "17.30"
    assert entry["lines"][2]["description"] == "Pagamento recebido em 2026-11-19."
    assert entry["lines"][2]["amount"] == "0.00"


def test_only_articles_that_exist_are_named_and_only_where_stock_is_to_move(program: RunningStandIn) -> None:
    lines = (line("10"), line("5", sku="SEM-REF"), line("3", sku="x" * 30))
    issue_draft(program.open_adapter(), invoice_draft(*lines, moves_stock=True, warehouse="2"))
    issue_draft(program.open_adapter(), invoice_draft(*lines), "QI-2")
    one, two = program.documents()
    assert [entry["ref"] for entry in one["lines"]] == ["TAC-002", "", ""]
    assert {entry["warehouse"] for entry in one["lines"]} == {2}
    assert [entry["ref"] for entry in two["lines"]] == ["", "", ""]


def test_the_transport_is_filled_in(program: RunningStandIn) -> None:
    way = Transport(
        Address("Rua das Olarias 14", "2900-001", "Setúbal", "PT"), Address("Rua A 1", "1000-001", "Lisboa", "PT"),
        datetime(2026, 11, 20, 18, 30),
    )  # fmt: skip
    issue_draft(program.open_adapter(), invoice_draft(transport=way))
    row = program.rows("Ft")[0]
    assert (row["moradato"], row["codpostto"], row["localto"]) == ("Rua A 1", "1000-001", "Lisboa")
    assert (row["carga"], row["chora"]) == ("Rua das Olarias 14, 2900-001 Setúbal", "18:30")
    assert row["cdata"].startswith("2026-11-20")


@pytest.mark.parametrize("rounding", ["rate-group", "line", "document"])
@pytest.mark.parametrize("rate", ["23", "13", "6"])
def test_however_the_provider_rounds_the_total_is_what_was_paid(
    program: RunningStandIn, rounding: str, rate: str
) -> None:
    program.switch("rounding", rounding)
    lines = [line(price, rate, quantity=quantity, discount=discount)
             for price in ("8.121951", "0.813008", "12.195122", "3.333333", "0.045")
             for quantity, discount in (("1", "0"), ("3", "0"), ("7", "12.5"), ("0.75", "33.333333"))]  # fmt: skip
    content = invoice_draft(*lines)
    assert issue_draft(program.open_adapter(), content).total == content.gross


def test_a_credit_note_has_the_stamps_of_its_original_and_the_reason(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    original = invoice_draft(line("10"), line("5", sku="X", description="Prato"), notes=("Uma nota.",))
    number = issue_draft(provider, original).number
    note = replace(credit_of(number, original), series="58", notes=())
    issue_draft(provider, note, "QI-1-NC1")
    first, second = program.rows("Ft")
    assert [one["ofistamp"] for one in second["fis"]] == [one["fistamp"] for one in first["fis"]][:2]
    assert {one["oftstamp"] for one in second["fis"]} == {first["ftstamp"]}
    assert program.documents()[1]["reason"] == "Devolução"


def credit_twice(program: RunningStandIn) -> list[Draft]:
    """Give 3.00 back of two articles moved from stock, then credit all that is left."""
    provider = program.open_adapter()
    original = invoice_draft(line("10", quantity="2", sku="TAC-002"), moves_stock=True)
    number = issue_draft(provider, original).number
    notes: list[Draft] = []
    credited: tuple[DraftLine, ...] = ()
    for amount in (Decimal("3.00"), None):
        issued = OriginalDocument(number, "FR", original.customer, original.lines, credited)
        settings = FiscalSettings(series={"NC": "58"}, moves_stock=True)
        notes.append(build_credit_note(issued, settings, original.date, amount=amount))
        issue_draft(provider, notes[-1], f"QI-1-NC{len(notes)}")
        credited += notes[-1].lines
    return notes


def test_a_price_reduction_leaves_every_piece_to_be_credited(program: RunningStandIn) -> None:
    before = program.company.stock("TAC-002", 1)
    notes = credit_twice(program)
    assert [note.gross for note in notes] == [Decimal("3.00"), Decimal("21.60")]
    first, favour, rest = program.rows("Ft")
    assert [(one["ref"], one["ofistamp"]) for one in favour["fis"]] == [("", "")]
    assert [(one["ref"], one["qtt"]) for one in rest["fis"]] == [("TAC-002", 2)]
    assert first["fis"][0]["maxQttRefund"] == 0 and program.company.stock("TAC-002", 1) == before


def test_a_piece_that_was_split_off_for_a_cent_is_linked_to_its_line(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    number = issue_draft(provider, invoice_draft(line("10", quantity="3"))).number
    pieces = invoice_draft(line("10"), line("10", ref="1~1"))
    issue_draft(provider, replace(credit_of(number, pieces), series="58"), "QI-1-NC1")
    first, second = program.rows("Ft")
    assert {one["ofistamp"] for one in second["fis"]} == {first["fis"][0]["fistamp"]}
    assert first["fis"][0]["maxQttRefund"] == 1


def test_a_price_reduction_that_phc_go_refuses_stops_and_says_so(program: RunningStandIn) -> None:
    program.switch("credit-of-value", "refused")
    with pytest.raises(RefusedError) as raised:
        credit_twice(program)
    assert "que linha de que documento credita" in raised.value.detail["answer"]


def test_a_credit_note_of_an_unknown_number_is_refused(program: RunningStandIn) -> None:
    note = replace(credit_of("FR 2026S47/99", invoice_draft()), series="58")
    with pytest.raises(SettingsError) as raised:
        program.open_adapter().open_draft(note, "QI-1-NC1")
    assert raised.value.code == "original-missing"


# --- drafts -------------------------------------------------------------------------------------------------


def test_a_draft_is_no_document_and_its_id_stays_the_documents(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(invoice_draft(), "QI-1")
    assert provider.finalised_document(opened.draft_id) is None
    assert program.documents() == []
    issued = provider.finalise(opened.draft_id)
    assert issued.provider_id == opened.draft_id
    assert (
        provider.finalised_document(opened.draft_id) == issued == provider.read_document(issued.provider_id)
    )


def test_signing_twice_gives_the_same_document(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(invoice_draft(), "QI-1")
    assert provider.finalise(opened.draft_id) == provider.finalise(opened.draft_id)
    assert len(program.documents()) == 1


def test_only_the_named_draft_is_signed(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    spare, chosen = (provider.open_draft(invoice_draft(), "QI-1").draft_id for _ in range(2))
    assert provider.finalise(chosen).provider_id == chosen
    assert provider.drop_drafts("QI-1") == 1
    assert [row["ftstamp"] for row in program.rows("Ft")] == [chosen]
    assert spare != chosen


def test_a_draft_that_somebody_deleted_needs_a_person(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(invoice_draft(), "QI-1")
    assert provider.drop_draft(opened.draft_id) is None
    assert provider.finalised_document(opened.draft_id) is None
    with pytest.raises(RefusedError) as raised:
        provider.finalise(opened.draft_id)
    assert raised.value.code == "draft-gone"


def test_a_document_is_never_deleted(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    issued = issue_draft(provider, invoice_draft())
    assert provider.drop_draft(issued.provider_id) == issued
    assert provider.drop_drafts("QI-1") == 0
    assert len(program.documents()) == 1


def test_drafts_that_cannot_be_deleted_or_found_are_not_reported_as_gone(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(invoice_draft(), "QI-1")
    program.switch("draft-delete", "refused")
    for verb in (lambda: provider.drop_draft(opened.draft_id), lambda: provider.drop_drafts("QI-1")):
        with pytest.raises(TransientError):
            verb()
    assert len(program.drafts()) == 1


@pytest.mark.parametrize("how", ["exact", "contains", "refused", "ignored"])
def test_orphan_drafts_are_found_however_observations_can_be_searched(
    program: RunningStandIn, how: str
) -> None:
    provider = program.open_adapter()
    for reference in ("QI-1", "QI-1", "QI-11", "QI-2"):
        provider.open_draft(invoice_draft(), reference)
    program.switch("obs-filter", how)
    assert provider.drop_drafts("QI-1") == 2
    assert sorted(row["obs"] for row in program.drafts()) == ["QI-11", "QI-2"]


def test_a_draft_with_another_total_is_not_even_saved(program: RunningStandIn) -> None:
    with pytest.raises(RefusedError) as raised:
        program.open_adapter().open_draft(invoice_draft(gross="12.31"), "QI-1")
    assert raised.value.code == "draft-total-differs"
    assert raised.value.detail == {"ours": "12.31", "theirs": "12.30"}
    assert program.rows("Ft") == []


def test_a_draft_saved_differently_from_what_was_sent_is_not_signed(program: RunningStandIn) -> None:
    program.switch("obs-kept", "dropped")
    with pytest.raises(RefusedError) as raised:
        program.open_adapter().open_draft(invoice_draft(), "QI-1")
    assert (raised.value.code, raised.value.detail) == ("draft-differs", {"field": "obs"})


@pytest.mark.parametrize("kind", ["drop-after", "garbage-after", "500-after", "empty-after"])
def test_a_draft_whose_answer_was_lost_is_found_and_no_orphan_is_left(
    program: RunningStandIn, kind: str
) -> None:
    program.plan_fault(kind, "Save")
    opened = program.open_adapter().open_draft(invoice_draft(), "QI-1")
    assert [row["ftstamp"] for row in program.drafts()] == [opened.draft_id]


@pytest.mark.parametrize("kind", ["refused", "error-although-done"])
def test_a_refused_save_that_cannot_be_verified_is_uncertain(program: RunningStandIn, kind: str) -> None:
    provider = program.open_adapter(DIRECT_FEATURES)
    provider.issue(ft(), "QI-0")
    program.plan_fault(kind, "Save")
    # The first query after the fault finds the session alive, the second one is lost.
    program.plan_fault("drop-before", "query", match="ftstamp")
    with pytest.raises(UncertainError):
        provider.issue(ft(), "QI-1")
    assert len(program.documents()) == (2 if kind == "error-although-done" else 1)


def test_a_series_that_no_longer_keeps_drafts_gives_a_document(program: RunningStandIn) -> None:
    provider = program.open_adapter(AccountFeatures({"FT": Series("80", "FT", drafts=True)}))
    opened = provider.open_draft(ft(), "QI-1")
    assert opened.total is None
    assert len(program.documents()) == 1
    assert provider.finalise(opened.draft_id).number == program.documents()[0]["number"]
    assert len(program.documents()) == 1


# --- order notes --------------------------------------------------------------------------------------------


def test_an_order_note_becomes_the_invoice(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    content = draft(line("10"), line("5", description="Prato"), kind="NE", series="4")
    note = issue_draft(provider, content, "QI-1-NE")
    assert note.number == "Encomenda de cliente 2026/1"
    invoice = replace(content, kind="FR", series="47", follows=note.provider_id)
    issue_draft(provider, invoice)
    assert all(one["bistamp"] for one in program.rows("Ft")[0]["fis"])
    assert program.rows("Bo")[0]["fechada"]
    with pytest.raises(RefusedError) as raised:
        provider.open_draft(invoice, "QI-2")
    assert raised.value.code == "note-unusable"


def test_an_order_that_changed_after_its_note_is_invoiced_as_it_is(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    note = issue_draft(provider, draft(line("10"), kind="NE", series="4"), "QI-1-NE")
    content = invoice_draft(
        line("7.5", description="Outra"), line("10"), exempt("5"), follows=note.provider_id
    )
    assert issue_draft(provider, content).total == content.gross
    assert [one["description"] for one in program.documents()[0]["lines"]] == [
        "Outra",
        "Taça de barro",
        "Oficina",
    ]


def test_an_order_note_that_is_a_draft_can_be_deleted(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(draft(kind="NE", series="4"), "QI-1-NE")
    assert opened.draft_id.startswith("bo:")
    assert provider.drop_draft(opened.draft_id) is None
    assert program.rows("Bo") == []


def test_an_order_note_of_a_series_without_drafts_is_saved_and_found_again(program: RunningStandIn) -> None:
    provider = program.open_adapter(AccountFeatures({"NE": Series("9", "NE")}))
    content = draft(kind="NE", series="9")
    assert provider.guarantee_for("NE") is IssueGuarantee.SEARCHABLE
    issued = provider.issue(content, "QI-1-NE")
    assert provider.find_by_reference("QI-1-NE", content) == [issued]


# --- a series without drafts --------------------------------------------------------------------------------


def test_the_guarantee_is_that_of_the_series(program: RunningStandIn) -> None:
    assert program.open_adapter().guarantee_for("FR") is IssueGuarantee.DRAFT_FIRST
    assert program.open_adapter(DIRECT_FEATURES).guarantee_for("FT") is IssueGuarantee.SEARCHABLE
    assert program.open_adapter(replace(DIRECT_FEATURES, searches=False)).guarantee is IssueGuarantee.MANUAL
    assert program.open_adapter(AccountFeatures()).guarantee is IssueGuarantee.MANUAL


def test_looking_up_is_proved_at_set_up(program: RunningStandIn) -> None:
    provider = program.open_adapter(DIRECT_FEATURES)
    assert provider.choices().searches is False
    provider.issue(ft(), "QI-1")
    assert provider.choices().searches is True
    for how in ("refused", "ignored"):
        program.switch("obs-filter", how)
        assert provider.choices().searches is False


def test_an_ignored_search_condition_is_never_an_empty_answer(program: RunningStandIn) -> None:
    provider = program.open_adapter(DIRECT_FEATURES)
    issued = provider.issue(ft(), "QI-1")
    provider.issue(ft(), "QI-11")
    assert provider.find_by_reference("QI-1", ft()) == [issued]
    assert provider.find_by_reference("QI-9", ft()) == []
    for how in ("refused", "ignored"):
        program.switch("obs-filter", how)
        with pytest.raises(UnreachableError):
            provider.find_by_reference("QI-9", ft())


# --- faults at every step -----------------------------------------------------------------------------------

BROKEN = [
    "drop-before", "drop-after", "500-before", "500-after", "garbage-after", "cut-after", "empty-after",
    "wrong-type-after", "html", "redirect", "503", "408", "session-lost", "error-although-done", "no-result", "429",
    "warning-added", "refused",
]  # fmt: skip
STEPS = ["login", "getNewInstance", "actEntity", "Save", "signDocument", "query"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", BROKEN)
def test_whichever_step_fails_there_is_one_document_in_the_end(
    program: RunningStandIn, step: str, kind: str
) -> None:
    program.plan_fault(kind, step)
    recorded = ""
    for _ in range(6):
        provider = program.open_adapter()
        try:
            # As documents/issue.py does: record a draft, then sign only that one, however many attempts it
            # takes.
            recorded = recorded or provider.open_draft(invoice_draft(customer=PERSON), "QI-1").draft_id
            issued = provider.finalised_document(recorded) or provider.finalise(recorded)
            break
        except (UncertainError, TransientError):
            continue
        except CredentialsError:
            # The log-in was refused: the merchant is asked, and nothing exists.
            assert step == "login"
            assert program.rows("Ft") == []
        except RefusedError as error:
            # Signing was really refused: it is repeated when the merchant asks for it.
            assert (step, kind, error.code) == ("signDocument", "refused", "provider-refused")
            assert program.documents() == []
    (entry,) = program.documents()
    assert entry["number"] == issued.number
    provider.drop_drafts("QI-1")
    assert program.drafts() == []
    assert len([row for row in program.rows("Cl") if row["ncont"] == PERSON.tax_id]) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", [kind for kind in BROKEN if kind != "refused"])
def test_a_series_without_drafts_issues_once_when_every_doubt_is_looked_up(
    program: RunningStandIn, step: str, kind: str
) -> None:
    program.plan_fault(kind, step)
    doubt, issued = False, None
    for _ in range(6):
        provider = program.open_adapter(DIRECT_FEATURES)
        with suppress(TransientError):
            try:
                found = provider.find_by_reference("QI-1", ft()) if doubt else []
                issued = found[0] if found else provider.issue(ft(), "QI-1")
                break
            except UncertainError:
                doubt = True
            except CredentialsError:
                assert step == "login"
                assert program.rows("Ft") == []
            except SettingsError as error:
                # An empty result is a valid answer: the merchant is notified and tries again.
                assert (kind, error.code) == ("no-result", "consumer-missing")
    (entry,) = program.documents()
    assert issued is not None
    assert entry["number"] == issued.number


@pytest.mark.parametrize("answer", ["message", "401", "empty", "login-page", "redirect"])
@pytest.mark.parametrize("proof", ["cookie", "both", "engine-auth"])
def test_a_session_that_expires_midway_is_replaced(program: RunningStandIn, answer: str, proof: str) -> None:
    program.switch("session-life", "6-calls")
    program.switch("session-answer", answer)
    program.switch("session-proof", proof)
    provider, numbers = program.open_adapter(), []
    for at in range(4):
        opened = ""
        for _ in range(3):
            with suppress(UncertainError, TransientError):
                provider = program.open_adapter()
                opened = opened or provider.open_draft(invoice_draft(customer=PERSON), f"QI-{at}").draft_id
                numbers.append((provider.finalised_document(opened) or provider.finalise(opened)).number)
                break
    assert len(numbers) == len(set(numbers)) == len(program.documents()) == 4


@pytest.mark.parametrize("where", ["header", "body", "none"])
def test_the_engine_auth_value_is_kept_wherever_it_is_given(program: RunningStandIn, where: str) -> None:
    program.switch("engine-auth", where)
    program.switch("session-proof", "both")
    assert program.open_adapter().check().nif == "599980125"


@pytest.mark.parametrize("answer", ["message", "empty", "login-page", "401"])
def test_an_account_that_cannot_log_in_is_not_tried_again_and_again(
    program: RunningStandIn, answer: str
) -> None:
    program.switch("session-proof", "engine-auth")
    program.switch("session-answer", answer)
    program.switch("engine-auth", "header")
    provider = program.open_adapter()
    program.plan_fault("session-lost", "query", times=50)
    with pytest.raises(AppError):
        provider.check()
    assert program.calls().count("login") <= 2


def test_a_wrong_password_is_tried_once(program: RunningStandIn) -> None:
    with pytest.raises(CredentialsError) as raised:
        program.open_adapter(password="wrong").check()
    assert raised.value.detail["field"] == "password"
    assert program.calls() == ["login"]


def test_a_log_in_with_an_empty_answer_is_refused_and_tried_once(program: RunningStandIn) -> None:
    program.switch("wrong-login", "empty")
    with pytest.raises(CredentialsError) as raised:
        program.open_adapter(password="wrong").check()
    assert (raised.value.code, raised.value.detail["kind"]) == ("keys-refused", "silent")
    assert program.calls() == ["login"]


@pytest.mark.parametrize("left", [0, 3])
def test_a_used_up_plan_is_throttling_and_not_wrong_credentials(program: RunningStandIn, left: int) -> None:
    """The log-in is refused, or first a call and then the renewed log-in."""
    program.state.count_call(INSTALLATION)
    program.state.change_installation(INSTALLATION, allowance=1 + left)
    provider = program.open_adapter()
    with pytest.raises(ThrottledError) as raised:
        provider.open_draft(invoice_draft(), "QI-1")
    assert (raised.value.code, raised.value.retry_after) == ("allowance-used", 3600)
    assert raised.value.detail["answer"] == "O limite de pedidos foi atingido."
    assert program.rows("Ft") == []


def test_a_user_who_has_too_many_sessions_waits_for_one_of_them(program: RunningStandIn) -> None:
    program.switch("parallel-sessions", "refused")
    for _ in range(3):
        program.open_adapter().check()
        SESSIONS.clear()
    with pytest.raises(ThrottledError) as raised:
        program.open_adapter().check()
    assert raised.value.code == "sessions-full"


@pytest.mark.parametrize("kind", ["number", "text", "absent"])
@pytest.mark.parametrize("messages", ["told", "silent"])
def test_a_message_that_is_no_error_is_never_taken_for_one(
    program: RunningStandIn, kind: str, messages: str
) -> None:
    program.switch("message-type", kind)
    program.switch("harmless-messages", messages)
    provider = program.open_adapter()
    issued = issue_draft(provider, invoice_draft(line("10", sku="NOVO"), moves_stock=True))
    with pytest.raises(RefusedError):
        provider.open_draft(invoice_draft(series="999"), "QI-2")
    if kind != "absent":
        provider.email(issued.provider_id, "ana@example.pt")
        assert program.state.mails[0]["to"] == "ana@example.pt"


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("stamp-made", "Save"), ("operation-1", "refused"), ("save-completes", "completes"), ("rate-from", "iva"),
        ("unknown-fields", "refused"), ("unknown-fields", "dropped"), ("date-on-sign", "today"), ("sign-twice", "same"),
        ("query-drafts", "left-out"), ("query-lines", "left-out"), ("query-page", "10"), ("state-fields", "absent"),
        ("rest-path", "REST"), ("pdf-link", "session"), ("pdf-link", "once"), ("repeated-nif", "refused"),
        ("credit-from-origin", "missing"), ("zero-vat-check", "sign"), ("stock-check", "sign"),
    ],
)  # fmt: skip
def test_under_each_plausible_behaviour_document_pdf_and_state_are_right(
    program: RunningStandIn, name: str, position: str
) -> None:
    program.switch(name, position)
    provider = program.open_adapter()
    content = invoice_draft(line("10"), exempt("5"), customer=PERSON)
    issued = issue_draft(provider, content)
    assert (issued.total, issued.number) == (content.gross, program.documents()[0]["number"])
    again = provider.finalised_document(issued.provider_id)
    assert again is not None and again.number == issued.number
    assert provider.pdf(issued).startswith(b"%PDF-")


# --- set-up, PDF and state --------------------------------------------------------------------------------


def test_what_an_account_cannot_do_is_reported_at_set_up(program: RunningStandIn) -> None:
    assert program.open_adapter().choices().problems == ()
    small = program.open_adapter(AccountFeatures(), DIRECT_INSTALLATION).choices()
    assert small.problems == ("no-notes", "no-drafts")
    assert set(small.kinds) == {"FR", "FT", "FS", "NC"}
    assert program.open_adapter(AccountFeatures(), "0c77e1aa").choices().problems == ("no-layout",)


def test_series_are_read_and_never_guessed(program: RunningStandIn) -> None:
    found = {one.code: one for one in program.open_adapter().choices().series}
    assert (found["47"].kind, found["47"].label, found["47"].drafts) == ("FR", "Fatura-recibo", True)
    assert found["80"].drafts is False
    assert not found["81"].open  # takes documents that another system signed
    assert not found["82"].open  # not in use
    assert "15" not in found  # dossiers of suppliers


def test_the_fingerprint_is_the_companys_however_its_address_was_pasted(program: RunningStandIn) -> None:
    prints = {
        program.open_adapter(url=f"{program.url}/{INSTALLATION}{end}").check().fingerprint
        for end in ("", "/", "/html/", "/PHCWS/REST")
    }
    assert len(prints) == 1
    assert program.open_adapter(company="OLARIA2").check().fingerprint not in prints
    assert program.open_adapter(company="OLARIA").check().fingerprint in prints


def test_the_region_is_the_companys(program: RunningStandIn) -> None:
    assert program.open_adapter().check().region == "PT"
    assert program.open_adapter(AccountFeatures(), "0c77e1aa").check().region == "PT-AC"


def test_a_blank_in_a_pasted_token_becomes_a_plus_sign(program: RunningStandIn) -> None:
    token = program.state.token(INSTALLATION)
    assert "+" in token
    assert program.open_adapter(token=f" {token.replace('+', ' ')}\n").check().nif == "599980125"


def test_a_draft_is_never_printed_or_mailed(program: RunningStandIn) -> None:
    provider = program.open_adapter()
    opened = provider.open_draft(invoice_draft(series="84"), "QI-1")
    for verb in (
        lambda: provider.pdf(Issued(opened.draft_id, "x")),
        lambda: provider.email(opened.draft_id, "ana@example.pt"),
    ):
        with pytest.raises(TransientError):
            verb()
    assert program.documents() == []


def test_without_a_layout_there_is_no_pdf_and_the_document_stays_issued(program: RunningStandIn) -> None:
    known = AccountFeatures({"FR": Series("102", "FR", drafts=True)})
    provider = program.open_adapter(known, "0c77e1aa")
    issued = issue_draft(provider, draft(line("10", "16"), series="102"))
    with pytest.raises(TransientError) as raised:
        provider.pdf(issued)
    assert raised.value.detail == {"how": "no-layout"}
    with pytest.raises(SettingsError):
        provider.email(issued.provider_id, "ana@example.pt")
    assert len(program.documents()) == 1


def test_a_document_annulled_by_hand_and_a_missing_one_are_recognised(program: RunningStandIn) -> None:
    from sandbox.phcgo import signature

    provider = program.open_adapter()
    issued = issue_draft(provider, invoice_draft())
    assert provider.read_document(issued.provider_id).provider_state == "paid"
    base = program.state.find_database(INSTALLATION, "")
    assert base
    signature.annul_document(program.state, base, program.rows("Ft")[0])
    assert provider.read_document(issued.provider_id).provider_state == "annulled"
    with pytest.raises(RefusedError) as raised:
        provider.read_document("no-such-stamp")
    assert raised.value.code == "document-gone"
    assert Decimal(issued.total or 0) == Decimal("12.30")
