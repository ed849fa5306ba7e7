"""What a caller may look up: `QueryAsEntities`, `Query` and the lists.

Called by the service. Groups of conditions, the page size and what a condition on `obs` does are guesses of public
code or switches.
"""

from __future__ import annotations

import copy
from typing import Any

from .base import INDEXED, Base, folded
from .office import Office, Session
from .shapes import LINES, STAMPS
from .wire import Call, Refusal, Row

OPEN_ENTITIES = ("Cl", "St", "Sa", "Sl", "Ft", "Bo", "Td", "Ts", "E1", "Country", "Miseimp", "Taxasiva", "Sz")
EQUAL = (0, 13)
ANY_GROUP = 9
DESCENDING = 1


def query(office: Office, session: Session, base: Base, call: Call) -> list[Any]:
    """The rows that meet the conditions; an empty list without message when there are none."""
    asked = call.row("itemQuery")
    own = call.ws[:-2] if call.ws not in ("SearchWS", "LocalizationWS") else ""
    entity = str(asked.get("entityName") or own or "Country")
    known = next((name for name in OPEN_ENTITIES if name.lower() == entity.lower()), None)
    if known is None:
        raise Refusal("messages.Query.InvalidEntity", f"A entidade {entity} não existe.")
    if known in ("Ts", "Bo") and not office.has_dossiers(base.installation):
        return []
    items = _heeded(office, known, base, asked.get("filterItems") or [])
    rows = _candidates(base, known, items, float(office.switches["query-lag"]))
    if known in LINES and office.switches["query-drafts"] == "left-out":
        rows = [row for row in rows if not row["draftRecord"]]
    found = _filtered(office, rows, items)
    if office.switches["query-order"] == "orders":
        found = _ordered(found, asked.get("orderByItems") or [])
    return [_shown(office, known, row, asked) for row in _page(office, found, asked)]


def _heeded(office: Office, entity: str, base: Base, items: list[Row]) -> list[Row]:
    """The conditions that count; Refusal when one of them does not exist."""
    first = next(iter(base.tables[entity].values()), None)
    for item in items:
        if int(item.get("comparison", 0)) not in EQUAL:
            raise Refusal("messages.Query.InvalidComparison", "Essa comparação não existe.")
        name = str(item.get("filterItem", ""))
        if first and name not in first:
            raise Refusal("messages.Query.InvalidField", f"O campo {name} não existe em {entity}.")
        if name == "obs" and entity in LINES and office.switches["obs-filter"] == "refused":
            raise Refusal("messages.Query.InvalidField", "Não é possível filtrar por obs.")
    if office.switches["obs-filter"] == "ignored":
        items = [item for item in items if item.get("filterItem") != "obs"]
    alternatives = [item for item in items if _alternative(item)]
    ignored = {"none": alternatives, "last": alternatives[:-1]}.get(office.switches["any-of"], [])
    return [item for item in items if item not in ignored]


def _alternative(item: Row) -> bool:
    return int(item.get("groupItem", 0)) == ANY_GROUP


def _candidates(base: Base, entity: str, items: list[Row], lag: float) -> list[Row]:
    """The rows among which those that meet the conditions are, found by stamp or indexed field where that is asked."""
    if lag:
        return base.seen(entity, lag)
    needed = [item for item in items if not _alternative(item)]
    of_each = [_found(base, entity, item) for item in needed]
    known = next((rows for rows in of_each if rows is not None), None)
    if known is None and len(needed) < len(items):
        each = [_found(base, entity, item) for item in items if _alternative(item)]
        if all(rows is not None for rows in each):
            known = [row for rows in each for row in rows or []]
    stamp = STAMPS[entity]
    return base.rows(entity) if known is None else list({row[stamp]: row for row in known}.values())


def _found(base: Base, entity: str, item: Row) -> list[Row] | None:
    """The rows that meet this condition, when they can be found without looking at all."""
    name, wanted = str(item["filterItem"]), item.get("valueItem")
    if name == STAMPS[entity]:
        row = base.tables[entity].get(str(wanted))
        return [row] if row else []
    return base.alike(entity, wanted) if INDEXED.get(entity) == name else None


def _filtered(office: Office, rows: list[Row], items: list[Row]) -> list[Row]:
    """Conditions of group 9 are alternatives of one another; all others must hold."""
    if office.switches["any-of"] == "all":
        return [row for row in rows if all(_meets(office, row, item) for item in items)]
    alternatives = [item for item in items if _alternative(item)]
    needed = [item for item in items if not _alternative(item)]
    return [
        row
        for row in rows
        if all(_meets(office, row, item) for item in needed)
        and (not alternatives or any(_meets(office, row, item) for item in alternatives))
    ]


def _meets(office: Office, row: Row, item: Row) -> bool:
    name, wanted = str(item["filterItem"]), item.get("valueItem")
    has = row.get(name)
    if isinstance(has, bool):
        return has == (str(wanted).lower() in ("1", "true"))
    if isinstance(has, int | float):
        try:
            return float(str(wanted)) == has
        except ValueError:
            return False
    told, asked = folded(has), folded(wanted)
    if name == "obs" and office.switches["obs-filter"] == "contains":
        return asked in told
    return told == asked


def _ordered(rows: list[Row], items: list[Row]) -> list[Row]:
    for item in reversed(items):
        name = str(item.get("OrderItem") or item.get("orderItem") or "")
        if rows and name not in rows[0]:
            raise Refusal("messages.Query.InvalidField", f"O campo {name} não existe.")
        falling = int(item.get("OrderType") or item.get("orderType") or 0) == DESCENDING
        rows = sorted(rows, key=lambda row: (str(type(row[name])), row[name]), reverse=falling)
    return rows


def _page(office: Office, rows: list[Row], asked: Row) -> list[Row]:
    skips = office.switches["query-offset"] == "skips"
    offset = int(asked.get("offset") or 0) if skips else 0
    limit = int(asked.get("limit") or (10 if office.switches["query-page"] == "10" else len(rows)))
    most = office.switches["query-most"]
    return rows[offset : offset + (limit if most == "any" else min(limit, int(most)))]


def _shown(office: Office, entity: str, row: Row, asked: Row) -> Row:
    shown = copy.deepcopy(row)
    if entity in LINES and office.switches["query-lines"] == "left-out":
        shown[LINES[entity]] = []
    if entity == "Ft" and office.switches["state-fields"] == "absent":
        shown = {name: value for name, value in shown.items() if name not in ("anulado", "pago")}
    wanted = [str(name) for name in asked.get("SelectItems") or []]
    return {name: shown.get(name) for name in wanted} if wanted else shown


def all_records(office: Office, session: Session, base: Base, call: Call) -> list[Any]:
    """Every row of the service's own entity."""
    return copy.deepcopy(base.rows(call.ws[:-2]))
