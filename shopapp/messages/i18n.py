"""The reader's language: which locale a page is in, and Flask-Babel's two functions with types.

The Portuguese sentence is the key of its translations.
"""

from __future__ import annotations

from pathlib import Path

import flask_babel
from babel import Locale
from flask import Flask, g, has_request_context, request

from shopapp.models import Store

N_ = str
"""Marks a sentence for the catalogues where it is written; it is translated where it is shown."""

LANGUAGES = {"pt": "pt_PT", "en": "en_GB", "es": "es_ES"}
DEFAULT_LOCALE = LANGUAGES["pt"]


def init_app(app: Flask) -> None:
    """Register Flask-Babel with our catalogues."""
    folder = str(Path(app.root_path).parent / "translations")
    app.config.update(BABEL_DEFAULT_LOCALE=DEFAULT_LOCALE, BABEL_TRANSLATION_DIRECTORIES=folder)
    flask_babel.Babel(app, locale_selector=select_locale)


def locale_of(store: Store | None) -> str:
    """Return the locale of the store's language; Portuguese when we have no translation into it."""
    language = (store.language or "pt")[:2].lower() if store is not None else ""
    return LANGUAGES.get(language, DEFAULT_LOCALE)


def select_locale() -> str:
    """Return the store's locale, or the browser's preferred one while there is no store."""
    store = g.get("store")
    if store is not None:
        return locale_of(store)
    preferred = request.accept_languages.values() if has_request_context() else ()
    return next(
        (LANGUAGES[one[:2].lower()] for one in preferred if one[:2].lower() in LANGUAGES), DEFAULT_LOCALE
    )


def current_locale() -> Locale:
    """Return the locale that Flask-Babel chose for this page or e-mail."""
    return flask_babel.get_locale() or Locale("pt", "PT")


def html_language() -> str:
    """Return the current locale as the `lang` attribute of a page."""
    language = current_locale().language
    return language if language != "pt" else "pt-PT"


def gettext(text: str, **facts: object) -> str:
    """Return the sentence in the reader's language, with its facts filled in."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int, **facts: object) -> str:
    """Return the sentence for that number; `%(num)d` is the number."""
    return str(flask_babel.ngettext(one, many, num, **facts))
