"""The plain program of the sandbox behind the verbs of a provider: every promise, without any product's own ways.

Opened by `connect` where PLAIN_URL is set, which config admits in development only. Speaks JSON over HTTP to
sandbox/plain. It never repeats a call; what it cannot read after a write is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import urlencode

from shopapp.fiscal.document import Draft, Issued, Kind
from shopapp.fiscal.errors import CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.http import Answer, Wire, loaded

from .base import AccountFacts, Capabilities, Choices, Field, Guide, Once, Opened, Provider, Series


class Plain(Provider):
    """One entity of the plain program."""

    name: ClassVar[str] = "plain"
    label: ClassVar[str] = "Plain"
    support: ClassVar[str] = "plain@example.pt"
    credential_fields: ClassVar[tuple[Field, ...]] = (
        Field("key", "Chave", "key-of-1", secret=True),
        Field("entity", "Entidade", "1", digits=True, pattern="[0-9]{1,10}"),
        Field("promise", "Promessa", "by_search", pattern="by_(key|draft|search|person)"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(searches=True, credit_notes=True)
    guide: ClassVar[Guide] = Guide(
        keys=("Plain",), documents=("Plain",), number_example="FR 2026P/12", series_help=("Plain",)
    )

    def __init__(
        self, credentials: Mapping[str, str], wire: Wire, url: str, now: Callable[[], datetime]
    ) -> None:
        self._credentials, self._wire, self._url = credentials, wire, url

    @property
    def once(self) -> Once:
        """What `check` found the account to promise when its keys were accepted."""
        return Once(self._credentials["promise"])

    def check(self) -> AccountFacts:
        """Whose account it is. CredentialsError when the key is wrong, or the promise is not the account's."""
        found = _content(self._look("/v1/account"))
        if found.get("promise") != self._credentials["promise"]:
            raise CredentialsError("keys-refused", field="promise", answer=str(found.get("promise")))
        return AccountFacts(f"plain-{found['entity']}", str(found["name"]), "509999990", "PT", False)

    def choices(self) -> Choices:
        """One open series for each kind."""
        kinds: tuple[Kind, ...] = ("FR", "FT", "NC")
        by_draft = self.once is Once.BY_DRAFT
        return Choices(kinds, tuple(Series("2026P", kind, drafts=by_draft) for kind in kinds), (), (), ())

    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, by one call that carries the reference as its key."""
        return self._issued(self._write("/v1/documents", _sent(draft, reference), reference))

    def find(self, reference: str, draft: Draft) -> list[Issued]:
        """The documents of this very reference. UnreachableError when the answer is none."""
        found = _content(self._look(f"/v1/documents?{urlencode({'reference': reference})}")).get("documents")
        if not isinstance(found, list):
            raise UnreachableError("unreachable", how="no-list")
        return [self._one(entry) for entry in found if entry["reference"] == reference]

    def open_draft(self, draft: Draft, reference: str) -> Opened:
        """A draft over there, with what it adds up to."""
        try:
            found = _content(self._write("/v1/drafts", _sent(draft, reference)))
            return Opened(str(found["draft"]), Decimal(found["total"]))
        except (UnreachableError, KeyError, InvalidOperation) as error:
            raise _unsure(error) from error

    def finalise(self, draft_id: str) -> Issued:
        """The document of that draft. RefusedError `draft-gone` when somebody deleted it."""
        reply = self._write(f"/v1/drafts/{draft_id}/finalise", {})
        if reply.status == 404:
            raise RefusedError("draft-gone")
        return self._issued(reply)

    def finalised(self, draft_id: str) -> Issued | None:
        """The document of that draft, None while there is none."""
        reply = self._look(f"/v1/drafts/{draft_id}")
        if reply.status == 404:
            return None
        found = _content(reply)
        if "document" not in found:
            raise UnreachableError("unreachable", how="no-draft")
        return self._one(found["document"]) if found["document"] else None

    def drop_draft(self, draft_id: str) -> Issued | None:
        """None once it is gone; its document when it has become one."""
        try:
            reply = self._wire.write("DELETE", f"{self._url}/v1/drafts/{draft_id}", headers=self._headers())
        except UncertainError as error:
            # asked again it says the same, or that there is none
            raise UnreachableError("unreachable", **error.detail) from error
        if reply.status == 404 or _content(reply).get("dropped") is True:
            return None
        return self.finalised(draft_id)

    def drop_drafts(self, reference: str) -> int:
        """How many drafts of this reference were removed."""
        found = _content(self._look(f"/v1/drafts?{urlencode({'reference': reference})}")).get("drafts", [])
        for draft_id in found:
            self._wire.write("DELETE", f"{self._url}/v1/drafts/{draft_id}", headers=self._headers())
        return len(found)

    def bearing(self, prefix: str, since: datetime) -> Iterator[tuple[str, Issued]] | None:
        """All of the ledger since then; None where the program can't be asked anything."""
        if self.once is Once.BY_PERSON:
            return None
        listed = _content(self._look(f"/v1/ledger?{urlencode({'since': since.timestamp()})}")).get(
            "documents"
        )
        if not isinstance(listed, list):
            raise UnreachableError("unreachable", how="no-list")
        return ((one["reference"], self._one(one)) for one in listed if one["reference"].startswith(prefix))

    def pdf(self, issued: Issued) -> bytes:
        """The same few bytes for every document."""
        return self._look(issued.pdf_url.removeprefix(self._url)).body

    def _headers(self) -> dict[str, str]:
        return {"Plain-Entity": self._credentials["entity"], "Plain-Key": self._credentials["key"]}

    def _look(self, path: str) -> Answer:
        try:
            return self._wire.read("GET", self._url + path, headers=self._headers())
        except CredentialsError as error:
            raise CredentialsError("keys-refused", field="key", answer="", **error.detail) from error

    def _write(self, path: str, content: dict[str, Any], key: str = "") -> Answer:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self._wire.write("POST", self._url + path, json=content, headers=headers)

    def _issued(self, reply: Answer) -> Issued:
        if reply.status == 422:
            raise RefusedError("provider-refused", answer=str(_content(reply).get("error", "")))
        try:
            return self._one(_content(reply))
        except (UnreachableError, KeyError, TypeError, InvalidOperation) as error:
            raise _unsure(error) from error

    def _one(self, entry: dict[str, Any]) -> Issued:
        """The document of an entry of the program's own ledger."""
        paper = f"{self._url}/v1/documents/{entry['id']}.pdf"
        total = Decimal(entry["total"])
        return Issued(str(entry["id"]), str(entry["number"]), "2026P", total=total, pdf_url=paper)


def _sent(draft: Draft, reference: str) -> dict[str, Any]:
    return {"reference": reference, "kind": draft.kind, "total": str(draft.gross), "digest": draft.digest()}


def _content(reply: Answer) -> dict[str, Any]:
    """The object in a whole, well-formed 200. UnreachableError when it is anything else."""
    try:
        if reply.status == 200 and reply.headers.get("content-type", "").startswith("application/json"):
            found = loaded(reply.body)
            if isinstance(found, dict):
                return found
    except ValueError as error:
        raise UnreachableError("unreachable", how="not-json") from error
    raise UnreachableError("unreachable", how=f"status-{reply.status}")


def _unsure(error: Exception) -> UncertainError:
    return UncertainError("outcome-unknown", how=type(error).__name__)
