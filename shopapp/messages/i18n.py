"""Words in the reader's language: Flask-Babel's two verbs, with types.

Called wherever a sentence is said; the Portuguese sentence is the key.
"""

from __future__ import annotations

import flask_babel


def gettext(text: str, **facts: object) -> str:
    """The sentence in the reader's language, with its facts in place."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int, **facts: object) -> str:
    """The sentence for that number of things; `%(num)d` is the number."""
    return str(flask_babel.ngettext(one, many, num, **facts))
