"""Narrow an adapter to one of its optional contracts, where the account or store is known to need it."""

from __future__ import annotations

from typing import TypeVar

Contract = TypeVar("Contract")


def require(adapter: object, contract: type[Contract]) -> Contract:
    """Return the adapter, typed as that contract.

    Raises TypeError when it does not implement the contract: a bug of ours, as only what an adapter supports is
    offered.
    """
    if not isinstance(adapter, contract):
        raise TypeError(f"{type(adapter).__name__} does not implement {contract.__name__}")
    return adapter
