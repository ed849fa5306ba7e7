"""The account at each provider that the contract suites open. A new provider needs one class and one line here."""

from __future__ import annotations

from tests.contract.igest_account import IGestAccount
from tests.contract.phcgo_account import PhcGoAccount
from tests.contract.provider_account import ProviderAccount

ACCOUNTS: dict[str, type[ProviderAccount]] = {
    "igest": IGestAccount,
    "phcgo": PhcGoAccount,
}
