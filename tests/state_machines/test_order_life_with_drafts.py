"""The life of an order at a provider that keeps drafts of unpaid orders."""

from __future__ import annotations

import pytest
from flask import Flask

from shopapp.providers.base import IssueGuarantee
from tests.state_machines.order_machine import NIGHTLY, play_orders

pytestmark = pytest.mark.timeout(0 if NIGHTLY else 600)


def test_drafts_that_follow_an_order_change_nothing_of_that(
    in_memory: Flask,
) -> None:
    play_orders(in_memory, IssueGuarantee.DRAFT_FIRST)
