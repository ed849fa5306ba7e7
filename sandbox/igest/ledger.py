"""The append-only ledger: one JSON object a line for each thing that became fact, never changed afterwards.

Written by the office at the moment of issue; read by tests, by the demo's judge and by `python -m
sandbox.igest.ledger FILE`. It never forgets: a reset lays the file aside and begins another.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """The file of one stand-in; `append` writes a line, `entries` are all lines in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = read(path) if path.exists() else []

    def append(self, entry: Entry) -> None:
        """Nothing; the entry stands in the file before this returns."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.entries.append(entry)

    def archive(self) -> None:
        """Nothing; the file so far is kept under the next free name and an empty one begins."""
        if self.path.exists():
            taken = len(list(self.path.parent.glob(f"{self.path.stem}.*.jsonl")))
            self.path.rename(self.path.with_name(f"{self.path.stem}.{taken + 1}.jsonl"))
        self.entries = []


def read(path: Path | str) -> list[Entry]:
    """Every whole line of a ledger, oldest first (a last line still being written is left out)."""
    text = Path(path).read_text(encoding="utf-8")
    whole, _, _torn = text.rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]


def documents(path: Path | str) -> list[Entry]:
    """Every issued document in order, each with `annulled`, `paid_by_receipt` and its `mails`."""
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
    """The ledger as a person reads it: a paragraph for each document, a line for whatever else happened."""
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
