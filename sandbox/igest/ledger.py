"""Read an iGEST ledger file: the documents with their later events, or a report for people.

`python -m sandbox.igest.ledger FILE` prints the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox.core.ledger import Entry, read


def documents(path: Path | str) -> list[Entry]:
    """Return every issued document in order, each with `annulled`, `paid_by_receipt` and its `mails`."""
    issued: dict[int, Entry] = {}
    for entry in read(path):
        if entry["kind"] == "document":
            issued[entry["id"]] = entry | {"annulled": False, "paid_by_receipt": False, "mails": []}
        elif entry["kind"] == "annulment":
            issued[entry["id"]]["annulled"] = True
        elif entry["kind"] == "receipt":
            issued[entry["id"]]["paid_by_receipt"] = True
        elif entry["kind"] == "mail":
            issued[entry["id"]]["mails"].append(entry["to"])
    return list(issued.values())


def report(path: Path | str) -> str:
    """Return the ledger as text: a paragraph for each document, a line for anything else."""
    return "\n".join(_report_entry(entry) for entry in read(path)) or "Nothing was issued."


def _report_entry(entry: Entry) -> str:
    if entry["kind"] == "catalogue":
        entry = entry | {"articles": len(entry["articles"])}
    if entry["kind"] != "document":
        rest = {key: value for key, value in entry.items() if key not in ("kind", "seq", "time")}
        return f"{entry['time']}  {entry['kind']}: " + ", ".join(f"{k} {v}" for k, v in rest.items())
    totals, customer = entry["totals"], entry["customer"]
    head = (
        f"{entry['time']}  {entry['number']}  {entry['date']}  total {totals['gross']} "
        f"(net {totals['net']}, VAT {totals['vat']})  entity {entry['entity']}  "
        f"{customer['nif']} {customer['name']}"
    )
    if entry["origin"]:
        head += f"  credits {entry['origin']}: {entry['reason']}"
    rows = [
        f"      {line['qty']:>8} × {line['ref'] or '-':<14} {line['description'][:40]:<40} "
        f"{line['price']:>12} -{line['discount']}%  {line['region']} {line['rate']}% {line['exemption']} "
        f"{line['warehouse']}  {line['gross']:>10}"
        for line in entry["lines"]
    ]
    moves = [f"      stock {m['ref']} {m['warehouse'] or '-'} {m['qty']}" for m in entry["stock"]]
    return "\n".join([head, f"      {entry['observacoes']}", *rows, *moves])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m sandbox.igest.ledger FILE")
    print(report(sys.argv[1]))
