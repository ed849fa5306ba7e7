"""One call to iGEST and what came of it: told, refused, or unknown. Nothing of what a method means.

Used by the adapter beside it. It never repeats a call that changes something and never sorts by the words of an
answer: they only choose which field of the form is marked.

Unconfirmed: that nothing happened when the whole answer is an `erro` without a trace of what was asked for.
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
    """The web service as one account calls it."""

    def __init__(
        self, keys: Keys, http: HttpClient, url: str, now: Callable[[], datetime], fields: Collection[str]
    ) -> None:
        self._keys = keys
        self._http = http
        self._url = url
        self._now = now
        self._fields = fields

    def query(self, method: str, fields: XmlElements = ()) -> Output:
        """The `sucesso` of a method that changes nothing. CredentialsError for an `erro`, whatever it speaks of."""
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
        """The `sucesso` of a method that changes nothing; None when it is refused although the keys are good."""
        try:
            return self.query(method, fields)
        except CredentialsError:
            # raises when it was the keys
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
        """What `read` makes of the `sucesso` of a method that changes something, called once.

        An `erro` is a refusal with that code, unless one of the traces is in it: then something was made all the
        same. UncertainError means that it may have happened; every other error that it did not.
        """
        try:
            content = self._request_options(method, fields())
        except AppError:
            raise
        except Exception as error:
            # our own mistake, and nothing has left yet
            log.exception("a request could not be written for iGEST")
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
            # our own mistake again, but it may have happened all the same
            log.exception("an answer of iGEST could not be read")
            raise UncertainError("outcome-unknown", how="internal") from error
        raise self._classify_refusal(self._redacted_message(output), refused_code)

    def _classify_refusal(self, words: str, code: str) -> AppError:
        """What a refusal means: the account is no longer accepted, or else the content is not."""
        try:
            self.query("verificar")
        except CredentialsError as error:
            return error
        except Exception:
            log.warning("whether the keys are good could not be asked after a refusal", exc_info=True)
        return RefusedError(code, answer=words)

    def _request_options(self, method: str, fields: XmlElements) -> dict[str, Any]:
        body = build_request(self._keys, method, fields, self._now())
        return {"data": body, "headers": {"Content-Type": CONTENT_TYPE}}

    def _redacted_message(self, output: Output) -> str:
        return redact(output.message, (self._keys.key, self._keys.code))


def _parse_reply(reply: HttpResponse) -> Output:
    """The output in this answer; business errors come with 200 as well, so any other status is none."""
    if reply.status != 200:
        raise UnreadableAnswer(f"status-{reply.status}")
    return parse_answer(reply.body)


def _parse_write_reply(reply: HttpResponse, proof_elements: Collection[str]) -> Output:
    """The answer to a call that changes something, its status known. UncertainError when it is neither."""
    try:
        output = _parse_reply(reply)
    except UnreadableAnswer as error:
        raise UncertainError("outcome-unknown", how=str(error)) from error
    if output.status not in ("sucesso", "erro"):
        raise UncertainError("outcome-unknown", how="status-unknown")
    if output.status == "erro" and any(output.text(trace) for trace in proof_elements):
        number = output.text("numero_documento")[:60]
        raise UncertainError("outcome-unknown", how="contradictory", number=number)
    return output


def _normalise_refusal(error: CredentialsError) -> CredentialsError:
    """The same refusal with the detail that every refusal of an account has."""
    return CredentialsError("keys-refused", **{"answer": "", "field": "", "kind": "other", **error.detail})
