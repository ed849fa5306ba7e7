"""Mail the links by which merchants sign in, always to the address that the platform told for the shop."""

from __future__ import annotations

import logging

from shopapp import logs, mail
from shopapp.errors import TransientError
from shopapp.logs import log_event
from shopapp.messages.emails import compose_sign_in_email
from shopapp.models import SignInRequest, Store, db

log = logging.getLogger(__name__)

MAX_PER_HOUR, MAX_PER_DAY = 6, 20
"""Links that one shop gets, whoever asks for them and however the shop is typed."""


def mail_next_link() -> bool:
    """Mail the link of the next request, or end it where it gets none. Return whether there was one. Commits."""
    asked = SignInRequest.take_next()
    if asked is None:
        return False
    store = Store.find_by_address(asked.platform, asked.address)
    if store is None or not store.email:
        _end_without_link(asked, "unknown")
        return True
    logs.bind(store=store.id)
    if _has_had_many(store):
        _end_without_link(asked, "many")
        return True
    email, code = store.email, asked.make_link(store)
    try:
        mail.send(email, *compose_sign_in_email(store, asked, code))
    except mail.MailRefused:
        _end_without_link(asked, "refused")
    except TransientError as error:
        # taken again when its lease is over, for as long as it is worth anything
        log.warning("link not sent yet: %s", error.code)
    else:
        asked.end()
        log_event("link-mailed")
    return True


def _has_had_many(store: Store) -> bool:
    hour, day = SignInRequest.count_links(store.id, 3600), SignInRequest.count_links(store.id, 86400)
    db.session.commit()
    return hour >= MAX_PER_HOUR or day >= MAX_PER_DAY


def _end_without_link(asked: SignInRequest, reason: str) -> None:
    asked.end()
    log_event("link-unmailed", reason=reason)
