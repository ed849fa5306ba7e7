"""PHC GO's refusals of a log-in: its sentence for the merchant, and a guess at what it means.

The guess marks a field of the form, or distinguishes a limit that passes by itself from wrong credentials; it never
decides whether something was issued or refused.

Unconfirmed: every sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from shopapp.errors import AppError, CredentialsError, ThrottledError

# the first matching pattern wins
_GUESSES = (
    (r"token|aplica[cç][aã]o|application", "token", "wrong-token"),
    (r"empresa|base de dados|company|database", "company", "wrong-company"),
    (r"password|palavra.passe|senha", "password", "wrong-password"),
    (r"utilizador|user", "user", "wrong-user"),
)
_LIMIT_WORDS = r"limite|limit|quota|m[aá]xim|esgot|exced|exceed|demasiad|too many"
_LIMITS = (
    (rf"(?=.*({_LIMIT_WORDS})).*\b(pedidos|chamadas|requests|calls)\b", "allowance-used", 3600.0),
    (rf"(?=.*({_LIMIT_WORDS})).*\b(sess[oõ]es|sess[aã]o|sessions?)\b", "sessions-full", 300.0),
)
"""Limits that pass by themselves, each with its retry delay in seconds; a used-up plan may be extended any day."""


def login_error_from(words: str, secrets: Collection[str]) -> AppError:
    """Return the refusal with PHC GO's own sentence, without the secrets that it repeats, and the field to mark.

    CredentialsError stops the account, ThrottledError makes it wait.
    """
    for secret in secrets:
        if secret:
            words = words.replace(secret, "***")
    for pattern, code, seconds in _LIMITS:
        if re.search(pattern, words, re.IGNORECASE):
            return ThrottledError(code, retry_after=seconds, answer=words)
    for pattern, field, kind in _GUESSES:
        if re.search(pattern, words, re.IGNORECASE):
            return CredentialsError("keys-refused", answer=words, field=field, kind=kind)
    return CredentialsError("keys-refused", answer=words, field="", kind="other")
