"""The shop platforms: one folder or file each; this list is all that the rest of the house knows of them."""

from .base import Platform
from .jumpseller import Jumpseller

PLATFORMS: dict[str, type[Platform]] = {Jumpseller.name: Jumpseller}

__all__ = ["PLATFORMS", "Jumpseller", "Platform"]
