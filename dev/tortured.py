"""The app as `dev.torture` runs it in place of `wsgi`: it says which worker holds a row, and may be sabotaged.

Loaded by gunicorn and flask in a torture run only; nothing of it stands in shopapp. TORTURE_HOLDING names a folder in
which each work-horse that has taken or claimed a row has a file; SABOTAGE takes one protection away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shopapp import create_app, issuing, resolving, settling
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import UncertainError
from shopapp.models import Document
from shopapp.models.states import PENDING
from shopapp.providers.base import Once, Provider

SABOTAGES = ("no-settle", "retry-post", "check-then-post", "redraft-in-doubt")

app = create_app()


# who holds a row: the killer looks here before it strikes


def _mark(what: str) -> None:
    folder = os.environ.get("TORTURE_HOLDING")
    if folder:
        file = Path(folder) / str(os.getpid())
        if what:
            file.write_text(what)
        else:
            file.unlink(missing_ok=True)


def _watch() -> None:
    take, claim, step = Document.take, Document.claim, issuing.step

    def taking(seconds: float) -> Document | None:
        found = take(seconds)
        if found is not None:
            _mark("taken")
        return found

    def claiming(self: Document, *given: Any) -> int | None:
        number = claim(self, *given)
        _mark("claimed" if number is not None else "taken")
        return number

    def stepping() -> bool:
        try:
            return step()
        finally:
            _mark("")

    for owner, name, act in (
        (Document, "take", taking),
        (Document, "claim", claiming),
        (issuing, "step", stepping),
    ):
        setattr(owner, name, act)


# one protection less


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

    for once in (Once.BY_KEY, Once.BY_SEARCH, Once.BY_PERSON):
        issuing._ROADS[once] = again


def _check_then_post() -> None:
    def checked(provider: Provider, document: Document, draft: Draft) -> Issued:
        found = provider.find(document.reference, draft)
        return found[0] if found else provider.issue(draft, document.reference)

    def no_doubt(document: Document, code: str, detail: dict[str, Any]) -> None:
        settling.moved(document, PENDING, code, detail, after=0.0, frozen=True)

    issuing._ROADS[Once.BY_SEARCH] = checked
    # settling itself and sweeping both look the name up there
    vars(settling)["doubt"] = no_doubt


def _redraft_in_doubt() -> None:
    def redraft(provider: Provider, document: Document, draft: Draft) -> None:
        settling.moved(document, PENDING, "redraft", draft_id=None)

    resolving._WAYS[Once.BY_DRAFT] = redraft


_ACTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "no-settle": _no_settle,
    "retry-post": _retry_post,
    "check-then-post": _check_then_post,
    "redraft-in-doubt": _redraft_in_doubt,
}

_watch()
_ACTS[os.environ.get("SABOTAGE", "")]()
