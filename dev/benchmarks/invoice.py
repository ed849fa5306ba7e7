"""Measure how long the invoice of a large order takes, at each rounding of the shop and of the provider.

`make bench` runs this and a person judges the figures; nothing fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from dev.order_factories import LEVELS, TODAY, make_line, make_order, shop_total_of
from shopapp.fiscal import invoice
from shopapp.fiscal.document import FiscalSettings, RoundingLevel
from shopapp.fiscal.order import Order

LINES = 999
TARGET_MS = 50
CENT = Decimal("0.01")


def large_order(count: int, level: RoundingLevel, *, inclusive: bool) -> Order:
    """Make an order of this number of lines at three rates, with a coupon and shipping."""
    lines = [
        make_line(
            str(Decimal(100 + at * 7 % 9_000).scaleb(-2)),
            ("23", "13", "6")[at % 3],
            ref=f"L{at}",
            quantity=Decimal(1 + at % 5),
        )
        for at in range(count)
    ]
    delivery = make_line("4.90", "23", kind="shipping", ref="SHIP")
    order = make_order(*lines, delivery, total="0", prices_include_tax=inclusive, discount=Decimal("17.77"))
    return make_order(
        *order.lines,
        total=str(shop_total_of(order, level)),
        prices_include_tax=inclusive,
        discount=order.discount,
    )


def best_ms(work: Callable[[], object], times: int = 15) -> float:
    """Run the function this number of times and return the shortest run in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken) * 1000


def simplest_loop(order: Order) -> Decimal:
    """Add up the lines with VAT, each to the cent: the least work that any invoice needs.

    The time of an invoice in multiples of this loop does not depend on the machine.
    """
    total = Decimal(0)
    for line in order.lines:
        factor = 1 + (line.charged or Decimal(0)) / 100
        total += (line.quantity * line.unit_price * factor).quantize(CENT, ROUND_HALF_UP)
    return total


def main() -> None:
    """Print one line for each pair of roundings and each way of pricing, then the slowest."""
    print(f"{LINES} lines at three rates, coupon and shipping; milliseconds, best of fifteen")
    durations = []
    for inclusive in (True, False):
        for shop in LEVELS:
            order = large_order(LINES, shop, inclusive=inclusive)
            loop = best_ms(partial(simplest_loop, order))
            for provider in LEVELS:
                settings = FiscalSettings(rounding_level=provider)
                took = best_ms(partial(invoice.build_invoice, order, settings, TODAY))
                durations.append(took)
                prices = "with VAT" if inclusive else "without VAT"
                print(
                    f"  prices {prices:<11}  shop {shop:<10}  provider {provider:<10}"
                    f"  {took:5.1f} ms = {took / loop:4.1f} simplest loops"
                )
    print(f"  slowest {max(durations):.1f} ms; the target is {TARGET_MS} ms")


if __name__ == "__main__":
    main()
