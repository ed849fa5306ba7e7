"""The contract of every invoicing provider: five verbs, `guarantee`, `check`, `choices`, `issue` and `pdf`.

Everything else is an optional contract that an adapter names in its class head: `SupportsSearch`, `SupportsListing`,
`SupportsDocumentState` and `SupportsEmail` here, `SupportsDrafts` in `drafts`, `SupportsArticles` in `articles`,
`SupportsStock` and `SupportsStockMovements` in `stock`. An adapter must write the abstract methods of its contracts;
the rest of the application asks `isinstance`, or `Capabilities` for what no verb shows, and never a provider's name.

An adapter is built from credentials, an HTTP client and its own settings; it never sees a database row or a web
request. For what public sources leave unknown it makes the safe choice, and lists it in `unconfirmed`.

Errors mean the same in every verb (shopapp.errors). CredentialsError: the keys were refused, nothing happened; its
detail has `field` (of the keys form, '' when unknown) and `answer` (the provider's own words). RefusedError: the
provider refused this content, nothing happened. TransientError (UnreachableError, ThrottledError): nothing happened,
repeating is safe. UncertainError: the call may have happened; only verbs that write raise it. Any other exception from
a verb that writes counts as UncertainError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from shopapp.fiscal.document import DocumentKind, Draft, Issued, RoundingLevel


class IssueGuarantee(Enum):
    """How a provider prevents a second document after a lost answer, best first."""

    IDEMPOTENT = "by_key"
    """The same reference sent again gives the same document."""
    DRAFT_FIRST = "by_draft"
    """A draft is saved first, and only that draft is finalised (`SupportsDrafts`)."""
    SEARCHABLE = "by_search"
    """Documents can be looked up by our reference (`SupportsSearch`)."""
    MANUAL = "by_person"
    """None of these: after a lost answer a person decides."""


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field of the keys form; label and help are Portuguese message ids."""

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
    """The account's own name for it, where the code alone says nothing."""
    drafts: bool = False
    """Whether it may hold drafts."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The lists of the settings form, as the account has them."""

    kinds: tuple[DocumentKind, ...]
    series: tuple[Series, ...]
    exemptions: tuple[Choice, ...]
    warehouses: tuple[Choice, ...]
    rates: tuple[Decimal, ...]
    problems: tuple[str, ...] = ()
    """Codes of what this account cannot do, shown at set-up: `no-notes`, `no-drafts`, `no-layout`."""
    searches: bool = False
    """Whether a search by reference worked while these lists were read."""
    articles: bool = False
    """Whether a search for articles worked while these lists were read (`SupportsArticles`)."""
    stock_changes: bool = False
    """Whether the provider can list only the stock that changed (`SupportsStock.changed_stock_levels`)."""


@dataclass(frozen=True, slots=True)
class AccountFeatures:
    """What the set-up found out about an account; its adapter always gets it."""

    series: Mapping[DocumentKind, Series] = field(default_factory=dict)
    """The series that the merchant chose for each kind."""
    searches: bool = False
    articles: bool = False
    stock_changes: bool = False


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """The owner of the account; `fingerprint` is equal for the same entity at the provider."""

    fingerprint: str
    name: str
    nif: str
    region: str
    """PT, PT-MA or PT-AC."""
    warehouses: bool
    stock_moves_on_issue: bool | None = None
    """Whether issuing a document moves stock; None when the provider does not say."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What no verb shows: which content `issue` accepts, and how the provider must be called."""

    rounding_level: RoundingLevel = "rate_group"
    """The level at which it rounds."""
    credit_notes: bool = False
    """It issues kind NC."""
    drafts_before_payment: bool = False
    """Its drafts may wait for days, so an order that is not paid yet may have one (`SupportsDrafts`)."""
    order_notes: bool = False
    """It issues order notes (kind NE) and makes the invoice from one (`Draft.follows`)."""
    order_note_drafts: bool = False
    """An order note may also be a draft."""
    transport: bool = False
    """It prints where and when goods are loaded and unloaded (`Draft.transport`), and issues kind GT."""
    metered: bool = False
    """Its plans allow a limited number of calls a month."""
    names_articles_only_when_moving_stock: bool = False
    """A line that names an article moves its stock, so a line that must not move stock is sent as text only."""
    calls_per_second: float = 2.0
    """The rate of calls for background work."""


@dataclass(frozen=True, slots=True)
class HelpPaths:
    """Where to find things in the provider's own menus, as Portuguese message ids, one menu entry each."""

    keys: tuple[str, ...] = ()
    keys_help: str = ""
    """A sentence below them: what to do when the keys are not there."""
    documents: tuple[str, ...] = ()
    number_example: str = ""
    series_help: tuple[str, ...] = field(default=())


class Provider(ABC):
    """One account at an invoicing provider: the five verbs that every adapter answers.

    `connections.provider` builds it as `Adapter(credentials, http, now=..., **settings)`, where the settings are those
    that begin with the adapter's name: IGEST_URL becomes the keyword `url`.
    """

    name: ClassVar[str]
    """Its key in `PROVIDERS` and in the database, and the prefix of its settings."""
    label: ClassVar[str]
    support: ClassVar[str]
    """The e-mail address at which its customers ask for help; shown next to its refusals."""
    credential_fields: ClassVar[tuple[CredentialField, ...]]
    capabilities: ClassVar[Capabilities]
    help_paths: ClassVar[HelpPaths]
    unconfirmed: ClassVar[tuple[str, ...]] = ()
    """What public sources do not say about it, in words for the README."""
    features: AccountFeatures = AccountFeatures()
    """What the set-up found out; empty while the keys are being checked."""

    @property
    @abstractmethod
    def guarantee(self) -> IssueGuarantee:
        """Return how this account prevents a second document. Sends nothing."""

    def guarantee_for(self, kind: DocumentKind) -> IssueGuarantee:
        """Return the guarantee for this kind, in the series that the merchant chose for it. Sends nothing."""
        return self.guarantee

    @abstractmethod
    def check(self) -> AccountInfo:
        """Ask who owns the account. Changes nothing.

        Raises CredentialsError `keys-refused` when the keys are refused, UnreachableError when the answer is not the
        provider's.
        """

    @abstractmethod
    def choices(self) -> Choices:
        """Read the lists of the settings form, and find out what this account may do. Changes nothing.

        Raises CredentialsError or TransientError.
        """

    @abstractmethod
    def issue(self, draft: Draft, reference: str) -> Issued:
        """Send the document, with our reference on it, in a single call; return what the provider issued.

        Called for every guarantee but DRAFT_FIRST, and never repeated by the adapter. `draft.follows` is the id of the
        order note from which the document is made. Raises RefusedError `provider-refused` with the provider's `answer`
        in its detail, `note-unusable` when the order note cannot be used; CredentialsError or TransientError when
        nothing exists; UncertainError when the document may exist.
        """

    @abstractmethod
    def pdf(self, issued: Issued) -> bytes:
        """Fetch the provider's own PDF. Changes nothing. Raises TransientError `pdf-not-ready` while there is none."""


class SupportsSearch(Provider):
    """A provider that finds documents by our reference; needed for the guarantee SEARCHABLE."""

    @abstractmethod
    def find_by_reference(self, reference: str, draft: Draft) -> list[Issued]:
        """Ask for the documents of the draft's kind with exactly this reference. Changes nothing.

        Raises TransientError or CredentialsError when it could not search: an empty list means that there is none.
        """


class SupportsListing(Provider):
    """A provider that lists its documents with our references, for the daily audit and after a restore."""

    @abstractmethod
    def list_by_reference_prefix(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        """Ask for every document since then whose reference has this prefix; yield (reference, document).

        Changes nothing. The list must be complete: a document that is missing from it counts as deleted. Return None
        where this account has no such list. Raises TransientError or CredentialsError, also while it is iterated.
        """


class SupportsDocumentState(Provider):
    """A provider that reports the current state of an issued document."""

    @abstractmethod
    def read_document(self, provider_id: str) -> Issued:
        """Ask for the document as it is now. Changes nothing.

        Its `provider_state` is `annulled` or `paid` where the provider says so. Raises RefusedError `document-gone`
        when there is no such document; TransientError or CredentialsError when it could not be read.
        """


class SupportsEmail(Provider):
    """A provider that can send the document to the buyer itself; otherwise we send its PDF."""

    @abstractmethod
    def email(self, provider_id: str, to: str) -> None:
        """Have the provider e-mail the document to this address, in its own words.

        Raises RefusedError or TransientError when nothing was sent, UncertainError when it may have been.
        """
