"""The judge of the torture run reports each kind of error with its order, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dev.torture.verdict import judge_documents, read_documents

Json = dict[str, Any]

ORDERS = [
    {"id": 7, "status_enum": "paid", "total": 12.3},
    {"id": 8, "status_enum": "paid", "total": "9.99"},
    {"id": 9, "status_enum": "canceled", "total": 5.0},
]


def made(order: int, number: int, total: str) -> Json:
    return {"reference": f"QI-1-{order}", "number": f"FR 2026P/{number}", "total": total}


def row(order: int, number: int | None, cents: int, **values: Any) -> Json:
    shown = f"FR 2026P/{number}" if number else None
    known = {
        "order_id": str(order),
        "state": "issued",
        "reason": "",
        "number": shown,
        "total": cents,
        "alarm": "",
    }
    return known | values


def documents(*entries: Json) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for entry in entries:
        found.setdefault(entry["reference"].rsplit("-", 1)[1], []).append(entry)
    return found


GOOD = (made(7, 1, "12.30"), made(8, 2, "9.99"))
ROWS = [row(7, 1, 1230), row(8, 2, 999)]


def test_correct_ledgers_report_nothing() -> None:
    verdict = judge_documents(ORDERS, documents(*GOOD), ROWS)
    assert (verdict.issued, verdict.wrong) == (2, [])


@pytest.mark.parametrize(
    "entries, rows, kinds",
    [
        # The order has no document, and our row agrees, disagrees, or does not exist.
        (GOOD[:1], [ROWS[0], row(8, None, 999, state="pending", reason="unreachable")], ["lost"]),
        (GOOD[:1], ROWS[:1], ["lost"]),
        (GOOD[:1], ROWS, ["lost", "unrecorded"]),
        # Two documents, whether or not we know both, with and without the alarm.
        ((*GOOD, made(8, 3, "9.99")), ROWS, ["duplicate"]),
        ((*GOOD, made(8, 3, "9.99")), [ROWS[0], row(8, 2, 999, alarm="duplicate")], ["duplicate"]),
        # The document exists, and our row does not know it, or has another number or total.
        (GOOD, [ROWS[0], row(8, None, 999, state="in_doubt")], ["unrecorded"]),
        (GOOD, ROWS[:1], ["unrecorded"]),
        (GOOD, [ROWS[0], row(8, 5, 999)], ["unrecorded"]),
        (GOOD, [ROWS[0], row(8, 2, 998)], ["unrecorded"]),
        # The total differs from the amount paid.
        ((GOOD[0], made(8, 2, "9.98")), [ROWS[0], row(8, 2, 998)], ["wrong_total"]),
        # An alarm although nothing is wrong.
        (GOOD, [ROWS[0], row(8, 2, 999, alarm="duplicate")], ["alarms"]),
        # A document of an order that was not paid, or that the shop does not have.
        ((*GOOD, made(9, 3, "5.00")), ROWS, ["unrecorded"]),
        ((*GOOD, made(99, 3, "5.00")), ROWS, ["unrecorded"]),
    ],
)
def test_every_fault_is_reported_by_its_kind(entries: Any, rows: list[Json], kinds: list[str]) -> None:
    wrong = judge_documents(ORDERS, documents(*entries), rows).wrong
    assert [line.split(":")[0] for line in wrong] == kinds
    assert all("#8 " in line or "#9 " in line or "#99 " in line for line in wrong)


def test_the_ledger_is_read_by_the_whole_number_of_an_order(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text("".join(json.dumps(made(order, order, "1.00")) + "\n" for order in (12, 120, 12)))
    assert {order: len(found) for order, found in read_documents(file).items()} == {"12": 2, "120": 1}


def test_a_ledger_without_a_file_is_empty(tmp_path: Path) -> None:
    assert read_documents(tmp_path / "ledger.jsonl") == {}
