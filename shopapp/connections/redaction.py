"""Take an account's secrets out of every error of its adapter, before anything stores, shows or logs it.

External systems repeat in their refusals what they were sent: passwords, tokens, keys.
"""

from __future__ import annotations

import functools
import html
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from shopapp.errors import AppError

MASK = "***"
_SHORT = 4
"""A shorter secret is masked only where it stands as a word: it could be a part of any."""

Adapter = TypeVar("Adapter")


def redact_errors(
    adapter: Adapter,
    secrets: Callable[[], Iterable[str]],
    on_error: Callable[[AppError], None] = lambda error: None,
) -> Adapter:
    """Return the same adapter, whose methods raise each AppError without the secrets and without its cause.

    `on_error` is called with each before it is raised.
    """

    def clean(error: AppError) -> AppError:
        error.detail = redact(error.detail, secrets())
        on_error(error)
        return error

    for name in dir(type(adapter)):
        if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(type(adapter), name)):
            setattr(adapter, name, _redacting(getattr(adapter, name), clean))
    return adapter


def _redacting(method: Callable[..., Any], clean: Callable[[AppError], AppError]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            found = method(*args, **kwargs)
        except AppError as error:
            raise clean(error) from None
        return _reading(found, clean) if inspect.isgenerator(found) else found

    return call


def _reading(rows: Iterator[Any], clean: Callable[[AppError], AppError]) -> Iterator[Any]:
    try:
        yield from rows
    except AppError as error:
        raise clean(error) from None


def redact(value: Any, secrets: Iterable[str]) -> Any:
    """Return the JSON value with MASK in place of each secret, however it is quoted or cut at the end."""
    known = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    return _masked(value, known)


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _masked(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_masked(one, secrets) for one in value)
    if not isinstance(value, str):
        return value
    for secret in secrets:
        pattern = re.escape(secret)
        if len(secret) < _SHORT:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        value = re.sub(pattern, MASK, value, flags=re.IGNORECASE)
        # an answer that was cut at its end may end within the secret
        begins = (secret[:length] for length in range(len(secret) - 1, _SHORT - 1, -1))
        cut = next((one for one in begins if value.endswith(one)), "")
        value = value.removesuffix(cut) + MASK if cut else value
    return value
