"""iGEST's refusals of credentials: its sentence for the merchant, and a guess at the field that it means.

The guess only marks a field of the form; it never decides whether something was issued or refused.

Unconfirmed: every sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from shopapp.errors import CredentialsError
from shopapp.providers.text import one_line

_MAX_LENGTH = 500
# the first matching pattern wins
_GUESSES = (
    (r"inativ|desativ|não está ativ", "inactive", ""),
    (r"prazo|\bhora\b|rel[oó]gio", "clock", ""),
    (r"c[oó]digo de seguran[cç]a|\bchave inv[aá]lida", "wrong-code", "code"),
    (r"(c[oó]digo|chave)s? de integra[cç][aã]o", "wrong-key", "key"),
    (r"\bnif\b", "nif-mismatch", "nif"),
    (r"\bentidade\b", "entity-unknown", "entity"),
)


def credentials_error_from(words: str, fields: Collection[str]) -> CredentialsError:
    """Return the refusal with iGEST's own sentence, its likely kind, and the field to mark if the form has it."""
    for pattern, kind, field in _GUESSES:
        if re.search(pattern, words, re.IGNORECASE):
            return CredentialsError(
                "keys-refused", answer=words, field=field if field in fields else "", kind=kind
            )
    return CredentialsError("keys-refused", answer=words, field="", kind="other")


def redact(words: str, secrets: Collection[str]) -> str:
    """Return the sentence on one line, at most 500 characters, without the secrets that it repeats."""
    for secret in secrets:
        if secret:
            words = re.sub(re.escape(secret), "***", words, flags=re.IGNORECASE)
    # nor a hash made from one
    return one_line(re.sub(r"\b[0-9a-fA-F]{40}\b", "***", words))[:_MAX_LENGTH]
