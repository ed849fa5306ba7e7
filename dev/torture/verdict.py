"""The verdict over a torture run: compare the invoicing system's ledger file with the shop's own orders.

Our tables do not count as evidence that a document exists; they are only checked for its number and its total.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Verdict:
    """The errors by kind; each is a line that names the order."""

    issued: int = 0
    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    wrong_total: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    """Alarms raised where nothing is wrong."""

    @property
    def wrong(self) -> list[str]:
        """Return every line, with its kind in front."""
        kinds = ("lost", "duplicate", "unrecorded", "wrong_total", "alarms")
        return [f"{kind}: {line}" for kind in kinds for line in getattr(self, kind)]


def read_documents(path: Path) -> dict[str, list[Json]]:
    """Return the documents of the file by the order that their reference names."""
    found: dict[str, list[Json]] = defaultdict(list)
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        found[entry["reference"].rsplit("-", 1)[1]].append(entry)
    return found


def judge_documents(orders: list[Json], documents: dict[str, list[Json]], rows: list[Json]) -> Verdict:
    """Return the verdict on the shop's `orders` and our `rows`.

    A row has order_id, state, reason, number, total and alarm.
    """
    verdict = Verdict(issued=sum(len(each) for each in documents.values()))
    ours = {row["order_id"]: row for row in rows}
    paid = {
        str(order["id"]): Decimal(str(order["total"])) for order in orders if order["status_enum"] == "paid"
    }
    for order, total in paid.items():
        row, made = ours.get(order, {}), documents.get(order, [])
        numbers = ", ".join(one["number"] for one in made)
        if not made:
            verdict.lost.append(f"#{order} {row.get('state', 'no row')} {row.get('reason', '')}")
        if len(made) > 1:
            verdict.duplicate.append(f"#{order} {numbers}; known {row.get('number')} {row.get('alarm')}")
        for one in made:
            if Decimal(one["total"]) != total:
                verdict.wrong_total.append(f"#{order} {one['number']} {one['total']}, paid {total}")
        if made and not _record_problems(row, made):
            verdict.unrecorded.append(f"#{order} {numbers}; ours {row.get('state')} {row.get('number')}")
        if not made and row.get("state") == "issued":
            verdict.unrecorded.append(f"#{order} ours {row['number']}, which nobody issued")
        if len(made) == 1 and row.get("alarm"):
            verdict.alarms.append(f"#{order} {row['alarm']}")
    verdict.unrecorded += [f"#{order} {made[0]['number']}: no such order" for order, made in documents.items()
                           if order not in paid]  # fmt: skip
    return verdict


def _record_problems(row: Json, made: list[Json]) -> bool:
    return row.get("state") == "issued" and any(
        row["number"] == one["number"] and Decimal(row["total"]) / 100 == Decimal(one["total"])
        for one in made
    )
