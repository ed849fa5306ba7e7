"""Build the invoice of an order, or get the error that stops it, with settings that ask the merchant nothing."""

from __future__ import annotations

from datetime import date

import pytest

from dev.order_factories import TODAY
from shopapp.errors import AppError
from shopapp.fiscal import invoice
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import Draft, FiscalSettings
from shopapp.fiscal.order import Order

M07 = FiscalSettings(exemption="M07", decisions=Decisions({"gift-card-use": {"*": "multi-purpose"}}))


def build(order: Order, settings: FiscalSettings = M07, today: date = TODAY) -> Draft:
    return invoice.build_invoice(order, settings, today)


def stop_of(order: Order, settings: FiscalSettings = M07, today: date = TODAY) -> AppError:
    """Return the error that stops the order's invoice."""
    with pytest.raises(AppError) as raised:
        invoice.build_invoice(order, settings, today)
    return raised.value
