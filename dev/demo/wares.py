"""What the three merchants of the catalogue demo sell, and what their programs have of it before the app comes.

Read by the demo alone. Everything odd about a catalogue is in it: variants, a SKU that stands twice, none at all,
blanks around one, stock without end, SKUs unknown over there, articles of another name.
"""

from __future__ import annotations

from typing import Any

Ware = dict[str, Any]
MAIN, FAIR = "SET", "EST"
"""Olaria's warehouses at iGEST; the shop's two locations go with them."""
GENERIC = "DIVERSOS"


def ware(sku: str | None, name: str, price: str, stock: Any, **more: Any) -> Ware:
    """One product of a shop's catalogue."""
    return {"sku": sku, "name": name, "price": price, "stock": stock, **more}


def article(ref: str, name: str, stock: Any = 0) -> Ware:
    """One article of a program's catalogue."""
    return {"ref": ref, "name": name, "stock": stock}


JUG = ware(None, "Jarro", "18.90", 0, variants=[
    {"sku": "JARRO-AZUL", "option": "Cor", "value": "Azul", "price": "18.90", "stock": 4},
    {"sku": "JARRO-VERDE", "option": "Cor", "value": "Verde", "price": "19.90", "stock": 6},
])  # fmt: skip
POTTERY = (
    ware("PRATO-01", "Prato raso", "9.80", 3), ware(" CANECA-07 ", "Caneca", "7.50", 11), JUG,
    ware("DUPLO-01", "Travessa oval", "22.00", 5), ware("DUPLO-01", "Travessa redonda", "24.00", 5),
    ware(None, "Peça única", "85.00", 1), ware("POTE-01", "Pote", "31.00", 8), ware("VASO-01", "Vaso", "14.00", 9),
    ware("NUNCA-01", "Nunca vendido", "5.00", 2), ware("TINTA-01", "Curso em vídeo", "19.00", None),
)  # fmt: skip
POTTERY_THERE = (
    article("PRATO-01", "Prato antigo, outro nome", {MAIN: 10, FAIR: 5}), article("CANECA-07", "Caneca", {MAIN: 20}),
    article("JARRO-AZUL", "Jarro azul", {MAIN: 12, FAIR: 2}), article("DUPLO-01", "Travessa", {MAIN: 3}),
    article("POTE-01", "Pote", {MAIN: 8}), article("VASO-01", "Vaso", {MAIN: 9}),
    article("TINTA-01", "Curso", {MAIN: 1}), article(GENERIC, "Diversos"),
)  # fmt: skip
FARM = (
    ware("MEL-500", "Mel de rosmaninho", "6.20", 40), ware("QUEIJO-01", "Queijo curado", "12.40", 15),
    ware("LICOR-01", "Licor", "11.00", 7),
)  # fmt: skip
FARM_THERE = (article("QUEIJO-01", "Queijo", 10),)
CLAY = (
    ware("BILHA-01", "Bilha", "16.00", 2), ware("TELHA-01", "Telha pintada", "4.50", 30),
    ware("TALHA-01", "Talha", "120.00", 1),
)  # fmt: skip
CLAY_THERE = (
    article("BILHA-01", "Bilha", 6),
    article("TELHA-01", "Telha", 25),
    article("TALHA-01", "Talha grande", 3),
)
