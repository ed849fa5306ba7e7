"""The verbs that every invoicing provider answers, what it declares, and the plain values it answers with.

An adapter is built from credentials and a wire; it never sees a row, a request or a setting. What it is able to do
it declares; what public sources leave unknown takes the safe choice and is marked *unconfirmed*.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from shopapp.fiscal.document import DocumentKind, Draft, Issued, RoundingLevel


class IssueGuarantee(Enum):
    """How a provider promises one document, best first."""

    IDEMPOTENT = "by_key"
    DRAFT_FIRST = "by_draft"
    SEARCHABLE = "by_search"
    MANUAL = "by_person"


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One value that the keys form asks for; label and help are Portuguese message ids."""

    name: str
    label: str
    help: str
    secret: bool = False
    digits: bool = False
    pattern: str = ""
    length: int = 0
    """The exact number of characters that the pattern asks for; 0 when it may vary."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list that the merchant chooses from."""

    code: str
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A series and the kind of document that it numbers."""

    code: str
    kind: DocumentKind
    """NE: the series of order notes (internal dossiers)."""
    open: bool = True
    label: str = ""
    """What the account calls it, where the code alone says nothing."""
    drafts: bool = False
    """True where it may hold drafts."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The lists of the settings form, as the account has them."""

    kinds: tuple[DocumentKind, ...]
    series: tuple[Series, ...]
    exemptions: tuple[Choice, ...]
    warehouses: tuple[Choice, ...]
    rates: tuple[Decimal, ...]
    problems: tuple[str, ...] = ()
    """Codes of what this account cannot do, told at set-up: `no-notes`, `no-drafts`, `no-layout`."""
    searches: bool = False
    """Whether a look-up by reference was seen to work while these lists were read."""
    articles: bool = False
    """Whether articles were seen to be looked up while these lists were read (`capabilities.articles`)."""
    stock_changes: bool = False
    """Whether stock was seen to be asked for by what changed (`changed_levels` from a mark on)."""


@dataclass(frozen=True, slots=True)
class AccountFeatures:
    """What set-up learned of an account, given back to its adapter whenever it is opened."""

    series: Mapping[DocumentKind, Series] = field(default_factory=dict)
    """The merchant's series for each kind."""
    searches: bool = False
    articles: bool = False
    stock_changes: bool = False


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Whose account the credentials open; `fingerprint` is equal for equal entities."""

    fingerprint: str
    name: str
    nif: str
    region: str
    warehouses: bool
    stock_moves_on_issue: bool | None = None


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """A provider's own draft: its id, and what it adds up to when the provider says so."""

    draft_id: str
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ProviderArticle:
    """An article over there: `article_id` stays when it is renamed, `code` is what a document's line names it by."""

    article_id: str
    code: str
    name: str
    goods: bool = True
    """Whether it keeps stock; a service does not."""


@dataclass(frozen=True, slots=True)
class NewArticle:
    """An article to be made: the merchant's own rate or exemption, never that of a sale abroad."""

    code: str
    name: str
    vat_rate: Decimal
    region: str
    """PT, PT-MA or PT-AC: whose rate it is."""
    exemption_code: str = ""
    """The M code; only at rate zero."""
    goods: bool = True
    unit: str = "UN"


@dataclass(frozen=True, slots=True)
class StockLevel:
    """So much of an article is in a warehouse ('' where the account has none)."""

    code: str
    warehouse: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class StockLevelPage:
    """Some levels; `after` asks on within this reading ('' at its end), `mark` is where the next reading begins."""

    levels: tuple[StockLevel, ...]
    after: str = ""
    sync_token: str = ""


@dataclass(frozen=True, slots=True)
class StockMovement:
    """One movement of stock: so much more (or less) of an article in a warehouse, under a reference of ours."""

    code: str
    warehouse: str
    quantity: Decimal
    reference: str
    reason: str = ""
    """A short sentence in Portuguese, to be kept with it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this provider is able to do; pages and moves ask this, never the name."""

    rounding_level: RoundingLevel = "rate_group"
    """At which level it rounds."""
    reads_state: bool = False
    searches: bool = False
    emails: bool = False
    warehouses: bool = False
    credit_notes: bool = False
    drafts_before_payment: bool = False
    """It keeps a draft for an order that is not paid yet, and finalises it later (its series say which may)."""
    order_notes: bool = False
    """It keeps order notes (kind NE) and makes the invoice out of one (`Draft.follows`)."""
    order_note_drafts: bool = False
    transport: bool = False
    """It prints where goods are loaded and unloaded, and when (`Draft.transport`)."""
    metered: bool = False
    """Its plans allow only so many calls in a month."""
    articles: bool = False
    """It keeps articles that can be looked up by reference and made (where this account lets it: `Known.articles`)."""
    names_articles_only_when_moving_stock: bool = False
    """Its documents name articles only where they move stock: any other is sent with the lines' own texts alone."""
    reads_stock: bool = False
    moves_stock: bool = False
    """It takes single movements of stock, beside those of its documents."""
    calls_per_second: float = 2.0
    """Calls a second for work that nobody waits for."""


@dataclass(frozen=True, slots=True)
class HelpPaths:
    """Where things are in the provider's own menus, as Portuguese message ids, one word a step."""

    keys: tuple[str, ...] = ()
    keys_help: str = ""
    """A sentence beneath them: what to do where the keys are not to be seen."""
    documents: tuple[str, ...] = ()
    number_example: str = ""
    series_help: tuple[str, ...] = field(default=())


class Provider(ABC):
    """One invoicing program, opened with one account's credentials."""

    name: ClassVar[str]
    label: ClassVar[str]
    support: ClassVar[str]
    """Where its merchants ask for help: shown wherever its refusals are."""
    credential_fields: ClassVar[tuple[CredentialField, ...]]
    capabilities: ClassVar[Capabilities]
    help_paths: ClassVar[HelpPaths]
    unconfirmed: ClassVar[tuple[str, ...]] = ()
    """What is not known about it, in words for the README."""
    features: AccountFeatures = AccountFeatures()
    """Set by `connect` on an account that is set up; empty while its keys are being tried."""

    @property
    @abstractmethod
    def guarantee(self) -> IssueGuarantee:
        """Its promise, as opened with this account."""

    def guarantee_for(self, kind: DocumentKind) -> IssueGuarantee:
        """Its promise for documents of this kind, in the series that the merchant chose for them (`known`)."""
        return self.guarantee

    @abstractmethod
    def check(self) -> AccountInfo:
        """Whose account it is. CredentialsError with `detail["field"]` and `detail["answer"]` when it is refused."""

    @abstractmethod
    def choices(self) -> Choices:
        """The lists of the settings form."""

    @abstractmethod
    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, issued by one single call. RefusedError, CredentialsError, TransientError: nothing exists.

        `draft.follows` as in `open_draft`.
        UncertainError, or anything unexpected: it may exist.
        """

    def find_by_reference(self, reference: str, draft: Draft) -> list[Issued]:
        """Documents that bear exactly this reference (BY_SEARCH). Raises when it could not look, never [] for that."""
        raise NotImplementedError

    def open_draft(self, draft: Draft, reference: str) -> ProviderDraft:
        """A new draft over there, which is no document yet (BY_DRAFT); one that exists is never written again.

        Where `draft.follows` names an order note it is made out of that. RefusedError `note-unusable` when it can't be.
        """
        raise NotImplementedError

    def finalise(self, draft_id: str) -> Issued:
        """The document made of that draft; asked twice for one id, one document (BY_DRAFT).

        RefusedError `draft-gone` when somebody deleted the draft: a person must say what became of the document.
        """
        raise NotImplementedError

    def finalised_document(self, draft_id: str) -> Issued | None:
        """The document made of that draft, or None while there is none (BY_DRAFT)."""
        raise NotImplementedError

    def drop_draft(self, draft_id: str) -> Issued | None:
        """None once that draft is gone, or was gone already; the document when somebody made one of it (BY_DRAFT).

        A document is never touched. TransientError or UncertainError when neither is certain.
        """
        raise NotImplementedError

    def drop_drafts(self, reference: str) -> int:
        """How many drafts bearing exactly this reference were removed; documents are never touched (BY_DRAFT)."""
        raise NotImplementedError

    def read_document(self, provider_id: str) -> Issued:
        """The document as it is over there now (only where `capabilities.reads_state`).

        `provider_state` is `annulled` when it was. RefusedError `document-gone` when there is no such document.
        """
        raise NotImplementedError

    def list_by_reference_prefix(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        """Every document since then whose reference begins so, with it, complete; None where there is no such list.

        It is held against our rows each day and after a restore: what is missing from it counts as gone.
        """
        return None

    # articles and their stock

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        """The articles in use with exactly these references, at most fifty; one that is not named is not there.

        Raises when it could not look, or not at all of them: a failed look-up is never "not there".
        """
        raise NotImplementedError

    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        """The article of that id, whatever it is called by now; None when it is gone or no longer in use."""
        raise NotImplementedError

    def create_article(self, new: NewArticle) -> ProviderArticle:
        """The article, made by one call. RefusedError `article-refused`, TransientError: nothing was made.

        UncertainError: it may be there; look before anything else.
        """
        raise NotImplementedError

    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """The levels now, in every warehouse, of at most fifty articles; one without any level has none there."""
        raise NotImplementedError

    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        """The levels that changed since the reading that gave `mark`, page by page (`after`).

        All levels where `mark` is empty, or where this account can't be asked for changes (`Known.stock_changes`).
        """
        raise NotImplementedError

    def move_stock(self, movement: StockMovement) -> None:
        """Nothing; the stock was moved, by one call. RefusedError `stock-refused`, TransientError: it was not.

        UncertainError: it may have been. Never repeated here.
        """
        raise NotImplementedError

    def has_stock_movement(self, reference: str) -> bool | None:
        """Whether a movement with exactly this reference is there; None where that can't be asked."""
        raise NotImplementedError

    @abstractmethod
    def pdf(self, issued: Issued) -> bytes:
        """The provider's own PDF. TransientError `pdf-not-ready` while there is none."""

    def email(self, provider_id: str, to: str) -> None:
        """Nothing; the provider mailed the document (only where `capabilities.emails`)."""
        raise NotImplementedError
