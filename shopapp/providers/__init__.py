"""The invoicing providers, by name. A new one needs one line here and its adapter in a folder beside this file.

`connections` uses them; the pages ask what a provider can do and never which one it is.
"""

from __future__ import annotations

from dev.torture.plain_provider import PlainProvider

from .base import Provider
from .igest import IGest
from .phcgo import PhcGo

PROVIDERS: dict[str, type[Provider]] = {
    "igest": IGest,
    "phcgo": PhcGo,
}

DEVELOPMENT_PROVIDERS: dict[str, type[Provider]] = {
    "plain": PlainProvider,
}
"""Stand-ins, offered only where the setting `<NAME>_URL` says where they are; config refuses that in production."""
