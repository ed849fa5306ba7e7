"""The sandbox's plain provider behind the provider contract: every guarantee, without any product's peculiarities.

Opened by `connect` where PLAIN_URL is set, which config admits in development only. Speaks JSON over HTTP to
sandbox/plain. It never repeats a call; an unreadable answer to a write means that the outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import urlencode

from shopapp.errors import CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.document import DocumentKind, Draft, Issued
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.json_text import parse_json
from shopapp.providers.base import (
    AccountInfo,
    Capabilities,
    Choices,
    CredentialField,
    HelpPaths,
    IssueGuarantee,
    Series,
    SupportsListing,
    SupportsSearch,
)
from shopapp.providers.drafts import ProviderDraft, SupportsDrafts


class PlainProvider(SupportsDrafts, SupportsSearch, SupportsListing):
    """One entity of the plain provider."""

    name: ClassVar[str] = "plain"
    label: ClassVar[str] = "Plain"
    support: ClassVar[str] = "plain@example.pt"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField("key", "Chave", "key-of-1", secret=True),
        CredentialField("entity", "Entidade", "1", digits=True, pattern="[0-9]{1,10}"),
        CredentialField("promise", "Promessa", "by_search", pattern="by_(key|draft|search|person)"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(credit_notes=True)
    help_paths: ClassVar[HelpPaths] = HelpPaths(
        keys=("Plain",), documents=("Plain",), number_example="FR 2026P/12", series_help=("Plain",)
    )

    def __init__(
        self, credentials: Mapping[str, str], http: HttpClient, url: str, now: Callable[[], datetime]
    ) -> None:
        self._credentials, self._http, self._url = credentials, http, url

    @property
    def guarantee(self) -> IssueGuarantee:
        """Return the guarantee that `check` confirmed when the account's keys were accepted."""
        return IssueGuarantee(self._credentials["promise"])

    def check(self) -> AccountInfo:
        """Return the owner of the account.

        Raises CredentialsError when the key is wrong, or the account has another guarantee.
        """
        found = _json_object(self._get("/v1/account"))
        if found.get("promise") != self._credentials["promise"]:
            raise CredentialsError("keys-refused", field="promise", answer=str(found.get("promise")))
        return AccountInfo(f"plain-{found['entity']}", str(found["name"]), "509999990", "PT", False)

    def choices(self) -> Choices:
        """Return the lists of the account: one open series for each kind."""
        kinds: tuple[DocumentKind, ...] = ("FR", "FT", "NC")
        by_draft = self.guarantee is IssueGuarantee.DRAFT_FIRST
        return Choices(kinds, tuple(Series("2026P", kind, drafts=by_draft) for kind in kinds), (), (), ())

    def issue(self, draft: Draft, reference: str) -> Issued:
        """Issue the document in one call, with the reference as its idempotency key."""
        return self._issued_or_refused(
            self._post("/v1/documents", _request_body(draft, reference), reference)
        )

    def find_by_reference(self, reference: str, draft: Draft) -> list[Issued]:
        """Return the documents with exactly this reference. Raises UnreachableError for any other answer."""
        found = _json_object(self._get(f"/v1/documents?{urlencode({'reference': reference})}")).get(
            "documents"
        )
        if not isinstance(found, list):
            raise UnreachableError("unreachable", how="no-list")
        return [self._issued_from(entry) for entry in found if entry["reference"] == reference]

    def open_draft(self, draft: Draft, reference: str) -> ProviderDraft:
        """Open a draft at the provider and return it with its total."""
        try:
            found = _json_object(self._post("/v1/drafts", _request_body(draft, reference)))
            return ProviderDraft(str(found["draft"]), Decimal(found["total"]))
        except (UnreachableError, KeyError, InvalidOperation) as error:
            raise _uncertain(error) from error

    def finalise(self, draft_id: str) -> Issued:
        """Issue the document of that draft. Raises RefusedError `draft-gone` when somebody deleted it."""
        reply = self._post(f"/v1/drafts/{draft_id}/finalise", {})
        if reply.status == 404:
            raise RefusedError("draft-gone")
        return self._issued_or_refused(reply)

    def finalised_document(self, draft_id: str) -> Issued | None:
        """Return the document of that draft. Return None while there is none."""
        reply = self._get(f"/v1/drafts/{draft_id}")
        if reply.status == 404:
            return None
        found = _json_object(reply)
        if "document" not in found:
            raise UnreachableError("unreachable", how="no-draft")
        return self._issued_from(found["document"]) if found["document"] else None

    def drop_draft(self, draft_id: str) -> Issued | None:
        """Delete the draft. Return its document when it has become one, else None."""
        try:
            reply = self._http.write("DELETE", f"{self._url}/v1/drafts/{draft_id}", headers=self._headers())
        except UncertainError as error:
            # A repeated call has the same result, or finds no draft.
            raise UnreachableError("unreachable", **error.detail) from error
        if reply.status == 404 or _json_object(reply).get("dropped") is True:
            return None
        return self.finalised_document(draft_id)

    def drop_drafts(self, reference: str) -> int:
        """Delete the drafts with this reference and return their number."""
        found = _json_object(self._get(f"/v1/drafts?{urlencode({'reference': reference})}")).get("drafts", [])
        for draft_id in found:
            self._http.write("DELETE", f"{self._url}/v1/drafts/{draft_id}", headers=self._headers())
        return len(found)

    def list_by_reference_prefix(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        """Return every document since then whose reference has the prefix.

        Return None where the account's guarantee allows no look-up.
        """
        if self.guarantee is IssueGuarantee.MANUAL:
            return None
        listed = _json_object(self._get(f"/v1/ledger?{urlencode({'since': since.timestamp()})}")).get(
            "documents"
        )
        if not isinstance(listed, list):
            raise UnreachableError("unreachable", how="no-list")
        return (
            (one["reference"], self._issued_from(one))
            for one in listed
            if one["reference"].startswith(prefix)
        )

    def pdf(self, issued: Issued) -> bytes:
        """Return the PDF, which is the same for every document."""
        return self._get(issued.pdf_url.removeprefix(self._url)).body

    def _headers(self) -> dict[str, str]:
        return {"Plain-Entity": self._credentials["entity"], "Plain-Key": self._credentials["key"]}

    def _get(self, path: str) -> HttpResponse:
        try:
            return self._http.read("GET", self._url + path, headers=self._headers())
        except CredentialsError as error:
            raise CredentialsError("keys-refused", field="key", answer="", **error.detail) from error

    def _post(self, path: str, content: dict[str, Any], key: str = "") -> HttpResponse:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self._http.write("POST", self._url + path, json=content, headers=headers)

    def _issued_or_refused(self, reply: HttpResponse) -> Issued:
        if reply.status == 422:
            raise RefusedError("provider-refused", answer=str(_json_object(reply).get("error", "")))
        try:
            return self._issued_from(_json_object(reply))
        except (UnreachableError, KeyError, TypeError, InvalidOperation) as error:
            raise _uncertain(error) from error

    def _issued_from(self, entry: dict[str, Any]) -> Issued:
        """Return the document of an entry of the provider's own ledger."""
        pdf_url = f"{self._url}/v1/documents/{entry['id']}.pdf"
        total = Decimal(entry["total"])
        return Issued(str(entry["id"]), str(entry["number"]), "2026P", total=total, pdf_url=pdf_url)


def _request_body(draft: Draft, reference: str) -> dict[str, Any]:
    return {"reference": reference, "kind": draft.kind, "total": str(draft.gross), "digest": draft.digest()}


def _json_object(reply: HttpResponse) -> dict[str, Any]:
    """Return the object in a complete, well-formed 200 answer. Raises UnreachableError for anything else."""
    try:
        if reply.status == 200 and reply.headers.get("content-type", "").startswith("application/json"):
            found = parse_json(reply.body)
            if isinstance(found, dict):
                return found
    except ValueError as error:
        raise UnreachableError("unreachable", how="not-json") from error
    raise UnreachableError("unreachable", how=f"status-{reply.status}")


def _uncertain(error: Exception) -> UncertainError:
    return UncertainError("outcome-unknown", how=type(error).__name__)
