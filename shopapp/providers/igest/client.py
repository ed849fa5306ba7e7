"""One call to iGEST and its outcome: done, refused or unknown, whatever the method.

It never repeats a call that changes something. The text of an answer never decides the outcome; it only chooses which
field of the form is marked.

Unconfirmed: that an `erro` without any element of the requested thing means that nothing happened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar

from shopapp.errors import (
    AppError,
    CredentialsError,
    RefusedError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.providers.answers import UnreadableAnswer

from .credential_errors import credentials_error_from, redact
from .wire_format import (
    CONTENT_TYPE,
    Keys,
    Output,
    XmlElements,
    build_request,
    parse_answer,
)

log = logging.getLogger(__name__)

T = TypeVar("T")


class IGestClient:
    """The web service, called with one account's credentials."""

    def __init__(
        self, keys: Keys, http: HttpClient, url: str, now: Callable[[], datetime], fields: Collection[str]
    ) -> None:
        self._keys = keys
        self._http = http
        self._url = url
        self._now = now
        self._fields = fields

    def query(self, method: str, fields: XmlElements = ()) -> Output:
        """Call a method that changes nothing and return its `sucesso`.

        Raises CredentialsError for any `erro`, UnreachableError for no readable answer.
        """
        try:
            output = _parse_reply(self._http.read("POST", self._url, **self._request_options(method, fields)))
        except CredentialsError as error:
            raise _normalise_refusal(error) from error
        except UnreadableAnswer as error:
            raise UnreachableError("not-igest", how=str(error)) from error
        if output.status == "sucesso":
            return output
        if output.status == "erro":
            raise credentials_error_from(self._redacted_message(output), self._fields)
        raise UnreachableError("not-igest", how="status-unknown")

    def query_or_none(self, method: str, fields: XmlElements) -> Output | None:
        """Call a method that changes nothing; return None when it is refused although the credentials are good."""
        try:
            return self.query(method, fields)
        except CredentialsError:
            # raises when the credentials are refused
            self.query("verificar")
            return None

    def execute(
        self,
        method: str,
        fields: Callable[[], XmlElements],
        read: Callable[[Output], T],
        proof_elements: Collection[str],
        refused_code: str,
    ) -> T:
        """Call a method that changes something, once; return the result of `read` for its `sucesso`.

        An `erro` raises RefusedError with `refused_code`, unless it has one of the proof elements: then something was
        done all the same. Raises UncertainError when it may have happened; after any other error it did not.
        """
        try:
            content = self._request_options(method, fields())
        except AppError:
            raise
        except Exception as error:
            # a bug of ours, and nothing was sent yet
            log.exception("could not write a request for iGEST")
            raise TransientError("internal") from error
        try:
            output = _parse_write_reply(self._http.write("POST", self._url, **content), proof_elements)
            if output.status == "sucesso":
                return read(output)
        except CredentialsError as error:
            raise _normalise_refusal(error) from error
        except AppError:
            raise
        except Exception as error:
            # a bug of ours again, but the call may have happened
            log.exception("could not read an answer of iGEST")
            raise UncertainError("outcome-unknown", how="internal") from error
        raise self._classify_refusal(self._redacted_message(output), refused_code)

    def _classify_refusal(self, words: str, code: str) -> AppError:
        """Return the error for a refusal: CredentialsError if the credentials are refused now, else RefusedError."""
        try:
            self.query("verificar")
        except CredentialsError as error:
            return error
        except Exception:
            log.warning("could not check the credentials after a refusal", exc_info=True)
        return RefusedError(code, answer=words)

    def _request_options(self, method: str, fields: XmlElements) -> dict[str, Any]:
        body = build_request(self._keys, method, fields, self._now())
        return {"data": body, "headers": {"Content-Type": CONTENT_TYPE}}

    def _redacted_message(self, output: Output) -> str:
        return redact(output.message, (self._keys.key, self._keys.code))


def _parse_reply(reply: HttpResponse) -> Output:
    """Return the output in this answer. Business errors come with HTTP 200 too, so any other status has none."""
    if reply.status != 200:
        raise UnreadableAnswer(f"status-{reply.status}")
    return parse_answer(reply.body)


def _parse_write_reply(reply: HttpResponse, proof_elements: Collection[str]) -> Output:
    """Return the `sucesso` or `erro` of a call that changes something. Raises UncertainError for anything else."""
    try:
        output = _parse_reply(reply)
    except UnreadableAnswer as error:
        raise UncertainError("outcome-unknown", how=str(error)) from error
    if output.status not in ("sucesso", "erro"):
        raise UncertainError("outcome-unknown", how="status-unknown")
    if output.status == "erro" and any(output.text(name) for name in proof_elements):
        number = output.text("numero_documento")[:60]
        raise UncertainError("outcome-unknown", how="contradictory", number=number)
    return output


def _normalise_refusal(error: CredentialsError) -> CredentialsError:
    """Return the same refusal with the detail that every refusal of credentials has."""
    return CredentialsError("keys-refused", **{"answer": "", "field": "", "kind": "other", **error.detail})
