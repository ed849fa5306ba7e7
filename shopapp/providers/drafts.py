"""Providers that save a draft first and finalise that same draft (guarantee DRAFT_FIRST)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal

from shopapp.fiscal.document import Draft, Issued

from .base import Provider


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """A draft at the provider: its id, and its total where the provider states it."""

    draft_id: str
    total: Decimal | None = None


class SupportsDrafts(Provider):
    """A provider whose drafts are not documents until they are finalised.

    A draft is never changed: when an order changes, its draft is deleted and a new one saved.
    """

    @abstractmethod
    def open_draft(self, draft: Draft, reference: str) -> ProviderDraft:
        """Save a new draft with our reference on it; return its id and total. Issues nothing.

        `draft.follows` is the id of the order note from which it is made. Raises RefusedError `provider-refused`, or
        `note-unusable` when the order note cannot be used; CredentialsError or TransientError when nothing was saved;
        UncertainError when a draft may exist, which is harmless: it is deleted later.
        """

    @abstractmethod
    def finalise(self, draft_id: str) -> Issued:
        """Issue the document of that draft. Called twice with one id it gives one document.

        Raises RefusedError `draft-gone` when somebody deleted the draft, so that a person must find out what happened
        to the document, and `provider-refused` when it is refused; CredentialsError or TransientError when nothing was
        issued; UncertainError when it may have been.
        """

    @abstractmethod
    def finalised_document(self, draft_id: str) -> Issued | None:
        """Ask for the document that was made from that draft. Changes nothing.

        Return None while there is none. Raises TransientError or CredentialsError when it could not look.
        """

    @abstractmethod
    def drop_draft(self, draft_id: str) -> Issued | None:
        """Delete that draft; return None once it is gone, or was gone already.

        Return the document when somebody made one from it: a document is never touched. Raises TransientError or
        UncertainError when neither is certain.
        """

    @abstractmethod
    def drop_drafts(self, reference: str) -> int:
        """Delete the drafts with exactly this reference; return their number. Documents are never touched.

        Raises TransientError or UncertainError when some may be left.
        """
