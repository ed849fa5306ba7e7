"""Nothing of a buyer stands in clear in any table, whatever happened to their order."""

from __future__ import annotations

import json
import re

from sqlalchemy import text

from shopapp.errors import RefusedError
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.party import Address, Party
from shopapp.models import FollowUp, Store, Webhook, db
from tests.fakes import World, paid_order

MARKERS = (
    "zulmira",
    "conceição",
    "zulmira@correio.example",
    "praceta do marcador",
    "501964843",
    "123456780",
    "dona@",
)
"""Name, mail address, street, tax ids (valid and not), and the merchant's own mail address."""


def test_nothing_of_a_buyer_stands_in_clear_in_the_database(world: World) -> None:
    def refuse(draft: Draft, reference: str) -> Issued | None:
        raise RefusedError("provider-refused", answer=f"Cliente {draft.customer.name} sem morada")

    for number, nif, act in (
        ("1001", "501964843", None),
        ("1002", "501964843", refuse),
        ("1003", "123456780", None),
    ):
        address = Address("Praceta do Marcador 1", "1000-100", "Lisboa", "PT")
        buyer = Party(name="Zulmira Conceição", email="zulmira@correio.example", tax_id=nif, address=address)
        world.shop.orders[number] = paid_order(number, buyer=buyer, ship_to=address)
        world.provider.planned_issues = [act] if act else []
        body = json.dumps({"order": {"id": int(number), "customer": buyer.name, "street": address.street}})
        store_id = world.store.id
        db.session.commit()
        Webhook.record(store_id, "order_paid", f"hash {number}", body.encode())
        world.run_due_work()
    issued = world.document("1001")
    assert [world.document(number).state for number in ("1001", "1002", "1003")] == [
        "issued",
        "blocked",
        "blocked",
    ]
    assert (
        "Zulmira" in world.document("1002").detail["answer"] and issued.buyer["name"] == "Zulmira Conceição"
    )
    FollowUp.enqueue(issued, "email", number=7, to="zulmira@correio.example")
    db.session.get_one(Store, world.store.id).email = "dona@loja.example"
    db.session.commit()
    world.run_due_work()
    assert found_in_clear() == []


def found_in_clear() -> list[tuple[str, str, str]]:
    """Return table, column and marker of every marker that stands in a stored value."""
    found = []
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')).mappings():
            for column, value in row.items():
                plain = (
                    bytes(value).decode("utf-8", "replace")
                    if isinstance(value, bytes | memoryview)
                    else str(value)
                )
                folded = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), plain.casefold())
                found += [(table.name, column, one) for one in MARKERS if one in folded.casefold()]
    return found
