"""The verdict on one case: the provider's ledger file, which only it writes, compared with our row and the shop.

Our tables are used only to check whether they have number and total.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection

from tests.kill_points.cases import Case

PAID = Decimal("12.30")


def judge_case(case: Case, ledger: Path, connection: Connection, shop: Path) -> list[str]:
    """Return the errors: twice, lost, another total, not recorded, a false alarm, wrongly shown on the order."""
    entries = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    made = [one for one in entries if one["entity"] == str(case.number)]
    statement = "SELECT state, reason, number, total, provider_total, alarm, reference, id FROM document"
    rows = [dict(row) for row in connection.execute(sqlalchemy.text(statement)).mappings()]
    if len(rows) != 1:
        return [f"{len(rows)} rows for one order"]
    (row,) = rows
    if len(made) != 1:
        return [f"{len(made)} documents: {made}; ours {row}"]
    (one,) = made
    odd = case.answer == "wrong-total" and Decimal(one["total"]) != PAID
    found = []
    if Decimal(one["total"]) != PAID + (Decimal("0.01") if odd else 0):
        found.append(f"paid {PAID}, issued {one['total']}")
    if one["reference"] != row["reference"]:
        found.append(f"reference {one['reference']}, ours {row['reference']}")
    if row["state"] == "review" and odd and case.guarantee == "by_person":
        return found
    if (row["state"], row["number"]) != ("issued", one["number"]):
        found.append(f"issued {one['number']}, ours {row}")
    if Decimal(row["total"] or 0) / 100 != PAID or Decimal(row["provider_total"] or 0) / 100 != Decimal(
        one["total"]
    ):
        found.append(f"totals of ours: {row['total']} and {row['provider_total']}, theirs {one['total']}")
    if row["alarm"] != ("total-differs" if odd else ""):
        found.append(f"alarm {row['alarm']!r}")
    known = json.loads((shop / "shop.json").read_text())
    # a document with another total is shown to nobody before the merchant has looked
    shown, notes = ([], 0) if odd else ([[one["reference"], one["number"]]], 1)
    if known["shown"] != shown or len(known["notes"]) != notes:
        found.append(f"on the order: {known['shown']} {known['notes']}")
    return found
