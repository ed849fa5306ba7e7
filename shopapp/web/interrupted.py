"""What a browser asked for when its session had ended: the page to return to, and the form that it sent.

The consent page carries it sealed. After log-in the merchant is on the same page again; a form that they had sent is
sent when they say so, and never by itself.
"""

from __future__ import annotations

from flask import Request, abort, g, render_template, request, session
from werkzeug.datastructures import ImmutableMultiDict

from shopapp.models import Store
from shopapp.web.sealed_values import seal, unseal

FIELD, TYPED_FIELD = "back", "typed"
MAX_AGE_SECONDS = 12 * 3600
_NEVER_KEPT = ("csrf_token", FIELD, TYPED_FIELD)


def interrupted_request() -> str:
    """Return the request of a browser whose session ended, sealed; empty when its cookie names no store."""
    known = session.get("store")
    if not isinstance(known, int) or request.endpoint is None:
        return ""
    # a download can't be returned to: its document's page is
    path = request.full_path.rstrip("?").removesuffix("/pdf")
    if request.method != "POST":
        return seal([known, path, None], "interrupted")
    form = [[name, text] for name, text in request.form.items(multi=True) if name not in _NEVER_KEPT]
    return seal([known, path, form], "interrupted")


def return_path(sealed: str, store: Store) -> tuple[str, bool] | None:
    """Return the path of a sealed request of this store, and whether it was a form; None for anything else."""
    content = unseal(sealed, "interrupted", MAX_AGE_SECONDS)
    return (content[1], content[2] is not None) if content and content[0] == store.id else None


def confirm_page(path: str, sealed: str) -> str:
    """Return the page that asks whether to send the form now."""
    return render_template("interrupted.html", path=path, typed=sealed)


def restore_form(current: Request) -> None:
    """Put the fields of an interrupted form back into the request that sends it; 400 when they are not its own."""
    sealed = current.form.get(TYPED_FIELD)
    if current.method != "POST" or sealed is None or g.store is None:
        return
    content = unseal(sealed, "interrupted", MAX_AGE_SECONDS)
    if not content or content[0] != g.store.id or content[2] is None:
        abort(400)
    if content[1].partition("?")[0] != current.path:
        abort(400)
    current.form = ImmutableMultiDict((name, text) for name, text in content[2])
