"""The companies (`entidades`) of the stand-in with their warehouses, first articles and keys.

All names and numbers are invented; only the check digit of a NIF is valid.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Warehouse:
    """A place that holds stock; at most one of an entity is the main one."""

    code: str
    name: str
    main: bool = False


@dataclass
class Entity:
    """A company in iGEST.

    `rotation` counts how often its keys were created. `forbidden` lists series and document types that its key
    may not use, `closed` the series that nobody may use.
    """

    number: str
    name: str
    nif: str
    region: str
    address: str = ""
    postal_code: str = ""
    city: str = ""
    warehouses: list[Warehouse] = field(default_factory=list)
    articles: list[dict[str, str]] = field(default_factory=list)
    active_since: str = ""
    rotation: int = 1
    forbidden: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    @property
    def by_warehouse(self) -> bool:
        return bool(self.warehouses)

    @property
    def main_warehouse(self) -> str:
        """Return the code of the main warehouse, empty for an entity without warehouses."""
        main = [place.code for place in self.warehouses if place.main] or [p.code for p in self.warehouses]
        return main[0] if main else ""

    def keys(self, seed: str) -> tuple[str, str]:
        """Return (integration key, security code): 40 hex digits each, different after each rotation."""
        return tuple(  # type: ignore[return-value]
            hashlib.sha1(f"{seed}/{self.number}/{self.rotation}/{what}".encode()).hexdigest()
            for what in ("integracao", "seguranca")
        )


def to_json(entity: Entity) -> dict[str, Any]:
    return asdict(entity)


def from_json(kept: dict[str, Any]) -> Entity:
    places = [Warehouse(**place) for place in kept.get("warehouses", [])]
    return Entity(**(kept | {"warehouses": places}))


def _article(ref: str, description: str, kind: str = "P", stock: str = "100") -> dict[str, str]:
    return {"ref": ref, "description": description, "unit": "UN", "type": kind, "stock": stock}


_POTTERY = (
    _article("AZU-014", "Azulejo pintado à mão 14×14"),
    _article("TAC-002", "Taça de barro vidrado"),
    _article("OFI-001", "Oficina de olaria (2 h)", kind="S", stock="0"),
)


def initial_entities() -> list[Entity]:
    """Return the three initial entities, none with an active integration."""
    return [
        Entity(
            number="40321",
            name="Olaria do Sado, Lda.",
            nif="599980125",
            region="PT",
            address="Rua das Olarias 14",
            postal_code="2900-001",
            city="Setúbal",
            warehouses=[Warehouse("SET", "Setúbal", main=True), Warehouse("EST", "Feira de Estremoz")],
            articles=list(_POTTERY),
        ),
        Entity(
            number="40377",
            name="Quinta da Serra, Unipessoal Lda.",
            nif="599970340",
            region="PT",
            address="Estrada da Serra 3",
            postal_code="7300-002",
            city="Portalegre",
            articles=[
                _article("AZE-075", "Azeite virgem extra 0,75 l"),
                _article("MEL-500", "Mel de rosmaninho 500 g"),
            ],
        ),
        Entity(
            number="40412",
            name="Atlântico Artes, Lda.",
            nif="599960418",
            region="PT-AC",
            address="Canada do Mar 7",
            postal_code="9700-003",
            city="Angra do Heroísmo",
            articles=[_article("QUE-010", "Manta de tear")],
        ),
    ]
