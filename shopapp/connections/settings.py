"""Read the settings of `shopapp.config` where no app object is at hand."""

from __future__ import annotations

from typing import Any

from flask import current_app


def seconds_setting(name: str) -> float:
    """Return a setting that is a number of seconds."""
    value: float = current_app.config[name]
    return value


def text_setting(name: str) -> str:
    """Return a setting that is text."""
    value: str = current_app.config[name]
    return value


def adapter_settings(name: str) -> dict[str, Any]:
    """Return the settings whose names begin with an adapter's name, without it and in lower case.

    JUMPSELLER_API_URL gives api_url. They become the keyword arguments of the adapter.
    """
    prefix = name.upper() + "_"
    return {k.removeprefix(prefix).lower(): v for k, v in current_app.config.items() if k.startswith(prefix)}
