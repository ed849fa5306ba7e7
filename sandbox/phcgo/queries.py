"""What a caller may look up: `QueryAsEntities`, `Query` and the lists.

Called by the service. Groups of conditions, the page size and what a condition on `obs` does are guesses of public
code or switches.
"""

from __future__ import annotations

import copy
from typing import Any

from .base import Base
from .office import Office, Session
from .shapes import LINES
from .wire import Call, Refusal, Row

OPEN_ENTITIES = ("Cl", "St", "Sa", "Ft", "Bo", "Td", "Ts", "E1", "Country", "Miseimp", "Taxasiva", "Sz")
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
    rows = base.seen(known, float(office.switches["query-lag"]))
    if known in LINES and office.switches["query-drafts"] == "left-out":
        rows = [row for row in rows if not row["draftRecord"]]
    found = _filtered(office, known, rows, asked.get("filterItems") or [])
    found = _ordered(found, asked.get("orderByItems") or [])
    return [_shown(office, known, row, asked) for row in _page(office, found, asked)]


def _filtered(office: Office, entity: str, rows: list[Row], items: list[Row]) -> list[Row]:
    """Conditions of group 9 are alternatives of one another; all others must hold."""
    for item in items:
        if int(item.get("comparison", 0)) not in EQUAL:
            raise Refusal("messages.Query.InvalidComparison", "Essa comparação não existe.")
        name = str(item.get("filterItem", ""))
        if rows and name not in rows[0]:
            raise Refusal("messages.Query.InvalidField", f"O campo {name} não existe em {entity}.")
        if name == "obs" and entity in LINES and office.switches["obs-filter"] == "refused":
            raise Refusal("messages.Query.InvalidField", "Não é possível filtrar por obs.")
    if office.switches["obs-filter"] == "ignored":
        items = [item for item in items if item.get("filterItem") != "obs"]
    alternatives = [item for item in items if int(item.get("groupItem", 0)) == ANY_GROUP]
    needed = [item for item in items if item not in alternatives]
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
    # as the database compares: without regard to case or to blanks at the end
    told, asked = str(has or "").casefold().rstrip(), str(wanted or "").casefold().rstrip()
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
    offset = int(asked.get("offset") or 0)
    limit = int(asked.get("limit") or (10 if office.switches["query-page"] == "10" else len(rows)))
    return rows[offset : offset + limit]


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
