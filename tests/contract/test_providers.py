"""One suite for all invoicing providers: the behaviour required of each, live against its stand-in.

A few tests also run on a cassette (`also_replayed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopapp.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    RefusedError,
    ThrottledError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.fiscal.document import Customer, DocumentKind, Draft, Issued
from shopapp.fiscal.tax_tables import selectable_exemptions
from shopapp.providers import PROVIDERS
from shopapp.providers.base import IssueGuarantee, Provider, SupportsSearch
from shopapp.providers.drafts import SupportsDrafts
from tests.contract.accounts import ACCOUNTS
from tests.contract.broken_transport import LOST_OUTCOMES, break_session
from tests.contract.cassette import also_replayed
from tests.contract.drafts import COMPANY, FOREIGN_COMPANY, PERSON, credit_of, draft, exempt, line
from tests.contract.provider_account import TODAY, ProviderAccount

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def of_each(what: Callable[[type[ProviderAccount]], Any]) -> list[Any]:
    """Return (provider, scene) for each scene of each account."""
    return [
        pytest.param(name, scene, id=f"{name}-{scene}")
        for name in PROVIDERS
        for scene in what(ACCOUNTS[name])
    ]


def full_text(error: AppError) -> str:
    """Return all text of an error and its causes."""
    texts = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(f"{cause} {cause!r} {getattr(cause, 'detail', '')}")
        cause = cause.__cause__ or cause.__context__
    return "\n".join(texts)


# --- declared capabilities ----------------------------------------------------------------------------------


def test_every_provider_has_an_account_in_this_suite() -> None:
    assert set(ACCOUNTS) == set(PROVIDERS)


def test_a_provider_declares_what_the_setup_pages_show(name: str) -> None:
    provider = PROVIDERS[name]
    assert provider.name == name
    assert provider.label
    assert "@" in provider.support
    names = [field.name for field in provider.credential_fields]
    assert len(names) == len(set(names)) > 0
    assert all(field.label and field.help for field in provider.credential_fields)
    assert any(field.secret for field in provider.credential_fields)
    assert provider.help_paths.keys
    assert provider.help_paths.documents
    assert provider.help_paths.number_example


def test_a_guarantee_names_the_contract_that_keeps_it(name: str) -> None:
    account = ACCOUNTS[name]()
    with account.opened("unplugged", "", Path()):
        provider = account.provider()
    guarantees = {provider.guarantee, *(provider.guarantee_for(kind) for kind in account.kinds)}
    assert isinstance(provider, SupportsSearch) or IssueGuarantee.SEARCHABLE not in guarantees
    assert isinstance(provider, SupportsDrafts) or IssueGuarantee.DRAFT_FIRST not in guarantees


# --- credentials -----------------------------------------------------------------------------------------------


@also_replayed
def test_valid_credentials_say_whose_account_it_is(account: ProviderAccount) -> None:
    facts = account.provider().check()
    assert facts.fingerprint == account.provider().check().fingerprint
    assert facts.name
    assert facts.nif.isdigit()
    assert facts.region in ("PT", "PT-MA", "PT-AC")
    assert not any(secret in repr(facts) for secret in account.secrets())


@pytest.mark.parametrize(("name", "scene"), of_each(lambda account: account.refused_keys))
def test_refused_credentials_mark_their_field(account: ProviderAccount, scene: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        account.provider(scene).check()
    error = raised.value
    assert error.code == "keys-refused"
    assert error.detail["answer"]
    assert error.detail["field"] == account.refused_keys[scene]
    assert not any(secret in full_text(error) for secret in account.secrets())


@pytest.mark.parametrize(("name", "scene"), of_each(lambda account: account.refused_keys))
def test_nothing_is_issued_with_refused_credentials(account: ProviderAccount, scene: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        account.provider(scene).issue(drafted(account), "QI-1")
    assert raised.value.detail["field"] == account.refused_keys[scene]
    assert not account.documents()


@pytest.mark.parametrize("scene", ["another-service"])
def test_another_service_at_that_address_is_not_taken_for_refused_credentials(
    account: ProviderAccount, scene: str
) -> None:
    with pytest.raises(UnreachableError):
        account.provider(scene).check()


# --- lists --------------------------------------------------------------------------------------------


@also_replayed
def test_the_choices_are_enough_for_the_settings_form(account: ProviderAccount) -> None:
    provider = account.provider()
    found = provider.choices()
    assert set(found.kinds) == set(account.kinds)
    open_series = {(one.kind, one.code) for one in found.series if one.open}
    assert set(account.kinds.items()) <= open_series
    assert {"M01", "M07", "M10", "M99"} <= {choice.code for choice in found.exemptions}
    assert {choice.code for choice in found.exemptions} <= set(selectable_exemptions(TODAY))
    assert all(choice.label for choice in (*found.exemptions, *found.warehouses))
    assert bool(found.warehouses) == account.has_warehouses
    assert {Decimal(23), Decimal(6)} <= set(found.rates)


@pytest.mark.parametrize("scene", ["without-lists"])
def test_a_provider_without_lists_offers_the_legal_exemption_reasons(
    account: ProviderAccount, scene: str
) -> None:
    found = account.provider(scene).choices()
    assert {choice.code for choice in found.exemptions} == set(selectable_exemptions(TODAY))
    assert found.warehouses == ()


# --- issuing ------------------------------------------------------------------------------------------------


def drafted(account: ProviderAccount, *lines: Any, kind: DocumentKind = "FR", **changes: Any) -> Draft:
    """Return a draft in the account's own series."""
    return draft(*lines, kind=kind, **{"series": account.kinds[kind], **changes})


def sent(provider: Provider, content: Draft, reference: str) -> Issued:
    """Issue the draft as the guarantee for its kind requires: through a provider draft, or in one call."""
    if provider.guarantee_for(content.kind) is not IssueGuarantee.DRAFT_FIRST:
        return provider.issue(content, reference)
    assert isinstance(provider, SupportsDrafts)
    return provider.finalise(provider.open_draft(content, reference).draft_id)


def issued(account: ProviderAccount, provider: Provider, content: Any, reference: str = "QI-7F3K") -> Issued:
    """Issue the draft; compare the document with it and with the stand-in's own records."""
    found = sent(provider, content, reference)
    assert found.number
    assert found.provider_id
    assert found.total == content.gross
    assert found.date == content.date
    assert found.series == content.series
    if account.is_live:
        (entry,) = [one for one in account.documents() if reference in one["observacoes"]]
        assert entry["number"] == found.number
        assert Decimal(entry["totals"]["gross"]) == content.gross
    return found


@pytest.mark.parametrize(
    ("name", "scene"), of_each(lambda account: [kind for kind in account.kinds if kind not in ("NC", "ND")])
)
def test_every_kind_is_issued(account: ProviderAccount, scene: Any) -> None:
    provider = account.provider()
    issued(account, provider, drafted(account, kind=scene, series=account.kinds[scene]))


def test_a_credit_note_names_the_document_that_it_corrects(account: ProviderAccount) -> None:
    provider = account.provider()
    original = drafted(account, line("10"), exempt("5"), customer=PERSON)
    number = issued(account, provider, original).number
    note = replace(credit_of(number, original), series=account.kinds["NC"])
    credit = issued(account, provider, note, "QI-7F3K-NC1")
    assert credit.number != number
    documents = account.documents()
    assert documents[-1]["origin"] == number


def test_two_documents_have_two_numbers(account: ProviderAccount) -> None:
    provider = account.provider()
    assert (
        issued(account, provider, drafted(account), "QI-1").number
        != issued(account, provider, drafted(account), "QI-2").number
    )


@pytest.mark.parametrize("scene", ["consumer", "person", "firm", "abroad"])
def test_every_buyer_arrives_as_in_the_draft(account: ProviderAccount, scene: str) -> None:
    buyer: Customer = {
        "consumer": drafted(account).customer,
        "person": PERSON,
        "firm": COMPANY,
        "abroad": FOREIGN_COMPANY,
    }[scene]
    issued(account, account.provider(), drafted(account, customer=buyer))
    documents = account.documents()
    customer = documents[-1]["customer"]
    assert customer["nif"] == buyer.tax_id
    assert customer["name"] == (buyer.name or "Consumidor final")
    assert customer["country"] == buyer.country


def test_rates_exemptions_discounts_and_fractions_arrive_whole(account: ProviderAccount) -> None:
    content = drafted(
        account,
        line("10", discount="12.5"),
        line("8.130081", "6", quantity="0.75", sku="MEL-500"),
        line("3.25", "13", quantity="12", sku=""),
        exempt("20"),
        gross="81.29",
    )
    issued(account, account.provider(), content)
    documents = account.documents()
    lines = documents[-1]["lines"]
    assert [one["rate"] for one in lines] == ["23", "6", "13", "0"]
    assert [one["exemption"] for one in lines] == ["", "", "", "M07"]
    assert lines[3]["mention"] == "Isento artigo 9.º do CIVA"
    assert [one["qty"] for one in lines] == ["1", "0.75", "12", "1"]


@pytest.mark.parametrize(
    "scene",
    ["accents", "euro", "polish", "cyrillic", "emoji", "markup", "control", "lines", "quotes", "long"],
)
def test_any_character_in_a_name_arrives(account: ProviderAccount, scene: str) -> None:
    text = {
        "accents": "Pão-de-ló Ação º",
        "euro": "Vale de 10 €",
        "polish": "Łódź Żółć",
        "cyrillic": "Іван Їжак",
        "emoji": "Caneca 😀👍🏽",
        "markup": "<b>&amp;</b> ]]> <!--",
        "control": "a\x00b\x0bc\x1bd\x85e\ud800f",
        "lines": "uma\r\nduas\ttrês",
        "quotes": "\"'`´«»",
        "long": "Ã€😀<" * 60,
    }[scene]
    content = drafted(account, line("10", description=text), customer=Customer("299900010", text, True))
    issued(account, account.provider(), content)
    documents = account.documents()
    arrived = {"control": "abcdef", "lines": "uma duas três"}.get(scene, text)
    assert documents[-1]["customer"]["name"] == arrived
    assert documents[-1]["lines"][0]["description"] == arrived


@pytest.mark.parametrize("scene", ["asked", "not-asked"])
def test_stock_and_warehouse_are_as_the_draft_says(account: ProviderAccount, scene: str) -> None:
    provider = account.provider()
    place = provider.choices().warehouses[-1].code
    moves = scene == "asked"
    issued(account, provider, drafted(account, line("10", quantity="2"), warehouse=place, moves_stock=moves))
    documents = account.documents()
    assert documents[-1]["lines"][0]["warehouse"] == place
    assert documents[-1]["stock"] == ([{"ref": "TAC-002", "warehouse": place, "qty": "-2"}] if moves else [])


def test_cents_are_rounded_at_the_level_that_is_declared(account: ProviderAccount) -> None:
    provider = account.provider()
    expected = {"rate_group": "0.22", "document": "0.21", "line": "0.23"}[
        provider.capabilities.rounding_level
    ]
    lines = [line("0.045"), line("0.045"), line("0.045"), line("0.045", "6")]
    issued(account, provider, drafted(account, *lines, gross=expected))


def test_a_total_that_differs_from_ours_is_returned(account: ProviderAccount) -> None:
    content = drafted(account)
    found = sent(account.provider("total-differs"), content, "QI-1")
    assert found.number
    assert found.total == content.gross + Decimal("0.01")


def test_refused_content_is_reported_in_the_providers_words(account: ProviderAccount) -> None:
    provider = account.provider()
    with pytest.raises(RefusedError) as raised:
        sent(provider, draft(series=account.series_unknown), "QI-1")
    assert raised.value.code == "provider-refused"
    assert account.series_unknown in raised.value.detail["answer"]
    assert not account.documents()
    issued(account, provider, drafted(account), "QI-1")


@pytest.mark.parametrize(("name", "scene"), of_each(lambda account: account.uncertain_scenes))
def test_a_lost_or_spoilt_answer_is_uncertain(account: ProviderAccount, scene: str) -> None:
    provider, there = account.provider(scene), account.uncertain_scenes[scene]
    try:
        found = sent(provider, drafted(account), "QI-1")
    except UncertainError as error:
        assert not (account.resolves_at_once and there)
        assert not any(secret in full_text(error) for secret in account.secrets())
    else:
        # The adapter looked, and its result was definite.
        assert account.resolves_at_once and there
        assert found.number
    # At most one: whatever went wrong, the call was made once.
    assert len(account.documents()) == there


# --- the PDF ----------------------------------------------------------------------------------------------


@also_replayed
def test_an_issued_document_has_a_pdf(account: ProviderAccount) -> None:
    provider = account.provider()
    assert provider.pdf(issued(account, provider, drafted(account))).startswith(b"%PDF-")


def test_a_missing_pdf_is_not_ready(account: ProviderAccount) -> None:
    provider = account.provider()
    found = issued(account, provider, drafted(account))
    missing = found.pdf_url.replace(found.provider_id, "1")
    with pytest.raises(TransientError):
        provider.pdf(Issued("1", found.number, pdf_url=missing))


# --- a network that fails -------------------------------------------------------------------------------------


@contextmanager
def over(name: str, outcome: Exception | int, headers: dict[str, str] | None = None) -> Iterator[Provider]:
    """Open the provider on a transport with that outcome."""
    account = ACCOUNTS[name]()
    with account.opened("unplugged", "", Path()):
        provider = account.provider()
        break_session(provider._http.session, outcome, headers)  # type: ignore[attr-defined]
        yield provider


@pytest.mark.parametrize("outcome", [*LOST_OUTCOMES, 200, 204, 404], ids=str)
def test_only_a_definite_answer_is_not_uncertain(name: str, outcome: Exception | int, tmp_path: Path) -> None:
    account = ACCOUNTS[name]()
    with account.failing(outcome, None, tmp_path) as provider, pytest.raises(UncertainError):
        sent(provider, drafted(account), "QI-1")


@pytest.mark.parametrize("outcome", [*LOST_OUTCOMES, 200, 204, 404], ids=str)
def test_a_lost_check_does_not_blame_the_credentials(name: str, outcome: Exception | int) -> None:
    silent = outcome == 200 and ACCOUNTS[name].empty_login_means_refused
    with over(name, outcome) as provider, pytest.raises(CredentialsError if silent else UnreachableError):
        provider.check()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_caller_blames_the_credentials(name: str, status: int) -> None:
    content = draft(series=ACCOUNTS[name].kinds["FR"])
    with over(name, status) as provider:
        for verb in (provider.check, provider.choices, lambda: provider.issue(content, "QI-1")):
            with pytest.raises(MerchantError) as raised:
                verb()
            assert isinstance(raised.value, CredentialsError)
            assert {"field", "answer"} <= set(raised.value.detail)


def test_too_many_calls_are_throttled(name: str) -> None:
    with over(name, 429, {"Retry-After": "120"}) as provider:
        with pytest.raises(ThrottledError) as raised:
            provider.issue(draft(series=ACCOUNTS[name].kinds["FR"]), "QI-1")
        assert raised.value.retry_after == 120
