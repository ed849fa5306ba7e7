"""Providers that keep articles (products and services) which can be looked up by reference and created."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .base import Provider


@dataclass(frozen=True, slots=True)
class ProviderArticle:
    """An article at the provider."""

    article_id: str
    """Stays the same when the article is renamed."""
    code: str
    """Its reference, by which a document's line names it."""
    name: str
    goods: bool = True
    """Whether it keeps stock; a service does not."""


@dataclass(frozen=True, slots=True)
class NewArticle:
    """An article to create: with the merchant's own rate or exemption, never that of a sale abroad."""

    code: str
    name: str
    vat_rate: Decimal
    region: str
    """PT, PT-MA or PT-AC: the region of the rate."""
    exemption_code: str = ""
    """The M code; only at rate zero."""
    goods: bool = True
    unit: str = "UN"


class SupportsArticles(Provider):
    """A provider whose articles can be looked up and created, where the account allows it (`Choices.articles`)."""

    @abstractmethod
    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        """Ask for the articles in use with exactly these references, at most fifty; return them by reference.

        Changes nothing. A reference that is missing from the answer does not exist: raises TransientError or
        CredentialsError when it could not look, or could not look for all of them.
        """

    @abstractmethod
    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        """Ask for the article with that id, whatever its reference is now. Changes nothing.

        Return None when it is gone or no longer in use. Raises TransientError or CredentialsError when it could not
        look.
        """

    @abstractmethod
    def create_article(self, new: NewArticle) -> ProviderArticle:
        """Create the article in a single call, and return it. Never repeated by the adapter.

        Raises RefusedError `article-refused`, CredentialsError or TransientError when nothing was created,
        UncertainError when it may have been: look it up before anything else.
        """
