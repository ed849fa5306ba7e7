"""The shop platforms, by name. `/install/<name>` connects a store of each; `/install` alone, one of the first."""

from .base import Platform
from .jumpseller import Jumpseller
from .shopkit import Shopkit

PLATFORMS: dict[str, type[Platform]] = {
    "jumpseller": Jumpseller,
    "shopkit": Shopkit,
}

__all__ = ["PLATFORMS", "Jumpseller", "Platform", "Shopkit"]
