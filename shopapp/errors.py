"""The errors that say why there is no document, and who must act next.

An error carries a stable code and the facts of its sentence; the sentences are in `shopapp/messages/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """What the merchant is asked once; `models/decision.py` stores the answer, and later orders have it."""

    kind: str
    subjects: tuple[str, ...]
    """What the answer may be about, narrowest first: this product, then all products."""
    answers: dict[str, str] = field(default_factory=dict)
    """The answers to choose from, each with the amount in euros that it leads to; none where the answer is typed."""


class AppError(Exception):
    """The base of all known failures; `code` is stable, `detail` holds plain JSON values for the sentence."""

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.rules: tuple[str, ...] = ()
        """The names of the fiscal rules that had decided something before the failure."""
        self.question: Question | None = None
        """What the merchant must answer before the order can go on."""

    def __str__(self) -> str:
        return self.code


class MerchantError(AppError):
    """The merchant must change something; never retried automatically (state `blocked`)."""


class CredentialsError(MerchantError):
    """The external system does not accept our credentials: keys, tokens, an integration that is switched off."""


class StoreAccessError(CredentialsError):
    """The platform refuses a store's access token for good: the merchant must authorise the app again.

    `refused_token` is the token that was sent, None when there was none. It is not in `detail`, which is stored.
    """

    def __init__(self, refused_token: str | None = None, **detail: Any) -> None:
        super().__init__("store-access", **detail)
        self.refused_token = refused_token


class SettingsError(MerchantError):
    """A choice is missing or no longer exists: series, warehouse, exemption reason."""


class OrderError(MerchantError):
    """No lawful document can be made of this order as it is."""


class RefusedError(MerchantError):
    """The provider read the request and refused it; `detail["answer"]` contains its words."""


class NotAllowedError(MerchantError):
    """What the merchant asks for is not allowed, such as crediting more than is left; no row is created."""


class TransientError(AppError):
    """The external system did nothing; retrying later is safe (state `pending`)."""


class UnreachableError(TransientError):
    """The request never arrived."""


class ThrottledError(TransientError):
    """Too many requests; `retry_after` is seconds or None."""

    def __init__(self, code: str, retry_after: float | None = None, **detail: Any) -> None:
        super().__init__(code, **detail)
        self.retry_after = retry_after


class UncertainError(AppError):
    """The call may have taken effect; look it up before doing anything else (state `in_doubt`)."""


class NotYet(AppError):
    """There is nothing to issue now, and nothing is wrong (state `waiting`): `unpaid`, `cancelled`, `free`, `older`."""
