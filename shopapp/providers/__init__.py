"""The invoicing providers that exist, by name; a further one is one line here and one adapter beside it.

Read by `connect` and the set-up pages, which ask what a provider can do and never which it is.
"""

from __future__ import annotations

from .base import Provider
from .igest import IGest

PROVIDERS: dict[str, type[Provider]] = {
    "igest": IGest,
}
