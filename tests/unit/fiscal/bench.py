"""How long a large order takes to draft: `python -m tests.unit.fiscal.bench`, printed and judged by a person.

The aim is 50 ms for 999 lines, at each rounding of the shop and of the provider. Nothing fails here by the clock.
"""

from __future__ import annotations

import time
from decimal import Decimal

from shopapp.fiscal import drafting
from shopapp.fiscal.document import Settings
from shopapp.fiscal.order import Order

from .orders import LEVELS, TODAY, asked, make_line, make_order


def large(count: int, level: str, *, inclusive: bool) -> Order:
    """An order of so many lines at three rates, with a coupon and shipping."""
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
        total=str(asked(order, level)),
        prices_include_tax=inclusive,
        discount=order.discount,
    )


def main() -> None:
    """One line for each pair of roundings: the best of five, in milliseconds."""
    for inclusive in (True, False):
        for shop in LEVELS:
            order = large(999, shop, inclusive=inclusive)
            for provider in LEVELS:
                settings = Settings(level=provider)  # type: ignore[arg-type]
                taken = []
                for _ in range(5):
                    began = time.perf_counter()
                    drafting.invoice(order, settings, TODAY)
                    taken.append(time.perf_counter() - began)
                prices = "with VAT" if inclusive else "without"
                print(
                    f"999 lines, prices {prices}, shop {shop}, provider {provider}: {min(taken) * 1000:.1f} ms"
                )


if __name__ == "__main__":
    main()
