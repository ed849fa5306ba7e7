"""The invoicing providers that exist, by name; a further one is one line here and one adapter beside it.

Read by `connect` and the set-up pages, which ask what a provider can do and never which it is.
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
