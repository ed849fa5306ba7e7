"""The life of an order at a provider that issues at once."""

from __future__ import annotations

from flask import Flask

from shopapp.providers.base import IssueGuarantee
from tests.state_machines.machine_runs import TIMEOUT, few_or_all
from tests.state_machines.order_machine import play_orders

pytestmark = TIMEOUT


@few_or_all
def test_money_and_pieces_of_an_order_are_on_its_documents_or_the_merchant_is_asked(
    in_memory: Flask, few: bool
) -> None:
    play_orders(in_memory, IssueGuarantee.IDEMPOTENT, few)
