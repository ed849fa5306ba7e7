"""PHC GO's refusals of a log-in: the sentence kept for the merchant, and a guess at the field it speaks of.

Called by the session beside it. Unconfirmed: every sentence. The guess marks a field of the form; it never decides
whether something was issued or refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from shopapp.fiscal.errors import CredentialsError

# in this order: the first whose words occur
_GUESSES = (
    (r"token|aplica[cç][aã]o|application", "token", "wrong-token"),
    (r"empresa|base de dados|company|database", "company", "wrong-company"),
    (r"password|palavra.passe|senha", "password", "wrong-password"),
    (r"utilizador|user", "user", "wrong-user"),
)


def refusal_from(words: str, secrets: Collection[str]) -> CredentialsError:
    """The refusal with PHC GO's own sentence, without any secret that it repeats, and the field to mark."""
    for secret in secrets:
        if secret:
            words = words.replace(secret, "***")
    for pattern, field, kind in _GUESSES:
        if re.search(pattern, words, re.IGNORECASE):
            return CredentialsError("keys-refused", answer=words, field=field, kind=kind)
    return CredentialsError("keys-refused", answer=words, field="", kind="other")
