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

from shopapp.fiscal.errors import (
    AppError,
    CredentialsError,
    RefusedError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.http import Answer, Wire

from .refusals import refusal_from, without
from .wire import CONTENT_TYPE, Fields, Keys, Output, UnreadableAnswer, answer, request

log = logging.getLogger("quickinvoice.igest")

T = TypeVar("T")


class Calls:
    """The web service as one account calls it."""

    def __init__(
        self, keys: Keys, wire: Wire, url: str, now: Callable[[], datetime], fields: Collection[str]
    ) -> None:
        self._keys = keys
        self._wire = wire
        self._url = url
        self._now = now
        self._fields = fields

    def ask(self, method: str, fields: Fields = ()) -> Output:
        """The `sucesso` of a method that changes nothing. CredentialsError for an `erro`, whatever it speaks of."""
        try:
            output = _whole(self._wire.read("POST", self._url, **self._content(method, fields)))
        except CredentialsError as error:
            raise _stranger(error) from error
        except UnreadableAnswer as error:
            raise UnreachableError("not-igest", how=str(error)) from error
        if output.status == "sucesso":
            return output
        if output.status == "erro":
            raise refusal_from(self._words(output), self._fields)
        raise UnreachableError("not-igest", how="status-unknown")

    def told(self, method: str, fields: Fields) -> Output | None:
        """The `sucesso` of a method that changes nothing; None when it is refused although the keys are good."""
        try:
            return self.ask(method, fields)
        except CredentialsError:
            # raises when it was the keys
            self.ask("verificar")
            return None

    def tell(
        self, method: str, fields: Callable[[], Fields], read: Callable[[Output], T], traces: Collection[str],
        refused: str,
    ) -> T:  # fmt: skip
        """What `read` makes of the `sucesso` of a method that changes something, called once.

        An `erro` is a refusal with that code, unless one of the traces is in it: then something was made all the
        same. UncertainError means that it may have happened; every other error that it did not.
        """
        try:
            content = self._content(method, fields())
        except AppError:
            raise
        except Exception as error:
            # our own mistake, and nothing has left yet
            log.exception("a request could not be written for iGEST")
            raise TransientError("internal") from error
        try:
            output = _understood(self._wire.write("POST", self._url, **content), traces)
            if output.status == "sucesso":
                return read(output)
        except CredentialsError as error:
            raise _stranger(error) from error
        except AppError:
            raise
        except Exception as error:
            # our own mistake again, but it may have happened all the same
            log.exception("an answer of iGEST could not be read")
            raise UncertainError("outcome-unknown", how="internal") from error
        raise self._why_refused(self._words(output), refused)

    def _why_refused(self, words: str, code: str) -> AppError:
        """What a refusal means: the account is no longer accepted, or else the content is not."""
        try:
            self.ask("verificar")
        except CredentialsError as error:
            return error
        except Exception:
            log.warning("whether the keys are good could not be asked after a refusal", exc_info=True)
        return RefusedError(code, answer=words)

    def _content(self, method: str, fields: Fields) -> dict[str, Any]:
        body = request(self._keys, method, fields, self._now())
        return {"data": body, "headers": {"Content-Type": CONTENT_TYPE}}

    def _words(self, output: Output) -> str:
        return without(output.message, (self._keys.key, self._keys.code))


def _whole(reply: Answer) -> Output:
    """The output in this answer; business errors come with 200 as well, so any other status is none."""
    if reply.status != 200:
        raise UnreadableAnswer(f"status-{reply.status}")
    return answer(reply.body)


def _understood(reply: Answer, traces: Collection[str]) -> Output:
    """The answer to a call that changes something, its status known. UncertainError when it is neither."""
    try:
        output = _whole(reply)
    except UnreadableAnswer as error:
        raise UncertainError("outcome-unknown", how=str(error)) from error
    if output.status not in ("sucesso", "erro"):
        raise UncertainError("outcome-unknown", how="status-unknown")
    if output.status == "erro" and any(output.text(trace) for trace in traces):
        number = output.text("numero_documento")[:60]
        raise UncertainError("outcome-unknown", how="contradictory", number=number)
    return output


def _stranger(error: CredentialsError) -> CredentialsError:
    """The same refusal with the detail that every refusal of an account has."""
    return CredentialsError("keys-refused", **{"answer": "", "field": "", "kind": "other", **error.detail})
