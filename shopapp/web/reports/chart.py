"""The chart of a period: what was invoiced and credited on each day, in the chart's units (300 wide, 90 high)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from shopapp.models.queries.reconciliation import ZERO
from shopapp.models.queries.reports import Dated, Period

WIDTH, HEIGHT = 300, 90


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: euros invoiced, and credited beside them."""

    day: date
    invoiced: Decimal
    credited: Decimal
    x: str
    width: str
    invoiced_y: str
    invoiced_height: str
    credited_x: str
    credited_width: str
    credited_y: str
    credited_height: str


def daily_bars(documents: Sequence[Dated], period: Period) -> tuple[list[Bar], Decimal]:
    """Return the bars of the period's days, and the amount that the chart's height stands for."""
    invoiced: dict[date, Decimal] = defaultdict(Decimal)
    credited: dict[date, Decimal] = defaultdict(Decimal)
    for one in documents:
        side = credited if one.kind == "NC" else invoiced
        side[one.day_of(period.basis, period.zone) or period.first] += abs(one.sums.gross)
    days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
    top = _round_top(max([*invoiced.values(), *credited.values(), Decimal(1)]))
    step = Decimal(WIDTH) / len(days)
    return [
        _bar(day, place * step, step, invoiced.get(day, ZERO), credited.get(day, ZERO), top)
        for place, day in enumerate(days)
    ], top


def _bar(day: date, x: Decimal, step: Decimal, invoiced: Decimal, credited: Decimal, top: Decimal) -> Bar:
    whole = step * 7 / 10
    width = whole * 6 / 10 if credited and invoiced else whole
    tall, small = HEIGHT * invoiced / top, HEIGHT * credited / top
    beside = x + step * 15 / 100 + (width if invoiced else 0)
    return Bar(
        day, invoiced, credited, f"{x + step * 15 / 100:.2f}", f"{width:.2f}", f"{HEIGHT - tall:.2f}", f"{tall:.2f}",
        f"{beside:.2f}", f"{whole - width if invoiced else whole:.2f}", f"{HEIGHT - small:.2f}", f"{small:.2f}",
    )  # fmt: skip


def _round_top(most: Decimal) -> Decimal:
    """Return the next of 1, 2, 4, 5, 10, 20 ... that is not less: the middle of the axis is a plain number too."""
    size = Decimal(10) ** most.adjusted()
    return next(size * step for step in (1, 2, 4, 5, 10) if size * step >= most)
