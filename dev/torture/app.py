"""The app as a torture run loads it in place of `wsgi`: it reports who holds a row, may freeze, may be sabotaged.

TORTURE_HOLDING names a folder in which each work-horse that has taken or claimed a row has a file; SABOTAGE
removes one protection; FROZEN is the share of sends in which the worker stops itself between its last check and
the call.
"""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.torture.plan import TIME_SCALE
from shopapp import create_app
from shopapp.documents import issue, outcome, recover
from shopapp.errors import UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.models import Document, document_queue
from shopapp.models.document import PENDING
from shopapp.platforms import PLATFORMS
from shopapp.providers.base import IssueGuarantee, Provider, SupportsSearch

app = create_app()


# Record who holds a row: the killer looks here before it strikes.


def _write_holder_status(what: str) -> None:
    folder = os.environ.get("TORTURE_HOLDING")
    if folder:
        file = Path(folder) / str(os.getpid())
        if what:
            file.write_text(what)
        else:
            file.unlink(missing_ok=True)


def _report_holders() -> None:
    take, claim, step = document_queue.take, document_queue.claim, issue.issue_next_document

    def taking(seconds: float) -> Document | None:
        found = take(seconds)
        if found is not None:
            _write_holder_status("taken")
        return found

    def claiming(document: Document, *given: Any) -> int | None:
        number = claim(document, *given)
        _write_holder_status("claimed" if number is not None else "taken")
        return number

    def stepping() -> bool:
        try:
            return step()
        finally:
            _write_holder_status("")

    for owner, name, act in (
        (document_queue, "take", taking),
        (document_queue, "claim", claiming),
        (issue, "issue_next_document", stepping),
    ):
        setattr(owner, name, act)


# The worker freezes where no check can stop it any more, until the killer resumes it after lease and settle
# window.

_sending: list[str] = []
"""The reference and attempt that this process is sending, and the calls that it made for it."""


def _strikes_are_over() -> bool:
    """Return whether the strikes are over."""
    folder = os.environ.get("TORTURE_HOLDING")
    return folder is None or Path(folder).with_name("calm").exists()


def _freeze_sends(share: float, seed: str) -> None:
    write = HttpClient.write

    def standing(send: Callable[[Provider, Document, Draft], Issued]) -> Any:
        def act(provider: Provider, document: Document, draft: Draft) -> Issued:
            _sending[:] = [seed, document.reference, str(document.attempt)]
            try:
                return send(provider, document, draft)
            finally:
                _sending.clear()

        return act

    def writing(self: HttpClient, method: str, url: str, **content: Any) -> HttpResponse:
        if _sending and not _strikes_are_over():
            _sending.append("call")
            if zlib.crc32(" ".join(_sending).encode()) % 10_000 < share * 10_000:
                _write_holder_status("frozen")
                os.kill(os.getpid(), signal.SIGSTOP)
                _write_holder_status("claimed")
        return write(self, method, url, **content)

    for name in ("_send_directly", "_send_by_draft"):
        vars(issue)[name] = standing(vars(issue)[name])
    # Whichever adapter sends, this is the last step before the call.
    setattr(HttpClient, "write", writing)  # noqa: B010


# A run has in minutes the calls of hours


def _scale_call_limits() -> None:
    for platform in PLATFORMS.values():
        if platform.calls_per_hour:
            platform.calls_per_hour *= TIME_SCALE


# One protection removed


def _no_settle() -> None:
    app.config.update(SETTLE_SECONDS=-1.0, LOOKUP_SECONDS=0.0)


def _retry_post() -> None:
    def again(provider: Provider, document: Document, draft: Draft) -> Issued:
        for _ in range(2):
            try:
                return provider.issue(draft, document.reference)
            except UncertainError:
                continue
        return provider.issue(draft, document.reference)

    vars(issue)["_send_directly"] = again


def _check_then_post() -> None:
    def checked(provider: Provider, document: Document, draft: Draft) -> Issued:
        assert isinstance(provider, SupportsSearch)
        found = provider.find_by_reference(document.reference, draft)
        return found[0] if found else provider.issue(draft, document.reference)

    def no_doubt(document: Document, code: str, detail: dict[str, Any]) -> None:
        outcome.commit_transition(document, PENDING, code, detail, after=0.0, frozen=True)

    vars(issue)["_send_directly"] = checked
    # Both the settling and the sweep look the name up there.
    vars(outcome)["mark_uncertain"] = no_doubt


def _redraft_in_doubt() -> None:
    def redraft(provider: Provider, document: Document, draft: Draft) -> None:
        outcome.commit_transition(document, PENDING, "redraft", draft_id=None)

    recover._RECOVERIES[IssueGuarantee.DRAFT_FIRST] = redraft


_SABOTAGES: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "no-settle": _no_settle,
    "retry-post": _retry_post,
    "check-then-post": _check_then_post,
    "redraft-in-doubt": _redraft_in_doubt,
}

_report_holders()
_scale_call_limits()
if frozen := float(os.environ.get("FROZEN") or 0):
    _freeze_sends(frozen, os.environ.get("TORTURE_SEED", ""))
_SABOTAGES[os.environ.get("SABOTAGE", "")]()
