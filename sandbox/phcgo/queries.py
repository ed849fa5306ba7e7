"""`QueryAsEntities`, `Query` and the lists.

Groups of conditions, page sizes and conditions on `obs` follow public code, or are switches.
"""

from __future__ import annotations

import copy
from typing import Any

from .blank_records import LINE_FIELDS, STAMP_FIELDS
from .database import INDEXED_FIELDS, Database, fold_text
from .program_state import ProgramState, Session
from .wire import Call, Refusal, Row

OPEN_ENTITIES = ("Cl", "St", "Sa", "Sl", "Ft", "Bo", "Td", "Ts", "E1", "Country", "Miseimp", "Taxasiva", "Sz")
EQUAL_COMPARISONS = (0, 13)
ANY_OF_GROUP = 9
DESCENDING = 1


def query(program: ProgramState, session: Session, database: Database, call: Call) -> list[Any]:
    """Return the rows that meet the conditions; an empty list, without a message, when there are none."""
    item_query = call.row("itemQuery")
    own = call.ws[:-2] if call.ws not in ("SearchWS", "LocalizationWS") else ""
    entity = str(item_query.get("entityName") or own or "Country")
    known = next((name for name in OPEN_ENTITIES if name.lower() == entity.lower()), None)
    if known is None:
        raise Refusal("messages.Query.InvalidEntity", f"A entidade {entity} não existe.")
    if known in ("Ts", "Bo") and not program.has_dossiers(database.installation):
        return []
    items = _effective_conditions(program, known, database, item_query.get("filterItems") or [])
    rows = _candidate_rows(database, known, items, float(program.switches["query-lag"]))
    if known in LINE_FIELDS and program.switches["query-drafts"] == "left-out":
        rows = [row for row in rows if not row["draftRecord"]]
    found = _filter_rows(program, rows, items)
    if program.switches["query-order"] == "orders":
        found = _order_rows(found, item_query.get("orderByItems") or [])
    return [_project_row(program, known, row, item_query) for row in _page_rows(program, found, item_query)]


def _effective_conditions(
    program: ProgramState, entity: str, database: Database, items: list[Row]
) -> list[Row]:
    """Return the conditions that count. Raises Refusal for an unknown field or comparison."""
    first = next(iter(database.tables[entity].values()), None)
    for item in items:
        if int(item.get("comparison", 0)) not in EQUAL_COMPARISONS:
            raise Refusal("messages.Query.InvalidComparison", "Essa comparação não existe.")
        name = str(item.get("filterItem", ""))
        if first and name not in first:
            raise Refusal("messages.Query.InvalidField", f"O campo {name} não existe em {entity}.")
        if name == "obs" and entity in LINE_FIELDS and program.switches["obs-filter"] == "refused":
            raise Refusal("messages.Query.InvalidField", "Não é possível filtrar por obs.")
    if program.switches["obs-filter"] == "ignored":
        items = [item for item in items if item.get("filterItem") != "obs"]
    alternatives = [item for item in items if _is_alternative(item)]
    ignored = {"none": alternatives, "last": alternatives[:-1]}.get(program.switches["any-of"], [])
    return [item for item in items if item not in ignored]


def _is_alternative(item: Row) -> bool:
    return int(item.get("groupItem", 0)) == ANY_OF_GROUP


def _candidate_rows(database: Database, entity: str, items: list[Row], lag: float) -> list[Row]:
    """Return the rows to test, by stamp or indexed field where a condition has one."""
    if lag:
        return database.rows_with_lag(entity, lag)
    needed = [item for item in items if not _is_alternative(item)]
    of_each = [_indexed_rows(database, entity, item) for item in needed]
    known = next((rows for rows in of_each if rows is not None), None)
    if known is None and len(needed) < len(items):
        each = [_indexed_rows(database, entity, item) for item in items if _is_alternative(item)]
        if all(rows is not None for rows in each):
            known = [row for rows in each for row in rows or []]
    stamp = STAMP_FIELDS[entity]
    return database.rows(entity) if known is None else list({row[stamp]: row for row in known}.values())


def _indexed_rows(database: Database, entity: str, item: Row) -> list[Row] | None:
    """Return the rows that meet this condition, or None when no index finds them."""
    name, wanted = str(item["filterItem"]), item.get("valueItem")
    if name == STAMP_FIELDS[entity]:
        row = database.tables[entity].get(str(wanted))
        return [row] if row else []
    return database.find_indexed(entity, wanted) if INDEXED_FIELDS.get(entity) == name else None


def _filter_rows(program: ProgramState, rows: list[Row], items: list[Row]) -> list[Row]:
    """Return the rows for which one condition of group 9 and all others hold."""
    if program.switches["any-of"] == "all":
        return [row for row in rows if all(_matches(program, row, item) for item in items)]
    alternatives = [item for item in items if _is_alternative(item)]
    needed = [item for item in items if not _is_alternative(item)]
    return [
        row
        for row in rows
        if all(_matches(program, row, item) for item in needed)
        and (not alternatives or any(_matches(program, row, item) for item in alternatives))
    ]


def _matches(program: ProgramState, row: Row, item: Row) -> bool:
    name, wanted = str(item["filterItem"]), item.get("valueItem")
    has = row.get(name)
    if isinstance(has, bool):
        return has == (str(wanted).lower() in ("1", "true"))
    if isinstance(has, int | float):
        try:
            return float(str(wanted)) == has
        except ValueError:
            return False
    stored, requested = fold_text(has), fold_text(wanted)
    if name == "obs" and program.switches["obs-filter"] == "contains":
        return requested in stored
    return stored == requested


def _order_rows(rows: list[Row], items: list[Row]) -> list[Row]:
    for item in reversed(items):
        name = str(item.get("OrderItem") or item.get("orderItem") or "")
        if rows and name not in rows[0]:
            raise Refusal("messages.Query.InvalidField", f"O campo {name} não existe.")
        falling = int(item.get("OrderType") or item.get("orderType") or 0) == DESCENDING
        rows = sorted(rows, key=lambda row: (str(type(row[name])), row[name]), reverse=falling)
    return rows


def _page_rows(program: ProgramState, rows: list[Row], item_query: Row) -> list[Row]:
    skips = program.switches["query-offset"] == "skips"
    offset = int(item_query.get("offset") or 0) if skips else 0
    limit = int(item_query.get("limit") or (10 if program.switches["query-page"] == "10" else len(rows)))
    max_rows = program.switches["query-most"]
    return rows[offset : offset + (limit if max_rows == "any" else min(limit, int(max_rows)))]


def _project_row(program: ProgramState, entity: str, row: Row, item_query: Row) -> Row:
    shown = copy.deepcopy(row)
    if entity in LINE_FIELDS and program.switches["query-lines"] == "left-out":
        shown[LINE_FIELDS[entity]] = []
    if entity == "Ft" and program.switches["state-fields"] == "absent":
        shown = {name: value for name, value in shown.items() if name not in ("anulado", "pago")}
    wanted = [str(name) for name in item_query.get("SelectItems") or []]
    return {name: shown.get(name) for name in wanted} if wanted else shown


def all_records(program: ProgramState, session: Session, database: Database, call: Call) -> list[Any]:
    """Return every row of the service's own entity."""
    return copy.deepcopy(database.rows(call.ws[:-2]))
