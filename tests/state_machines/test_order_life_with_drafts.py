"""The life of an order at a provider that keeps drafts of unpaid orders."""

from __future__ import annotations

from flask import Flask

from shopapp.providers.base import IssueGuarantee
from tests.state_machines.machine_runs import TIMEOUT, few_or_all
from tests.state_machines.order_machine import play_orders

pytestmark = TIMEOUT


@few_or_all
def test_drafts_that_follow_an_order_change_nothing_of_that(in_memory: Flask, few: bool) -> None:
    play_orders(in_memory, IssueGuarantee.DRAFT_FIRST, few)
