"""The shop platforms, by name. The first one answers `/install`; each answers `/install/<name>`."""

from .base import Platform
from .jumpseller import Jumpseller

PLATFORMS: dict[str, type[Platform]] = {
    "jumpseller": Jumpseller,
}

__all__ = ["PLATFORMS", "Jumpseller", "Platform"]
