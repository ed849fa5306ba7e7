"""The shop at each platform that the contract suites open. A new platform needs one class and one line here."""

from __future__ import annotations

from tests.contract.jumpseller_shop import JumpsellerShop
from tests.contract.platform_shop import PlatformShop
from tests.contract.shopkit_shop import ShopkitShop

SHOPS: dict[str, type[PlatformShop]] = {
    "jumpseller": JumpsellerShop,
    "shopkit": ShopkitShop,
}
