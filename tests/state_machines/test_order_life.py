"""The life of an order at a provider that issues at once."""

from __future__ import annotations

import pytest
from flask import Flask

from shopapp.providers.base import IssueGuarantee
from tests.state_machines.order_machine import NIGHTLY, play_orders

pytestmark = pytest.mark.timeout(0 if NIGHTLY else 600)


def test_money_and_pieces_of_an_order_are_on_its_documents_or_the_merchant_is_asked(
    in_memory: Flask,
) -> None:
    play_orders(in_memory, IssueGuarantee.IDEMPOTENT)
