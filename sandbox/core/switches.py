"""Switches: points on which the real system may behave in several ways; a test or a person sets the position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .storage import Json, JsonStorage

BASES = ("documented", "seen in code", "inferred", "unknown", "ours")


@dataclass(frozen=True)
class Switch:
    """One point on which the real system may behave in several ways; its first position is the default."""

    name: str
    meaning: str
    positions: tuple[str, ...]
    basis: str

    @property
    def default(self) -> str:
        return self.positions[0]


class Switches:
    """The positions in force: `switches["name"]` reads one."""

    def __init__(self, switches: Iterable[Switch], storage: JsonStorage | None = None) -> None:
        self.known = {switch.name: switch for switch in switches}
        self._storage = storage
        self._positions: dict[str, str] = {}
        self.reload()

    def __getitem__(self, name: str) -> str:
        return self._positions.get(name) or self.known[name].default

    def __iter__(self) -> Iterator[Switch]:
        return iter(self.known.values())

    def reload(self) -> None:
        """Read the positions from storage again."""
        kept = self._storage.all("switch") if self._storage else {}
        self._positions = {name: at for name, at in kept.items() if name in self.known}

    def set(self, name: str, position: str) -> None:
        """Set and keep the position. Raises ValueError for an unknown switch or position."""
        if name not in self.known:
            raise ValueError(f"no switch is called {name}")
        if position not in self.known[name].positions:
            raise ValueError(f"{name} can be {', '.join(self.known[name].positions)}; not {position}")
        self._positions[name] = position
        if self._storage:
            self._storage.put("switch", name, position)

    def reset(self) -> None:
        self._positions = {}
        if self._storage:
            self._storage.drop("switch")

    def as_json(self) -> list[dict[str, Json]]:
        return [
            {
                "name": switch.name,
                "position": self[switch.name],
                "positions": list(switch.positions),
                "default": switch.default,
                "meaning": switch.meaning,
                "basis": switch.basis,
            }
            for switch in self
        ]

    def as_markdown(self) -> str:
        """Return the table for a README, one row per switch."""
        rows = ["| switch | positions (default first) | meaning | basis |", "|---|---|---|---|"]
        for switch in self:
            positions = " ".join(f"`{position}`" for position in switch.positions)
            rows.append(f"| `{switch.name}` | {positions} | {switch.meaning} | {switch.basis} |")
        return "\n".join(rows) + "\n"
