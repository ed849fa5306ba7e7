"""Print the decision of `shopapp.fiscal` on each case of a file, one JSON object a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from shopapp.errors import AppError, NotAllowedError, NotYet
from shopapp.fiscal import credit_note, invoice
from shopapp.fiscal.document import Draft

from .case_input import Case, credit_request_of, order_of, original_of, settings_of, today_of

HOLD_CODES = ("free",)
"""Codes of NotYet for which the order waits for the merchant instead of for time."""


def decide(case: Case) -> dict[str, Any]:
    """Decide one case; the result has the structure of its `expected`."""
    try:
        return {"id": case["id"], "action": "issue", **_draft_as_json(_draft(case))}
    except AppError as error:
        return {
            "id": case["id"],
            "action": action_of(error),
            "document_type": None,
            "reason": error.code,
            "detail": error.detail,
            "rules": list(error.rules),
        }


def _draft(case: Case) -> Draft:
    settings, today = settings_of(case), today_of(case)
    if case["order"].get("refund"):
        return credit_note.build_credit_note(original_of(case), settings, today, **credit_request_of(case))
    return invoice.build_invoice(order_of(case), settings, today)


def action_of(error: AppError) -> str:
    """Return the action that an error means for the case: none, hold or reject."""
    if isinstance(error, NotAllowedError):
        return "reject"
    return "none" if isinstance(error, NotYet) and error.code not in HOLD_CODES else "hold"


def _draft_as_json(draft: Draft) -> dict[str, Any]:
    customer = draft.customer
    return {
        "document_type": draft.kind,
        "customer": {
            "tax_id": customer.tax_id,
            "print_tax_id": customer.print_tax_id,
            "name": customer.name,
            "country": customer.country,
            "name_and_address_required": customer.name_and_address_required,
        },
        "lines": [
            {
                "ref": line.ref,
                "qty": str(line.quantity),
                "unit_price_net": str(line.unit_price_net),
                "discount_percent": str(line.discount_percent),
                **_tax_as_json(line),
            }
            for line in draft.lines
        ],
        "tax_summary": [_tax_as_json(group) for group in draft.summary],
        "totals": _amounts_as_json(draft),
        "rounding": f"per_{draft.rounding}",
        "currency": "EUR",
        "issue_date": draft.date.isoformat(),
        "references": [{"document": each.number, "reason": each.reason} for each in draft.references],
        "payments": [{"mechanism": each.mechanism, "amount": str(each.amount)} for each in draft.payments],
        "notes": list(draft.notes),
        "rules": list(draft.rules),
        "warnings": list(draft.warnings),
    }


def _tax_as_json(part: Any) -> dict[str, Any]:
    fields = {
        "region": part.region,
        "vat_rate": str(part.vat_rate),
        "saft_tax_code": part.tax_code,
        "exemption_code": part.exemption_code or None,
        **_amounts_as_json(part),
    }
    mention = getattr(part, "exemption_mention", "")
    return {**fields, "exemption_mention": mention} if mention else fields


def _amounts_as_json(part: Any) -> dict[str, str]:
    return {"net": str(part.net), "vat": str(part.vat), "gross": str(part.gross)}


def main(arguments: list[str]) -> int:
    """Print the decisions and return 0; return 2 when not called with one file."""
    if len(arguments) != 1:
        print("usage: python -m tests.cases FILE.json", file=sys.stderr)
        return 2
    for case in json.loads(Path(arguments[0]).read_text(encoding="utf-8"))["cases"]:
        print(json.dumps(decide(case), ensure_ascii=False))
    return 0
